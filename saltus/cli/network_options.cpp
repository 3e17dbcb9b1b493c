#include "saltus/cli/network_options.hpp"

#include <CLI/CLI.hpp>

#include "saltus/base/sha256.hpp"
#include "saltus/potentials/builtin.hpp"

namespace saltus::cli {

void add_network_options(CLI::App& app, NetworkOptions& options) {
  app.add_option("--arithmetic", options.arithmetic, "of a network: float32 or float64 (default: as its file)")->check(CLI::IsMember({"float32", "float64"}));
  app.add_option("--head", options.head, "of a network with several heads or modalities")->type_name("NAME");
}

NetworkSettings settings_of(const NetworkOptions& options) {
  NetworkSettings settings;
  if (!options.arithmetic.empty()) settings.precision = options.arithmetic == "float64" ? Dtype::f64 : Dtype::f32;
  if (!options.head.empty()) settings.head = options.head;
  return settings;
}

std::string identity_of(const std::string& model, const NetworkOptions& options) {
  if (is_builtin(model)) return saltus::identity(builtin_choice(model));
  std::string identity = sha256_of_path(model);
  for (const std::string& choice : {options.arithmetic, options.head})
    if (!choice.empty()) identity += ", " + choice;
  return identity;
}

}  // namespace saltus::cli
