// Settings as words KEY=VALUE on the command line, and as JSON and TOML text, for any struct with a table of fields.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/runs/fields.hpp"
#include "saltus/runs/settings_reference.hpp"

namespace saltus::runs {

/// "epochs=20" as a line of TOML; texts need no quotes, lists have commas.
/// Throws Error{usage} for a word without '=', and for a key that the table does not have: `list_command` shows those that there are.
template <class S>
std::string toml_of_word(const std::string& word, std::span<const Field<S>> fields, const char* list_command) {
  const auto equals = word.find('=');
  if (equals == std::string::npos) throw Error(ErrorKind::usage, fmt::format("'{}': settings are given as KEY=VALUE", word));
  const std::string key = word.substr(0, equals);
  std::string value = word.substr(equals + 1);
  const auto field = std::find_if(fields.begin(), fields.end(), [&](const Field<S>& f) { return key == f.key; });
  if (field == fields.end()) {
    std::vector<std::string> known;
    for (const Field<S>& f : fields) known.emplace_back(f.key);
    throw Error(ErrorKind::usage, fmt::format("there is no setting '{}'{}; '{}' shows them", key, did_you_mean(key, known), list_command));
  }
  const auto text = [](const nlohmann::json& json) { return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); };
  const auto split = [&] {
    nlohmann::json list = nlohmann::json::array();
    for (std::size_t at = 0; at <= value.size() && !value.empty();) {
      const auto comma = std::min(value.find(',', at), value.size());
      list.push_back(value.substr(at, comma - at));
      at = comma + 1;
    }
    return list;
  };
  if (std::holds_alternative<std::string S::*>(field->member)) value = text(nlohmann::json(value));
  else if (std::holds_alternative<std::vector<std::string> S::*>(field->member)) value = text(split());
  else if (value.empty()) throw Error(ErrorKind::usage, fmt::format("'{}' has no value", key));
  else if (!value.starts_with('[') && (std::holds_alternative<std::vector<double> S::*>(field->member) || std::holds_alternative<std::vector<std::int64_t> S::*>(field->member)))
    value = "[" + value + "]";
  return fmt::format("\"{}\" = {}", key, value);
}

/// All settings as one JSON object on one line.
template <class S>
std::string settings_json_text(const S& settings, std::span<const Field<S>> fields) {
  nlohmann::ordered_json object;
  for (const auto& field : fields) std::visit([&](auto member) { object[field.key] = settings.*member; }, field.member);
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// One line of TOML per setting: name, value, what it is, range, choices.
template <class S>
std::string settings_toml_text(const S& settings, std::span<const Field<S>> fields) {
  const auto object = nlohmann::ordered_json::parse(settings_json_text(settings, fields));
  std::string text;
  for (const auto& field : fields) {
    std::string note = field.help;
    if (*field.unit) note += fmt::format(", {}", field.unit);
    const std::string range = range_text(field.minimum, field.maximum);
    if (!range.empty()) note += "; " + range;
    const std::string value = object[field.key].dump();
    text += fmt::format("{} = {}  # {}\n", field.key, value, note);
    for (const Choice& choice : field.choices) text += fmt::format("{:>{}}#   {}: {}\n", "", std::string_view(field.key).size() + 3 + value.size() + 2, choice.name, choice.help);
  }
  return text;
}

}  // namespace saltus::runs
