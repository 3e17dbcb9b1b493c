#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kinetics/kinetics_estimate.hpp"
#include "tests/kinetics/one_vacancy.hpp"

namespace saltus::kinetics {
namespace {

struct Exact {
  double diffusion = 0;         // slope of the tagged atom's MSD
  double diffusion_at_lag = 0;  // MSD(lag) / (6 lag): what a model at that lag must give, all sites being alike
};

Exact exact_transport(const CubicLattice& lattice, double lag) {
  const NetworkMoments moments = network_moments(tagged_atom_network(lattice));
  const double times[] = {lag};
  return {trace(network_transport(moments).diffusion_ang2) / 3,
          trace(network_msd_continuous_ang2(moments, times)[0]) / (6 * lag)};
}

bool covers(const Estimate& estimate, double truth) { return estimate.low <= truth && truth <= estimate.high; }

// One vacancy moves 26 atoms, about 660 jumps a run: all displacements have one cause, and only time blocks are independent.
// 300 runs, binomial standard error 1.3 %; the seeds are fixed.
TEST(KineticsEstimate, CoverageWithOneVacancy) {
  const CubicLattice lattice{3};
  const int runs = 300;
  const double spacing = 0.1;
  const std::int64_t lag = 40;
  const Exact exact = exact_transport(lattice, static_cast<double>(lag) * spacing);
  std::vector<int> msd(runs), msm(runs), slope(runs);
  std::vector<double> msd_value(runs), msm_value(runs), raw_value(runs), particles(runs);
  parallel_chunks(runs, 1, [&](std::size_t k, std::size_t) {
    const KineticsInput input = simulate_one_vacancy(lattice, 1201, spacing, 0.05, 1000 + k);
    EstimationSettings settings;
    settings.lag_frames = {lag};
    settings.n_timescales = 0;
    const KineticsEstimate estimate = estimate_kinetics(input, settings);
    const DiffusionFit& fit = *estimate.fit;
    const LagEstimate& model = estimate.lags[0];
    msd[k] = covers(*estimate.diffusion_msd_ang2_fs, exact.diffusion);
    msm[k] = covers(*model.diffusion_ang2_fs, exact.diffusion_at_lag);
    msd_value[k] = estimate.diffusion_msd_ang2_fs->value;
    msm_value[k] = model.diffusion_ang2_fs->value;
    raw_value[k] = trace(model.tensor_ang2_fs) / 3;
    particles[k] = fit.independent_particles;
    slope[k] = covers(fit.model_diffusion_ang2_fs, exact.diffusion);
  });
  const auto mean = [&](const auto& values) {
    double sum = 0;
    for (const auto value : values) sum += static_cast<double>(value);
    return sum / runs;
  };
  EXPECT_NEAR(mean(msd), 0.95, 0.04);
  EXPECT_NEAR(mean(msm), 0.95, 0.04);
  // Means of 300 runs with a standard deviation of 7 % each: 0.4 %; the rest is what the start of the fit window leaves.
  EXPECT_NEAR(mean(msd_value) / exact.diffusion, 1, 0.02);
  EXPECT_NEAR(mean(msm_value) / exact.diffusion_at_lag, 1, 0.015);
  // Few counts per path bias the network's D low by several per cent: what the jackknife takes out.
  EXPECT_LT(mean(raw_value) / exact.diffusion_at_lag, 0.97);
  // Taking the atoms as independent Brownian walkers would be wrong here.
  EXPECT_LT(mean(particles), 26);
  EXPECT_LT(mean(slope), 0.9);
}

TEST(KineticsEstimate, BothRoutesOnOneRun) {
  const CubicLattice lattice{3};
  const KineticsInput input = simulate_one_vacancy(lattice, 4001, 0.1, 0.05, 70);
  const KineticsEstimate estimate = estimate_kinetics(input);
  const Exact exact = exact_transport(lattice, 1);
  ASSERT_TRUE(estimate.diffusion_msd_ang2_fs && estimate.diffusion_msm_ang2_fs && estimate.comparison);
  EXPECT_TRUE(covers(*estimate.diffusion_msd_ang2_fs, exact.diffusion));
  EXPECT_TRUE(covers(*estimate.diffusion_msm_ang2_fs, exact.diffusion));
  EXPECT_TRUE(estimate.comparison->agree);
  EXPECT_TRUE(estimate.plateau);
  // D(lag) falls from near D0 to D: memory shows at short lags.
  EXPECT_GT(estimate.lags.front().diffusion_ang2_fs->low, exact.diffusion);
  for (const LagEstimate& lag : estimate.lags) {
    EXPECT_TRUE(lag.converged);
    EXPECT_EQ(lag.n_connected_states, 27);
    EXPECT_EQ(lag.dropped_counts, 0);
    EXPECT_LE(trace(lag.tensor_ang2_fs) / 3, lag.uncorrelated_ang2_fs->high);
    ASSERT_EQ(lag.timescales.size(), 5u);
    ASSERT_TRUE(lag.timescales[0].value_fs && lag.timescales[0].interval_fs);
    EXPECT_TRUE(covers(*lag.timescales[0].interval_fs, *lag.timescales[0].value_fs));
  }
  // Six components of vibration 0.05.
  EXPECT_NEAR(*estimate.vibration_ang2, 6 * 0.05 * 0.05, 2e-4);
  ASSERT_FALSE(estimate.model_msd.empty());
  const LagEstimate& used = estimate.lags[*estimate.reported];
  EXPECT_NEAR(estimate.model_msd.front().time_fs, used.lag_fs, 1e-12);
  EXPECT_NEAR(estimate.model_msd.front().msd_ang2 / (6 * used.lag_fs), used.uncorrelated_ang2_fs->value,
              0.1 * used.uncorrelated_ang2_fs->value);
}

TEST(KineticsEstimate, SameAtAnyThreadCountAndForPermutedStates) {
  KineticsInput input = simulate_one_vacancy({3}, 1501, 0.1, 0.05, 5);
  EstimationSettings settings;
  settings.lag_frames = {5, 20, 60};
  set_thread_count(1);
  const KineticsEstimate one = estimate_kinetics(input, settings);
  set_thread_count(0);
  const KineticsEstimate many = estimate_kinetics(input, settings);
  KineticsInput other = input;  // states renumbered, lengths doubled, time unit tenfold
  const auto rename = [](int state) { return (state * 7 + 3) % 27; };
  for (SiteSegment& segment : other.visits.segments) {
    for (SiteVisit& visit : segment.visits) visit.state = rename(visit.state);
  }
  for (std::size_t s = 0; s < 27; ++s) other.site_ang[static_cast<std::size_t>(rename(static_cast<int>(s)))] = 2 * input.site_ang[s];
  for (Vec3& r : other.position_ang) r *= 2;
  for (int axis = 0; axis < 3; ++axis) other.lattice_rows_ang[axis] *= 2;
  other.frame_spacing_fs *= 10;
  const KineticsEstimate changed = estimate_kinetics(other, settings);
  EXPECT_EQ(one.diffusion_msd_ang2_fs->high, many.diffusion_msd_ang2_fs->high);
  EXPECT_NEAR(changed.diffusion_msd_ang2_fs->high, 0.4 * one.diffusion_msd_ang2_fs->high, 1e-9);
  for (std::size_t l = 0; l < 3; ++l) {
    EXPECT_EQ(one.lags[l].diffusion_ang2_fs->low, many.lags[l].diffusion_ang2_fs->low);
    EXPECT_NEAR(changed.lags[l].diffusion_ang2_fs->low, 0.4 * one.lags[l].diffusion_ang2_fs->low, 1e-10);
    EXPECT_NEAR(*changed.lags[l].timescales[0].value_fs, 10 * *one.lags[l].timescales[0].value_fs, 1e-8);
  }
}

// Sites drawn elsewhere in their cells: D of the model must not notice.
TEST(KineticsEstimate, ShiftedSitesLeaveDiffusion) {
  KineticsInput input = simulate_one_vacancy({3}, 1501, 0.1, 0, 8);
  EstimationSettings settings;
  settings.lag_frames = {20};
  const double before = trace(estimate_kinetics(input, settings).lags[0].tensor_ang2_fs);
  input.site_ang[4] += {0.3, -0.2, 0.1};
  input.site_ang[20] += {-0.5, 0.4, 0};
  EXPECT_NEAR(trace(estimate_kinetics(input, settings).lags[0].tensor_ang2_fs), before, 1e-12);
}

TEST(KineticsEstimate, FewJumpsLeaveDiffusionUndetermined) {
  const KineticsEstimate few = estimate_kinetics(simulate_one_vacancy({3}, 301, 0.02, 0.05, 3));
  EXPECT_LT(few.jumps.n_jumps, 100);
  EXPECT_FALSE(few.diffusion_msd_ang2_fs || few.diffusion_msm_ang2_fs || few.comparison);
  EXPECT_NE(few.diffusion_msd_note.find("undetermined"), std::string::npos);
  EXPECT_NE(few.diffusion_msm_note.find(std::to_string(few.jumps.n_jumps)), std::string::npos);
  // No jump at all.
  const KineticsEstimate none = estimate_kinetics(simulate_one_vacancy({3}, 301, 1e-9, 0.05, 3));
  EXPECT_EQ(none.jumps.n_jumps, 0);
  EXPECT_FALSE(none.diffusion_msm_ang2_fs);
  EXPECT_EQ(none.lags[0].n_connected_states, 1);
  EXPECT_GT(none.lags[0].dropped_population, 0.9);
}

TEST(KineticsEstimate, RefusesInconsistentInput) {
  const KineticsInput input = simulate_one_vacancy({3}, 101, 0.1, 0, 3);
  const auto refused = [](KineticsInput changed, const EstimationSettings& settings) {
    try {
      estimate_kinetics(changed, settings);
    } catch (const Error& error) {
      return error.kind() == ErrorKind::usage;
    }
    return false;
  };
  EXPECT_FALSE(refused(input, {}));
  EstimationSettings long_lag;
  long_lag.lag_frames = {1, 6};
  EXPECT_TRUE(refused(input, long_lag));
  EstimationSettings many_blocks;
  many_blocks.n_blocks = 60;
  EXPECT_TRUE(refused(input, many_blocks));
  KineticsInput changed = input;
  changed.position_ang.pop_back();
  EXPECT_TRUE(refused(changed, {}));
  changed = input;
  changed.site_ang.pop_back();
  EXPECT_TRUE(refused(changed, {}));
  changed = input;
  changed.frame_spacing_fs = 0;
  EXPECT_TRUE(refused(changed, {}));
}

}  // namespace
}  // namespace saltus::kinetics
