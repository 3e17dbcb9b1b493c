// TOML → structs, through their field tables; what is wrong is said with file and line. Only sources that parse plans include this.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <toml++/toml.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/runs/choices.hpp"
#include "saltus/runs/fields.hpp"
#include "saltus/runs/settings_reference.hpp"

namespace saltus::runs {

/// Where a text comes from, for messages.
struct TomlSource {
  std::string file;

  [[noreturn]] void fail(const toml::source_region& where, const std::string& message) const {
    throw Error(ErrorKind::format, fmt::format("{}:{}: {}", file, where.begin.line, message));
  }
};

/// Throws Error{format} with file and line.
inline toml::table parse_toml(std::string_view text, const TomlSource& source) {
  try {
    return toml::parse(text, source.file);
  } catch (const toml::parse_error& error) {
    source.fail(error.source(), std::string(error.description()));
  }
}

inline const char* toml_type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string: return "text";
    case toml::node_type::integer: return "an integer";
    case toml::node_type::floating_point: return "a number";
    case toml::node_type::boolean: return "true or false";
    case toml::node_type::array: return "a list";
    case toml::node_type::table: return "a table";
    default: return "a date or time";
  }
}

/// Reads the value of one row, checked for its type, range and choices.
template <class S>
struct FieldReader {
  const TomlSource& source;
  const Field<S>& field;

  [[noreturn]] void wrong_type(const toml::node& node, const char* wanted) const {
    source.fail(node.source(), fmt::format("'{}' must be {}, found {}", field.key, wanted, toml_type_name(node)));
  }
  void check_range(const toml::node& node, double value) const {
    if (!std::isfinite(value)) source.fail(node.source(), fmt::format("'{}' must be finite", field.key));
    if (value < field.minimum || value > field.maximum)
      source.fail(node.source(), fmt::format("'{}' is {}{}{}, but must be {}", field.key, shortest(value), *field.unit ? " " : "",
                                             field.unit, range_text(field.minimum, field.maximum)));
  }
  void read(const toml::node& node, bool& value) const {
    if (!node.is_boolean()) wrong_type(node, "true or false");
    value = **node.as_boolean();
  }
  void read(const toml::node& node, std::int64_t& value) const {
    if (!node.is_integer()) wrong_type(node, "an integer");
    value = **node.as_integer();
    check_range(node, static_cast<double>(value));
  }
  void read(const toml::node& node, double& value) const {
    if (node.is_integer()) value = static_cast<double>(**node.as_integer());
    else if (node.is_floating_point()) value = **node.as_floating_point();
    else wrong_type(node, "a number");
    check_range(node, value);
  }
  void read(const toml::node& node, std::string& value) const {
    if (!node.is_string()) wrong_type(node, "text");
    value = **node.as_string();
    if (field.choices.empty()) return;
    const std::vector<std::string> allowed = names(field.choices);
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end())
      source.fail(node.source(), fmt::format("'{}' cannot be '{}'{}; it is one of: {}", field.key, value, did_you_mean(value, allowed),
                                             join(allowed)));
  }
  template <class T>
  void read(const toml::node& node, std::vector<T>& value) const {
    if (field.one_or_more && !node.is_array()) {
      value.assign(1, T{});
      read(node, value.front());
      return;
    }
    if (!node.is_array()) wrong_type(node, "a list");
    const toml::array& array = *node.as_array();
    if (field.size && array.size() != field.size)
      source.fail(node.source(), fmt::format("'{}' must have {} entries, found {}", field.key, field.size, array.size()));
    if (field.one_or_more && array.empty()) source.fail(node.source(), fmt::format("'{}' needs at least one value", field.key));
    value.clear();
    for (const toml::node& element : array) {
      T item{};
      read(element, item);
      value.push_back(std::move(item));
    }
  }
};

/// How messages call a table: "fit" is [fit], "md" [[md]], "[pimd].potential" 'potential' of [pimd].
inline std::string table_label(const std::string& table_name) {
  if (table_name.empty()) return "the plan";
  if (table_name == "settings") return "the settings of a fine-tuning";
  if (table_name == "settings of pimd") return "the settings of path-integral dynamics";
  if (const auto point = table_name.find('.'); point != std::string::npos)
    return fmt::format("'{}' of {}", table_name.substr(point + 1), table_label(table_name.substr(0, point)));
  if (table_name.starts_with('[')) return table_name;
  static const std::set<std::string> lists{"data", "md", "pimd", "proton", "wannier", "kinetics", "passage", "arrhenius"};
  return lists.contains(table_name) ? "[[" + table_name + "]]" : "[" + table_name + "]";
}

/// Sets what a table names and leaves the rest; keys that neither `fields` nor `elsewhere` has are refused.
template <class S>
ResolvedSection read_fields(const TomlSource& source, const toml::table& table, std::span<const Field<S>> fields, S& settings,
                            const std::string& table_name, const std::set<std::string>& elsewhere = {}) {
  std::vector<std::string> known(elsewhere.begin(), elsewhere.end());
  for (const Field<S>& field : fields) known.emplace_back(field.key);
  for (const auto& [key, node] : table)
    if (const std::string word(key.str()); std::find(known.begin(), known.end(), word) == known.end())
      source.fail(key.source(), fmt::format("unknown key '{}' in {}{}", word, table_label(table_name), did_you_mean(word, known)));
  ResolvedSection section{table_name, {}, {}};
  for (const Field<S>& field : fields) {
    const toml::node* node = table.get(field.key);
    if (!node && field.required)
      source.fail(table.source(), fmt::format("{} needs '{}': {}", table_label(table_name), field.key, field.help));
    std::visit(
        [&](auto member) {
          auto& value = settings.*member;
          if (node) FieldReader<S>{source, field}.read(*node, value);
          nlohmann::ordered_json shown = value;
          if (field.one_or_more && shown.size() == 1) shown = nlohmann::ordered_json(shown.front());
          section.values.push_back({field.key, shown.dump(), field.unit, field.help, node == nullptr});
        },
        field.member);
  }
  return section;
}

}  // namespace saltus::runs
