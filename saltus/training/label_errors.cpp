#include "saltus/training/label_errors.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "saltus/base/error.hpp"
#include "saltus/kernels/linear_algebra.hpp"

namespace saltus {

void LabelErrorCollector::Sums::add(double reference, double error) {
  ++components;
  square += error * error;
  absolute += std::abs(error);
  reference_square += reference * reference;
}

void LabelErrorCollector::add(const Frame& frame, const Evaluation& evaluation) {
  ++frames_;
  if (frame.energy_ev) {
    FrameEnergy e{*frame.energy_ev, evaluation.energy_ev, {}, frame.size()};
    for (const auto z : frame.atoms->atomic_number) ++e.count[z];
    energies_.push_back(std::move(e));
  }
  if (const double volume = frame.cell.volume_ang3(); frame.virial_ev && evaluation.virial_ev && volume > 0)
    for (int i = 0; i < 3; ++i)
      for (int j = i; j < 3; ++j) {
        const auto stress = [&](const Mat3& virial_ev) { return -(virial_ev[i][j] + virial_ev[j][i]) / (2 * volume); };
        stress_.add(stress(*frame.virial_ev), stress(*evaluation.virial_ev) - stress(*frame.virial_ev));
      }
  if (frame.force_ev_ang.empty()) return;
  for (std::size_t i = 0; i < frame.size(); ++i) {
    Sums& sums = forces_[frame.atoms->atomic_number[i]];
    const Vec3 &labelled = frame.force_ev_ang[i], &predicted = evaluation.force_ev_ang[i];
    if (const double lengths = norm(labelled) * norm(predicted); lengths > 0) {
      ++sums.cosines;
      sums.cosine += dot(labelled, predicted) / lengths;
    }
    for (int axis = 0; axis < 3; ++axis) {
      const double reference = labelled[axis], error = predicted[axis] - reference;
      sums.add(reference, error);
      if (parity_stride_ && seen_++ % parity_stride_ == 0) force_parity_.push_back({reference, reference + error});
    }
  }
}

std::vector<ParityPoint> LabelErrorCollector::energy_parity() const {
  std::vector<ParityPoint> points;
  for (const auto& e : energies_) {
    const auto n = static_cast<double>(e.atoms);
    points.push_back({e.reference_ev / n, e.predicted_ev / n});
  }
  return points;
}

namespace {

EnergyErrors summarize(const std::vector<double>& error) {
  EnergyErrors result;
  for (const double e : error) {
    result.rmse_ev_per_atom += e * e;
    result.mae_ev_per_atom += std::abs(e);
  }
  const auto n = static_cast<double>(std::max<std::size_t>(1, error.size()));
  result.rmse_ev_per_atom = std::sqrt(result.rmse_ev_per_atom / n);
  result.mae_ev_per_atom /= n;
  return result;
}

}  // namespace

LabelErrors LabelErrorCollector::finish() const {
  LabelErrors result;
  result.frames = frames_;
  const auto finish_forces = [](const Sums& s) {
    const auto n = static_cast<double>(std::max<std::size_t>(1, s.components));
    return ForceErrors{s.components, std::sqrt(s.square / n), s.absolute / n, std::sqrt(s.reference_square / n),
                       s.cosine / static_cast<double>(std::max<std::size_t>(1, s.cosines))};
  };
  Sums all;
  for (const auto& [z, sums] : forces_) {
    result.forces_of_element[z] = finish_forces(sums);
    all.components += sums.components;
    all.square += sums.square;
    all.absolute += sums.absolute;
    all.reference_square += sums.reference_square;
    all.cosine += sums.cosine;
    all.cosines += sums.cosines;
  }
  result.forces = finish_forces(all);
  const auto components = static_cast<double>(std::max<std::size_t>(1, stress_.components));
  result.stress = {stress_.components / 6, std::sqrt(stress_.square / components), stress_.absolute / components,
                   std::sqrt(stress_.reference_square / components)};
  result.energies = energies_.size();
  if (energies_.empty()) return result;

  std::vector<double> error;
  double mean = 0;
  std::set<std::uint8_t> elements;
  for (const auto& e : energies_) {
    error.push_back((e.predicted_ev - e.reference_ev) / static_cast<double>(e.atoms));
    mean += error.back();
    for (const auto& [z, n] : e.count) elements.insert(z);
  }
  mean /= static_cast<double>(error.size());
  result.raw = summarize(error);
  std::vector<double> aligned = error;
  for (double& e : aligned) e -= mean;
  result.mean_aligned = summarize(aligned);

  // A tiny ridge picks (to rounding) the minimum-norm shift where compositions are degenerate.
  std::vector<std::vector<double>> counts;
  std::vector<double> difference;
  for (const auto& e : energies_) {
    std::vector<double> row;
    for (const auto z : elements) row.push_back(e.count.contains(z) ? e.count.at(z) : 0);
    counts.push_back(std::move(row));
    difference.push_back(e.predicted_ev - e.reference_ev);
  }
  const auto shift = reference_energies_ev(counts, difference, 1e-9);
  for (std::size_t k = 0; k < energies_.size(); ++k) {
    double predicted = 0;
    for (std::size_t z = 0; z < shift.size(); ++z) predicted += counts[k][z] * shift[z];
    aligned[k] = (difference[k] - predicted) / static_cast<double>(energies_[k].atoms);
  }
  result.composition_aligned = summarize(aligned);
  return result;
}

std::vector<double> reference_energies_ev(const std::vector<std::vector<double>>& counts, const std::vector<double>& energy_ev,
                                          double ridge) {
  if (counts.empty()) throw Error(ErrorKind::usage, "reference energies need at least one labelled frame");
  const std::size_t species = counts.front().size();
  double mean = 0, atoms = 0;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    mean += energy_ev[k];
    for (const double n : counts[k]) atoms += n;
  }
  mean /= atoms;
  // Solve for the deviation from the mean energy per atom.
  std::vector<double> normal(species * species, 0.0), right(species, 0.0);
  for (std::size_t k = 0; k < counts.size(); ++k) {
    double residual = energy_ev[k];
    for (const double n : counts[k]) residual -= n * mean;
    for (std::size_t a = 0; a < species; ++a) {
      right[a] += counts[k][a] * residual;
      for (std::size_t b = 0; b <= a; ++b) normal[a * species + b] += counts[k][a] * counts[k][b];
    }
  }
  double trace = 0;
  for (std::size_t a = 0; a < species; ++a) trace += normal[a * species + a];
  for (std::size_t a = 0; a < species; ++a) normal[a * species + a] += ridge * trace / static_cast<double>(species);
  if (!kernels::cholesky(normal, species)) throw Error(ErrorKind::numeric, "reference energies: the normal matrix is not positive definite");
  kernels::cholesky_solve(normal, species, right);
  for (double& e : right) e += mean;
  return right;
}

}  // namespace saltus
