// The server: clients of Saltus and scripted ones, many of them, cells in any orientation, and every fault that a client can have.
#include <atomic>
#include <cmath>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/engines/ipi_messages.hpp"
#include "saltus/engines/open_potential.hpp"
#include "saltus/engines/socket_client.hpp"
#include "saltus/engines/socket_potential.hpp"
#include "saltus/potentials/lennard_jones.hpp"
#include "tests/engines/scripted_peer.hpp"

namespace saltus {
namespace {

using test::connect_unix;
using test::Listener;
using test::Peer;
using test::Process;
using test::SocketName;

const LennardJones& argon() {
  static const LennardJones potential(lennard_jones_argon());
  return potential;
}

// Upper triangular in nothing: i-PI's convention needs it turned.
Frame turned_cell() {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({18, 18, 18, 18}));
  frame.cell = Cell(Mat3{{Vec3{5, 6, -3}, Vec3{-7, 6, 2}, Vec3{3, 1, 9}}});
  frame.position_ang = {{0.1, 0.2, 0.3}, {3.6, 0.5, -0.4}, {14.0, 15.5, 1.0}, {-1.2, 2.9, 18.3}};
  return frame;
}

Frame plain_cell() {
  Frame frame = turned_cell();
  frame.cell = Cell(Mat3{{Vec3{11, 0, 0}, Vec3{0, 12, 0}, Vec3{0, 0, 13}}});
  return frame;
}

/// A batch of B frames that differ.
struct Frames {
  Frame frame;
  std::vector<Cell> cells;
  std::vector<Vec3> positions;
  Frames(Frame first, std::size_t count) : frame(std::move(first)), cells(count, frame.cell) {
    for (std::size_t b = 0; b < count; ++b)
      for (const Vec3& r : frame.position_ang) positions.push_back((1 + 0.002 * static_cast<double>(b)) * r);
  }
  Batch batch() const { return {frame.atoms.get(), cells, positions}; }
};

struct Warnings {
  std::mutex mutex;
  std::vector<std::string> texts;
  std::function<void(const std::string&)> sink() {
    return [this](const std::string& text) {
      const std::lock_guard guard(mutex);
      texts.push_back(text);
    };
  }
};

SocketSettings at(const SocketName& name, Warnings* warnings = nullptr) {
  SocketSettings settings;
  settings.address = unix_address(name.name());
  settings.wait_s = 20;
  settings.timeout_s = 20;
  if (warnings) settings.warn = warnings->sink();
  return settings;
}

/// `saltus serve` in a thread, until EXIT: the future must outlive the server.
std::future<ServeSummary> served_by(const SocketName& name, const Potential& potential, const Frame& frame) {
  ServeSettings settings;
  settings.address = unix_address(name.name());
  return std::async(std::launch::async, [&potential, frame, settings] { return serve(potential, frame, settings); });
}

Error error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorKind::internal, "nothing was thrown");
}

void expect_error(const Error& error, ErrorKind kind, const std::string& part) {
  EXPECT_EQ(error.kind(), kind);
  EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
}

const Want everything{.forces = true, .virial = true};

/// All results are those of the potential called directly.
void expect_direct(const Frames& frames, const std::vector<Evaluation>& results) {
  Workspace workspace;
  std::vector<Evaluation> exact(results.size());
  argon().evaluate(frames.batch(), everything, workspace, exact);
  for (std::size_t b = 0; b < results.size(); ++b) {
    ASSERT_GT(norm(exact[b].force_ev_ang[0]), 1e-4);
    EXPECT_NEAR(results[b].energy_ev, exact[b].energy_ev, 1e-13) << b;
    for (std::size_t i = 0; i < frames.frame.size(); ++i) EXPECT_NEAR(norm(results[b].force_ev_ang[i] - exact[b].force_ev_ang[i]), 0, 1e-13) << b << " " << i;
    for (int a = 0; a < 3; ++a) EXPECT_NEAR(norm((*results[b].virial_ev)[a] - (*exact[b].virial_ev)[a]), 0, 1e-13) << b << " " << a;
  }
}

TEST(SocketPotential, GivesWhatTheClientsPotentialGivesInAnyCell) {
  for (const Frame& frame : {plain_cell(), turned_cell()}) {
    const SocketName name;
    std::future<ServeSummary> client;
    {
      const SocketPotential server(at(name));
      client = served_by(name, argon(), frame);
      const Frames frames(frame, 3);
      std::vector<Evaluation> results(3);
      Workspace workspace;
      for (int k = 0; k < 2; ++k) {
        server.evaluate(frames.batch(), everything, workspace, results);
        expect_direct(frames, results);
      }
      EXPECT_EQ(server.clients(), 1u);
    }
    EXPECT_EQ(client.get().configurations, 6);  // which EXIT ended
    EXPECT_FALSE(std::filesystem::exists(name.path()));
  }
}

TEST(SocketPotential, WorksOverTcp) {
  SocketSettings settings = socket_settings("localhost:" + std::to_string(Listener().port()) + ",wait_s=20,timeout_s=20");
  const Frames frames(plain_cell(), 2);
  std::future<ServeSummary> client;
  {
    const SocketPotential server(settings);
    ServeSettings own;
    own.address = settings.address;
    client = std::async(std::launch::async, [&, own] { return serve(argon(), frames.frame, own); });
    std::vector<Evaluation> results(2);
    Workspace workspace;
    server.evaluate(frames.batch(), everything, workspace, results);
    expect_direct(frames, results);
  }
  EXPECT_EQ(client.get().configurations, 2);
}

// Counts its calls and says by its energy who it is.
class Counting final : public Potential {
 public:
  explicit Counting(double mark) : mark_(mark) {}
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return 1; }
  void evaluate(const Batch& batch, Want, Workspace&, std::span<Evaluation> results) const override {
    ++calls;
    if (fails) throw Error(ErrorKind::numeric, "no convergence");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    for (Evaluation& result : results) {
      result.energy_ev = mark_;
      result.force_ev_ang.assign(batch.atoms->size(), Vec3{});
    }
  }
  mutable std::atomic<int> calls = 0;
  std::atomic<bool> fails = false;

 private:
  double mark_;
  PotentialInfo info_;
};

TEST(SocketPotential, ABeadStaysWithItsClient) {
  const SocketName name;
  const Frames frames(plain_cell(), 4);
  std::vector<std::unique_ptr<Counting>> potentials;
  std::vector<std::future<ServeSummary>> clients;
  {
    const SocketPotential server(at(name));
    for (int k = 0; k < 4; ++k) {
      potentials.push_back(std::make_unique<Counting>(k + 1.0));
      clients.push_back(served_by(name, *potentials.back(), frames.frame));
    }
    std::vector<Evaluation> results(4);
    Workspace workspace;
    for (int k = 0; k < 1000 && server.clients() < 4; ++k) server.evaluate(frames.batch(), {}, workspace, results);
    ASSERT_EQ(server.clients(), 4u);
    server.evaluate(frames.batch(), {}, workspace, results);
    std::vector<double> who;
    for (const Evaluation& result : results) who.push_back(result.energy_ev);
    int kept = 0;
    constexpr int calls = 40;
    for (int k = 0; k < calls; ++k) {
      server.evaluate(frames.batch(), {}, workspace, results);
      for (std::size_t b = 0; b < 4; ++b) kept += results[b].energy_ev == who[b];
      for (std::size_t b = 0; b < 4; ++b) who[b] = results[b].energy_ev;
    }
    // On a very busy machine a client that is a second late loses its bead.
    EXPECT_GE(kept, 4 * calls - 8);
  }
  for (auto& client : clients) EXPECT_GT(client.get().configurations, 0);
}

// Though the other is idle when the next call comes, and the one that answered has not yet said that it is ready.
TEST(SocketPotential, AnIdleClientDoesNotTakeTheNextStepOfAnother) {
  const SocketName name;
  const Frames frames(plain_cell(), 1);
  const Counting first(1), second(2);
  std::vector<std::future<ServeSummary>> clients;
  {
    const SocketPotential server(at(name));
    for (const Counting* potential : {&first, &second}) clients.push_back(served_by(name, *potential, frames.frame));
    std::vector<Evaluation> results(1);
    Workspace workspace;
    for (int k = 0; k < 1000 && server.clients() < 2; ++k) server.evaluate(frames.batch(), {}, workspace, results);
    const double who = results[0].energy_ev;
    for (int k = 0; k < 40; ++k) {
      server.evaluate(frames.batch(), {}, workspace, results);
      EXPECT_NEAR(results[0].energy_ev, who, 1e-12);
    }
  }
  for (auto& client : clients) client.get();
}

// Of four beads with a client each, one client dies: another takes over for a step, then a newcomer gets that bead, and the other three are where they were.
TEST(SocketPotential, ANewcomerGetsTheBeadOfTheDead) {
  const SocketName name;
  const Frames frames(plain_cell(), 4);
  std::vector<std::unique_ptr<Counting>> potentials;
  std::vector<std::future<ServeSummary>> clients;
  {
    const SocketPotential server(at(name));
    std::vector<Evaluation> results(4);
    Workspace workspace;
    const auto who = [&] {
      server.evaluate(frames.batch(), {}, workspace, results);
      std::vector<double> marks;
      for (const Evaluation& result : results) marks.push_back(result.energy_ev);
      return marks;
    };
    const auto join = [&](double mark) {
      potentials.push_back(std::make_unique<Counting>(mark));
      clients.push_back(served_by(name, *potentials.back(), frames.frame));
    };
    for (int k = 0; k < 4; ++k) join(k + 1.0);
    for (int k = 0; k < 1000 && server.clients() < 4; ++k) who();
    ASSERT_EQ(server.clients(), 4u);
    for (int k = 0; k < 5; ++k) who();
    const std::vector<double> before = who();
    ASSERT_EQ(std::set<double>(before.begin(), before.end()).size(), 4u);
    const std::size_t dead = 1;
    const auto d = static_cast<std::size_t>(std::lround(before[dead])) - 1;
    potentials[d]->fails = true;
    std::vector<double> expected = before;
    EXPECT_NE(who()[dead], before[dead]);
    join(9);
    for (int k = 0; k < 1000 && server.clients() < 4; ++k) who();
    ASSERT_EQ(server.clients(), 4u);
    who();
    expected[dead] = 9;
    EXPECT_EQ(who(), expected);
    EXPECT_THROW(clients[d].get(), Error);
    clients.erase(clients.begin() + static_cast<std::ptrdiff_t>(d));
  }
  for (auto& client : clients) client.get();
}

TEST(SocketPotential, ManyClientsConnectAtOnce) {
  const SocketName name;
  const Frames frames(plain_cell(), 8);
  constexpr int count = 150;
  std::vector<Peer> idle;
  std::future<ServeSummary> client;
  const SocketPotential server(at(name));
  // Before the first force call nobody takes connections: they queue.
  for (int k = 0; k < count; ++k) idle.push_back(connect_unix(name.path()));
  client = served_by(name, argon(), frames.frame);
  std::vector<Evaluation> results(8);
  Workspace workspace;
  server.evaluate(frames.batch(), everything, workspace, results);
  expect_direct(frames, results);
  for (Peer& peer : idle) EXPECT_EQ(peer.word(), "STATUS");
}

/// A client by the book up to where it is given positions.
void take_work(Peer& peer, std::size_t atoms) {
  if (peer.word() != "STATUS") throw std::runtime_error("no STATUS");
  std::string ready;
  append_word(ready, "READY");
  peer.send(ready);
  peer.read(12 + 144 + 4 + 24 * atoms + 12);
}

/// The positions that a client is given, as they are on the wire.
TEST(SocketPotential, FarAtomsAreSentAsTheirImagesInTheCell) {
  const SocketName name;
  Frame frame = plain_cell();  // 11 × 12 × 13 Å
  frame.cell = Cell(frame.cell.rows_ang(), {true, true, false});
  frame.position_ang = {{-2.5, 14.9, 5}, {-3, 15.1, 60}, {40, 1, -60}, {1, 2, 3}};
  const std::vector<Vec3> expected{{-2.5, 14.9, 5}, {8, 3.1, 60}, {7, 1, -60}, {1, 2, 3}};
  std::vector<Vec3> given;
  const SocketPotential server(at(name));
  auto client = std::async(std::launch::async, [&] {
    Peer peer = connect_unix(name.path());
    peer.word();
    std::string bytes;
    append_word(bytes, "READY");
    peer.send(bytes);
    const std::string sent = peer.read(12 + 144 + 4 + 24 * 4 + 12);
    std::string_view rest = sent;
    given = std::get<Posdata>(*take_server_message(rest, {4, std::nullopt})).position_ang;
    bytes.clear();
    append_forceready(bytes, {4, std::nullopt}, {{1}, std::vector<Vec3>(4), {Mat3{}}, {""}});
    peer.send(bytes);
  });
  std::vector<Evaluation> results(1);
  Workspace workspace;
  server.evaluate(Frames(frame, 1).batch(), {}, workspace, results);
  client.get();
  ASSERT_EQ(given.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(norm(given[i] - expected[i]), 0, 1e-13) << i;
}

std::string forces_answer(std::size_t atoms, double energy = 1, double force = 0) {
  std::string bytes;
  append_forceready(bytes, {atoms, std::nullopt}, {{energy}, std::vector<Vec3>(atoms, Vec3{0, force, 0}), {Mat3{}}, {""}});
  return bytes;
}

/// One bad client first, then a good one: the batch is computed all the same, and one warning says what was wrong.
void expect_replaced(const std::function<void(Peer&)>& misbehave, const std::string& complaint, double timeout_s = 20) {
  const SocketName name;
  Warnings warnings;
  SocketSettings settings = at(name, &warnings);
  settings.timeout_s = timeout_s;
  const Frames frames(plain_cell(), 2);
  std::future<ServeSummary> good;
  std::promise<void> over;
  {
    const SocketPotential server(settings);
    auto bad = std::async(std::launch::async, [&] {
      Peer peer = connect_unix(name.path());
      misbehave(peer);
      good = served_by(name, argon(), frames.frame);
      over.get_future().wait();
    });
    std::vector<Evaluation> results(2);
    Workspace workspace;
    server.evaluate(frames.batch(), everything, workspace, results);
    expect_direct(frames, results);
    over.set_value();
    bad.get();
  }
  EXPECT_GE(good.get().configurations, 2);
  ASSERT_EQ(warnings.texts.size(), 1u);
  const std::string& text = warnings.texts[0];
  EXPECT_TRUE(text.starts_with(name.path() + ": client 1 (process ")) << text;
  EXPECT_NE(text.find(complaint), std::string::npos) << text;
}

TEST(SocketFaults, ClientThatBreaksOffIsReplaced) {
  expect_replaced([](Peer& peer) { take_work(peer, 4), peer.close(); }, ", configuration 0 of 2: closed the connection; it is dropped, its configuration goes to another");
  expect_replaced([](Peer& peer) { take_work(peer, 4), peer.send(forces_answer(4).substr(0, 77)), peer.close(); }, "closed the connection in the middle of its answer, after 77 bytes");
}

TEST(SocketFaults, GarbageIsReplaced) {
  expect_replaced([](Peer& peer) { take_work(peer, 4), peer.send("HTTP/1.1 200 OK\r\n"); }, "configuration 0 of 2: received 'HTTP/1.1 200', which begins no message of a client");
  expect_replaced([](Peer& peer) { peer.send("\x16\x03\x01"); }, "received '\\x16\\x03\\x01'");
  std::string ready;
  append_word(ready, "READY");
  expect_replaced([&](Peer& peer) { take_work(peer, 4), peer.send(ready); }, "sent READY where FORCEREADY was due");
  std::string needinit;
  append_word(needinit, "NEEDINIT");
  expect_replaced([&](Peer& peer) { peer.send(needinit), peer.read(12 + 12 + 10), peer.send(needinit); }, "sent NEEDINIT again");
  expect_replaced([&](Peer& peer) { peer.send(forces_answer(4)); }, "sent FORCEREADY where READY was due");
}

TEST(SocketFaults, WrongLengthAndWrongAtomCountAreReplaced) {
  expect_replaced([](Peer& peer) { take_work(peer, 4), peer.send(forces_answer(5)); }, "answered with forces on 5 atoms, 4 were asked for");
  // Bytes too many for the atoms that it names.
  expect_replaced([](Peer& peer) { take_work(peer, 4), peer.send(forces_answer(5).replace(20, 4, std::string("\x04\0\0\0", 4))); }, "sent 24 bytes more than its message holds");
  // Bytes too few: the answer never comes to its end.
  expect_replaced([](Peer& peer) { take_work(peer, 4), peer.send(forces_answer(4).substr(0, 100)); }, "did not answer within 0.4 s", 0.4);
}

TEST(SocketFaults, ForcesThatAreNotFiniteAreReplaced) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  expect_replaced([&](Peer& peer) { take_work(peer, 4), peer.send(forces_answer(4, 1, nan)); }, "a force on atom 0 (Ar) that is not finite");
  expect_replaced([&](Peer& peer) { take_work(peer, 4), peer.send(forces_answer(4, nan)); }, "an energy that is not finite");
}

TEST(SocketFaults, AfterThreeClientsTheConfigurationIsAtFault) {
  const SocketName name;
  Warnings warnings;
  const Frames frames(plain_cell(), 1);
  const SocketPotential server(at(name, &warnings));
  auto bad = std::async(std::launch::async, [&] {
    for (int k = 0; k < 3; ++k) {
      Peer peer = connect_unix(name.path());
      take_work(peer, 4);
      peer.send(forces_answer(4, 1, std::nan("")));
      peer.read(1);
    }
  });
  std::vector<Evaluation> results(1);
  Workspace workspace;
  expect_error(error_of([&] { server.evaluate(frames.batch(), {}, workspace, results); }), ErrorKind::numeric, "configuration 0 failed with 3 clients; the last: client 3");
  EXPECT_EQ(warnings.texts.size(), 2u);
}

// A process that dies, and one that is stopped: seen by the end of the connection, and by the time limit.
TEST(SocketFaults, ClientKilledAndClientStopped) {
  for (const int signal : {SIGKILL, SIGSTOP}) {
    const SocketName name;
    Process client([&] {
      Peer peer = connect_unix(name.path());
      take_work(peer, 4);
      for (;;) ::pause();
    });
    Warnings warnings;
    SocketSettings settings = at(name, &warnings);
    settings.timeout_s = 0.5;
    const Frames frames(plain_cell(), 2);
    std::future<ServeSummary> good;
    const SocketPotential server(settings);
    auto later = std::async(std::launch::async, [&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      client.signal(signal);
      good = served_by(name, argon(), frames.frame);
    });
    std::vector<Evaluation> results(2);
    Workspace workspace;
    server.evaluate(frames.batch(), everything, workspace, results);
    expect_direct(frames, results);
    ASSERT_EQ(warnings.texts.size(), 1u);
    EXPECT_NE(warnings.texts[0].find(signal == SIGKILL ? "closed the connection" : "did not answer within 0.5 s"), std::string::npos) << warnings.texts[0];
    later.get();
  }
}

TEST(SocketFaults, ASlowClientIsJustSlow) {
  const SocketName name;
  Warnings warnings;
  const Frames frames(plain_cell(), 1);
  const SocketPotential server(at(name, &warnings));
  auto slow = std::async(std::launch::async, [&] {
    Peer peer = connect_unix(name.path());
    take_work(peer, 4);
    const std::string answer = forces_answer(4, -3);
    for (const char byte : answer) {
      peer.send({&byte, 1});
      ::usleep(3000);
    }
    return peer.word();
  });
  std::vector<Evaluation> results(1);
  Workspace workspace;
  server.evaluate(frames.batch(), {}, workspace, results);
  EXPECT_NEAR(results[0].energy_ev, -3, 1e-14);
  EXPECT_TRUE(warnings.texts.empty());
  EXPECT_EQ(slow.get(), "STATUS");
}

TEST(SocketFaults, NoClient) {
  const SocketName name;
  SocketSettings settings = at(name);
  settings.wait_s = 0.2;
  const Frames frames(plain_cell(), 1);
  std::vector<Evaluation> results(1);
  Workspace workspace;
  std::future<ServeSummary> good;
  const SocketPotential server(settings);
  const auto evaluate = [&] { server.evaluate(frames.batch(), {}, workspace, results); };
  expect_error(error_of(evaluate), ErrorKind::file, name.path() + ": no client came within 0.2 s (wait_s); start one, for example: saltus serve MODEL --frame FRAME --unix " + name.name());
  // One that connects and says nothing is none.
  Peer silent = connect_unix(name.path());
  expect_error(error_of(evaluate), ErrorKind::file, "no client came within 0.2 s");
  // One that goes, and none that follows.
  auto gone = std::async(std::launch::async, [&] {
    Peer peer = connect_unix(name.path());
    take_work(peer, 4);
  });
  expect_error(error_of(evaluate), ErrorKind::file, "no client was left for 0.2 s (wait_s); the last: client 2");
  // The same call succeeds when one is there.
  good = served_by(name, argon(), frames.frame);
  EXPECT_NO_THROW(evaluate());
}

TEST(SocketFaults, WhatIsComputedInVainIsThrownAway) {
  const SocketName name;
  std::atomic<bool> stop = false;
  SocketSettings settings = at(name);
  settings.stop = [&] { return stop.load(); };
  const SocketPotential server(settings);
  const Frames frames(plain_cell(), 1);
  std::vector<Evaluation> results(1);
  Workspace workspace;
  std::promise<void> interrupted;
  auto client = std::async(std::launch::async, [&] {
    Peer peer = connect_unix(name.path());
    take_work(peer, 4);
    stop = true;
    interrupted.get_future().wait();
    peer.send(forces_answer(4, 17));
    take_work(peer, 4);
    peer.send(forces_answer(4, 18));
  });
  EXPECT_THROW(server.evaluate(frames.batch(), {}, workspace, results), Interrupted);
  stop = false;
  interrupted.set_value();
  server.evaluate(frames.batch(), {}, workspace, results);
  EXPECT_NEAR(results[0].energy_ev, 18, 1e-12);
  client.get();
}

TEST(SocketFaults, AddressesThatCannotBeHad) {
  const SocketName name;
  {
    const SocketPotential first(at(name));
    expect_error(error_of([&] { const SocketPotential second(at(name)); }), ErrorKind::file, "another program listens there");
    SocketSettings tcp;
    Listener listener;
    tcp.address = tcp_address("127.0.0.1", listener.port());
    expect_error(error_of([&] { const SocketPotential second(tcp); }), ErrorKind::file, "the port is in use");
  }
  // What a killed server leaves.
  { Listener stale(name.path()); }
  ASSERT_TRUE(std::filesystem::exists(name.path()));
  { const SocketPotential server(at(name)); }
  EXPECT_FALSE(std::filesystem::exists(name.path()));
  // A file of somebody's is not removed.
  write_file_atomically(name.path(), "precious");
  expect_error(error_of([&] { const SocketPotential server(at(name)); }), ErrorKind::file, "is there, and is no socket");
  EXPECT_EQ(read_file(name.path()), "precious");
}

TEST(SocketFaults, CellsThatCannotBeSent) {
  const SocketName name;
  const SocketPotential server(at(name));
  std::vector<Evaluation> results(1);
  Workspace workspace;
  Frame frame = plain_cell();
  frame.cell = Cell();
  expect_error(error_of([&] { server.evaluate(Frames(frame, 1).batch(), {}, workspace, results); }), ErrorKind::usage, "needs a cell, and the starting frame has none");
  frame.cell = Cell(Mat3{{Vec3{9, 0, 0}, Vec3{0, 9, 0}, Vec3{}}}, {true, true, false});
  expect_error(error_of([&] { server.evaluate(Frames(frame, 1).batch(), {}, workspace, results); }), ErrorKind::usage, "lattice vector c has no length");
  frame.cell = Cell(Mat3{{Vec3{0, 9, 0}, Vec3{9, 0, 0}, Vec3{0, 0, 9}}});
  expect_error(error_of([&] { server.evaluate(Frames(frame, 1).batch(), {}, workspace, results); }), ErrorKind::usage, "left-handed");
}

TEST(SocketPotential, Settings) {
  const SocketSettings plain = socket_settings("unix:water"), full = socket_settings("[::1]:31415,stress,timeout_s=1.5,wait_s=60");
  EXPECT_EQ(plain.address.unix_path, "/tmp/ipi_water");
  EXPECT_FALSE(plain.stress);
  EXPECT_EQ(full.address.host, "::1");
  EXPECT_EQ(full.address.port, 31415);
  EXPECT_TRUE(full.stress);
  EXPECT_EQ(full.timeout_s, 1.5);
  EXPECT_EQ(full.wait_s, 60);
  EXPECT_EQ(socket_settings("unix:w,prefix=/run/q_").address.unix_path, "/run/q_w");
  for (const char* wrong : {"", "unix:", "water", "host:0", "host:65536", "host:x", ":5", "host:5,timeout_s=0", "host:5,timeout_s=nan", "host:5,prefix=/x", "unix:w,stres"})
    EXPECT_EQ(error_of([&] { socket_settings(wrong); }).kind(), ErrorKind::usage) << wrong;
  expect_error(error_of([] { socket_settings("unix:w,timeot_s=5"); }), ErrorKind::usage, "did you mean 'timeout_s'?");
  expect_error(error_of([] { socket_settings("unix:" + std::string(200, 'x')); }), ErrorKind::usage, "at most 107 bytes");
  EXPECT_TRUE(is_remote("socket:unix:water"));
  EXPECT_FALSE(is_remote("sockets.safetensors"));
  expect_error(error_of([] { open_potential("socket:unix:w", {.precision = Dtype::f64, .exact_radial = false, .head = {}}, {}); }), ErrorKind::usage, "settings of networks");
}

}  // namespace
}  // namespace saltus
