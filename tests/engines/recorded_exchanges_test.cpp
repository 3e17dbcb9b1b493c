// What CP2K, LAMMPS, i-PI and ASE really sent, byte for byte (tests/golden/peers/sockets): read whole and cut at every byte, compared with what these
// programs wrote into their own files, and written again.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/engines/ipi_messages.hpp"
#include "saltus/potentials/lennard_jones.hpp"

namespace saltus {
namespace {

const std::string folder = SALTUS_SOURCE_DIR "/tests/golden/peers/sockets/";

struct Exchange {
  std::string server, client;  // all bytes of each side
  nlohmann::json summary;
};

Exchange exchange(const std::string& name) {
  Exchange result;
  std::istringstream lines(read_file(folder + name + "/exchange.txt"));
  std::string side, hex;
  while (lines >> side >> hex)
    for (std::size_t k = 0; k + 1 < hex.size(); k += 2) (side == "S" ? result.server : result.client) += static_cast<char>(std::stoi(hex.substr(k, 2), nullptr, 16));
  result.summary = nlohmann::json::parse(read_file(folder + name + "/summary.json"));
  return result;
}

/// All messages of a stream that comes in two pieces.
template <class Message, class Take>
std::vector<Message> messages_of(const std::string& stream, std::size_t cut, const MessageShape& shape, Take take) {
  std::vector<Message> messages;
  std::string pending;
  for (const std::string& piece : {stream.substr(0, cut), stream.substr(cut)}) {
    pending += piece;
    std::string_view rest = pending;
    while (auto message = take(rest, shape)) messages.push_back(std::move(*message));
    pending.erase(0, pending.size() - rest.size());
  }
  EXPECT_TRUE(pending.empty()) << "cut at " << cut;
  return messages;
}

std::vector<ServerMessage> server_messages(const std::string& stream, std::size_t cut, const MessageShape& shape) {
  return messages_of<ServerMessage>(stream, cut, shape, take_server_message);
}

std::vector<ClientMessage> client_messages(const std::string& stream, std::size_t cut, const MessageShape& shape) {
  return messages_of<ClientMessage>(stream, cut, shape, take_client_message);
}

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

// Number by number: units there and back cost the last bit.
void expect_same_numbers(const std::string& mine, const std::string& theirs, std::size_t begin, std::size_t end) {
  ASSERT_GE(theirs.size(), end);
  for (std::size_t at = begin; at + sizeof(double) <= end; at += sizeof(double)) {
    double a = 0, b = 0;
    std::memcpy(&a, mine.data() + at, sizeof a);
    std::memcpy(&b, theirs.data() + at, sizeof b);
    EXPECT_NEAR(a, b, 4e-16 * std::abs(b) + 1e-17) << at;
  }
}

struct Case {
  const char* name;
  std::size_t atoms;
};

class Recorded : public testing::TestWithParam<Case> {};

TEST_P(Recorded, ReadsTheSameHoweverItIsCutAndIsWrittenAgain) {
  const Exchange recorded = exchange(GetParam().name);
  MessageShape shape{GetParam().atoms, std::nullopt};
  // What INIT agrees on holds for all messages behind it; nothing before it depends on it.
  const std::size_t init_at = recorded.server.find("INIT        ");
  if (init_at != std::string::npos) {
    std::string_view rest = std::string_view(recorded.server).substr(init_at);
    shape.batch = batch_size_in(std::get<Init>(*take_server_message(rest, shape)).text);
  }
  const auto check = [&](const std::string& stream, auto read) {
    const auto whole = read(stream, 0, shape);
    ASSERT_GT(whole.size(), 5u);
    std::string again;
    for (const auto& message : whole) again += written(message, shape);
    ASSERT_EQ(again.size(), stream.size());
    std::size_t begin = 0;
    for (const auto& message : whole) {
      const std::string mine = written(message, shape);
      const std::string theirs = stream.substr(begin, mine.size());
      begin += mine.size();
      EXPECT_EQ(mine.substr(0, header_bytes), theirs.substr(0, header_bytes));
      // Numbers lie on both sides of the one count of atoms.
      const bool posdata = mine.starts_with("POSDATA"), forceready = mine.starts_with("FORCEREADY");
      if (!posdata && !forceready) {
        EXPECT_EQ(mine, theirs);
        continue;
      }
      const std::size_t count = shape.batch.value_or(1);
      const std::size_t count_at = header_bytes + (posdata ? (shape.batch ? 0 : 144) : 8 * count);
      EXPECT_EQ(mine.substr(count_at, 4), theirs.substr(count_at, 4));
      expect_same_numbers(mine, theirs, header_bytes, count_at);
      const std::size_t end = posdata ? mine.size() : count_at + 4 + 8 * count * (3 * shape.atoms + 9);
      expect_same_numbers(mine, theirs, count_at + 4, end);
      EXPECT_EQ(mine.substr(end), theirs.substr(end));
    }
    const std::size_t stride = std::max<std::size_t>(1, stream.size() / 1500);
    for (std::size_t cut = 1; cut < stream.size(); cut += stride) {
      const auto cut_apart = read(stream, cut, shape);
      ASSERT_EQ(cut_apart.size(), whole.size()) << cut;
      std::string bytes;
      for (const auto& message : cut_apart) bytes += written(message, shape);
      ASSERT_TRUE(bytes == again) << cut;
    }
  };
  check(recorded.server, server_messages);
  check(recorded.client, client_messages);
}

INSTANTIATE_TEST_SUITE_P(Peers, Recorded,
                         testing::Values(Case{"cp2k", 3}, Case{"lammps", 6}, Case{"ase_client", 6}, Case{"ipi_plain", 6}, Case{"ipi_batched", 6},
                                         Case{"ase_server", 6}),
                         [](const auto& each) { return std::string(each.param.name); });

std::vector<Forceready> answers(const Exchange& recorded, const MessageShape& shape) {
  std::vector<Forceready> found;
  for (const ClientMessage& message : client_messages(recorded.client, 0, shape))
    if (const auto* answer = std::get_if<Forceready>(&message)) found.push_back(*answer);
  return found;
}

TEST(RecordedNumbers, EnergiesAreThoseOfCp2ksOwnOutput) {
  const Exchange recorded = exchange("cp2k");
  const auto found = answers(recorded, {3, std::nullopt});
  const auto own = recorded.summary.at("energies_of_cp2k_hartree").get<std::vector<double>>();
  ASSERT_EQ(found.size(), 11u);
  ASSERT_EQ(own.size(), 11u);
  for (std::size_t k = 0; k < own.size(); ++k) EXPECT_NEAR(found[k].energy_ev[0] / units::ev_per_hartree, own[k], 1e-12) << k;  // printed with 15 decimals
  EXPECT_GT(std::abs(found[0].virial_ev[0][0].x), 0.01);  // STRESS_TENSOR ANALYTICAL
}

// Energy, forces and virial of two other codes at the positions that they were sent, beside our own Lennard-Jones.
TEST(RecordedNumbers, LammpsAndAseAgreeWithOurLennardJonesVirialsIncluded) {
  const LennardJones argon(lennard_jones_argon());
  // LAMMPS has units with eight digits; ASE shifts each pair by its energy at the cutoff of 11.9 Å.
  const auto& s = argon.parameters().species[0];
  const double s6 = std::pow(s.sigma_ang / 11.9, 6), shift_ev = -15 * 4 * s.epsilon_ev * s6 * (s6 - 1);
  for (const auto& [name, added_ev, tolerance] : {std::tuple{"lammps", 0.0, 3e-7}, std::tuple{"ase_client", shift_ev, 3e-8}}) {
    const Exchange recorded = exchange(name);
    const MessageShape shape{6, std::nullopt};
    const auto found = answers(recorded, shape);
    std::vector<Posdata> sent;
    for (const ServerMessage& message : server_messages(recorded.server, 0, shape))
      if (const auto* posdata = std::get_if<Posdata>(&message)) sent.push_back(*posdata);
    ASSERT_EQ(found.size(), 21u);
    ASSERT_EQ(sent.size(), found.size());
    Frame frame;
    frame.atoms = std::make_shared<const Atoms>(atoms_of(std::vector<std::uint8_t>(6, 18)));
    Workspace workspace;
    for (std::size_t k = 0; k < sent.size(); ++k) {
      frame.cell = Cell(sent[k].cell_rows_ang[0]);
      frame.position_ang = sent[k].position_ang;
      const Evaluation own = evaluate_one(argon, frame, {.forces = true, .virial = true}, workspace);
      EXPECT_NEAR(found[k].energy_ev[0], own.energy_ev + added_ev, tolerance * std::abs(own.energy_ev)) << name << " " << k;
      double largest = 0, virial = 0;
      for (const Vec3& f : own.force_ev_ang) largest = std::max(largest, norm(f));
      for (int axis = 0; axis < 3; ++axis) virial = std::max(virial, norm((*own.virial_ev)[axis]));
      ASSERT_GT(largest, 1e-3);
      ASSERT_GT(virial, 1e-3);
      for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(norm(found[k].force_ev_ang[i] - own.force_ev_ang[i]), 0, tolerance * 10 * largest) << name << " " << k << " " << i;
      for (int axis = 0; axis < 3; ++axis) EXPECT_NEAR(norm(whole_virial(found[k].virial_ev[0])[axis] - (*own.virial_ev)[axis]), 0, tolerance * 10 * virial) << name << " " << k << " " << axis;
    }
  }
}

TEST(RecordedNumbers, BatchesOfIpiHoldItsBeads) {
  const Exchange plain = exchange("ipi_plain"), batched = exchange("ipi_batched");
  const auto one = answers(plain, {6, std::nullopt}), four = answers(batched, {6, 4});
  ASSERT_EQ(one.size(), 32u);  // eight beads, three steps and the start
  ASSERT_EQ(four.size(), 8u);
  // The same seed: the same potential energy of all beads, step by step, by both ways and in i-PI's own output.
  const auto potential = plain.summary.at("potential_ev").get<std::vector<double>>();
  for (std::size_t step = 0; step < potential.size(); ++step) {
    double single = 0, together = 0;
    for (std::size_t k = 0; k < 8; ++k) single += one[8 * step + k].energy_ev[0] / 8;
    for (std::size_t k = 0; k < 2; ++k)
      for (const double energy : four[2 * step + k].energy_ev) together += energy / 8;
    EXPECT_NEAR(single, potential[step], 1e-7) << step;
    EXPECT_NEAR(together, single, 1e-13) << step;
  }
}

}  // namespace
}  // namespace saltus
