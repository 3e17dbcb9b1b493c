#include "saltus/engines/open_potential.hpp"

#include "saltus/base/error.hpp"
#include "saltus/engines/socket_potential.hpp"
#include "saltus/potentials/load.hpp"

namespace saltus {

namespace {

constexpr std::string_view socket_prefix = "socket:";

}  // namespace

bool is_remote(const std::string& model) { return model.starts_with(socket_prefix); }

std::unique_ptr<Potential> open_potential(const std::string& model, const NetworkSettings& settings, const RemoteContext& context) {
  if (!is_remote(model)) return load_potential(model, settings);
  if (settings.precision || settings.head) throw Error(ErrorKind::usage, model + ": arithmetic and head are settings of networks; give them to the client");
  SocketSettings socket = socket_settings(model.substr(socket_prefix.size()));
  socket.stop = context.stop;
  socket.warn = context.warn;
  return std::make_unique<SocketPotential>(std::move(socket));
}

}  // namespace saltus
