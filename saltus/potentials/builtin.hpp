// Potentials that need no file, named "builtin:NAME" or "builtin:NAME?KEY=VALUE&KEY=VALUE" wherever a model is named.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/potentials/potential.hpp"

namespace saltus {

struct BuiltinParameter {
  const char* key;
  const char* help;
  double low, high;               ///< what is allowed
  std::optional<double> preset;   ///< without one it must be given
};

struct BuiltinPotential {
  const char* name;
  const char* summary;
  std::vector<BuiltinParameter> parameters;
  std::unique_ptr<Potential> (*make)(std::span<const double> values);  ///< values in the order of the parameters
};

std::span<const BuiltinPotential> builtin_potentials();

/// Whether `model` names one of them and no file.
bool is_builtin(std::string_view model);

/// A name, taken apart.
struct BuiltinChoice {
  const BuiltinPotential* potential;
  std::vector<double> values;     ///< of all parameters
};

/// Throws Error{usage} for a name, key or value that is not known or allowed, with the nearest that is.
BuiltinChoice builtin_choice(const std::string& model);

/// The name with all parameters in their order: what decides the numbers.
std::string identity(const BuiltinChoice& choice);

}  // namespace saltus
