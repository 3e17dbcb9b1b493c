// The wire format byte by byte, and streams cut anywhere.
#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/engines/ipi_messages.hpp"

namespace saltus {
namespace {

constexpr double bohr = units::ang_per_bohr, hartree = units::ev_per_hartree, force_unit = units::ev_ang_per_hartree_bohr;

template <class... T>
std::string raw(T... values) {
  std::string bytes;
  (bytes.append(reinterpret_cast<const char*>(&values), sizeof values), ...);
  return bytes;
}

const Mat3 triclinic{{Vec3{4 * bohr, 0, 0}, Vec3{1 * bohr, 5 * bohr, 0}, Vec3{-2 * bohr, 3 * bohr, 8 * bohr}}};

TEST(IpiMessages, WordsAreTwelveBytes) {
  std::string bytes;
  for (const char* word : {"STATUS", "READY", "NEEDINIT"}) append_word(bytes, word);
  EXPECT_EQ(bytes, "STATUS      READY       NEEDINIT    ");
  std::string init;
  append_init(init, 7, "{}");
  EXPECT_EQ(init, "INIT        " + raw(std::int32_t{7}, std::int32_t{2}) + "{}");
}

// Lattice vectors are the columns of h: a_x b_x c_x a_y …; so are those of its inverse.
TEST(IpiMessages, PosdataOfATriclinicCell) {
  std::string bytes;
  append_posdata(bytes, {2, std::nullopt}, {&triclinic, 1}, std::vector<Vec3>{{bohr, 2 * bohr, 3 * bohr}, {-bohr, 0.5 * bohr, 0}});
  const std::string h = raw(4.0, 1.0, -2.0, 0.0, 5.0, 3.0, 0.0, 0.0, 8.0);
  ASSERT_EQ(bytes.size(), 12u + 144 + 4 + 48);
  EXPECT_EQ(bytes.substr(0, 12), "POSDATA     ");
  EXPECT_EQ(bytes.substr(12, 72), h);
  EXPECT_EQ(bytes.substr(156), raw(std::int32_t{2}, 1.0, 2.0, 3.0, -1.0, 0.5, 0.0));
  double inverse[9];
  std::memcpy(inverse, bytes.data() + 84, sizeof inverse);
  const double expected[9] = {1 / 4.0, -1 / 20.0, 13 / 160.0, 0, 1 / 5.0, -3 / 40.0, 0, 0, 1 / 8.0};
  for (int k = 0; k < 9; ++k) EXPECT_NEAR(inverse[k], expected[k], 1e-16) << k;
}

TEST(IpiMessages, BatchedPosdataHasTheAtomCountFirst) {
  const std::vector<Mat3> cells{triclinic, Mat3::identity()};
  const std::vector<Vec3> positions{{bohr, 0, 0}, {0, bohr, 0}};
  std::string bytes;
  append_posdata(bytes, {1, 2}, cells, positions);
  ASSERT_EQ(bytes.size(), 12u + 4 + 2 * 144 + 2 * 24);
  EXPECT_EQ(bytes.substr(12, 4), raw(std::int32_t{1}));
  EXPECT_EQ(bytes.substr(16, 72), raw(4.0, 1.0, -2.0, 0.0, 5.0, 3.0, 0.0, 0.0, 8.0));
  EXPECT_EQ(bytes.substr(16 + 288), raw(1.0, 0.0, 0.0, 0.0, 1.0, 0.0));
  std::string_view rest = bytes;
  const auto message = take_server_message(rest, {1, 2});
  ASSERT_TRUE(message);
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(std::get<Posdata>(*message).cell_rows_ang[0], triclinic);
  EXPECT_EQ(std::get<Posdata>(*message).position_ang, positions);
}

TEST(IpiMessages, ForcereadyTransposesTheVirial) {
  const Mat3 virial{{Vec3{1, 2, 3}, Vec3{4, 5, 6}, Vec3{7, 8, 9}}};
  Mat3 in_ev = virial;
  for (int k = 0; k < 3; ++k) in_ev[k] *= hartree;
  std::string bytes;
  append_forceready(bytes, {1, std::nullopt}, {{-2 * hartree}, {{force_unit, 0, -force_unit}}, {in_ev}, {"{\"a\": 1}"}});
  EXPECT_EQ(bytes, "FORCEREADY  " + raw(-2.0, std::int32_t{1}, 1.0, 0.0, -1.0, 1.0, 4.0, 7.0, 2.0, 5.0, 8.0, 3.0, 6.0, 9.0, std::int32_t{8}) + "{\"a\": 1}");
  std::string_view rest = bytes;
  const auto message = take_client_message(rest, {1, std::nullopt});
  ASSERT_TRUE(message);
  const auto& answer = std::get<Forceready>(*message);
  EXPECT_EQ(answer.energy_ev, std::vector<double>{-2 * hartree});
  EXPECT_EQ(answer.virial_ev[0], in_ev);
  EXPECT_EQ(answer.extras[0], "{\"a\": 1}");
}

std::string server_stream(const MessageShape& shape) {
  const std::size_t count = shape.batch.value_or(1);
  std::vector<Mat3> cells(count, triclinic);
  std::vector<Vec3> positions;
  for (std::size_t i = 0; i < count * shape.atoms; ++i) positions.push_back({0.1 * static_cast<double>(i), -1.5, 2.25});
  std::string bytes;
  append_word(bytes, "STATUS");
  append_init(bytes, 3, "some text");
  append_posdata(bytes, shape, cells, positions);
  append_word(bytes, "GETFORCE");
  append_word(bytes, "EXIT");
  return bytes;
}

std::string client_stream(const MessageShape& shape) {
  const std::size_t count = shape.batch.value_or(1);
  Forceready answer;
  for (std::size_t b = 0; b < count; ++b) {
    answer.energy_ev.push_back(-1.5 * static_cast<double>(b + 1));
    answer.virial_ev.push_back(triclinic);
    answer.extras.push_back(b ? "" : "{}");
  }
  for (std::size_t i = 0; i < count * shape.atoms; ++i) answer.force_ev_ang.push_back({0.1 * static_cast<double>(i), -1.5, 2.25});
  std::string bytes;
  append_word(bytes, "NEEDINIT");
  append_word(bytes, "READY");
  append_word(bytes, "HAVEDATA");
  append_forceready(bytes, shape, answer);
  return bytes;
}

// What was read, as bytes again.
std::string written(const ServerMessage& message, const MessageShape& shape) {
  std::string bytes;
  if (std::holds_alternative<Status>(message)) append_word(bytes, "STATUS");
  if (std::holds_alternative<Getforce>(message)) append_word(bytes, "GETFORCE");
  if (std::holds_alternative<Exit>(message)) append_word(bytes, "EXIT");
  if (const auto* init = std::get_if<Init>(&message)) append_init(bytes, init->bead, init->text);
  if (const auto* posdata = std::get_if<Posdata>(&message)) append_posdata(bytes, shape, posdata->cell_rows_ang, posdata->position_ang);
  return bytes;
}

std::string written(const ClientMessage& message, const MessageShape& shape) {
  std::string bytes;
  if (std::holds_alternative<Ready>(message)) append_word(bytes, "READY");
  if (std::holds_alternative<Needinit>(message)) append_word(bytes, "NEEDINIT");
  if (std::holds_alternative<Havedata>(message)) append_word(bytes, "HAVEDATA");
  if (const auto* answer = std::get_if<Forceready>(&message)) append_forceready(bytes, shape, *answer);
  return bytes;
}

/// The stream given in pieces that end at these places, read as it comes.
template <class Take>
std::string read_in_pieces(const std::string& stream, const std::vector<std::size_t>& ends, const MessageShape& shape, Take take) {
  std::string pending, out;
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    pending += stream.substr(begin, end - begin);
    begin = end;
    std::string_view rest = pending;
    while (const auto message = take(rest, shape)) out += written(*message, shape);
    pending.erase(0, pending.size() - rest.size());
  }
  EXPECT_TRUE(pending.empty());
  return out;
}

TEST(IpiMessages, StreamsMayBeCutAtEveryByte) {
  for (const MessageShape& shape : {MessageShape{3, std::nullopt}, MessageShape{3, 1}, MessageShape{2, 3}}) {
    const std::string server = server_stream(shape), client = client_stream(shape);
    const std::string of_server = read_in_pieces(server, {server.size()}, shape, take_server_message);
    const std::string of_client = read_in_pieces(client, {client.size()}, shape, take_client_message);
    EXPECT_EQ(of_server.size(), server.size());
    EXPECT_EQ(of_client.size(), client.size());
    for (std::size_t cut = 0; cut <= server.size(); ++cut) EXPECT_EQ(read_in_pieces(server, {cut, server.size()}, shape, take_server_message), of_server) << cut;
    for (std::size_t cut = 0; cut <= client.size(); ++cut) EXPECT_EQ(read_in_pieces(client, {cut, client.size()}, shape, take_client_message), of_client) << cut;
    std::vector<std::size_t> each;
    for (std::size_t end = 1; end <= server.size(); ++end) each.push_back(end);
    EXPECT_EQ(read_in_pieces(server, each, shape, take_server_message), of_server);
  }
}

ErrorKind kind_of(const std::function<void()>& action, const std::string& part_of_message) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(part_of_message), std::string::npos) << error.what();
    return error.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorKind::internal;
}

TEST(IpiMessages, WhatIsNoMessageIsRefusedAtOnce) {
  const auto server = [](std::string bytes, std::size_t atoms = 2) {
    return [bytes = std::move(bytes), atoms] {
      std::string_view rest = bytes;
      take_server_message(rest, {atoms, std::nullopt});
    };
  };
  const auto client = [](std::string bytes) {
    return [bytes = std::move(bytes)] {
      std::string_view rest = bytes;
      take_client_message(rest, {2, std::nullopt});
    };
  };
  EXPECT_NO_THROW(server("G")());  // may become GETFORCE
  EXPECT_EQ(kind_of(server("X"), "'X', which begins no message"), ErrorKind::format);
  EXPECT_EQ(kind_of(server("STATUSSTATUS"), "begins no message"), ErrorKind::format);
  EXPECT_EQ(kind_of(server(std::string("STATUS\0\0\0\0\0\0", 12)), "STATUS\\x00"), ErrorKind::format);
  EXPECT_EQ(kind_of(client("STATUS"), "of a client"), ErrorKind::format);
  EXPECT_EQ(kind_of(server("INIT        " + raw(std::int32_t{0}, std::int32_t{-1})), "-1 bytes"), ErrorKind::format);
  EXPECT_EQ(kind_of(server("INIT        " + raw(std::int32_t{0}, std::int32_t{1 << 30})), "at most"), ErrorKind::format);
  const std::string cell(144, '\0');
  EXPECT_EQ(kind_of(server("POSDATA     " + cell + raw(std::int32_t{3})), "sends 3 atoms, 2 are expected"), ErrorKind::usage);
  EXPECT_EQ(kind_of(server("POSDATA     " + cell + raw(std::int32_t{-2})), "sends -2 atoms"), ErrorKind::usage);
  EXPECT_EQ(kind_of(client("FORCEREADY  " + raw(1.0, std::int32_t{5})), "forces on 5 atoms, 2 were asked for"), ErrorKind::format);
  EXPECT_EQ(kind_of(client("FORCEREADY  " + raw(1.0, std::int32_t{2}) + std::string(48 + 72, '\0') + raw(std::int32_t{-7})), "-7 bytes of extras"), ErrorKind::format);
}

TEST(IpiMessages, VirialsOfOneTriangleAreMirrored) {
  const Mat3 whole{{Vec3{1, 2, 3}, Vec3{2, 5, 6}, Vec3{3, 6, 9}}}, upper{{Vec3{1, 2, 3}, Vec3{0, 5, 6}, Vec3{0, 0, 9}}};
  EXPECT_EQ(whole_virial(upper), whole);
  EXPECT_EQ(whole_virial(transpose(upper)), whole);
  EXPECT_EQ(whole_virial(whole), whole);
  EXPECT_EQ(whole_virial(Mat3::identity()), Mat3::identity());
  const Mat3 other{{Vec3{1, 2, 3}, Vec3{4, 5, 6}, Vec3{7, 8, 9}}};
  EXPECT_EQ(whole_virial(other), other);
}

TEST(IpiMessages, BatchSizesInTheTextOfInit) {
  EXPECT_EQ(batch_size_in(""), std::nullopt);
  EXPECT_EQ(batch_size_in("name : driver, address: 1"), std::nullopt);
  EXPECT_EQ(batch_size_in("batch_size:8"), 8u);
  EXPECT_EQ(batch_size_in("{\"batch_size\": 16, \"x\": 2}"), 16u);
  EXPECT_EQ(batch_size_in("a:1, batch_size : 1 , b:2"), 1u);
  EXPECT_EQ(kind_of([] { batch_size_in("batch_size:0"); }, "batch_size:0"), ErrorKind::format);
  EXPECT_EQ(kind_of([] { batch_size_in("batch_size:many"); }, "many"), ErrorKind::format);
  EXPECT_EQ(kind_of([] { batch_size_in("batch_size:1000000"); }, "at most"), ErrorKind::unsupported);
}

}  // namespace
}  // namespace saltus
