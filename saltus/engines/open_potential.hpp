// What a simulation is told to run under: a model file, or another program.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "saltus/base/progress.hpp"
#include "saltus/potentials/network_settings.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

/// How a remote potential asks whether to stop, and tells what went wrong and was mended; both may be empty.
struct RemoteContext {
  Stop stop;
  std::function<void(const std::string&)> warn;
};

/// Whether `model` names other programs, "socket:…" (socket_potential.hpp), and no file.
bool is_remote(const std::string& model);

/// Throws what load_potential or SocketPotential throws; Error{usage} for settings of a network with a remote potential.
std::unique_ptr<Potential> open_potential(const std::string& model, const NetworkSettings& settings, const RemoteContext& context);

}  // namespace saltus
