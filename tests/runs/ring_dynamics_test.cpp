#include <cmath>
#include <filesystem>
#include <functional>
#include <numbers>

#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/dynamics/ring_checkpoint.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/potentials/lennard_jones.hpp"
#include "saltus/runs/ring_dynamics.hpp"
#include "saltus/runs/ring_settings.hpp"

namespace saltus::runs {
namespace {

namespace fs = std::filesystem;

class RingDynamicsRun : public ::testing::Test {
 protected:
  RingDynamicsRun() : folder_(fs::path(::testing::TempDir()) / ("saltus_ring_run_" + std::to_string(::getpid()))) { fs::create_directories(folder_); }
  ~RingDynamicsRun() override { fs::remove_all(folder_); }
  fs::path folder_;
};

double per_fs(double wavenumber_per_cm) { return 2 * std::numbers::pi * units::light_cm_per_fs * wavenumber_per_cm; }

/// Each atom of mass m in a well of its own of ½ m0 w² r²: the force constant is hydrogen's for every mass.
class Wells : public Potential {
 public:
  explicit Wells(double wavenumber_per_cm) : stiffness_(units::ev_per_amu_ang2_fs2 * 1.00782503207 * per_fs(wavenumber_per_cm) * per_fs(wavenumber_per_cm)) { info_.kind = "wells"; }
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return 1; }
  void evaluate(const Batch& batch, Want want, Workspace&, std::span<Evaluation> results) const override {
    if (fail_in > 0 && --fail_in == 0) throw Error(ErrorKind::file, "the client is gone");
    const std::size_t n = batch.atoms->size();
    for (std::size_t b = 0; b < batch.count(); ++b) {
      results[b] = {};
      for (std::size_t i = 0; i < n; ++i) {
        const Vec3& r = batch.position_ang[b * n + i];
        results[b].energy_ev += 0.5 * stiffness_ * norm2(r);
        if (want.forces) results[b].force_ev_ang.push_back(r * -stiffness_);
      }
    }
  }
  PotentialInfo info_;
  mutable int fail_in = 0;

 private:
  double stiffness_;
};

Frame hydrogens(std::size_t count) {
  Frame frame;
  Atoms atoms;
  atoms.atomic_number.assign(count, 1);
  atoms.mass_amu.assign(count, 1.00782503207);
  frame.atoms = std::make_shared<const Atoms>(atoms);
  frame.position_ang.assign(count, Vec3{});
  return frame;
}

Frame argon() {
  Frame cube;
  cube.cell = Cell(Mat3{{Vec3{5.3, 0, 0}, Vec3{0, 5.3, 0}, Vec3{0, 0, 5.3}}});
  cube.position_ang = {{0, 0, 0}, {0, 2.65, 2.65}, {2.65, 0, 2.65}, {2.65, 2.65, 0}};
  cube.atoms = std::make_shared<const Atoms>(atoms_of({18, 18, 18, 18}));
  return repeated(cube, {2, 2, 2});
}

RingSettings short_words() {
  RingSettings settings;
  settings.temperature_kelvin = 40;
  settings.beads = 4;
  settings.steps = 60;
  settings.equilibration_steps = 20;
  settings.timestep_fs = 4;
  settings.write_every = 5;
  settings.beads_every = 10;
  settings.log_every = 5;
  settings.checkpoint_every = 25;
  settings.thermostat = "pile_g";
  return settings;
}

RingDynamicsSettings short_run() { return ring_dynamics_of(short_words(), 3); }

const NamedEstimate& named(const RingDynamicsSummary& summary, const std::string& name) {
  for (const NamedEstimate& estimate : summary.estimates)
    if (estimate.name == name) return estimate;
  throw std::runtime_error("no estimate " + name);
}

/// Half of a 95 % interval from 20 blocks is 2.09 standard errors: 4 of them are 1.91 halves.
void expect_near(const RingDynamicsSummary& summary, const std::string& name, double exact) {
  const NamedEstimate& e = named(summary, name);
  ASSERT_TRUE(e.estimate && e.has_interval) << name;
  EXPECT_NEAR(e.estimate->value, exact, 1.91 * (e.estimate->high - e.estimate->value)) << name;
  EXPECT_LT(e.estimate->high - e.estimate->low, 0.2 * std::abs(exact)) << name << ": too uncertain to tell anything";
}

TEST_F(RingDynamicsRun, LeavesCentroidsBeadsLogAndSummary) {
  const LennardJones potential(lennard_jones_argon());
  const auto summary = run_atom_ring_dynamics(short_run(), argon(), potential, "model", folder_ / "run");
  EXPECT_TRUE(summary.finished);
  EXPECT_EQ(summary.formula, "Ar32");
  EXPECT_EQ(summary.frames, 13u);
  EXPECT_EQ(summary.bead_frames, 28u);
  const auto centroids = read_frames(folder_ / "run" / "trajectory"), beads = read_frames(folder_ / "run" / "beads");
  ASSERT_EQ(centroids.size(), 13u);
  ASSERT_EQ(beads.size(), 28u);
  EXPECT_FALSE(centroids.front().bead);
  for (std::size_t k = 0; k < beads.size(); ++k) {
    EXPECT_EQ(beads[k].bead, static_cast<std::int32_t>(k % 4));
    EXPECT_EQ(beads[k].step, static_cast<std::int64_t>(10 * (k / 4)));
    EXPECT_TRUE(beads[k].energy_ev);
  }
  // Step 10: the mean of the beads is the centroid, to the single precision of the files.
  for (std::size_t i = 0; i < 32; ++i) {
    Vec3 mean;
    for (std::size_t bead = 0; bead < 4; ++bead) mean += beads[4 + bead].position_ang[i] * 0.25;
    EXPECT_LT(norm(mean - centroids[2].position_ang[i]), 1e-5);
  }
  EXPECT_TRUE(run_atom_ring_dynamics(short_run(), argon(), potential, "model", folder_ / "run").nothing_to_do);
}

TEST_F(RingDynamicsRun, InterruptedAndContinuedLeavesTheSameBytes) {
  const LennardJones potential(lennard_jones_argon());
  for (const char* barostat : {"none", "isotropic", "flexible"}) {
    RingSettings words = short_words();
    words.barostat = barostat;
    words.barostat_time_ps = 0.3;
    words.momentum = {"Ar"};
    const RingDynamicsSettings settings = ring_dynamics_of(words, 3);
    const fs::path whole = folder_ / barostat / "whole";
    run_atom_ring_dynamics(settings, argon(), potential, "model", whole);
    for (const int stop_after : {7, 30, 33, 61}) {  // on a strain, and between
      const fs::path folder = folder_ / barostat / ("parts" + std::to_string(stop_after));
      int steps = 0;
      const auto first = run_atom_ring_dynamics(settings, argon(), potential, "model", folder, {}, [&] { return ++steps == stop_after; });
      EXPECT_FALSE(first.finished);
      const auto second = run_atom_ring_dynamics(settings, argon(), potential, "model", folder);
      EXPECT_TRUE(second.finished && second.resumed);
      EXPECT_EQ(second.resumed_from_step, stop_after - 20);
      EXPECT_EQ(read_file(folder / "log.csv"), read_file(whole / "log.csv"));
      const auto a = read_ring_checkpoint(folder / "checkpoint").state, b = read_ring_checkpoint(whole / "checkpoint").state;
      EXPECT_EQ(a.ring.mode_position_ang, b.ring.mode_position_ang);
      EXPECT_EQ(a.ring.mode_velocity_ang_fs, b.ring.mode_velocity_ang_fs);
      EXPECT_EQ(a.ring.thermostat_ev, b.ring.thermostat_ev);
      EXPECT_TRUE(a.cell == b.cell && a.reference_cell == b.reference_cell);
      EXPECT_EQ(a.reference_ang, b.reference_ang);
      EXPECT_EQ(a.cell == argon().cell, words.barostat == "none");
      EXPECT_EQ(a.cell_moves, words.barostat == "none" ? 0 : 8);  // steps -10, 0 … 60
      const auto mine = read_frames(folder / "beads"), theirs = read_frames(whole / "beads");
      ASSERT_EQ(mine.size(), theirs.size());
      for (std::size_t k = 0; k < mine.size(); ++k) EXPECT_EQ(mine[k].position_ang, theirs[k].position_ang);
    }
  }
}

TEST_F(RingDynamicsRun, TwoPotentialsInterruptedAndContinuedLeaveTheSameBytes) {
  const LennardJones potential(lennard_jones_argon());
  LennardJonesParameters cheaper = lennard_jones_argon();
  cheaper.species.front().epsilon_ev *= 0.9;
  const LennardJones reference(cheaper);
  RingSettings words = short_words();
  words.inner_steps = 2;
  words.contracted_beads = 3;
  words.barostat = "isotropic";
  words.skin_ang = 0.3;
  words.isotopes = {"Ar=36"};
  const RingDynamicsSettings settings = ring_dynamics_of(words, 3);
  const auto run = [&](const fs::path& folder, const std::function<bool()>& stop) {
    return run_atom_ring_dynamics(settings, argon(), potential, "model on reference", folder, {}, stop, {}, &reference);
  };
  run(folder_ / "whole", {});
  for (const int stop_after : {7, 30, 33}) {
    const fs::path folder = folder_ / ("parts" + std::to_string(stop_after));
    int steps = 0;
    EXPECT_FALSE(run(folder, [&] { return ++steps == stop_after; }).finished);
    EXPECT_TRUE(run(folder, {}).finished);
    EXPECT_EQ(read_file(folder / "log.csv"), read_file(folder_ / "whole" / "log.csv"));
    const auto a = read_ring_checkpoint(folder / "checkpoint").state, b = read_ring_checkpoint(folder_ / "whole" / "checkpoint").state;
    EXPECT_EQ(a.ring.mode_velocity_ang_fs, b.ring.mode_velocity_ang_fs);
    EXPECT_EQ(a.contracted.front().ring.mode_force_ev_ang, b.contracted.front().ring.mode_force_ev_ang);
    EXPECT_EQ(a.contracted.front().reference_ang, b.contracted.front().reference_ang);
    EXPECT_EQ(a.contracted.front().reference_ang.size(), 3 * 32u);
  }
  // They need each other.
  EXPECT_THROW(run_atom_ring_dynamics(settings, argon(), potential, "model", folder_ / "alone"), Error);
}

// Wells of k under 12 beads, and 2 k more under contracted ones: the low modes feel 3 k, the others k.
TEST_F(RingDynamicsRun, ContractedHarmonicWellsHaveTheirClosedForms) {
  constexpr double kelvin = 300, wavenumber = 900;
  constexpr std::size_t beads = 12;
  const Wells cheap(wavenumber), dear(wavenumber * std::sqrt(3.0));
  for (const std::int64_t contracted : {1, 3, 0}) {
    SCOPED_TRACE(contracted);
    RingSettings words;
    words.temperature_kelvin = kelvin;
    words.beads = beads;
    words.contracted_beads = contracted;
    words.inner_steps = 3;
    words.steps = 6000;
    words.equilibration_steps = 300;
    words.timestep_fs = 0.6;
    words.centroid_time_fs = 20;
    words.write_every = 0;
    words.log_every = 4;
    words.isotopes = {"H=D"};
    const auto summary = run_atom_ring_dynamics(ring_dynamics_of(words, 6), hydrogens(32), dear, "model", folder_ / std::to_string(contracted), {}, {}, {}, &cheap);
    const RingModes modes = ring_modes(beads, kelvin);
    const double kt = units::boltzmann_ev_per_kelvin * kelvin, lighter = 1.00782503207 / 2.01410177785;
    double energy = 0, gyration2 = 0, isotope = 0;
    for (std::size_t k = 0; k < beads; ++k) {
      const bool low = contracted == 0 || static_cast<std::int64_t>(std::min(k, beads - k)) <= contracted / 2;
      const double w2 = per_fs(wavenumber) * per_fs(wavenumber) * (low ? 3 : 1), mode2 = modes.frequency_per_fs[k] * modes.frequency_per_fs[k];
      energy += kt * w2 / (w2 + mode2);
      if (k == 0) continue;
      gyration2 += 3 * kt / (units::ev_per_amu_ang2_fs2 * 1.00782503207 * (w2 + mode2));
      isotope += 1.5 * kt * std::log((w2 * lighter + mode2) / (w2 + mode2));
    }
    expect_near(summary, "kinetic_energy_virial_H", 1.5e3 * energy);
    expect_near(summary, "kinetic_energy_primitive_H", 1.5e3 * energy);
    expect_near(summary, "potential_energy", 32 * 1.5 * energy);
    expect_near(summary, "gyration_radius_H", std::sqrt(gyration2));
    expect_near(summary, "isotope_free_energy_excess_H_D", 1e3 * isotope);
  }
}

// Of wells ñ(x) is a Gaussian, whose width is the kinetic energy of the same beads.
TEST_F(RingDynamicsRun, MomentaInHarmonicWellsHaveTheirClosedForms) {
  constexpr double kelvin = 300, wavenumber = 2000;
  RingSettings words;
  words.temperature_kelvin = kelvin;
  words.beads = 12;
  words.steps = 12000;
  words.equilibration_steps = 300;
  words.timestep_fs = 0.3;
  words.centroid_time_fs = 20;
  words.write_every = 0;
  words.log_every = 8;
  words.momentum = {"H"};
  words.temperature_limit_factor = 0;
  const RingModes modes = ring_modes(12, kelvin);
  double kinetic = 0;  // of one direction
  for (const double w : modes.frequency_per_fs) kinetic += 0.5 * units::boltzmann_ev_per_kelvin * kelvin * per_fs(wavenumber) * per_fs(wavenumber) / (per_fs(wavenumber) * per_fs(wavenumber) + w * w);
  const double exponent = kinetic * 1.00782503207 * units::ev_per_amu_ang2_fs2 / (units::hbar_ev_fs * units::hbar_ev_fs);
  const auto summary = run_atom_ring_dynamics(ring_dynamics_of(words, 4), hydrogens(2), Wells(wavenumber), "model", folder_ / "wells");
  expect_near(summary, "kinetic_energy_momentum_H", 3e3 * kinetic);
  EXPECT_EQ(named(summary, "kinetic_energy_momentum_H").note, "");
  ASSERT_EQ(summary.momentum.size(), 1u);
  const MomentumDistribution& d = summary.momentum.front();
  ASSERT_EQ(d.displacement_ang.size(), 4u);
  for (const double x : {0.125, 0.25, 0.375}) expect_near(summary, fmt::format("end_to_end_H_{:.6g}", x), std::exp(-exponent * x * x));
  const Estimate far_end = *named(summary, "end_to_end_H_0.5").estimate;  // 0.03
  EXPECT_NEAR(far_end.value, std::exp(-exponent * 0.25), 1.91 * (far_end.high - far_end.value));
  for (const std::size_t k : {0u, 10u, 20u}) {
    const double p = d.wave_number_per_ang[k], exact = std::exp(-p * p / (4 * exponent)) / std::sqrt(4 * std::numbers::pi * exponent);
    EXPECT_NEAR(d.density_ang[k].value, exact, 1.91 * (d.density_ang[k].high - d.density_ang[k].value)) << p;
    EXPECT_NEAR(d.density_ang[k].value, exact, 0.1 * exact) << p;
  }
  const auto refused = [&](const RingSettings& settings) { EXPECT_THROW(run_atom_ring_dynamics(ring_dynamics_of(settings, 4), hydrogens(2), Wells(wavenumber), "model", folder_ / "no"), Error); };
  RingSettings other = words;
  other.momentum = {"D"};
  refused(other);
  other = words;
  other.factorization = "takahashi_imada";
  refused(other);
  other = words;
  other.momentum_displacements_ang = {0.2, 0.1};
  refused(other);
  other.momentum = {};
  refused(other);
  // At displacements where hardly any path is, it says so.
  words.steps = 2000;
  words.momentum_displacements_ang = {1.5};
  const auto far = run_atom_ring_dynamics(ring_dynamics_of(words, 4), hydrogens(2), Wells(wavenumber), "model", folder_ / "far");
  EXPECT_NE(named(far, "end_to_end_H_1.5").note.find("unreliable"), std::string::npos);
}

TEST_F(RingDynamicsRun, ConstantPressureHasAVolumeAndNeedsStress) {
  RingSettings words = short_words();
  words.barostat = "isotropic";
  words.pressure_gpa = 0.1;
  const LennardJones argon_potential(lennard_jones_argon());
  const auto summary = run_atom_ring_dynamics(ring_dynamics_of(words, 3), argon(), argon_potential, "model", folder_ / "run");
  EXPECT_NEAR(named(summary, "volume").estimate->value, argon().cell.volume_ang3(), 0.1 * argon().cell.volume_ang3());
  EXPECT_NO_THROW(named(summary, "pressure"));
  EXPECT_GT(named(summary, "strains_accepted").estimate->value, 0.5);
  EXPECT_FALSE(read_frames(folder_ / "run" / "trajectory").back().cell == argon().cell);
  const auto kind = [&] {
    try {
      run_atom_ring_dynamics(ring_dynamics_of(words, 3), argon(), Wells(100), "model", folder_ / "refused");
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::internal;
  };
  EXPECT_EQ(kind(), ErrorKind::unsupported);
  words.trust_stress = true;  // a promise that these wells break
  EXPECT_EQ(kind(), ErrorKind::unsupported);
  // Matrices that keep the centroids off the temperature.
  RingDynamicsSettings quantum = ring_dynamics_of(words, 3);
  quantum.loop.thermostat = RingGle{{1, {0.01}, {2 * 4 * 40.0}}};
  EXPECT_THROW(run_atom_ring_dynamics(quantum, argon(), argon_potential, "model", folder_ / "quantum"), Error);
  quantum.loop.thermostat = RingGle{{1, {0.01}, {4 * 40.0}}};
  EXPECT_NO_THROW(run_atom_ring_dynamics(quantum, argon(), argon_potential, "model", folder_ / "canonical"));
}

// Made here: a memory of 200 fs on the centroid, hotter modes with a memory of 20 fs.
const char* hot_modes = "# A MATRIX: (picoseconds^-1)\n# Matrix for normal mode: 0\n0 7\n-7 5\n# Matrix for normal mode: 1\n1 50\n-50 50\n"
                        "# Matrix for normal mode: 2\n1 50\n-50 50\n# Matrix for normal mode: 3\n1 50\n-50 50\n"
                        "# C MATRIX: (K)\n160 0\n0 160\n1600 0\n0 1600\n1600 0\n0 1600\n1600 0\n0 1600\n";

RingSettings piglet_run(const fs::path& file) {
  RingSettings settings;
  settings.temperature_kelvin = 40;
  settings.beads = 4;
  settings.steps = 60;
  settings.timestep_fs = 4;
  settings.checkpoint_every = 25;
  settings.thermostat = "piglet";
  settings.gle_file = file.string();
  return settings;
}

TEST_F(RingDynamicsRun, UnderPigletIsTheSameAfterARestart) {
  const LennardJones potential(lennard_jones_argon());
  write_file_atomically(folder_ / "hot.gle", hot_modes);
  RingSettings settings = piglet_run(folder_ / "hot.gle");
  const auto start = ring_dynamics_of(settings, 3);
  run_atom_ring_dynamics(start, argon(), potential, "model", folder_ / "whole");
  int steps = 0;
  run_atom_ring_dynamics(start, argon(), potential, "model", folder_ / "parts", {}, [&] { return ++steps == 33; });
  run_atom_ring_dynamics(start, argon(), potential, "model", folder_ / "parts");
  EXPECT_EQ(read_file(folder_ / "parts" / "log.csv"), read_file(folder_ / "whole" / "log.csv"));
  const auto a = read_ring_checkpoint(folder_ / "parts" / "checkpoint").state, b = read_ring_checkpoint(folder_ / "whole" / "checkpoint").state;
  EXPECT_EQ(a.ring.mode_velocity_ang_fs, b.ring.mode_velocity_ang_fs);
  EXPECT_EQ(a.ring.auxiliary_velocity_ang_fs, b.ring.auxiliary_velocity_ang_fs);
  EXPECT_EQ(b.ring.auxiliary_velocity_ang_fs.size(), 4u * 96u);
  // Another matrix is another run.
  std::string other = hot_modes;
  other[other.find("0 7")] = '1';
  write_file_atomically(folder_ / "hot.gle", other);
  settings.steps = 70;
  EXPECT_THROW(run_atom_ring_dynamics(ring_dynamics_of(settings, 3), argon(), potential, "model", folder_ / "whole"), Error);
}

TEST_F(RingDynamicsRun, UnderPigletMayBeAsHotAsItsMatrices) {
  const LennardJones potential(lennard_jones_argon());
  write_file_atomically(folder_ / "hot.gle", hot_modes);
  RingSettings settings = piglet_run(folder_ / "hot.gle");
  settings.steps = 200;
  settings.temperature_limit_factor = 3;
  const auto summary = run_atom_ring_dynamics(ring_dynamics_of(settings, 3), argon(), potential, "model", folder_ / "hot");
  EXPECT_GT(named(summary, "ring_temperature").estimate->value, 120);
  for (const NamedEstimate& estimate : summary.estimates) EXPECT_EQ(estimate.name.find("primitive"), std::string::npos) << estimate.name;
  // Canonical matrices keep the limit, and all estimates.
  write_file_atomically(folder_ / "one.gle", "A_SCALE [ps^-1] 1\nA_LIST 0 7\nA_LIST -7 5\n");
  settings.thermostat = "gle";
  settings.gle_file = (folder_ / "one.gle").string();
  EXPECT_TRUE(named(run_atom_ring_dynamics(ring_dynamics_of(settings, 3), argon(), potential, "model", folder_ / "cool"), "kinetic_energy_primitive").estimate);
  settings.temperature_limit_factor = 0.5;
  EXPECT_THROW(run_atom_ring_dynamics(ring_dynamics_of(settings, 3), argon(), potential, "model", folder_ / "limited"), Error);
}

TEST_F(RingDynamicsRun, NeedsTheFileOfTheMatrices) {
  RingSettings settings = piglet_run("");
  EXPECT_THROW(ring_dynamics_of(settings, 3), Error);
  settings.thermostat = "pile_l";
  EXPECT_NO_THROW(ring_dynamics_of(settings, 3));
  settings.gle_file = "some.gle";
  EXPECT_THROW(ring_dynamics_of(settings, 3), Error);
}

TEST_F(RingDynamicsRun, RefusesOtherSettingsAndDamagedCheckpoints) {
  const LennardJones potential(lennard_jones_argon());
  auto settings = short_run();
  settings.loop.steps = 10;
  run_atom_ring_dynamics(settings, argon(), potential, "model", folder_ / "run");
  settings.beads = 8;
  try {
    run_atom_ring_dynamics(settings, argon(), potential, "model", folder_ / "run");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("beads = 4"), std::string::npos) << error.what();
  }
  const std::string bytes = read_file(folder_ / "run" / "checkpoint");
  for (const std::size_t size : {std::size_t{4}, std::size_t{100}, bytes.size() / 2, bytes.size() - 1}) {
    write_file_atomically(folder_ / "cut", bytes.substr(0, size));
    EXPECT_THROW(read_ring_checkpoint(folder_ / "cut"), Error) << size;
  }
}

TEST_F(RingDynamicsRun, HarmonicWellsHaveTheirClosedForms) {
  constexpr double kelvin = 300, wavenumber = 1600;
  constexpr std::size_t beads = 8;
  RingSettings words;
  words.temperature_kelvin = kelvin;
  words.beads = beads;
  words.steps = 12000;
  words.equilibration_steps = 500;
  words.timestep_fs = 0.5;
  words.centroid_time_fs = 20;
  words.write_every = 0;
  words.log_every = 4;
  words.tensors = true;
  words.isotopes = {"H=D"};
  const Wells potential(wavenumber);
  const auto summary = run_atom_ring_dynamics(ring_dynamics_of(words, 5), hydrogens(32), potential, "model", folder_ / "wells");

  const auto energy_ev = [&](double t) {  // of one degree of freedom: kB T Σ_k w²/(w² + w_k²)
    double sum = 0;
    for (const double w : ring_modes(beads, t).frequency_per_fs) sum += per_fs(wavenumber) * per_fs(wavenumber) / (per_fs(wavenumber) * per_fs(wavenumber) + w * w);
    return units::boltzmann_ev_per_kelvin * t * sum;
  };
  const RingModes modes = ring_modes(beads, kelvin);
  double gyration2 = 0, isotope = 0;
  const double kt = units::boltzmann_ev_per_kelvin * kelvin, w2 = per_fs(wavenumber) * per_fs(wavenumber), lighter = 1.00782503207 / 2.01410177785;
  for (std::size_t k = 1; k < beads; ++k) {
    const double mode2 = modes.frequency_per_fs[k] * modes.frequency_per_fs[k];
    gyration2 += 3 * kt / (units::ev_per_amu_ang2_fs2 * 1.00782503207 * (w2 + mode2));
    isotope += 1.5 * kt * std::log((w2 * lighter + mode2) / (w2 + mode2));
  }
  expect_near(summary, "kinetic_energy_virial_H", 1.5e3 * energy_ev(kelvin));
  expect_near(summary, "kinetic_energy_primitive_H", 1.5e3 * energy_ev(kelvin));
  expect_near(summary, "kinetic_energy_virial_xx_H", 0.5e3 * energy_ev(kelvin));
  expect_near(summary, "gyration_radius_H", std::sqrt(gyration2));
  expect_near(summary, "gyration_zz_H", gyration2 / 3);
  expect_near(summary, "potential_energy", 32 * 1.5 * energy_ev(kelvin));
  expect_near(summary, "isotope_free_energy_excess_H_D", 1e3 * isotope);
  const double heat_capacity = 3 * (energy_ev(kelvin + 1) - energy_ev(kelvin - 1)) / 2 / units::boltzmann_ev_per_kelvin;
  const auto& c = *named(summary, "heat_capacity").estimate;
  EXPECT_NEAR(c.value, heat_capacity, 1.91 * (c.high - c.value));
  EXPECT_LT(c.high - c.value, 0.5);
}

// ln det of the matrix that a degree of freedom has in units of m w_P²; u = w²/w_P². Free energies are kB T/2 times it, whatever the mass.
double log_determinant(const RingFactorization& f, std::size_t beads, double u) {
  std::vector<double> a(beads * beads);
  for (std::size_t j = 0; j < beads; ++j) {
    a[j * beads + j] += 2 + f.weight(j) * u + 2 * f.correction(j) * u * u;
    a[j * beads + (j + 1) % beads] -= 1;
    a[(j + 1) % beads * beads + j] -= 1;
  }
  double sum = 0;
  for (std::size_t k = 0; k < beads; ++k) {
    sum += std::log(a[k * beads + k]);
    for (std::size_t i = k + 1; i < beads; ++i)
      for (std::size_t j = beads; j-- > k;) a[i * beads + j] -= a[i * beads + k] / a[k * beads + k] * a[k * beads + j];
  }
  return sum;
}

TEST_F(RingDynamicsRun, FourthOrderHarmonicWellsHaveTheirClosedForms) {
  struct Case {
    const char* factorization;
    double alpha, wavenumber;
    std::size_t beads;
    double energy_mev;  ///< −d ln Z/dβ, worked out apart from this code
  };
  for (const Case& c : {Case{"takahashi_imada", 0, 1600, 4, 94.4315}, Case{"takahashi_imada", 0, 3500, 8, 203.3167}, Case{"suzuki_chin", 0, 1600, 8, 98.1115},
                        Case{"suzuki_chin", 0, 3500, 4, 132.7389}, Case{"suzuki_chin", 1.0 / 3, 3500, 8, 212.3454}}) {
    SCOPED_TRACE(::testing::Message() << c.factorization << " " << c.wavenumber << " " << c.beads);
    RingSettings words;
    words.temperature_kelvin = 300;
    words.beads = static_cast<std::int64_t>(c.beads);
    words.factorization = c.factorization;
    words.suzuki_chin_alpha = c.alpha;
    words.steps = 20000;
    words.equilibration_steps = 400;
    words.timestep_fs = 0.25;
    words.centroid_time_fs = 20;
    words.write_every = 0;
    words.log_every = 5;
    words.tensors = true;
    words.isotopes = {"H=1.3"};
    const Wells potential(c.wavenumber);
    const RingDynamicsSettings settings = ring_dynamics_of(words, 9);
    const auto summary = run_atom_ring_dynamics(settings, hydrogens(32), potential, "model", folder_ / fmt::format("{}{}{}", c.factorization, c.wavenumber, c.beads));
    const double kt = units::boltzmann_ev_per_kelvin * 300, chain = static_cast<double>(c.beads) * kt / units::hbar_ev_fs;
    const double u = per_fs(c.wavenumber) * per_fs(c.wavenumber) / (chain * chain), lighter = 1.00782503207 / 1.3;
    const RingFactorization& f = settings.loop.factorization;
    const auto free_energy = [&](double scale) { return 0.5 * kt * log_determinant(f, c.beads, scale * u); };
    const double v = (free_energy(1.0001) - free_energy(0.9999)) / 0.0002, k = 1e-3 * c.energy_mev - v;  // V = k dF/dk
    const double stiffness = units::ev_per_amu_ang2_fs2 * 1.00782503207 * per_fs(c.wavenumber) * per_fs(c.wavenumber), gyration2 = 3 * (2 * v - kt) / stiffness;
    const auto expect_within_half_a_percent = [&](const std::string& name, double exact) {
      expect_near(summary, name, exact);
      const auto& e = *named(summary, name).estimate;
      EXPECT_LT(e.high - e.low, 4.18 * 0.005 * exact) << name;
    };
    expect_within_half_a_percent("potential_energy", 96 * v);
    expect_within_half_a_percent("kinetic_energy_virial_H", 3e3 * k);
    expect_near(summary, "kinetic_energy_primitive_H", 3e3 * k);
    expect_near(summary, "kinetic_energy_virial_yy_H", 1e3 * k);
    expect_within_half_a_percent("gyration_radius_H", std::sqrt(gyration2));
    expect_near(summary, "gyration_xx_H", gyration2 / 3);
    expect_near(summary, "isotope_free_energy_excess_H_1.3", 3e3 * (free_energy(lighter) - free_energy(1) - 0.5 * kt * std::log(lighter)));
    for (const NamedEstimate& estimate : summary.estimates) EXPECT_NE(estimate.name, "heat_capacity");
  }
}

TEST_F(RingDynamicsRun, FourthOrderInterruptedAndContinuedLeavesTheSameBytes) {
  const LennardJones potential(lennard_jones_argon());
  for (const char* factorization : {"takahashi_imada", "suzuki_chin"}) {
    RingSettings words = short_words();
    words.factorization = factorization;
    words.skin_ang = 0.3;
    words.log_every = 1;
    const RingDynamicsSettings settings = ring_dynamics_of(words, 3);
    const fs::path whole = folder_ / factorization / "whole";
    run_atom_ring_dynamics(settings, argon(), potential, "model", whole);
    for (const int stop_after : {7, 30, 33}) {
      const fs::path folder = folder_ / factorization / ("parts" + std::to_string(stop_after));
      int steps = 0;
      EXPECT_FALSE(run_atom_ring_dynamics(settings, argon(), potential, "model", folder, {}, [&] { return ++steps == stop_after; }).finished);
      EXPECT_TRUE(run_atom_ring_dynamics(settings, argon(), potential, "model", folder).finished);
      EXPECT_EQ(read_file(folder / "log.csv"), read_file(whole / "log.csv"));
      const auto a = read_ring_checkpoint(folder / "checkpoint").state, b = read_ring_checkpoint(whole / "checkpoint").state;
      EXPECT_EQ(a.ring.mode_velocity_ang_fs, b.ring.mode_velocity_ang_fs);
      EXPECT_EQ(a.ring.force_ev_ang, b.ring.force_ev_ang);
      EXPECT_EQ(a.bare_force_ev_ang, b.bare_force_ev_ang);
      EXPECT_EQ(a.displaced_reference_ang, b.displaced_reference_ang);
      EXPECT_EQ(b.displaced_reference_ang.size(), (std::string(factorization) == "suzuki_chin" ? 2 : 4) * 32u);
    }
    // Another factorisation is another run.
    words.factorization = "primitive";
    EXPECT_THROW(run_atom_ring_dynamics(ring_dynamics_of(words, 3), argon(), potential, "model", whole), Error);
  }
}

TEST_F(RingDynamicsRun, FramesOfSuzukiChinAreTheEvenBeads) {
  const Wells potential(1600);
  RingSettings words;
  words.temperature_kelvin = 300;
  words.beads = 6;
  words.steps = 20;
  words.beads_every = 10;
  words.write_forces = true;
  words.trajectory_precision = "double";
  words.factorization = "suzuki_chin";
  const auto summary = run_atom_ring_dynamics(ring_dynamics_of(words, 1), hydrogens(2), potential, "model", folder_ / "run");
  EXPECT_EQ(summary.bead_frames, 9u);
  const auto frames = read_frames(folder_ / "run" / "beads");
  ASSERT_EQ(frames.size(), 9u);
  const RingState ring = read_ring_checkpoint(folder_ / "run" / "checkpoint").state.ring;
  for (std::size_t k = 0; k < frames.size(); ++k) {
    EXPECT_EQ(frames[k].bead, static_cast<std::int32_t>(k % 3));
    Workspace workspace;
    std::vector<Evaluation> own(1);
    const std::vector<Cell> cell(1);
    potential.evaluate({frames[k].atoms.get(), cell, frames[k].position_ang}, {}, workspace, own);
    EXPECT_NEAR(frames[k].energy_ev.value(), own[0].energy_ev, 1e-9);
    EXPECT_NEAR(norm(frames[k].force_ev_ang[1] - own[0].force_ev_ang[1]), 0, 1e-9);
    if (k < 6) continue;
    EXPECT_NEAR(frames[k].position_ang[1].x, ring.position_ang[2 * (k - 6) * 6 + 3], 1e-9);
  }
}

TEST_F(RingDynamicsRun, RefusesFactorizationsThatCannotBe) {
  RingSettings good;
  good.temperature_kelvin = 300;
  good.beads = 6;
  good.steps = 20;
  good.factorization = "suzuki_chin";
  EXPECT_NO_THROW(ring_dynamics_of(good, 1));
  write_file_atomically(folder_ / "hot.gle", hot_modes);
  const std::vector<std::function<void(RingSettings&)>> changes{[](RingSettings& s) { s.beads = 5; },
                                                               [](RingSettings& s) { s.barostat = "isotropic"; },
                                                               [](RingSettings& s) { s.contracted_beads = 3; },
                                                               [](RingSettings& s) { s.inner_steps = 2; },
                                                               [](RingSettings& s) { s.factorization = "takahashi_imada", s.suzuki_chin_alpha = 0.3; },
                                                               [&](RingSettings& s) {
                                                                 s = piglet_run(folder_ / "hot.gle");
                                                                 s.factorization = "suzuki_chin";
                                                               }};
  for (std::size_t k = 0; k < changes.size(); ++k) {
    RingSettings settings = good;
    changes[k](settings);
    try {
      ring_dynamics_of(settings, 1);
      ADD_FAILURE() << k;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
    }
  }
  // A reference model acts on all beads where no number is given.
  const Wells potential(1600), reference(1500);
  EXPECT_THROW(run_atom_ring_dynamics(ring_dynamics_of(good, 1), hydrogens(2), potential, "model", folder_ / "two", {}, {}, {}, &reference), Error);
  EXPECT_FALSE(fs::exists(folder_ / "two"));
}

TEST_F(RingDynamicsRun, DeuteriumByOneWord) {
  RingSettings words;
  words.temperature_kelvin = 300;
  words.beads = 4;
  words.steps = 20;
  words.masses = {"H=D"};
  const Wells potential(1600);
  const auto summary = run_atom_ring_dynamics(ring_dynamics_of(words, 1), hydrogens(2), potential, "model", folder_ / "d");
  EXPECT_EQ(summary.formula, "D2");
  EXPECT_NO_THROW(named(summary, "gyration_radius_D"));
  words.masses = {"H=cheese"};
  EXPECT_THROW(ring_dynamics_of(words, 1), Error);
  words.masses = {"O=16"};
  EXPECT_THROW(run_atom_ring_dynamics(ring_dynamics_of(words, 1), hydrogens(2), potential, "model", folder_ / "o"), Error);
}

TEST_F(RingDynamicsRun, AClientThatGoesLosesNoStep) {
  RingSettings words;
  words.temperature_kelvin = 300;
  words.beads = 4;
  words.steps = 40;
  words.log_every = 1;
  words.isotopes = {};
  Wells potential(1600);
  run_atom_ring_dynamics(ring_dynamics_of(words, 1), hydrogens(2), potential, "model", folder_ / "whole");
  potential.info_.remote = true;
  potential.fail_in = 20;
  EXPECT_THROW(run_atom_ring_dynamics(ring_dynamics_of(words, 1), hydrogens(2), potential, "model", folder_ / "parts"), Error);
  EXPECT_EQ(read_ring_checkpoint(folder_ / "parts" / "checkpoint").state.ring.step, 18);
  const auto summary = run_atom_ring_dynamics(ring_dynamics_of(words, 1), hydrogens(2), potential, "model", folder_ / "parts");
  EXPECT_EQ(summary.resumed_from_step, 18);
  EXPECT_EQ(read_file(folder_ / "parts" / "log.csv"), read_file(folder_ / "whole" / "log.csv"));
}

// Of two calls in a step the second is that of the isotope: call 20 is of step 9, call 21 the forces of step 10.
TEST_F(RingDynamicsRun, AClientThatGoesWhileAnIsotopeIsMeasuredLosesNoStep) {
  RingSettings words;
  words.temperature_kelvin = 300;
  words.beads = 4;
  words.steps = 20;
  words.log_every = words.beads_every = 1;
  words.isotopes = {"H=D"};
  Wells potential(1600);
  run_atom_ring_dynamics(ring_dynamics_of(words, 1), hydrogens(2), potential, "model", folder_ / "whole");
  potential.info_.remote = true;
  for (const int call : {20, 21}) {
    const fs::path folder = folder_ / ("parts" + std::to_string(call));
    potential.fail_in = call;
    EXPECT_THROW(run_atom_ring_dynamics(ring_dynamics_of(words, 1), hydrogens(2), potential, "model", folder), Error);
    EXPECT_EQ(read_ring_checkpoint(folder / "checkpoint").state.ring.step, call == 20 ? 8 : 9);
    EXPECT_TRUE(run_atom_ring_dynamics(ring_dynamics_of(words, 1), hydrogens(2), potential, "model", folder).finished);
    EXPECT_EQ(read_file(folder / "log.csv"), read_file(folder_ / "whole" / "log.csv"));
    EXPECT_EQ(read_frames(folder / "beads").size(), 84u);
  }
}

TEST_F(RingDynamicsRun, RestraintsHold) {
  RingSettings words;
  words.temperature_kelvin = 300;
  words.beads = 8;
  words.steps = 2000;
  words.equilibration_steps = 500;
  words.beads_every = 20;
  words.restraints = {"0-1=2.5"};
  words.restraint_stiffness_ev_ang2 = 400;
  const Wells soft(20);
  Frame apart = hydrogens(2);
  apart.position_ang[1] = {2.5, 0, 0};
  run_atom_ring_dynamics(ring_dynamics_of(words, 1), apart, soft, "model", folder_ / "held");
  double mean = 0;
  const auto frames = read_frames(folder_ / "held" / "beads");
  for (const Frame& frame : frames) mean += norm(frame.position_ang[1] - frame.position_ang[0]) / static_cast<double>(frames.size());
  EXPECT_NEAR(mean, 2.5, 0.02);
  words.restraints = {"0-2=2.5"};
  EXPECT_THROW(run_atom_ring_dynamics(ring_dynamics_of(words, 1), hydrogens(2), soft, "model", folder_ / "none"), Error);
  words.restraints = {"0,1=2.5"};
  EXPECT_THROW(ring_dynamics_of(words, 1), Error);
}

}  // namespace
}  // namespace saltus::runs
