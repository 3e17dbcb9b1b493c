// Statics of Lennard-Jones argon beside ASE and phonopy: tests/golden/ase/statics.
#include <cmath>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/base/units.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/potentials/lennard_jones.hpp"
#include "saltus/statics/elastic_band.hpp"
#include "saltus/statics/elastic_constants.hpp"
#include "saltus/statics/equation_of_state.hpp"
#include "saltus/statics/phonons.hpp"
#include "saltus/statics/relaxation.hpp"
#include "saltus/statics/vacancy_hops.hpp"

namespace saltus {
namespace {

class StaticsGolden : public ::testing::Test {
 protected:
  StaticsGolden() { std::ifstream(folder + "expected.json") >> expected; }
  Frame frame_of(const char* name) const {
    Frame frame;
    EXPECT_TRUE(open_trajectory(folder + name)->read_next(frame));
    return frame;
  }
  const std::string folder = SALTUS_SOURCE_DIR "/tests/golden/ase/statics/";
  const LennardJones potential{lennard_jones_argon()};
  nlohmann::json expected;
};

TEST_F(StaticsGolden, CellAndPositionsUnderPressureAndWithout) {
  RelaxationSettings settings;
  settings.cell = CellMotion::full;
  settings.force_tolerance_ev_ang = 1e-8;
  settings.stress_tolerance_ev_ang3 = 1e-9;
  for (const auto& [name, gpa] : {std::pair{"pressed", 0.2}, std::pair{"free", 0.0}}) {
    settings.pressure_ev_ang3 = gpa / units::gpa_per_ev_ang3;
    const Relaxation r = relax(frame_of("disturbed.extxyz"), potential, settings);
    ASSERT_TRUE(r.converged);
    EXPECT_NEAR(*r.frame.energy_ev, expected[name]["energy_ev"].get<double>(), 1e-8);
    EXPECT_NEAR(r.frame.cell.volume_ang3(), expected[name]["volume_ang3"].get<double>(), 1e-4);
    for (int a = 0; gpa > 0 && a < 3; ++a) EXPECT_NEAR(norm(r.frame.cell.rows_ang()[a]), expected[name]["lengths_ang"][static_cast<std::size_t>(a)].get<double>(), 1e-5);
  }
}

TEST_F(StaticsGolden, EquationOfState) {
  EquationOfStateSettings settings;
  settings.relaxation.force_tolerance_ev_ang = 1e-8;
  const EquationOfState eos = equation_of_state(frame_of("hcp.extxyz"), potential, settings);
  EXPECT_NEAR(eos.fit.volume_ang3, expected["equation_of_state"]["volume_ang3"].get<double>(), 1e-4);
  EXPECT_NEAR(eos.fit.energy_ev, expected["equation_of_state"]["energy_ev"].get<double>(), 1e-8);
  EXPECT_NEAR(eos.fit.bulk_ev_ang3 * units::gpa_per_ev_ang3, expected["equation_of_state"]["bulk_gpa"].get<double>(), 1e-4);
  EXPECT_NEAR(eos.fit.bulk_derivative, expected["equation_of_state"]["derivative"].get<double>(), 1e-3);
  // The same modulus from the stress: two ways that share no formula, apart by what the third order leaves over.
  ElasticSettings elastic;
  elastic.strain = 1e-3;
  const ElasticConstants c = elastic_constants(frame_of("hcp.extxyz"), potential, elastic);
  EXPECT_NEAR(c.reuss.bulk_ev_ang3 / eos.fit.bulk_ev_ang3, 1, 0.01);
  EXPECT_NEAR(c.stiffness_ev_ang3[5][5], (c.stiffness_ev_ang3[0][0] - c.stiffness_ev_ang3[0][1]) / 2, 1e-4 * c.stiffness_ev_ang3[0][0]);  // hexagonal
}

TEST_F(StaticsGolden, PhononsOfPhonopy) {
  const ForceConstants constants = force_constants(frame_of("hcp.extxyz"), potential, {{3, 3, 2}, 0.001});
  for (const auto& point : expected["phonons"]) {
    const auto q = point["q"].get<std::vector<double>>(), frequency = point["frequency_thz"].get<std::vector<double>>();
    const std::vector<double> found = frequencies_thz(constants, {q[0], q[1], q[2]});
    ASSERT_EQ(found.size(), frequency.size());
    for (std::size_t k = 0; k < found.size(); ++k) EXPECT_NEAR(found[k], frequency[k], 1e-5) << point["q"] << k;
  }
  const auto kelvin = expected["thermal"]["temperature_kelvin"].get<std::vector<double>>();
  const HarmonicEnergies energies = harmonic_energies(mesh_frequencies_thz(constants, {8, 8, 8}), 2, kelvin);
  for (std::size_t k = 0; k < kelvin.size(); ++k) {
    EXPECT_NEAR(energies.free_energy_ev[k], expected["thermal"]["free_energy_ev"][k].get<double>(), 1e-7);
    EXPECT_NEAR(energies.entropy_ev_kelvin[k], expected["thermal"]["entropy_ev_kelvin"][k].get<double>(), 5e-9);
    EXPECT_NEAR(energies.heat_capacity_ev_kelvin[k], expected["thermal"]["heat_capacity_ev_kelvin"][k].get<double>(), 5e-9);
  }
}

TEST_F(StaticsGolden, BarrierOfAVacancyHop) {
  const auto& hop = expected["vacancy_hop"];
  const HopEnds ends = ends_of_hop(frame_of("fcc.extxyz"), hop["vacancy"].get<std::size_t>(), hop["mover"].get<std::size_t>());
  RelaxationSettings settings;
  settings.force_tolerance_ev_ang = 1e-4;
  const Relaxation before = relax(ends.before, potential, settings), after = relax(ends.after, potential, settings);
  BandSettings band_settings;
  band_settings.force_tolerance_ev_ang = 1e-4;
  const Band band = find_path(before.frame, after.frame, potential, band_settings);
  ASSERT_TRUE(band.converged);
  EXPECT_EQ(band.highest, 3u);
  EXPECT_NEAR(band.forward_barrier_ev(), hop["barrier_ev"].get<double>(), 2e-5);
  for (std::size_t k = 0; k < band.image.size(); ++k)
    EXPECT_NEAR(*band.image[k].energy_ev, hop["energies_ev"][k].get<double>(), 3e-3);  // images between slide with the springs
}

}  // namespace
}  // namespace saltus
