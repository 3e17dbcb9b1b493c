#include "saltus/potentials/lennard_jones.hpp"

#include <array>
#include <cmath>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/base/units.hpp"

namespace saltus {

namespace {

constexpr std::size_t atoms_per_chunk = 64;

struct PairTerm {
  double energy_ev;
  double slope_ev_ang;  ///< d energy / d r
};

PairTerm pair_term(double epsilon_ev, double sigma_ang, double onset_ang, double cutoff_ang, double r_ang) {
  const double s2 = sigma_ang * sigma_ang / (r_ang * r_ang);
  const double s6 = s2 * s2 * s2;
  const double energy = 4 * epsilon_ev * s6 * (s6 - 1);
  const double slope = -24 * epsilon_ev * s6 * (2 * s6 - 1) / r_ang;
  if (r_ang <= onset_ang) return {energy, slope};
  const double width = cutoff_ang - onset_ang, x = (r_ang - onset_ang) / width;
  const double on = 1 - x * x * x * (10 - x * (15 - 6 * x));
  const double on_slope = -30 * x * x * (1 - x) * (1 - x) / width;
  return {energy * on, slope * on + energy * on_slope};
}

bool positive(double value) { return std::isfinite(value) && value > 0; }

}  // namespace

LennardJones::LennardJones(LennardJonesParameters parameters) : parameters_(std::move(parameters)) {
  const auto& p = parameters_;
  if (p.species.empty()) throw Error(ErrorKind::usage, "Lennard-Jones: no species given");
  if (!positive(p.onset_ang) || !positive(p.cutoff_ang) || p.onset_ang >= p.cutoff_ang)
    throw Error(ErrorKind::usage, fmt::format("Lennard-Jones: need 0 < onset < cutoff, not {} and {} Å", p.onset_ang, p.cutoff_ang));
  info_.kind = "lennard_jones";
  info_.trained_on_stress = true;
  for (const LennardJonesSpecies& s : p.species) {
    const auto symbol = symbol_of(s.atomic_number);
    if (!positive(s.epsilon_ev) || !positive(s.sigma_ang))
      throw Error(ErrorKind::usage, fmt::format("Lennard-Jones: epsilon and sigma of {} must be positive", symbol));
    for (const auto z : info_.elements)
      if (z == s.atomic_number) throw Error(ErrorKind::usage, fmt::format("Lennard-Jones: {} is given twice", symbol));
    info_.elements.push_back(s.atomic_number);
  }
}

void LennardJones::evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const {
  const std::size_t n = batch.atoms->size(), kinds = parameters_.species.size();
  std::array<int, 256> kind_of{};
  kind_of.fill(-1);
  for (std::size_t k = 0; k < kinds; ++k) kind_of[parameters_.species[k].atomic_number] = static_cast<int>(k);
  for (std::size_t i = 0; i < n; ++i)
    if (kind_of[batch.atoms->atomic_number[i]] < 0)
      throw Error(ErrorKind::unsupported, fmt::format("atom {}: this Lennard-Jones potential does not know {}", i,
                                                      symbol_of(batch.atoms->atomic_number[i])));
  std::vector<double> epsilon(kinds * kinds), sigma(kinds * kinds);
  for (std::size_t a = 0; a < kinds; ++a)
    for (std::size_t b = 0; b < kinds; ++b) {
      const auto &s = parameters_.species[a], &t = parameters_.species[b];
      epsilon[a * kinds + b] = std::sqrt(s.epsilon_ev * t.epsilon_ev);
      sigma[a * kinds + b] = (s.sigma_ang + t.sigma_ang) / 2;
    }

  const double cutoff2 = parameters_.cutoff_ang * parameters_.cutoff_ang;
  workspace.lists.resize(batch.count());
  for (std::size_t c = 0; c < batch.count(); ++c) {
    VerletList& verlet = workspace.lists[c];
    verlet.update(batch.cell[c], batch.position_ang.subspan(c * n, n), parameters_.cutoff_ang, workspace.skin_ang);
    const NeighborList& list = verlet.list();
    Evaluation& result = results[c];
    result.atom_energy_ev.assign(n, 0);
    result.extrapolation.clear();
    result.force_ev_ang.assign(want.forces ? n : 0, Vec3{});
    std::vector<Mat3> chunk_virial((n + atoms_per_chunk - 1) / atoms_per_chunk);
    parallel_chunks(n, atoms_per_chunk, [&](std::size_t begin, std::size_t end) {
      Mat3 virial;
      for (std::size_t i = begin; i < end; ++i) {
        const auto row = static_cast<std::size_t>(kind_of[batch.atoms->atomic_number[i]]) * kinds;
        double energy = 0;
        Vec3 force;
        for (std::uint32_t p = list.first[i]; p < list.first[i + 1]; ++p) {
          const Vec3& d = list.displacement_ang[p];
          const double r2 = norm2(d);
          if (r2 >= cutoff2) continue;
          const auto pair = row + static_cast<std::size_t>(kind_of[batch.atoms->atomic_number[list.neighbor[p]]]);
          const double r = std::sqrt(r2);
          const PairTerm term = pair_term(epsilon[pair], sigma[pair], parameters_.onset_ang, parameters_.cutoff_ang, r);
          energy += 0.5 * term.energy_ev;
          const Vec3 pull = (term.slope_ev_ang / r) * d;
          force += pull;
          if (want.virial) virial += outer(-0.5 * d, pull);
        }
        result.atom_energy_ev[i] = energy;
        if (want.forces) result.force_ev_ang[i] = force;
      }
      chunk_virial[begin / atoms_per_chunk] = virial;
    });
    result.energy_ev = 0;
    for (const double e : result.atom_energy_ev) result.energy_ev += e;
    result.virial_ev.reset();
    if (want.virial) {
      result.virial_ev.emplace();
      for (const Mat3& v : chunk_virial) *result.virial_ev += v;
    }
    if (!want.atom_energies) result.atom_energy_ev.clear();
  }
}

void save_lennard_jones(const std::filesystem::path& path, const LennardJonesParameters& parameters) {
  TensorFile file;
  std::vector<std::int64_t> atomic_number;
  std::vector<double> epsilon, sigma;
  std::string symbols;
  for (const LennardJonesSpecies& s : parameters.species) {
    atomic_number.push_back(s.atomic_number);
    epsilon.push_back(s.epsilon_ev);
    sigma.push_back(s.sigma_ang);
    if (!symbols.empty()) symbols += ' ';
    symbols += symbol_of(s.atomic_number);
  }
  const std::size_t n = parameters.species.size();
  put(file, "atomic_number", {n}, std::span<const std::int64_t>(atomic_number));
  put(file, "epsilon_ev", {n}, std::span<const double>(epsilon));
  put(file, "sigma_ang", {n}, std::span<const double>(sigma));
  put(file, "onset_ang", {}, std::span<const double>(&parameters.onset_ang, 1));
  put(file, "cutoff_ang", {}, std::span<const double>(&parameters.cutoff_ang, 1));
  file.metadata = {{"family", "lennard_jones"},
                   {"units", "ang, ev"},
                   {"cutoff_ang", shortest(parameters.cutoff_ang)},
                   {"species", symbols},
                   {"training_reference", "none: given parameters"},
                   {"source_hash", ""}};
  file.metadata["source_hash"] = sha256(safetensors_bytes(file));
  write_safetensors(path, file);
}

LennardJonesParameters lennard_jones_from(const TensorFile& file) {
  require_metadata(file, model_metadata_keys);
  const auto atomic_number = get_integers(file, "atomic_number", {any_size});
  const std::size_t n = atomic_number.size();
  const auto epsilon = get_doubles(file, "epsilon_ev", {n}), sigma = get_doubles(file, "sigma_ang", {n});
  LennardJonesParameters parameters;
  for (std::size_t k = 0; k < n; ++k) {
    if (atomic_number[k] < 1 || atomic_number[k] > element_count)
      throw Error(ErrorKind::format, fmt::format("{}: {} is not an atomic number", file.source, atomic_number[k]));
    parameters.species.push_back({static_cast<std::uint8_t>(atomic_number[k]), epsilon[k], sigma[k]});
  }
  parameters.onset_ang = get_doubles(file, "onset_ang", {})[0];
  parameters.cutoff_ang = get_doubles(file, "cutoff_ang", {})[0];
  return parameters;
}

LennardJonesParameters lennard_jones_argon() {
  return {{{18, 120 * units::boltzmann_ev_per_kelvin, 3.4}}, 7.0, 8.5};
}

}  // namespace saltus
