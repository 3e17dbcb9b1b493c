#include "saltus/potentials/product_ace.hpp"

#include <cmath>
#include <filesystem>

#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kernels/density_radial.hpp"
#include "saltus/potentials/load.hpp"
#include "saltus/potentials/pace_export.hpp"

#include "ace_model.hpp"

namespace saltus {
namespace {

#define FOLDER SALTUS_SOURCE_DIR "/tests/golden/lammps/pace/"

const Want all{.forces = true, .virial = true, .atom_energies = true};

nlohmann::json expected() { return nlohmann::json::parse(read_file(FOLDER "expected.json")); }

Frame frame_of(const nlohmann::json& json) {
  Frame frame;
  std::vector<std::uint8_t> z;
  for (const std::string symbol : json.at("elements")) z.push_back(*atomic_number_of(symbol));
  const auto row = [](const nlohmann::json& r) { return Vec3{r[0], r[1], r[2]}; };
  for (const auto& r : json.at("position_ang")) frame.position_ang.push_back(row(r));
  const auto& cell = json.at("cell_ang");
  frame.cell = Cell(Mat3{{row(cell[0]), row(cell[1]), row(cell[2])}});
  frame.atoms = std::make_shared<const Atoms>(atoms_of(z));
  return frame;
}

/// Largest difference of a force relative to the largest force; energy and virial relative to the same scale of eV.
void expect_as_in_lammps(const Evaluation& found, const nlohmann::json& lammps, double relative) {
  double largest = 0, worst = 0;
  const auto& force = lammps.at("force_ev_ang");
  for (std::size_t i = 0; i < force.size(); ++i) {
    const Vec3 f{force[i][0], force[i][1], force[i][2]};
    largest = std::max(largest, norm(f));
    worst = std::max(worst, norm(found.force_ev_ang[i] - f));
  }
  EXPECT_GT(largest, 0.1);
  EXPECT_LT(worst, relative * largest);
  EXPECT_NEAR(found.energy_ev, lammps.at("energy_ev").get<double>(), relative * std::abs(found.energy_ev));
  constexpr int row[6] = {0, 1, 2, 0, 0, 1}, column[6] = {0, 1, 2, 1, 2, 2};
  double size = 0;
  for (int k = 0; k < 6; ++k) size = std::max(size, std::abs(lammps.at("virial_ev")[static_cast<std::size_t>(k)].get<double>()));
  // LAMMPS' pressures pass through bar: nine digits of its constants.
  for (int k = 0; k < 6; ++k)
    EXPECT_NEAR((*found.virial_ev)[row[k]][column[k]], lammps.at("virial_ev")[static_cast<std::size_t>(k)].get<double>(), (relative + 1e-8) * size) << k;
}

AceParameters polynomial_ace(std::uint64_t seed, int power, bool repulsion) {
  AceParameters p = random_ace(seed);
  for (auto& pair : p.radial) pair = polynomial_radial_pair(4.5, pair.inner, power);
  if (!repulsion) p.repulsion_end_ang.assign(4, 0.0);
  return p;
}

// The radial tables of the pace style and of these potentials have the same knots; what differs from the ACE is their interpolation.
TEST(PaceExport, IsReadBackAsTheSamePotential) {
  for (const int power : {1, 2, 3}) {
    const AceParameters parameters = polynomial_ace(4, power, false);
    const PaceExport files = export_pace(parameters, "m.yace", "m.table");
    EXPECT_TRUE(files.table.empty());
    EXPECT_EQ(files.lammps_input.size(), 2u);
    const ProductAce read(read_product_model(files.yace, "m.yace"));
    const AcePotential own(parameters);
    for (const std::uint64_t seed : {3u, 8u}) {
      const Frame frame = skewed_cell(seed);
      Workspace workspace, other;
      const Evaluation a = evaluate_one(own, frame, all, workspace), b = evaluate_one(read, frame, all, other);
      double largest = 0;
      for (const Vec3& f : a.force_ev_ang) largest = std::max(largest, norm(f));
      EXPECT_GT(largest, 0.01);
      for (std::size_t i = 0; i < frame.size(); ++i) {
        EXPECT_LT(norm(a.force_ev_ang[i] - b.force_ev_ang[i]), 2e-8 * largest) << power << " " << i;
        EXPECT_NEAR(a.atom_energy_ev[i], b.atom_energy_ev[i], 1e-9) << power << " " << i;
      }
      for (int k = 0; k < 3; ++k)
        for (int m = 0; m < 3; ++m) EXPECT_NEAR((*a.virial_ev)[k][m], (*b.virial_ev)[k][m], 1e-7);
    }
  }
}

TEST(PaceExport, ForcesOfLammps) {
  const auto json = expected();
  const auto potential = load_potential(FOLDER "model.safetensors");
  Workspace workspace;
  expect_as_in_lammps(evaluate_one(*potential, frame_of(json.at("li15si4")), all, workspace), json.at("model"), 1e-8);
}

TEST(PaceExport, RepulsionIsATable) {
  const AceParameters parameters = polynomial_ace(4, 2, true);
  const PaceExport files = export_pace(parameters, "m.yace", "m.table");
  ASSERT_EQ(files.lammps_input.size(), 5u);
  EXPECT_EQ(files.lammps_input[0], "pair_style hybrid/overlay pace table spline 20000");
  EXPECT_EQ(files.lammps_input[1], "pair_coeff * * pace m.yace Li Si");
  EXPECT_EQ(files.lammps_input[3], "pair_coeff 1 2 table m.table Li_Si");
  const auto at = files.table.find("\nLi_Si\n");
  ASSERT_NE(at, std::string::npos);
  double r = 0, energy = 0, force = 0, begin = 0, end = 0;
  int rows = 0, row = 0;
  ASSERT_EQ(std::sscanf(files.table.c_str() + at, "\nLi_Si\nN %d R %lf %lf", &rows, &begin, &end), 3);
  EXPECT_DOUBLE_EQ(end, parameters.repulsion_end_ang[1]);
  const auto line = files.table.find("\n2500 ", at);
  ASSERT_EQ(std::sscanf(files.table.c_str() + line, "\n%d %lf %lf %lf", &row, &r, &energy, &force), 4);
  const PairEnergy pair = zbl_repulsion(zbl_pair(3, 14, end), r);
  EXPECT_DOUBLE_EQ(energy, pair.energy_ev);
  EXPECT_DOUBLE_EQ(force, -pair.slope_ev_ang);
}

TEST(PaceExport, RefusesRadialFunctionsThatLevelOff) {
  try {
    export_pace(random_ace(1), "m.yace", "m.table");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::unsupported);
    EXPECT_NE(std::string(error.what()).find("--radial-power"), std::string::npos);
  }
}

// Plain and shifted embeddings, four radial bases, a core, products of up to four densities.
TEST(ProductAce, ProductsAsInLammps) {
  const auto json = expected();
  const auto potential = load_potential(FOLDER "products.yace");
  EXPECT_EQ(potential->info().kind, "pace");
  Workspace workspace;
  expect_as_in_lammps(evaluate_one(*potential, frame_of(json.at("skewed")), all, workspace), json.at("products"), 1e-8);
}

TEST(ProductAce, FinnisSinclairModelOfGraceAsInLammps) {
  const auto json = expected();
  const auto potential = load_potential(FOLDER "grace_fs.yaml");
  EXPECT_EQ(potential->info().kind, "grace_fs");
  Workspace workspace;
  expect_as_in_lammps(evaluate_one(*potential, frame_of(json.at("skewed")), all, workspace), json.at("grace_fs"), 1e-8);
}

TEST(ProductAce, ForcesAndVirialAreDerivatives) {
  const auto json = expected();
  for (const char* file : {FOLDER "products.yace", FOLDER "grace_fs.yaml"}) {
    const auto potential = load_potential(file);
    Frame frame = frame_of(json.at("skewed"));
    Workspace workspace;
    const Evaluation exact = evaluate_one(*potential, frame, all, workspace);
    double sum = 0;
    for (const double e : exact.atom_energy_ev) sum += e;
    EXPECT_NEAR(sum, exact.energy_ev, 1e-10 * std::abs(sum));
    double largest = 0;
    for (const Vec3& f : exact.force_ev_ang) largest = std::max(largest, norm(f));
    const double h = 1e-4;
    for (std::size_t i = 0; i < frame.size(); i += 2)
      for (int axis = 0; axis < 3; ++axis) {
        const double kept = frame.position_ang[i][axis];
        frame.position_ang[i][axis] = kept + h;
        const double plus = evaluate_one(*potential, frame, {}, workspace).energy_ev;
        frame.position_ang[i][axis] = kept - h;
        const double minus = evaluate_one(*potential, frame, {}, workspace).energy_ev;
        frame.position_ang[i][axis] = kept;
        EXPECT_NEAR(exact.force_ev_ang[i][axis], -(plus - minus) / (2 * h), 2e-6 * largest) << file << " " << i << " " << axis;
      }
    for (int a = 0; a < 3; ++a) {  // strain xx, yy, zz and a shear each
      const int b = (a + 1) % 3;
      for (const auto& [row, column] : {std::pair{a, a}, std::pair{a, b}}) {
        const auto strained = [&](double e) {
          Frame other = frame;
          Mat3 rows = frame.cell.rows_ang();
          const auto move = [&](Vec3 v) {
            v[row] += e * v[column];
            return v;
          };
          for (int k = 0; k < 3; ++k) rows[k] = move(rows[k]);
          other.cell = Cell(rows);
          for (Vec3& r : other.position_ang) r = move(r);
          return evaluate_one(*potential, other, {}, workspace).energy_ev;
        };
        EXPECT_NEAR((*exact.virial_ev)[column][row], -(strained(1e-5) - strained(-1e-5)) / 2e-5, 1e-5 * largest) << file << " " << row << column;
      }
    }
  }
}

TEST(ProductAce, LoneAtomsBatchesAndThreads) {
  const auto json = expected();
  const auto potential = load_potential(FOLDER "grace_fs.yaml");
  Frame lone;
  lone.atoms = std::make_shared<const Atoms>(atoms_of({14}));
  lone.position_ang = {{1, 2, 3}};
  Workspace workspace;
  const Evaluation alone = evaluate_one(*potential, lone, all, workspace);
  EXPECT_DOUBLE_EQ(alone.energy_ev, -100.25 + 0.25);  // E0 and shift
  EXPECT_EQ(norm(alone.force_ev_ang[0]), 0);
  const Frame frame = frame_of(json.at("skewed"));
  const Evaluation one = evaluate_one(*potential, frame, all, workspace);
  std::vector<Vec3> twice = frame.position_ang;
  twice.insert(twice.end(), frame.position_ang.begin(), frame.position_ang.end());
  const std::vector<Cell> cells(2, frame.cell);
  std::vector<Evaluation> both(2);
  potential->evaluate({frame.atoms.get(), cells, twice}, all, workspace, both);
  for (const Evaluation& e : both) {
    EXPECT_EQ(e.energy_ev, one.energy_ev);
    EXPECT_EQ(e.force_ev_ang[3].x, one.force_ev_ang[3].x);
  }
  Frame oxygen = lone;
  oxygen.atoms = std::make_shared<const Atoms>(atoms_of({8}));
  EXPECT_THROW(evaluate_one(*potential, oxygen, all, workspace), Error);
}

// Known values: T_n of the power form at its ends, and that Bessel functions and their slopes end at zero.
TEST(DensityRadial, EndsAndSlopes) {
  using kernels::DensityRadialKind;
  std::vector<double> g(6), dg(6), plus(6), minus(6), none(6);
  for (const auto kind : {DensityRadialKind::chebyshev_exponential, DensityRadialKind::chebyshev_power, DensityRadialKind::chebyshev_linear, DensityRadialKind::simplified_bessel}) {
    for (const double r : {0.3, 1.7, 4.6}) {
      kernels::density_radial(kind, 3, 5, 0.5, r, g, dg);
      kernels::density_radial(kind, 3, 5, 0.5, r + 1e-5, plus, none);
      kernels::density_radial(kind, 3, 5, 0.5, r - 1e-5, minus, none);
      for (std::size_t k = 0; k < g.size(); ++k) EXPECT_NEAR(dg[k], (plus[k] - minus[k]) / 2e-5, 1e-7) << static_cast<int>(kind) << " " << r << " " << k;
    }
    if (kind == DensityRadialKind::chebyshev_linear) continue;  // as LAMMPS has it: x = 0 at the cutoff, where not all functions end at zero
    kernels::density_radial(kind, 3, 5, 0.5, 5 - 1e-9, g, dg);
    for (const double v : g) EXPECT_NEAR(v, 0, 1e-7);
  }
  kernels::density_radial(DensityRadialKind::chebyshev_power, 3, 5, 0.5, 1e-12, g, dg);
  for (std::size_t k = 0; k < g.size(); ++k) EXPECT_NEAR(g[k], k % 2 ? 0 : 1, 1e-9);  // x = −1
  EXPECT_DOUBLE_EQ(kernels::smooth_step(1.5, 2, 1).value, 0.5);
}

}  // namespace
}  // namespace saltus
