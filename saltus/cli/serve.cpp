// saltus serve: energies and forces of a model for a server of the i-PI protocol.
#include "saltus/cli/commands.hpp"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/cli/atom_order.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/network_options.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/engines/socket_client.hpp"
#include "saltus/potentials/load.hpp"
#include "saltus/runs/molecular_dynamics.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::string model, frame, unix_name, host = "localhost", prefix = default_unix_prefix;
  int port = 0;
  NetworkOptions network;
  ServeSettings serve;
  double max_extrapolation = 0, max_force_spread_ev_ang = 0;
  bool json = false;
};

int run_serve(Options options) {
  if (options.unix_name.empty() == (options.port == 0)) throw Error(ErrorKind::usage, "name the server's socket: either --unix NAME, or --port N and --host HOST");
  options.serve.address = options.port == 0 ? unix_address(options.unix_name, options.prefix) : tcp_address(options.host, options.port);
  if (options.max_extrapolation > 0) options.serve.max_extrapolation = options.max_extrapolation;
  if (options.max_force_spread_ev_ang > 0) options.serve.max_force_spread_ev_ang = options.max_force_spread_ev_ang;
  const auto potential = load_potential(options.model, settings_of(options.network));
  runs::StartSettings start;
  start.file = options.frame;
  const Frame frame = runs::starting_frame(start);
  listen_for_signals();
  say_progress(fmt::format("{} serves at {} these atoms, in this order: {}", options.model, text_of(options.serve.address), order_of_atoms(*frame.atoms)));
  const ServeSummary summary = serve(*potential, frame, options.serve, progress_line(), stop_requested);
  if (summary.beyond_limits > 0) print_warning(fmt::format("{} of {} configurations were beyond the limits; their answers said so", summary.beyond_limits, summary.configurations));
  const auto count = static_cast<double>(summary.configurations);
  const double per_second = summary.connected_s > 0 ? count / summary.connected_s : 0, each_ms = count > 0 ? 1e3 * summary.computing_s / count : 0;
  if (options.json) {
    print_json({{"configurations", summary.configurations}, {"atoms", frame.size()}, {"batch", summary.batch}, {"beyond_limits", summary.beyond_limits},
                {"connected_s", summary.connected_s}, {"computing_s", summary.computing_s}});
  } else {
    fmt::print("served {} configurations of {} atoms, {:.3g} per second, {:.3g} ms of computing each; the server said EXIT\n", summary.configurations, frame.size(), per_second, each_ms);
  }
  return 0;
}

}  // namespace

std::function<int()> set_up_serve(CLI::App& app) {
  const auto o = std::make_shared<Options>();
  app.add_option("MODEL", o->model, "model file: of Saltus, or a published SevenNet, MACE, ORB; or builtin:NAME")->type_name("FILE")->required();
  app.add_option("--frame", o->frame, "its first frame says which atoms, in which order, periodic or not: none of that is sent")->type_name("FILE")->required();
  app.add_option("--unix", o->unix_name, "name of the server's unix socket, /tmp/ipi_NAME")->type_name("NAME");
  app.add_option("--prefix", o->prefix, "of unix sockets in place of /tmp/ipi_")->type_name("TEXT");
  app.add_option("--host", o->host, "host of the server's TCP port (default localhost)")->type_name("NAME");
  app.add_option("--port", o->port, "TCP port of the server (default: none, a unix socket)")->check(CLI::Range(1, 65535));
  app.add_option("--retry-s", o->serve.retry_s, "how long to wait for the server to be there, s (default 60)")->check(CLI::NonNegativeNumber);
  add_network_options(app, o->network);
  app.add_option("--max-extrapolation", o->max_extrapolation, "answers beyond this say so in their extras (default: not measured)")->check(CLI::PositiveNumber);
  app.add_option("--max-force-spread-ev-ang", o->max_force_spread_ev_ang, "likewise the spread of a committee, eV/Å (default: not measured)")->check(CLI::PositiveNumber);
  app.add_option("--skin-ang", o->serve.skin_ang, "skin of the neighbour list, Å (default 1)")->check(CLI::NonNegativeNumber);
  app.add_flag("--json", o->json, "summary as one JSON document");
  app.footer(
      "A client of the i-PI protocol: i-PI, ASE or 'saltus md --model socket:…' moves the atoms. Ends with its EXIT.\n\n"
      "Example:\n"
      "  saltus serve li15si4.safetensors --frame examples/li15si4/li15si4_900K.extxyz --unix li15si4");
  return [o] { return run_serve(*o); };
}

}  // namespace saltus::cli
