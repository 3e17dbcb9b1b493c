// saltus serves: against scripted servers, plain and batched, over unix sockets and TCP, and what goes wrong.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/engines/ipi_messages.hpp"
#include "saltus/engines/socket_client.hpp"
#include "saltus/potentials/lennard_jones.hpp"
#include "tests/engines/scripted_peer.hpp"

namespace saltus {
namespace {

using test::Listener;
using test::Peer;
using test::SocketName;

const LennardJones& argon() {
  static const LennardJones potential(lennard_jones_argon());
  return potential;
}

// Four atoms in a skewed cell, some outside it.
Frame four_atoms() {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({18, 18, 18, 18}));
  frame.cell = Cell(Mat3{{Vec3{9, 0, 0}, Vec3{2, 10, 0}, Vec3{-1, 3, 11}}});
  frame.position_ang = {{0.1, 0.2, 0.3}, {3.6, 0.5, -0.4}, {14.0, 15.5, 1.0}, {-1.2, 2.9, 18.3}};
  return frame;
}

ServeSettings at(const SocketName& name) {
  ServeSettings settings;
  settings.address = unix_address(name.name());
  settings.retry_s = 10;
  return settings;
}

std::string words(std::initializer_list<const char*> list) {
  std::string bytes;
  for (const char* word : list) append_word(bytes, word);
  return bytes;
}

std::string positions_of(const Frame& frame, const MessageShape& shape) {
  std::string bytes;
  const std::size_t count = shape.batch.value_or(1);
  const std::vector<Mat3> cells(count, frame.cell.rows_ang());
  std::vector<Vec3> positions;
  for (std::size_t b = 0; b < count; ++b)
    for (Vec3 r : frame.position_ang) positions.push_back(r + Vec3{0.1 * static_cast<double>(b * positions.size() % 3), 0, 0});
  append_posdata(bytes, shape, cells, positions);
  return bytes;
}

Forceready answer_from(Peer& peer, const MessageShape& shape) {
  std::string bytes;
  for (;;) {
    std::string_view rest = bytes;
    const auto message = take_client_message(rest, shape);
    if (message) return std::get<Forceready>(*message);
    const std::string next = peer.read(1);
    if (next.empty()) throw std::runtime_error("the client closed");
    bytes += next;
  }
}

Error error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorKind::internal, "nothing was thrown");
}

#define EXPECT_SAYS(error, kind_of_it, part)           \
  do {                                                 \
    const Error caught = (error);                      \
    EXPECT_EQ(caught.kind(), (kind_of_it));            \
    EXPECT_NE(std::string(caught.what()).find(part), std::string::npos) << caught.what(); \
  } while (false)

void expect_same(const Forceready& answer, const Frame& frame) {
  Workspace workspace;
  const Evaluation exact = evaluate_one(argon(), frame, {.forces = true, .virial = true}, workspace);
  ASSERT_GT(norm(exact.force_ev_ang[0]), 1e-4);
  EXPECT_NEAR(answer.energy_ev[0], exact.energy_ev, 1e-13);
  for (std::size_t i = 0; i < frame.size(); ++i) EXPECT_NEAR(norm(answer.force_ev_ang[i] - exact.force_ev_ang[i]), 0, 1e-13) << i;
  for (int a = 0; a < 3; ++a) EXPECT_NEAR(norm(answer.virial_ev[0][a] - (*exact.virial_ev)[a]), 0, 1e-13) << a;
}

TEST(Serve, AnswersStepByStep) {
  const SocketName name;
  Listener listener(name.path());
  const Frame frame = four_atoms();
  auto client = std::async(std::launch::async, [&] { return serve(argon(), frame, at(name)); });
  Peer server = listener.accept();
  server.send(words({"STATUS"}));
  EXPECT_EQ(server.word(), "NEEDINIT");
  std::string init;
  append_init(init, 0, "{}");
  server.send(init + words({"STATUS"}));
  EXPECT_EQ(server.word(), "READY");
  for (int k = 0; k < 3; ++k) {
    server.send(positions_of(frame, {4, std::nullopt}));
    server.send(words({"STATUS"}));
    EXPECT_EQ(server.word(), "HAVEDATA");
    server.send(words({"GETFORCE"}));
    expect_same(answer_from(server, {4, std::nullopt}), frame);
    server.send(words({"STATUS"}));
    EXPECT_EQ(server.word(), "READY");
  }
  server.send(words({"EXIT"}));
  EXPECT_EQ(client.get().configurations, 3);
  EXPECT_EQ(server.read(1), "");  // closed
}

// All that a server has to say in one send, and the same byte by byte, give the same bytes back.
TEST(Serve, AssumesNothingAboutBordersOfMessages) {
  const Frame frame = four_atoms();
  const std::string all = words({"STATUS"}) + positions_of(frame, {4, std::nullopt}) + words({"GETFORCE", "STATUS"}) + positions_of(frame, {4, std::nullopt}) + words({"STATUS", "GETFORCE"});
  std::vector<std::string> answers;
  for (const std::size_t piece : {all.size(), std::size_t{1}, std::size_t{7}}) {
    const SocketName name;
    Listener listener(name.path());
    auto client = std::async(std::launch::async, [&] { return serve(argon(), frame, at(name)); });
    Peer server = listener.accept();
    for (std::size_t begin = 0; begin < all.size(); begin += piece) server.send(std::string_view(all).substr(begin, piece));
    answers.push_back(server.read(12 + 12 + 2 * (12 + 8 + 4 + 96 + 72 + 4) + 12));
    server.send(words({"EXIT"}));
    EXPECT_EQ(client.get().configurations, 2);
  }
  EXPECT_TRUE(answers[0].starts_with("NEEDINIT    FORCEREADY  "));
  EXPECT_EQ(answers[1], answers[0]);
  EXPECT_EQ(answers[2], answers[0]);
}

TEST(Serve, ComputesBatches) {
  const SocketName name;
  Listener listener(name.path());
  const Frame frame = four_atoms();
  auto client = std::async(std::launch::async, [&] { return serve(argon(), frame, at(name)); });
  Peer server = listener.accept();
  std::string init;
  append_init(init, 0, "batch_size:3");
  server.send(words({"STATUS"}) + init + positions_of(frame, {4, 3}) + words({"GETFORCE", "EXIT"}));
  EXPECT_EQ(server.word(), "NEEDINIT");
  // EXIT is there already when forces are asked for, so a second request follows it no more.
  const ServeSummary summary = client.get();
  EXPECT_EQ(summary.batch, 3u);
  EXPECT_EQ(summary.configurations, 3);

  auto again = std::async(std::launch::async, [&] { return serve(argon(), frame, at(name)); });
  Peer patient = listener.accept();
  patient.send(init + positions_of(frame, {4, 3}) + words({"GETFORCE"}));
  const Forceready answer = answer_from(patient, {4, 3});
  EXPECT_EQ(answer.energy_ev.size(), 3u);
  expect_same({{answer.energy_ev[0]}, {answer.force_ev_ang.begin(), answer.force_ev_ang.begin() + 4}, {answer.virial_ev[0]}, {""}}, frame);
  patient.send(words({"EXIT"}));
  EXPECT_EQ(again.get().configurations, 3);
}

TEST(Serve, WorksOverTcp) {
  Listener listener;
  const Frame frame = four_atoms();
  ServeSettings settings;
  settings.address = tcp_address("127.0.0.1", listener.port());
  auto client = std::async(std::launch::async, [&] { return serve(argon(), frame, settings); });
  Peer server = listener.accept();
  server.send(positions_of(frame, {4, std::nullopt}) + words({"GETFORCE"}));
  expect_same(answer_from(server, {4, std::nullopt}), frame);
  server.send(words({"EXIT"}));
  EXPECT_EQ(client.get().configurations, 1);
}

// Measured where a limit is set, and said where it is passed.
class Doubtful final : public Potential {
 public:
  Doubtful() { info_.has_extrapolation = true; }
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return 1; }
  void evaluate(const Batch& batch, Want want, Workspace&, std::span<Evaluation> results) const override {
    for (Evaluation& result : results) {
      result.force_ev_ang.assign(batch.atoms->size(), Vec3{});
      result.virial_ev = Mat3{};
      if (want.extrapolation) result.extrapolation = {0.5, 0.25, 3.5, 1};
    }
  }

 private:
  PotentialInfo info_;
};

TEST(Serve, SaysWhereItExtrapolates) {
  const Frame frame = four_atoms();
  for (const double limit : {2.0, 5.0}) {
    const SocketName name;
    Listener listener(name.path());
    ServeSettings settings = at(name);
    settings.max_extrapolation = limit;
    auto client = std::async(std::launch::async, [&] { return serve(Doubtful(), frame, settings); });
    Peer server = listener.accept();
    server.send(positions_of(frame, {4, std::nullopt}) + words({"GETFORCE"}));
    EXPECT_EQ(answer_from(server, {4, std::nullopt}).extras[0], limit < 3 ? "{\"max_extrapolation\": 3.5, \"max_extrapolation_atom\": 2}" : "");
    server.send(words({"EXIT"}));
    EXPECT_EQ(client.get().beyond_limits, limit < 3 ? 1 : 0);
  }
  ServeSettings settings;
  settings.max_extrapolation = 2;
  settings.address = unix_address("nobody");
  EXPECT_SAYS(error_of([&] { serve(argon(), frame, settings); }), ErrorKind::unsupported, "no extrapolation measure");
}

TEST(Serve, WaitsForAServerThatComesLater) {
  const SocketName name;
  const Frame frame = four_atoms();
  auto client = std::async(std::launch::async, [&] { return serve(argon(), frame, at(name)); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  Listener listener(name.path());
  Peer server = listener.accept();
  server.send(words({"EXIT"}));
  EXPECT_EQ(client.get().configurations, 0);
}

TEST(ServeFaults, NoServer) {
  const SocketName name;
  ServeSettings settings = at(name);
  settings.retry_s = 0.1;
  EXPECT_SAYS(error_of([&] { serve(argon(), four_atoms(), settings); }), ErrorKind::file, name.path() + ": no server was there within 0.1 s");
  settings.address = tcp_address("127.0.0.1", Listener().port());
  EXPECT_SAYS(error_of([&] { serve(argon(), four_atoms(), settings); }), ErrorKind::file, "Connection refused");
}

TEST(ServeFaults, ServerVanishes) {
  const Frame frame = four_atoms();
  for (const bool midway : {false, true}) {
    const SocketName name;
    Listener listener(name.path());
    auto client = std::async(std::launch::async, [&] { return error_of([&] { serve(argon(), frame, at(name)); }); });
    {
      Peer server = listener.accept();
      server.send(positions_of(frame, {4, std::nullopt}) + words({"GETFORCE"}));
      answer_from(server, {4, std::nullopt});
      if (midway) server.send(positions_of(frame, {4, std::nullopt}).substr(0, 100));
    }
    const Error error = client.get();
    EXPECT_SAYS(error, ErrorKind::file, "the server closed the connection without EXIT after 1 configurations");
    EXPECT_EQ(std::string(error.what()).find("100 bytes of it came: 'POSDATA") != std::string::npos, midway) << error.what();
  }
}

TEST(ServeFaults, WrongAtomCountGarbageAndNonsense) {
  const Frame frame = four_atoms();
  const auto told = [&](const std::string& bytes) {
    const SocketName name;
    Listener listener(name.path());
    auto client = std::async(std::launch::async, [&] { return error_of([&] { serve(argon(), frame, at(name)); }); });
    Peer server = listener.accept();
    server.send(bytes);
    return client.get();
  };
  Frame three = frame;
  three.position_ang.pop_back();
  EXPECT_SAYS(told(positions_of(three, {3, std::nullopt})), ErrorKind::usage, "the server sends 3 atoms, 4 are expected");
  EXPECT_SAYS(told("GET / HTTP/1.1\r\n"), ErrorKind::format, "received 'GET / HTTP/1");
  EXPECT_SAYS(told(words({"GETFORCE"})), ErrorKind::format, "GETFORCE before any positions");
  Frame flat = frame;
  std::string bytes = positions_of(frame, {4, std::nullopt});
  std::fill(bytes.begin() + 12, bytes.begin() + 12 + 72, '\0');
  EXPECT_SAYS(told(bytes), ErrorKind::format, "singular");
  flat.position_ang[2].y = std::nan("");
  EXPECT_SAYS(told(positions_of(flat, {4, std::nullopt})), ErrorKind::numeric, "the position of atom 2 that the server sent is not finite");
}

// EXIT comes while forces are computed, and the server is gone when they are done.
class Slow final : public Potential {
 public:
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return 1; }
  void evaluate(const Batch& batch, Want, Workspace&, std::span<Evaluation> results) const override {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    for (Evaluation& result : results) result.force_ev_ang.assign(batch.atoms->size(), Vec3{});
  }

 private:
  PotentialInfo info_;
};

TEST(ServeFaults, ExitDuringACalculation) {
  const Frame frame = four_atoms();
  for (const bool asked : {false, true}) {
    const SocketName name;
    Listener listener(name.path());
    auto client = std::async(std::launch::async, [&] { return serve(Slow(), frame, at(name)).configurations; });
    {
      Peer server = listener.accept();
      server.send(positions_of(frame, {4, std::nullopt}) + (asked ? words({"GETFORCE"}) : ""));
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      server.send(words({"EXIT"}));
    }
    EXPECT_EQ(client.get(), 1);
  }
}

TEST(ServeFaults, StopEndsTheWaitForAServerAndForItsWord) {
  const SocketName name;
  const Frame frame = four_atoms();
  EXPECT_THROW(serve(argon(), frame, at(name), {}, [] { return true; }), Interrupted);
  Listener listener(name.path());
  std::atomic<bool> stop = false;
  auto client = std::async(std::launch::async, [&] {
    try {
      serve(argon(), frame, at(name), {}, [&] { return stop.load(); });
    } catch (const Interrupted&) {
      return true;
    }
    return false;
  });
  Peer server = listener.accept();
  stop = true;
  EXPECT_TRUE(client.get());
}

}  // namespace
}  // namespace saltus
