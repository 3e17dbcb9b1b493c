#include "saltus/training/torch/loss.hpp"

#include "saltus/base/units.hpp"

namespace saltus::training {

namespace {

constexpr int voigt[6][2] = {{0, 0}, {1, 1}, {2, 2}, {1, 2}, {0, 2}, {0, 1}};

bool has_stress(const Frame& frame) { return frame.virial_ev && frame.cell.volume_ang3() > 0; }

at::Tensor of_doubles(const std::vector<double>& values) { return at::tensor(at::ArrayRef<double>(values), at::kDouble); }

double stress_factor(const std::string& unit) {
  if (unit == "gpa") return units::gpa_per_ev_ang3;
  if (unit == "kbar") return 10 * units::gpa_per_ev_ang3;
  return 1;
}

}  // namespace

Targets make_targets(std::span<const Frame* const> frames, std::span<const double> weight, std::span<const double> offset_ev, const SpeciesIndex& species,
                     const Placement& placement) {
  std::vector<double> energy, atoms, force, stress, volume;
  std::vector<std::int64_t> with_stress;
  for (std::size_t k = 0; k < frames.size(); ++k) {
    const Frame& frame = *frames[k];
    double e = frame.energy_ev.value();
    if (!offset_ev.empty())
      for (const auto z : frame.atoms->atomic_number) e -= offset_ev[static_cast<std::size_t>(species[z])];
    energy.push_back(e / static_cast<double>(frame.size()));
    atoms.push_back(static_cast<double>(frame.size()));
    for (const Vec3& f : frame.force_ev_ang)
      for (int axis = 0; axis < 3; ++axis) force.push_back(f[axis]);
    if (!has_stress(frame)) continue;
    with_stress.push_back(static_cast<std::int64_t>(k));
    volume.push_back(frame.cell.volume_ang3());
    const Mat3& w = *frame.virial_ev;
    for (const auto& [i, j] : voigt) stress.push_back(-(w[i][j] + w[j][i]) / (2 * volume.back()));
  }
  Targets targets;
  targets.energy_ev_per_atom = of_doubles(energy).to(placement.device);
  targets.atoms = of_doubles(atoms).to(placement.device);
  targets.force_ev_ang = of_doubles(force).reshape({-1, 3}).to(placement.numbers());
  targets.stress_ev_ang3 = of_doubles(stress).reshape({-1, 6}).to(placement.numbers());
  targets.volume_ang3 = of_doubles(volume).to(placement.numbers());
  targets.with_stress = at::tensor(at::ArrayRef<std::int64_t>(with_stress), at::kLong).to(placement.device);
  targets.weight = of_doubles({weight.begin(), weight.end()}).to(placement.numbers());
  return targets;
}

Counts count_labels(const Frame& frame) { return {1, 3.0 * static_cast<double>(frame.size()), has_stress(frame) ? 6.0 : 0.0}; }

at::Tensor huber(const at::Tensor& error, const at::Tensor& width) {
  const at::Tensor size = error.abs();
  return at::where(size < width, 0.5 * error * error, width * (size - 0.5 * width));
}

at::Tensor conditional_width(const at::Tensor& reference_force, double delta) {
  const at::Tensor length = reference_force.square().sum(1, true).sqrt();
  const at::Tensor width = at::full_like(length, delta);
  return at::where(length < 100, width, at::where(length < 200, 0.7 * width, at::where(length < 300, 0.4 * width, 0.1 * width)));
}

at::Tensor loss_of(const Labels& labels, const Targets& targets, const Graph& graph, const Counts& batch, const FinetuneSettings& s, double energy_weight) {
  const auto f = [&](const at::Tensor& error) { return s.loss == "mse" ? error * error : huber(error, at::full({}, s.huber_delta, error.options())); };
  const at::ScalarType type = labels.force_ev_ang.scalar_type();
  const at::Tensor energy_error = (labels.energy_ev / targets.atoms - targets.energy_ev_per_atom).to(type);
  at::Tensor loss = energy_weight / batch.configurations * (f(energy_error) * targets.weight).sum();

  const at::Tensor force_error = labels.force_ev_ang - targets.force_ev_ang;
  const at::Tensor f_force = s.loss == "universal" ? huber(force_error, conditional_width(targets.force_ev_ang, s.huber_delta)) : f(force_error);
  const at::Tensor atom_weight = targets.weight.index_select(0, graph.configuration).unsqueeze(1);
  loss = loss + s.force_weight / batch.force_components * (f_force * atom_weight).sum();

  if (s.stress_weight > 0 && batch.stress_components > 0 && targets.with_stress.numel() > 0) {
    const at::Tensor virial = labels.virial_ev.index_select(0, targets.with_stress);
    std::vector<at::Tensor> components;
    for (const auto& [i, j] : voigt) components.push_back(-0.5 * (virial.select(1, i).select(1, j) + virial.select(1, j).select(1, i)) / targets.volume_ang3);
    const at::Tensor error = stress_factor(s.stress_loss_unit) * (at::stack(components, 1) - targets.stress_ev_ang3);
    loss = loss + s.stress_weight / batch.stress_components * (f(error) * targets.weight.index_select(0, targets.with_stress).unsqueeze(1)).sum();
  }
  return loss;
}

}  // namespace saltus::training
