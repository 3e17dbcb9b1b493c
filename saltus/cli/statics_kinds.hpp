// The table of kinds of statics, and what they share: a model, a frame, and how they are read.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "saltus/cli/network_options.hpp"
#include "saltus/potentials/potential.hpp"
#include "saltus/runs/molecular_dynamics.hpp"
#include "saltus/statics/relaxation.hpp"

namespace CLI {
class App;
}

namespace saltus::cli {

/// A kind of `saltus statics`: what its options are, and what to run.
struct StaticsKind {
  const char* name;
  const char* summary;
  std::function<int()> (*set_up)(CLI::App& kind);
};

std::span<const StaticsKind> statics_kinds();

std::function<int()> set_up_optimize(CLI::App& kind);
std::function<int()> set_up_neb(CLI::App& kind);
std::function<int()> set_up_elastic(CLI::App& kind);
std::function<int()> set_up_eos(CLI::App& kind);
std::function<int()> set_up_phonons(CLI::App& kind);

struct StaticsOptions {
  std::string model;
  NetworkOptions network;
  runs::StartSettings start;
  std::vector<int> supercell{1, 1, 1};
  std::string minimizer = "lbfgs";
  RelaxationSettings relaxation;
  bool trust_stress = false, json = false;
};

/// Adds MODEL, FRAME, --frame, --supercell, --remove, --arithmetic, --head, --json.
void add_statics_options(CLI::App& kind, StaticsOptions& options);
/// Adds --force-tolerance-ev-ang, --minimizer, --largest-step-ang, --max-iterations.
void add_relaxation_options(CLI::App& kind, StaticsOptions& options);
void add_trust_stress(CLI::App& kind, StaticsOptions& options);

struct StaticsSubject {
  std::unique_ptr<Potential> potential;
  Frame frame;
};

/// Reads model and frame. Throws Error{unsupported} where stress is needed and the model's is neither known to be trained nor trusted.
StaticsSubject read_subject(const StaticsOptions& options, bool needs_stress);
RelaxationSettings relaxation_of(const StaticsOptions& options);

/// One frame or more as extXYZ, whole or not at all.
void write_frames(const std::string& path, std::span<const Frame> frames);

}  // namespace saltus::cli
