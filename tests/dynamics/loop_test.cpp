#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "argon.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/potentials/committee.hpp"
#include "saltus/dynamics/checkpoint.hpp"
#include "saltus/dynamics/loop.hpp"

namespace saltus {
namespace {

using test::HarmonicWells;

class Folder {
 public:
  Folder() : path_(std::filesystem::path(::testing::TempDir()) / ("saltus_loop_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

struct Output {
  std::vector<Frame> frames;
  std::vector<LogRow> rows;
};

LoopSinks collect(Output& output) {
  LoopSinks sinks;
  sinks.frame = [&](const Frame& frame) { output.frames.push_back(frame); };
  sinks.log = [&](const LogRow& row) { output.rows.push_back(row); };
  return sinks;
}

void expect_same(const State& a, const State& b) {
  EXPECT_EQ(a.position_ang, b.position_ang);
  EXPECT_EQ(a.velocity_ang_fs, b.velocity_ang_fs);
  EXPECT_EQ(a.force_ev_ang, b.force_ev_ang);
  EXPECT_EQ(a.reference_ang, b.reference_ang);
  EXPECT_EQ(a.energy_ev, b.energy_ev);
  EXPECT_EQ(a.thermostat_ev, b.thermostat_ev);
  EXPECT_EQ(a.random, b.random);
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.time_fs, b.time_fs);
  EXPECT_EQ(a.begun, b.begun);
  EXPECT_EQ(a.cell, b.cell);
  EXPECT_EQ(a.reference_cell, b.reference_cell);
  EXPECT_EQ(a.virial_ev, b.virial_ev);
  EXPECT_EQ(a.cell_moves, b.cell_moves);
  EXPECT_EQ(a.cell_moves_accepted, b.cell_moves_accepted);
  EXPECT_EQ(*a.atoms, *b.atoms);
  EXPECT_EQ(a.max_extrapolation, b.max_extrapolation);
}

void expect_same(const Output& a, const Output& b) {
  ASSERT_EQ(a.frames.size(), b.frames.size());
  for (std::size_t k = 0; k < a.frames.size(); ++k) {
    EXPECT_EQ(a.frames[k].step, b.frames[k].step);
    EXPECT_EQ(a.frames[k].position_ang, b.frames[k].position_ang);
    EXPECT_EQ(a.frames[k].cell, b.frames[k].cell);
    EXPECT_EQ(a.frames[k].energy_ev, b.frames[k].energy_ev);
  }
  ASSERT_EQ(a.rows.size(), b.rows.size());
  for (std::size_t k = 0; k < a.rows.size(); ++k) {
    EXPECT_EQ(a.rows[k].step, b.rows[k].step);
    EXPECT_EQ(a.rows[k].conserved_ev, b.rows[k].conserved_ev);
    EXPECT_EQ(a.rows[k].kinetic_ev, b.rows[k].kinetic_ev);
    EXPECT_EQ(a.rows[k].pressure_gpa, b.rows[k].pressure_gpa);
    EXPECT_EQ(a.rows[k].volume_ang3, b.rows[k].volume_ang3);
    EXPECT_EQ(a.rows[k].max_extrapolation, b.rows[k].max_extrapolation);
  }
}

LoopSettings liquid_settings(const Thermostat& thermostat) {
  LoopSettings settings;
  settings.steps = 150;
  settings.equilibration_steps = 60;
  settings.timestep_fs = 10;
  settings.thermostat = thermostat;
  settings.equilibration_thermostat = Langevin{150, 0.02};
  settings.write_stride = 3;
  settings.log_stride = 7;
  settings.checkpoint_stride = 40;
  settings.skin_ang = 0.8;
  return settings;
}

TEST(Loop, StoppedAnywhereItContinuesBitForBit) {
  const Folder folder;
  const LennardJones potential(lennard_jones_argon());
  const auto pressed = [](CellFreedom freedom) { return Barostat{freedom, 0.02 / units::gpa_per_ev_ang3, 300, 0.5 * units::gpa_per_ev_ang3, 7}; };
  for (const auto& [thermostat, barostat] : std::vector<std::pair<Thermostat, std::optional<Barostat>>>{
           {NoThermostat{}, {}}, {Langevin{150, 0.01}, {}}, {VelocityRescaling{150, 80}, {}}, {VelocityRescaling{150, 80}, pressed(CellFreedom::isotropic)},
           {Langevin{150, 0.01}, pressed(CellFreedom::anisotropic)}, {VelocityRescaling{150, 80}, pressed(CellFreedom::flexible)}}) {
    LoopSettings settings = liquid_settings(thermostat);
    settings.barostat = barostat;
    settings.log_pressure = conserves_momentum(thermostat);
    State whole = test::argon_state(2, 250, 21);
    begin_dynamics(whole, settings);
    Output expected;
    ASSERT_EQ(run_dynamics(whole, potential, settings, collect(expected)), LoopEnd::finished);

    State state = test::argon_state(2, 250, 21);
    begin_dynamics(state, settings);
    Output found;
    int away_from_rebuild = 0;
    for (const std::int64_t stop : {-60, -31, -1, 0, 1, 37, 40, 83, 149, 150}) {
      LoopSinks sinks = collect(found);
      sinks.stop_requested = [&] { return state.step >= stop; };
      sinks.checkpoint = [&](const State& saved) { write_checkpoint(folder / "checkpoint", {saved, {}, 0, 0, 0}); };
      run_dynamics(state, potential, settings, sinks);
      if (state.step < settings.steps) {
        const std::int64_t reached = state.step;
        state = read_checkpoint(folder / "checkpoint").state;
        EXPECT_EQ(state.step, reached);
      }
      away_from_rebuild += state.reference_ang != state.position_ang;
    }
    EXPECT_GE(away_from_rebuild, 5);
    whole.reference_ang = state.reference_ang = {};  // saved at different moments
    whole.reference_cell = state.reference_cell = Cell();
    expect_same(state, whole);
    expect_same(found, expected);
  }
}

TEST(Loop, EquilibrationIsLoggedButNotWritten) {
  const LennardJones potential(lennard_jones_argon());
  const LoopSettings settings = liquid_settings(NoThermostat{});
  State state = test::argon_state(2, 150, 22);
  begin_dynamics(state, settings);
  Output output;
  run_dynamics(state, potential, settings, collect(output));
  ASSERT_EQ(output.frames.size(), 51u);  // steps 0, 3 … 150
  EXPECT_EQ(output.frames.front().step, 0);
  EXPECT_EQ(output.frames.back().step, 150);
  EXPECT_EQ(output.rows.front().step, -56);
  EXPECT_EQ(output.rows.front().time_fs, -560);
  EXPECT_EQ(output.rows.back().step, 147);
  // Langevin hands over to constant energy without a jump of the conserved quantity, momentum removed.
  for (const LogRow& row : output.rows) EXPECT_NEAR(row.conserved_ev, output.rows.front().conserved_ev, 2e-3 * 32);
  Vec3 drift;
  for (const Vec3& v : state.velocity_ang_fs) drift += v;
  EXPECT_LT(norm(drift), 1e-13);
}

TEST(Loop, MoreStepsContinueAFinishedRun) {
  const LennardJones potential(lennard_jones_argon());
  LoopSettings settings = liquid_settings(Langevin{150, 0.01});
  State whole = test::argon_state(2, 150, 23), part = whole;
  Output expected, found;
  begin_dynamics(whole, settings);
  run_dynamics(whole, potential, settings, collect(expected));
  begin_dynamics(part, settings);
  settings.steps = 71;
  run_dynamics(part, potential, settings, collect(found));
  settings.steps = 150;
  run_dynamics(part, potential, settings, collect(found));
  expect_same(part, whole);
  expect_same(found, expected);
}

std::string message_of(State& state, const Potential& potential, const LoopSettings& settings, ErrorKind kind) {
  try {
    run_dynamics(state, potential, settings, {});
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

TEST(Loop, ForceThatIsNotFiniteNamesStepAndAtom) {
  HarmonicWells wells(1);
  wells.poison_at = 24;  // the first call is step 0
  State state = test::separate_atoms(3, 24);
  LoopSettings settings;
  settings.steps = 100;
  begin_dynamics(state, settings);
  EXPECT_EQ(message_of(state, wells, settings, ErrorKind::numeric), "step 23 (46 fs): the force on atom 1 (Ar) is not finite");
}

TEST(Loop, ExplodingTemperatureNamesTheHottestAtom) {
  const HarmonicWells wells(1);
  State state = test::separate_atoms(3, 25);
  state.velocity_ang_fs[2] = {0.1, 0, 0};
  LoopSettings settings;
  settings.steps = 100;
  settings.temperature_limit_kelvin = 900;
  begin_dynamics(state, settings);
  const std::string message = message_of(state, wells, settings, ErrorKind::numeric);
  EXPECT_EQ(message.find("step 0 (0 fs): the temperature is "), 0u) << message;
  EXPECT_NE(message.find("atom 2 (Ar)"), std::string::npos) << message;
}

TEST(Loop, ExtrapolationIsReportedAndLimited) {
  HarmonicWells wells(1);
  wells.with_extrapolation();
  wells.extrapolate_at = 26;  // step 25, measured at steps divisible by 10
  State state = test::separate_atoms(3, 26);
  LoopSettings settings;
  settings.steps = 100;
  settings.log_stride = 15;
  settings.extrapolation_stride = 10;
  Output output;
  begin_dynamics(state, settings);
  State limited = state;
  run_dynamics(state, wells, settings, collect(output));
  ASSERT_EQ(output.rows.size(), 7u);
  EXPECT_EQ(output.rows[1].max_extrapolation, 0.5);
  EXPECT_EQ(output.rows[2].max_extrapolation, 7);
  wells.calls = 0;
  settings.max_extrapolation = 5;
  EXPECT_EQ(message_of(limited, wells, settings, ErrorKind::numeric),
            "step 30 (60 fs): the extrapolation measure of atom 2 (Ar) is 7, beyond the limit of 5");
}

// Members k and 1.5 k: the force on an atom at r spreads by 0.5 k r / √2.
TEST(Loop, SpreadOfACommitteeIsReportedAndLimited) {
  std::vector<std::unique_ptr<Potential>> members;
  members.push_back(std::make_unique<HarmonicWells>(1));
  members.push_back(std::make_unique<HarmonicWells>(1.5));
  const Committee committee(std::move(members));
  State state = test::separate_atoms(3, 26);
  const double farthest = 0.3;
  state.position_ang = {{0.1, 0, 0}, {0, -farthest, 0}, {0, 0, 0.2}};
  LoopSettings settings;
  settings.steps = 20;
  settings.log_stride = 10;
  settings.extrapolation_stride = 10;
  Output output;
  begin_dynamics(state, settings);
  State limited = state;
  run_dynamics(state, committee, settings, collect(output));
  ASSERT_EQ(output.rows.size(), 3u);
  EXPECT_NEAR(output.rows[0].max_force_spread_ev_ang.value(), 0.5 * farthest / std::sqrt(2), 1e-12);
  EXPECT_FALSE(output.rows[0].max_extrapolation);
  settings.max_force_spread_ev_ang = 0.4 * farthest / std::sqrt(2);
  EXPECT_NE(message_of(limited, committee, settings, ErrorKind::numeric).find("the spread of the force of atom 1 (Ar) is"), std::string::npos);
}

TEST(Checkpoint, DamagedOrForeignFilesAreRefused) {
  const Folder folder;
  const auto path = folder / "checkpoint";
  State state = test::argon_state(1, 100, 27);
  state.max_extrapolation = 0.25;
  state.reference_ang = state.position_ang;
  state.reference_cell = repeated(state.cell, {1, 2, 1});
  state.virial_ev = Mat3{{Vec3{1, 2, 3}, Vec3{4, 5, 6}, Vec3{7, 8, 9}}};
  state.cell_moves = 12;
  state.cell_moves_accepted = 11;
  const Checkpoint saved{state, {{"timestep_fs", "2"}, {"seed", "1"}}, 4, 1234, 5.5};
  write_checkpoint(path, saved);
  const Checkpoint read = read_checkpoint(path);
  expect_same(read.state, state);
  EXPECT_EQ(read.settings, saved.settings);
  EXPECT_EQ(read.segments, 4u);
  EXPECT_EQ(read.log_bytes, 1234u);
  EXPECT_EQ(read.wall_s, 5.5);

  const std::string good = read_file(path);
  const auto refused = [&](const std::string& content) {
    std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
    try {
      read_checkpoint(path);
    } catch (const Error& error) {
      return error.kind() == ErrorKind::format;
    }
    return false;
  };
  for (std::size_t k = 0; k < good.size(); k += 7) {
    std::string bad = good;
    bad[k] = static_cast<char>(bad[k] ^ 0x10);
    EXPECT_TRUE(refused(bad)) << k;
    EXPECT_TRUE(refused(good.substr(0, k))) << k;
  }
  EXPECT_TRUE(refused(good + "x"));
  EXPECT_TRUE(refused("76\nLattice=\"1 0 0 0 1 0 0 0 1\"\n"));
  std::filesystem::remove(path);
  EXPECT_THROW(read_checkpoint(path), Error);
}

TEST(Checkpoint, DifferingSettingIsNamed) {
  const std::vector<NamedSetting> stored{{"timestep_fs", "2"}, {"seed", "1"}};
  EXPECT_NO_THROW(require_same_settings(stored, stored));
  try {
    require_same_settings(stored, {{"timestep_fs", "1"}, {"seed", "1"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("timestep_fs = 2, now it is 1"), std::string::npos);
  }
  EXPECT_THROW(require_same_settings(stored, {{"timestep_fs", "2"}}), Error);
}

}  // namespace
}  // namespace saltus
