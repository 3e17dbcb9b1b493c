// Patterns that name parameters, the recipes of the families, and reference energies of compositions that differ by one atom.
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/training/finetune_settings.hpp"
#include "saltus/training/label_errors.hpp"

namespace {

using namespace saltus;

TEST(FinetuneSettings, NameParametersByPatterns) {
  EXPECT_TRUE(matches_pattern("*", "layers.0.linear_1.0e"));
  EXPECT_TRUE(matches_pattern("layers.0.*", "layers.0.linear_1.0e"));
  EXPECT_FALSE(matches_pattern("layers.0.*", "layers.10.linear_1.0e"));
  EXPECT_TRUE(matches_pattern("*.radial.*", "layers.3.radial.2"));
  EXPECT_TRUE(matches_pattern("interactions.*.linear.*", "interactions.1.linear.0e"));
  EXPECT_FALSE(matches_pattern("interactions.*.linear.*", "interactions.1.linear_up.0e"));
  EXPECT_TRUE(matches_pattern("scale", "scale"));
  EXPECT_FALSE(matches_pattern("scale", "energy_scale"));
  EXPECT_FALSE(matches_pattern("", "scale"));
}

TEST(FinetuneSettings, HaveARecipePerFamily) {
  EXPECT_DOUBLE_EQ(published_recipe("sevennet").learning_rate, 0.004);
  EXPECT_TRUE(published_recipe("mace").amsgrad);
  EXPECT_EQ(published_recipe("mattersim").stress_loss_unit, "gpa");
  EXPECT_THROW(published_recipe("ace"), Error);
}

TEST(FinetuneSettings, TellElementsApartByOneVacancy) {
  // 60 Li and 16 Si, and the same with one Li less: total energies of pseudopotentials, so that Si lies a hundred eV below Li.
  const double li = -4.6, si = -103.2;
  std::vector<std::vector<double>> counts;
  std::vector<double> energy;
  for (int k = 0; k < 20; ++k) {
    counts.push_back({60.0 - k % 2, 16});
    energy.push_back(counts.back()[0] * li + 16 * si);
  }
  const auto found = reference_energies_ev(counts, energy, FinetuneSettings{}.reference_ridge);
  EXPECT_NEAR(found[0], li, 0.02);
  EXPECT_NEAR(found[1], si, 0.1);
  for (std::size_t k = 0; k < counts.size(); ++k) EXPECT_NEAR(counts[k][0] * found[0] + counts[k][1] * found[1], energy[k], 0.01);  // of 76 atoms
}

}  // namespace
