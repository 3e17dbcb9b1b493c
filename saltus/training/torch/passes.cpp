#include "saltus/training/torch/passes.hpp"

#include <numeric>
#include <utility>

#include "saltus/base/random.hpp"

namespace saltus::training {

std::vector<Sample> samples_of(const std::vector<Frame>& frames) {
  std::vector<Sample> samples;
  for (const Frame& frame : frames) samples.push_back({&frame, false});
  return samples;
}

std::vector<const Frame*> frames_of(const std::vector<Sample>& samples) {
  std::vector<const Frame*> frames;
  for (const Sample& sample : samples) frames.push_back(sample.frame);
  return frames;
}

// On a GPU some 6 MB an atom at fifty neighbours: held-out frames, too, must fit beside a small batch.
std::size_t atoms_per_pass(const Placement& placement) { return placement.device.is_cpu() ? 64 : 768; }

std::vector<std::vector<Sample>> passes_of(const std::vector<Sample>& batch, std::size_t most_atoms) {
  std::vector<std::vector<Sample>> passes;
  std::size_t atoms = 0;
  for (const Sample& sample : batch) {
    const bool fits = !passes.empty() && passes.back().front().replay == sample.replay && atoms + sample.frame->size() <= most_atoms;
    if (!fits) {
      passes.emplace_back();
      atoms = 0;
    }
    passes.back().push_back(sample);
    atoms += sample.frame->size();
  }
  return passes;
}

std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed, std::uint64_t stream) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(seed, stream);
  for (std::size_t k = count; k > 1; --k) std::swap(order[k - 1], order[random.below(k)]);
  return order;
}

std::vector<Evaluation> evaluations(const Labels& labels, const std::vector<const Frame*>& frames, bool forces) {
  std::vector<Evaluation> result;
  const at::Tensor energy = labels.energy_ev.cpu();
  at::Tensor force, virial;
  if (forces) {
    force = labels.force_ev_ang.to(at::kDouble).cpu().contiguous();
    virial = labels.virial_ev.to(at::kDouble).cpu().contiguous();
  }
  std::size_t atom = 0;
  for (std::size_t k = 0; k < frames.size(); ++k) {
    Evaluation evaluation;
    evaluation.energy_ev = energy.data_ptr<double>()[k];
    if (forces) {
      const double *f = force.data_ptr<double>(), *w = virial.data_ptr<double>() + 9 * k;
      for (std::size_t i = 0; i < frames[k]->size(); ++i, ++atom) evaluation.force_ev_ang.push_back({f[3 * atom], f[3 * atom + 1], f[3 * atom + 2]});
      evaluation.virial_ev = Mat3{{Vec3{w[0], w[1], w[2]}, Vec3{w[3], w[4], w[5]}, Vec3{w[6], w[7], w[8]}}};
    }
    result.push_back(std::move(evaluation));
  }
  return result;
}

}  // namespace saltus::training
