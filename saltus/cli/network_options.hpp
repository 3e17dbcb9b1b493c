// Options of how a network is evaluated: what md, evaluate and distill share.
#pragma once

#include <string>

#include "saltus/potentials/network_settings.hpp"

namespace CLI {
class App;
}

namespace saltus::cli {

struct NetworkOptions {
  std::string arithmetic, head;  ///< empty: as the file says
};

/// Adds --arithmetic and --head.
void add_network_options(CLI::App& app, NetworkOptions& options);

NetworkSettings settings_of(const NetworkOptions& options);

/// SHA-256 of a model file with what else decides its numbers; a built-in model's name with its parameters.
std::string identity_of(const std::string& model, const NetworkOptions& options);

}  // namespace saltus::cli
