// Options of where a simulation starts: a frame of a file, repeated, with atoms taken out. What md and distill share.
#pragma once

#include <cstdint>
#include <vector>

#include "saltus/runs/molecular_dynamics.hpp"

namespace CLI {
class App;
}

namespace saltus::cli {

struct StartOptions {
  runs::StartSettings settings;
  std::vector<int> supercell{1, 1, 1};
};

/// Adds --init, --frame, --supercell, --remove, --vacancies, --vacancy-element. `required`: without --init nothing can be done.
void add_start_options(CLI::App& app, StartOptions& options, bool required = true);

/// Throws Error{usage} for vacancies of no element.
runs::StartSettings start_of(const StartOptions& options, std::uint64_t seed);

}  // namespace saltus::cli
