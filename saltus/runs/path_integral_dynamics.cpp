#include "saltus/runs/path_integral_dynamics.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/dynamics/ring_estimators.hpp"
#include "saltus/dynamics/ring_polymer.hpp"
#include "saltus/kinetics/free_energy.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/potentials/model_potentials.hpp"
#include "saltus/runs/gle_file.hpp"

namespace saltus::runs {

namespace {

constexpr std::size_t bins_per_half_distance = 40, bins = 4 * bins_per_half_distance;
constexpr std::int64_t steps_between_reports = 64;

ModelSystem system_of(const PimdPlan& plan) {
  const PimdPotential& p = plan.potential;
  const DoubleWell well{p.barrier_kcal_mol * units::ev_per_kcal_mol, p.half_distance_ang};
  ModelSystem system{HarmonicWell{angular_frequency_per_fs(p.wavenumber_per_cm)}, plan.mass_amu, static_cast<std::size_t>(plan.copies)};
  if (p.kind == "double_well") system.potential = well;
  if (p.kind == "proton_rocking") system.potential = ProtonRocking{well, p.rocking_mass_amu, angular_frequency_per_fs(p.rocking_wavenumber_per_cm), p.coupling};
  return system;
}

RingThermostat thermostat_of(const PimdPlan& plan) {
  const PimdThermostat& t = plan.thermostat;
  if (t.kind == "gle" || t.kind == "piglet")
    return read_ring_gle(std::filesystem::path(plan.file).parent_path() / t.gle_file, t.kind == "piglet", static_cast<std::size_t>(plan.beads), plan.temperature_kelvin);
  if (t.kind == "pile_l") return PileLocal{t.centroid_time_fs, t.lambda};
  if (t.kind == "pile_g") return PileGlobal{t.centroid_time_fs, t.lambda};
  if (t.kind == "langevin") return RingLangevin{t.friction_per_fs};
  if (t.kind == "trpmd") return RingTrpmd{t.lambda};
  if (t.kind == "cmd") return RingCmd{0, t.lambda};
  return NoRingThermostat{};
}

/// At rest in a minimum; every other copy in the other well.
std::vector<double> start_of(const PimdPlan& plan, const ModelSystem& system) {
  std::vector<double> centroid(system.copies * dimensions(system.potential));
  for (std::size_t copy = 0; copy < system.copies; ++copy) {
    centroid[copy] = plan.potential.half_distance_ang * (copy % 2 ? 1 : -1);
    if (dimensions(system.potential) == 2) centroid[system.copies + copy] = plan.potential.coupling * centroid[copy];
  }
  return centroid;
}

/// Sums over samples and the copies of a block.
struct Sums {
  double count = 0, potential = 0, primitive = 0, virial = 0, gyration2 = 0, temperature = 0, x2 = 0, centroid2 = 0, q2 = 0, xq = 0;
  std::vector<double> bead_counts, centroid_counts;

  void add(const Sums& other, double sign) {
    constexpr double Sums::*members[] = {&Sums::count, &Sums::potential, &Sums::primitive, &Sums::virial, &Sums::gyration2,
                                         &Sums::temperature, &Sums::x2, &Sums::centroid2, &Sums::q2, &Sums::xq};
    for (const auto member : members) this->*member += sign * (other.*member);
    for (std::size_t b = 0; b < bead_counts.size(); ++b) bead_counts[b] += sign * other.bead_counts[b];
    for (std::size_t b = 0; b < centroid_counts.size(); ++b) centroid_counts[b] += sign * other.centroid_counts[b];
  }
};

void count(std::vector<double>& counts, double x, double bins_per_ang) {
  const double bin = std::abs(x) * bins_per_ang;
  if (bin < static_cast<double>(bins)) counts[static_cast<std::size_t>(bin)] += 1;
}

class Sampler {
 public:
  Sampler(const PimdPlan& plan, const ModelSystem& system)
      : copies_(system.copies), dimensions_(dimensions(system.potential)), samples_(plan.steps / plan.sample_every),
        groups_(std::min(copies_, static_cast<std::size_t>(plan.blocks))), stretches_((static_cast<std::size_t>(plan.blocks) + groups_ - 1) / groups_), sums_(groups_ * stretches_) {
    if (plan.potential.half_distance_ang > 0) bins_per_ang_ = static_cast<double>(bins_per_half_distance) / plan.potential.half_distance_ang;
    if (bins_per_ang_ > 0)
      for (Sums& sums : sums_) {
        sums.bead_counts.resize(bins);
        sums.centroid_counts.resize(bins);
      }
  }

  /// energy_ev [beads · copies] at the state's positions.
  void add(const RingState& state, std::span<const double> energy_ev) {
    measure(state, measures_);
    const std::size_t n = state.freedom(), beads = state.beads();
    for (std::size_t copy = 0; copy < copies_; ++copy) {
      Sums& sums = sums_[copy * groups_ / copies_ * stretches_ + static_cast<std::size_t>(taken_) * stretches_ / static_cast<std::size_t>(samples_)];
      double energy = 0, x2 = 0, q2 = 0, xq = 0;
      for (std::size_t bead = 0; bead < beads; ++bead) {
        const double* row = state.position_ang.data() + bead * n + copy;
        const double x = row[0];
        energy += energy_ev[bead * copies_ + copy];
        x2 += x * x;
        if (dimensions_ == 2) {
          const double q = row[copies_];
          q2 += q * q;
          xq += x * q;
        }
        if (bins_per_ang_ > 0) count(sums.bead_counts, x, bins_per_ang_);
      }
      const double centroid = measures_.centroid_ang[copy], of_beads = 1 / static_cast<double>(beads);
      if (bins_per_ang_ > 0) count(sums.centroid_counts, centroid, bins_per_ang_);
      sums.count += 1;
      sums.potential += energy * of_beads;
      sums.x2 += x2 * of_beads;
      sums.q2 += q2 * of_beads;
      sums.xq += xq * of_beads;
      sums.centroid2 += centroid * centroid;
      sums.gyration2 += measures_.gyration2_ang2[copy];
      for (std::size_t d = 0; d < dimensions_; ++d) {
        sums.primitive += measures_.kinetic_primitive_ev[d * copies_ + copy];
        sums.virial += measures_.kinetic_virial_ev[d * copies_ + copy];
        sums.temperature += measures_.ring_temperature_kelvin[d * copies_ + copy];
      }
    }
    ++taken_;
  }

  std::size_t blocks() const { return sums_.size(); }
  std::size_t stretches() const { return stretches_; }
  std::int64_t taken() const { return taken_; }

  /// A function of the sums, from all of them and with each block left out.
  NamedEstimate estimate(const std::string& name, const std::string& unit, const std::function<std::optional<double>(const Sums&)>& value_of) const {
    Sums total = sums_.front();
    for (std::size_t b = 1; b < sums_.size(); ++b) total.add(sums_[b], 1);
    NamedEstimate result{name, {}, true, unit, {}};
    const std::optional<double> value = value_of(total);
    std::vector<double> replicate;
    for (const Sums& block : sums_) {
      Sums rest = total;
      rest.add(block, -1);
      if (const auto without = value_of(rest)) replicate.push_back(*without);
    }
    if (!value) result.note = "the centre was hardly visited";
    else if (replicate.size() < sums_.size()) {
      result.estimate = Estimate{*value, *value, *value};
      result.has_interval = false;
      result.note = "without interval: with one block left out the centre was hardly visited";
    } else {
      result.estimate = kinetics::jackknife_estimate(*value, replicate);
    }
    return result;
  }

 private:
  std::size_t copies_, dimensions_;
  std::int64_t samples_, taken_ = 0;
  std::size_t groups_, stretches_;  // of copies, of time
  double bins_per_ang_ = 0;
  std::vector<Sums> sums_;
  RingMeasures measures_;
};

std::vector<NamedEstimate> estimates_of(const Sampler& sampler, const PimdPlan& plan, std::size_t dimensions) {
  const double mev = units::mev_per_ev / static_cast<double>(dimensions);
  const auto mean = [](double Sums::*member, double factor) { return [=](const Sums& s) -> std::optional<double> { return factor * (s.*member) / s.count; }; };
  const auto root_mean = [](double Sums::*member) { return [=](const Sums& s) -> std::optional<double> { return std::sqrt((s.*member) / s.count); }; };
  std::vector<NamedEstimate> list{
      sampler.estimate("potential_energy", "mev_per_dof", mean(&Sums::potential, mev)),
      sampler.estimate("kinetic_energy_virial", "mev_per_dof", mean(&Sums::virial, mev)),
      sampler.estimate("kinetic_energy_primitive", "mev_per_dof", mean(&Sums::primitive, mev)),
      sampler.estimate("gyration_radius", "ang", root_mean(&Sums::gyration2)),
      sampler.estimate("position_rms", "ang", root_mean(&Sums::x2)),
      sampler.estimate("centroid_rms", "ang", root_mean(&Sums::centroid2)),
  };
  if (plan.potential.half_distance_ang > 0) {
    const double kt_kcal_mol = units::boltzmann_ev_per_kelvin * plan.temperature_kelvin / units::ev_per_kcal_mol;
    const auto centre = [=](std::vector<double> Sums::*member) {
      return [=](const Sums& s) -> std::optional<double> {
        const auto kt = kinetics::free_energy_at_centre_kt(s.*member);
        return kt ? std::optional(kt_kcal_mol * *kt) : std::nullopt;
      };
    };
    list.push_back(sampler.estimate("free_energy_at_centre_kcal_mol", "kcal_mol", centre(&Sums::bead_counts)));
    list.push_back(sampler.estimate("free_energy_at_centre_centroid_kcal_mol", "kcal_mol", centre(&Sums::centroid_counts)));
  }
  if (dimensions == 2) {
    list.push_back(sampler.estimate("rocking_rms", "ang", root_mean(&Sums::q2)));
    // Means are zero by symmetry, and are not taken from the sample.
    list.push_back(sampler.estimate("correlation_proton_rocking", "", [](const Sums& s) -> std::optional<double> {
      return s.x2 > 0 && s.q2 > 0 ? s.xq / std::sqrt(s.x2 * s.q2) : 0;
    }));
  }
  list.push_back(sampler.estimate("ring_temperature", "kelvin", mean(&Sums::temperature, 1 / static_cast<double>(dimensions))));
  return list;
}

}  // namespace

PimdReport run_path_integral_dynamics(const PimdPlan& plan, const Progress& progress) {
  const ModelSystem system = system_of(plan);
  const RingModes modes = ring_modes(static_cast<std::size_t>(plan.beads), plan.temperature_kelvin);
  const Splitting splitting = plan.splitting == "obabo" ? Splitting::obabo : Splitting::baoab;
  RingState state = thermal_ring_state(modes, masses_amu(system), start_of(plan, system), Random(static_cast<std::uint64_t>(plan.seed), 1));
  std::vector<double> energy_of_copy(modes.beads * system.copies);
  const BeadForces forces = [&](std::span<const double> position, std::span<double> energy, std::span<double> force) {
    evaluate(system, position, energy_of_copy, force);
    for (std::size_t bead = 0; bead < energy.size(); ++bead) {
      energy[bead] = 0;
      for (std::size_t copy = 0; copy < system.copies; ++copy) energy[bead] += energy_of_copy[bead * system.copies + copy];
    }
  };
  Sampler sampler(plan, system);
  const auto total = static_cast<double>(plan.equilibration_steps + plan.steps);
  const auto advance = [&](const RingIntegrator& list, std::int64_t first, std::int64_t last) {
    for (state.step = first; state.step < last;) {
      ++state.step;
      state.time_fs = static_cast<double>(state.step) * plan.timestep_fs;
      try {
        apply(list, state, plan.timestep_fs, forces);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::numeric) throw;
        throw with_place(error, fmt::format("step {} ({:g} fs)", state.step, state.time_fs));
      }
      if (state.step > 0 && state.step % plan.sample_every == 0) sampler.add(state, energy_of_copy);
      if (state.step % steps_between_reports == 0)
        report_progress(progress, state.step < 0 ? "equilibration" : "path integrals", static_cast<double>(state.step + plan.equilibration_steps), total, "steps");
    }
  };
  const RingThermostat thermostat = thermostat_of(plan);
  const RingThermostat before = is_real_time(thermostat) ? PileLocal{plan.thermostat.centroid_time_fs, 1} : thermostat;
  advance(ring_integrator(splitting, before, modes), -plan.equilibration_steps, 0);
  update_forces(state, forces);
  const double start = conserved_energy_ev(state);
  advance(ring_integrator(splitting, thermostat, modes), 0, plan.steps);
  PimdReport report{estimates_of(sampler, plan, dimensions(system.potential)), sampler.taken(), sampler.blocks(), sampler.stretches()};
  if (const auto* gle = std::get_if<RingGle>(&thermostat)) erase_what_does_not_hold(*gle, modes.beads, plan.temperature_kelvin, report.estimates);
  const double drift = (conserved_energy_ev(state) - start) / static_cast<double>(modes.beads * state.freedom()) * units::mev_per_ev / (state.time_fs / units::fs_per_ps);
  report.estimates.push_back({"conserved_drift", Estimate{drift, drift, drift}, false, "mev_per_dof_ps", "of the ring polymer, per bead, from the first step to the last"});
  return report;
}

}  // namespace saltus::runs
