// Committees: means and spreads of members whose differences are known.
#include "saltus/potentials/committee.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/potentials/lennard_jones.hpp"
#include "saltus/potentials/load.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

LennardJonesParameters argon(double factor) { return {{{18, 0.01 * factor, 3.4}}, 5.0, 6.5}; }

Committee three() {
  std::vector<std::unique_ptr<Potential>> members;
  for (const double factor : {1.0, 1.2, 0.8}) members.push_back(std::make_unique<LennardJones>(argon(factor)));
  return Committee(std::move(members));
}

Frame trimer() {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({18, 18, 18}));
  frame.position_ang = {{0, 0, 0}, {3.9, 0.2, 0}, {1.1, 3.7, 0.4}};
  return frame;
}

// Energies scale with epsilon: members are E, 1.2 E, 0.8 E, whose standard deviation is 0.2 |E|; so for each force.
TEST(Committee, MeanAndSpreadOfScaledMembers) {
  const Committee committee = three();
  const LennardJones one(argon(1));
  Workspace workspace, own;
  const Frame frame = trimer();
  const Want want{.forces = true, .virial = true, .atom_energies = true, .spread = true};
  const Evaluation together = evaluate_one(committee, frame, want, workspace), alone = evaluate_one(one, frame, want, own);
  EXPECT_NEAR(together.energy_ev, alone.energy_ev, 1e-15);
  EXPECT_NEAR(*together.energy_spread_ev, 0.2 * std::abs(alone.energy_ev), 1e-15);
  ASSERT_EQ(together.force_spread_ev_ang.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(norm(together.force_ev_ang[i] - alone.force_ev_ang[i]), 0, 1e-15);
    EXPECT_NEAR(together.force_spread_ev_ang[i], 0.2 * norm(alone.force_ev_ang[i]), 1e-15);
    EXPECT_NEAR(together.atom_energy_ev.at(i), alone.atom_energy_ev.at(i), 1e-15);
  }
  EXPECT_NEAR((*together.virial_ev)[0][1], (*alone.virial_ev)[0][1], 1e-15);
  EXPECT_TRUE(committee.info().has_spread);
  EXPECT_FALSE(alone.energy_spread_ev);
  const Evaluation plain = evaluate_one(committee, frame, {.forces = true}, workspace);
  EXPECT_TRUE(plain.force_spread_ev_ang.empty() && !plain.energy_spread_ev);
}

TEST(Committee, FileGivesBackItsMembers) {
  const TemporaryFolder folder;
  std::vector<TensorFile> members;
  for (const double factor : {1.0, 1.2, 0.8}) {
    save_lennard_jones(folder / "m.safetensors", argon(factor));
    members.push_back(read_safetensors(folder / "m.safetensors"));
  }
  const TensorFile file = committee_of(members);
  write_safetensors(folder / "c.safetensors", file);
  const auto back = members_of(read_safetensors(folder / "c.safetensors"));
  ASSERT_EQ(back.size(), 3u);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(back[k].tensors, members[k].tensors);
    EXPECT_EQ(back[k].metadata, members[k].metadata);
  }
  const auto loaded = load_potential(folder / "c.safetensors");
  Workspace workspace, other;
  EXPECT_EQ(evaluate_one(*loaded, trimer(), {.spread = true}, workspace).force_spread_ev_ang,
            evaluate_one(three(), trimer(), {.spread = true}, other).force_spread_ev_ang);

  TensorFile nested = file;
  EXPECT_THROW(committee_of({nested, nested}), Error);
  nested.metadata["members"] = "1";
  EXPECT_THROW(members_of(nested), Error);
  nested.metadata["members"] = "2";  // tensors of a third
  EXPECT_THROW(members_of(nested), Error);
}

TEST(Committee, RefusesMembersThatDoNotGoTogether) {
  std::vector<std::unique_ptr<Potential>> one, different;
  one.push_back(std::make_unique<LennardJones>(argon(1)));
  EXPECT_THROW(Committee(std::move(one)), Error);
  different.push_back(std::make_unique<LennardJones>(argon(1)));
  different.push_back(std::make_unique<LennardJones>(LennardJonesParameters{{{36, 0.014, 3.65}}, 5.0, 6.5}));
  EXPECT_THROW(Committee(std::move(different)), Error);
}

}  // namespace
}  // namespace saltus
