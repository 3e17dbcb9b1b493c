#include "saltus/statics/phonons.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include <Eigen/Dense>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/base/units.hpp"

namespace saltus {

namespace {

constexpr double same_length_ang = 1e-4;   // images of a pair that are equally near
constexpr double translation_thz = 1e-3;
constexpr double planck_ev_per_thz = 2 * std::numbers::pi * units::ev_per_hartree * units::fs_per_atomic_time * 1e-3;

double largest(const Mat3& m) {
  double most = 0;
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) most = std::max(most, std::abs(m[a][b]));
  return most;
}

Mat3 mean(const Mat3& a, const Mat3& b) {
  Mat3 result = a;
  result += b;
  for (int i = 0; i < 3; ++i) result[i] *= 0.5;
  return result;
}

std::size_t cells_of(const Int3& s) { return static_cast<std::size_t>(s[0]) * static_cast<std::size_t>(s[1]) * static_cast<std::size_t>(s[2]); }

/// Index of the cell at −R, in the order of repeated().
std::size_t opposite(std::size_t cell, const Int3& s) {
  const auto k = static_cast<int>(cell);
  const int c = k % s[2], b = k / s[2] % s[1], a = k / (s[2] * s[1]);
  const auto turned = [](int i, int n) { return (n - i) % n; };
  return static_cast<std::size_t>((turned(a, s[0]) * s[1] + turned(b, s[1])) * s[2] + turned(c, s[2]));
}

void make_symmetric(ForceConstants& f) {
  const std::size_t n = f.cell.size(), cells = cells_of(f.supercell);
  std::vector<Mat3>& phi = f.constant_ev_ang2;
  const std::vector<Mat3> raw = phi;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t r = 0; r < cells; ++r)
      for (std::size_t j = 0; j < n; ++j) {
        const Mat3 partner = transpose(raw[(j * cells + opposite(r, f.supercell)) * n + i]);
        Mat3 difference = raw[(i * cells + r) * n + j];
        for (int a = 0; a < 3; ++a) difference[a] -= partner[a];
        f.largest_asymmetry_ev_ang2 = std::max(f.largest_asymmetry_ev_ang2, largest(difference));
        phi[(i * cells + r) * n + j] = mean(raw[(i * cells + r) * n + j], partner);
      }
  for (std::size_t i = 0; i < n; ++i) {
    Mat3 sum;
    for (std::size_t k = 0; k < cells * n; ++k) sum += phi[i * cells * n + k];
    f.largest_sum_ev_ang2 = std::max(f.largest_sum_ev_ang2, largest(sum));
    const Mat3 excess = mean(sum, transpose(sum));
    for (int a = 0; a < 3; ++a) phi[i * cells * n + i][a] -= excess[a];
  }
}

}  // namespace

ForceConstants force_constants(const Frame& cell, const Potential& potential, const PhononSettings& settings, const Progress& progress) {
  if (!(std::isfinite(settings.displacement_ang) && settings.displacement_ang > 0)) throw Error(ErrorKind::usage, "phonons: the displacement must be positive");
  if (!cell.atoms || cell.size() == 0) throw Error(ErrorKind::usage, "phonons: the frame has no atoms");
  ForceConstants result;
  result.cell = cell;
  result.supercell = settings.supercell;
  const Frame crystal = repeated(cell, settings.supercell);
  const std::size_t n = cell.size(), all = crystal.size();
  result.constant_ev_ang2.resize(n * all);
  Workspace workspace;
  const Evaluation rest = evaluate_one(potential, crystal, {}, workspace);
  for (const Vec3& f : rest.force_ev_ang) result.largest_force_ev_ang = std::max(result.largest_force_ev_ang, norm(f));
  result.evaluations = 1;
  workspace = {};
  workspace.skin_ang = 4 * settings.displacement_ang;
  const std::vector<Cell> cells(6, crystal.cell);
  std::vector<Vec3> position(6 * all);
  std::vector<Evaluation> evaluation(6);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < 6; ++k) {
      std::copy(crystal.position_ang.begin(), crystal.position_ang.end(), position.begin() + static_cast<std::ptrdiff_t>(k * all));
      position[k * all + i][static_cast<int>(k / 2)] += (k % 2 == 0 ? 1 : -1) * settings.displacement_ang;
    }
    potential.evaluate({crystal.atoms.get(), cells, position}, {}, workspace, evaluation);
    result.evaluations += 6;
    for (std::size_t j = 0; j < all; ++j)
      for (int a = 0; a < 3; ++a) {
        const auto up = static_cast<std::size_t>(2 * a);
        const Vec3 slope = (evaluation[up].force_ev_ang[j] - evaluation[up + 1].force_ev_ang[j]) / (-2 * settings.displacement_ang);
        if (!is_finite(slope)) throw Error(ErrorKind::numeric, fmt::format("phonons: forces are not finite when atom {} is displaced", i));
        result.constant_ev_ang2[i * all + j][a] = slope;
      }
    report_progress(progress, "force constants", static_cast<double>(i + 1), static_cast<double>(n), "atoms");
  }
  make_symmetric(result);
  return result;
}

namespace {

/// The shortest vectors from atom i of the first cell to each atom of the supercell, equal ones all.
struct PairVectors {
  std::vector<std::size_t> first;  // [n·cells·n + 1]
  std::vector<Vec3> vector_ang;
};

PairVectors pair_vectors(const ForceConstants& f) {
  const Frame crystal = repeated(f.cell, f.supercell);
  const std::size_t n = f.cell.size(), all = crystal.size();
  const auto& periodic = crystal.cell.periodic();
  PairVectors pairs;
  pairs.first.push_back(0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < all; ++j) {
      const Vec3 nearest = crystal.cell.minimum_image(crystal.position_ang[j] - crystal.position_ang[i]);
      const double reach = norm(nearest) + same_length_ang;
      for (int a = periodic[0] ? -2 : 0; a <= (periodic[0] ? 2 : 0); ++a)
        for (int b = periodic[1] ? -2 : 0; b <= (periodic[1] ? 2 : 0); ++b)
          for (int c = periodic[2] ? -2 : 0; c <= (periodic[2] ? 2 : 0); ++c)
            if (const Vec3 d = nearest + crystal.cell.translation_ang({a, b, c}); norm(d) <= reach) pairs.vector_ang.push_back(d);
      pairs.first.push_back(pairs.vector_ang.size());
    }
  return pairs;
}

std::vector<double> frequencies_with(const ForceConstants& f, const PairVectors& pairs, const Vec3& q) {
  const std::size_t n = f.cell.size(), all = cells_of(f.supercell) * n;
  const Vec3 wave = 2 * std::numbers::pi * (inverse(f.cell.cell.rows_ang()) * q);
  Eigen::MatrixXcd dynamical = Eigen::MatrixXcd::Zero(static_cast<Eigen::Index>(3 * n), static_cast<Eigen::Index>(3 * n));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < all; ++j) {
      std::complex<double> phase = 0;
      for (std::size_t k = pairs.first[i * all + j]; k < pairs.first[i * all + j + 1]; ++k) phase += std::polar(1.0, dot(wave, pairs.vector_ang[k]));
      phase /= static_cast<double>(pairs.first[i * all + j + 1] - pairs.first[i * all + j]);
      phase /= std::sqrt(f.cell.atoms->mass_amu[i] * f.cell.atoms->mass_amu[j % n]);
      for (int a = 0; a < 3; ++a)
        for (int b = 0; b < 3; ++b)
          dynamical(static_cast<Eigen::Index>(3 * i) + a, static_cast<Eigen::Index>(3 * (j % n)) + b) += phase * f.constant_ev_ang2[i * all + j][a][b];
    }
  const Eigen::MatrixXcd hermitian = 0.5 * (dynamical + dynamical.adjoint());
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solver(hermitian, Eigen::EigenvaluesOnly);
  std::vector<double> result;
  for (Eigen::Index k = 0; k < solver.eigenvalues().size(); ++k) {
    const double square = solver.eigenvalues()(k) / units::ev_per_amu_ang2_fs2, thz = std::sqrt(std::abs(square)) * 1e3 / (2 * std::numbers::pi);
    result.push_back(square < 0 ? -thz : thz);
  }
  return result;
}

}  // namespace

std::vector<double> frequencies_thz(const ForceConstants& constants, const Vec3& q) { return frequencies_with(constants, pair_vectors(constants), q); }

std::vector<double> mesh_frequencies_thz(const ForceConstants& constants, const Int3& mesh, const Progress& progress) {
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    if (mesh[a] < 1 || mesh[a] > 200) throw Error(ErrorKind::usage, "phonons: a mesh has 1 to 200 points along each axis");
  }
  const PairVectors pairs = pair_vectors(constants);
  const std::size_t points = cells_of(mesh), modes = 3 * constants.cell.size();
  std::vector<double> all(points * modes);
  constexpr std::size_t per_batch = 64;
  for (std::size_t begin = 0; begin < points; begin += per_batch) {
    const std::size_t count = std::min(per_batch, points - begin);
    parallel_chunks(count, 1, [&](std::size_t from, std::size_t to) {
      for (std::size_t k = begin + from; k < begin + to; ++k) {
        const auto p = static_cast<int>(k);
        const Vec3 q{static_cast<double>(p / (mesh[1] * mesh[2])) / mesh[0], static_cast<double>(p / mesh[2] % mesh[1]) / mesh[1],
                     static_cast<double>(p % mesh[2]) / mesh[2]};
        const std::vector<double> f = frequencies_with(constants, pairs, q);
        std::copy(f.begin(), f.end(), all.begin() + static_cast<std::ptrdiff_t>(k * modes));
      }
    });
    report_progress(progress, "phonon mesh", static_cast<double>(begin + count), static_cast<double>(points), "points");
  }
  return all;
}

std::vector<double> density_of_states(std::span<const double> mesh_thz, std::size_t atoms, std::span<const double> at_thz, double width_thz) {
  if (!(width_thz > 0)) throw Error(ErrorKind::usage, "phonons: the width of the density of states must be positive");
  const double points = static_cast<double>(mesh_thz.size()) / (3 * static_cast<double>(atoms));
  const double height = 1 / (points * width_thz * std::sqrt(2 * std::numbers::pi));
  std::vector<double> density;
  for (const double at : at_thz) {
    double sum = 0;
    for (const double f : mesh_thz) sum += std::exp(-0.5 * (at - f) * (at - f) / (width_thz * width_thz));
    density.push_back(height * sum);
  }
  return density;
}

HarmonicEnergies harmonic_energies(std::span<const double> mesh_thz, std::size_t atoms, std::span<const double> temperature_kelvin) {
  HarmonicEnergies result;
  const double points = static_cast<double>(mesh_thz.size()) / (3 * static_cast<double>(atoms));
  const std::size_t t = temperature_kelvin.size();
  result.free_energy_ev.assign(t, 0);
  result.entropy_ev_kelvin.assign(t, 0);
  result.heat_capacity_ev_kelvin.assign(t, 0);
  for (const double f : mesh_thz) {
    if (std::abs(f) < translation_thz) continue;
    ++result.modes;
    if (f < 0) {
      ++result.imaginary;
      continue;
    }
    const double quantum = planck_ev_per_thz * f;
    result.zero_point_ev += 0.5 * quantum / points;
    for (std::size_t k = 0; k < t; ++k) {
      const double kt = units::boltzmann_ev_per_kelvin * temperature_kelvin[k];
      result.free_energy_ev[k] += 0.5 * quantum / points;
      if (!(kt > 0)) continue;
      const double x = quantum / kt, occupied = 1 / std::expm1(x), logarithm = std::log(-std::expm1(-x));
      result.free_energy_ev[k] += kt * logarithm / points;
      result.entropy_ev_kelvin[k] += units::boltzmann_ev_per_kelvin * (x * occupied - logarithm) / points;
      if (occupied > 0) result.heat_capacity_ev_kelvin[k] += units::boltzmann_ev_per_kelvin * x * x * occupied * (1 + occupied) / points;
    }
  }
  return result;
}

}  // namespace saltus
