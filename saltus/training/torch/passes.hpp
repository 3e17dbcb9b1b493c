// Which configurations go through a network together, in which order, and what it says of them.
#pragma once

#include <vector>

#include "saltus/potentials/potential.hpp"
#include "saltus/training/torch/network.hpp"

namespace saltus::training {

struct Sample {
  const Frame* frame = nullptr;
  bool replay = false;
};

std::vector<Sample> samples_of(const std::vector<Frame>& frames);
std::vector<const Frame*> frames_of(const std::vector<Sample>& samples);

/// Atoms that go through the network together: on a CPU so many that what they need stays in the caches.
std::size_t atoms_per_pass(const Placement& placement);

/// Consecutive samples of one kind, together at most `most_atoms` unless one alone has more.
std::vector<std::vector<Sample>> passes_of(const std::vector<Sample>& batch, std::size_t most_atoms);

/// 0 … count − 1 in an order that seed and stream fix.
std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed, std::uint64_t stream);

/// Labels of a graph, configuration by configuration; `forces` false: energies only.
std::vector<Evaluation> evaluations(const Labels& labels, const std::vector<const Frame*>& frames, bool forces);

}  // namespace saltus::training
