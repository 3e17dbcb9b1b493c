#include "saltus/potentials/builtin.hpp"

#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/potentials/independent_atoms.hpp"
#include "saltus/potentials/qtip4pf.hpp"
#include "saltus/potentials/shared_proton.hpp"

namespace saltus {

namespace {

constexpr std::string_view prefix = "builtin:";

[[noreturn]] void fail(const std::string& model, const std::string& what) { throw Error(ErrorKind::usage, fmt::format("{}: {}", model, what)); }

std::vector<std::string> keys_of(const BuiltinPotential& potential) {
  std::vector<std::string> keys;
  for (const BuiltinParameter& parameter : potential.parameters) keys.emplace_back(parameter.key);
  return keys;
}

}  // namespace

std::span<const BuiltinPotential> builtin_potentials() {
  static const std::vector<BuiltinPotential> table{
      {"qtip4pf", "q-TIP4P/F: flexible water for path integrals; atoms O H H, by molecules", {},
       [](std::span<const double>) -> std::unique_ptr<Potential> { return std::make_unique<Qtip4pf>(); }},
      {"shared_proton", "a proton between two oxygens: a double Morse model; atoms O H O, by units",
       {{"oxygen_distance_ang", "O-O distance of least energy, Å; a barrier stands beyond 2.45 Å", 2.2, 3.0, SharedProtonParameters{}.oxygen_distance_ang}},
       [](std::span<const double> values) -> std::unique_ptr<Potential> {
         SharedProtonParameters parameters;
         parameters.oxygen_distance_ang = values[0];
         return std::make_unique<SharedProton>(parameters);
       }},
      {"harmonic", "each atom in an isotropic well about the origin", {{"wavenumber_per_cm", "of every atom, whatever its mass, 1/cm", 1e-3, 1e6, std::nullopt}},
       [](std::span<const double> values) -> std::unique_ptr<Potential> { return std::make_unique<IndependentAtoms>(values[0]); }},
      {"ideal_gas", "no forces at all", {}, [](std::span<const double>) -> std::unique_ptr<Potential> { return std::make_unique<IndependentAtoms>(0); }},
  };
  return table;
}

bool is_builtin(std::string_view model) { return model.starts_with(prefix); }

BuiltinChoice builtin_choice(const std::string& model) {
  const std::size_t mark = model.find('?');
  const std::string name = model.substr(prefix.size(), mark == std::string::npos ? mark : mark - prefix.size());
  std::vector<std::string> known;
  BuiltinChoice choice{nullptr, {}};
  for (const BuiltinPotential& potential : builtin_potentials()) {
    known.emplace_back(potential.name);
    if (name == potential.name) choice.potential = &potential;
  }
  if (!choice.potential) fail(model, fmt::format("no built-in model is called '{}'{}; there are {}", name, did_you_mean(name, known), join(known)));
  const std::vector<std::string> keys = keys_of(*choice.potential);
  std::vector<std::optional<double>> given(keys.size());
  for (std::size_t at = mark; at != std::string::npos;) {
    const std::size_t end = model.find('&', ++at);
    const std::string word = model.substr(at, end == std::string::npos ? end : end - at), key = word.substr(0, word.find('='));
    at = end;
    std::size_t k = 0;
    while (k < keys.size() && keys[k] != key) ++k;
    if (k == keys.size())
      fail(model, fmt::format("{} has no parameter '{}'{}; {}", name, key, did_you_mean(key, keys), keys.empty() ? "it has none" : "it has " + join(keys)));
    if (given[k]) fail(model, fmt::format("'{}' is given twice", key));
    const std::string text = word.size() > key.size() ? word.substr(key.size() + 1) : "";
    const BuiltinParameter& parameter = choice.potential->parameters[k];
    given[k] = parse_double(text);
    if (!given[k] || !(*given[k] >= parameter.low && *given[k] <= parameter.high))
      fail(model, fmt::format("'{}' must be a number from {} to {}, not '{}'", key, shortest(parameter.low), shortest(parameter.high), text));
  }
  for (std::size_t k = 0; k < keys.size(); ++k) {
    const BuiltinParameter& parameter = choice.potential->parameters[k];
    if (!given[k] && !parameter.preset) fail(model, fmt::format("{} needs '{}' ({}): builtin:{}?{}=VALUE", name, keys[k], parameter.help, name, keys[k]));
    choice.values.push_back(given[k] ? *given[k] : *parameter.preset);
  }
  return choice;
}

std::string identity(const BuiltinChoice& choice) {
  std::string text = std::string(prefix) + choice.potential->name;
  for (std::size_t k = 0; k < choice.values.size(); ++k)
    text += fmt::format("{}{}={}", k == 0 ? '?' : '&', choice.potential->parameters[k].key, shortest(choice.values[k]));
  return text;
}

}  // namespace saltus
