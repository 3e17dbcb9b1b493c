#include "saltus/runs/settings_reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/text.hpp"
#include "saltus/runs/cp2k_fields.hpp"
#include "saltus/runs/finetune_fields.hpp"
#include "saltus/runs/plan_fields.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;

namespace {

std::string type_name(bool) { return "true or false"; }
std::string type_name(std::int64_t) { return "integer"; }
std::string type_name(double) { return "number"; }
std::string type_name(const std::string&) { return "text"; }
template <class T>
std::string type_name(const std::vector<T>&) {
  return "list of " + (std::is_same_v<T, std::string> ? "texts" : type_name(T{}) + "s");
}

template <class S>
SettingsTable table_of(const char* heading, std::span<const Field<S>> fields) {
  SettingsTable table{heading, {}};
  const S standard;
  for (const Field<S>& field : fields) {
    SettingReference setting{field.key, {}, field.unit, field.help, {}, range_text(field.minimum, field.maximum), {}};
    std::visit(
        [&](auto member) {
          setting.type = type_name(standard.*member);
          if (field.size) setting.type += fmt::format(" ({})", field.size);
          json value = standard.*member;
          if (field.one_or_more) {  // as it is mostly written
            setting.type = setting.type.substr(std::string("list of ").size());
            value = json(value.front());
          }
          if (!field.required) setting.standard = value.dump();
        },
        field.member);
    setting.choices.assign(field.choices.begin(), field.choices.end());
    table.settings.push_back(std::move(setting));
  }
  return table;
}

/// [finetune]: a default that is not the same for all families stands beside the family's name.
SettingsTable finetune_table() {
  SettingsTable table = table_of("[finetune]", finetune_fields());
  for (SettingReference& setting : table.settings) {
    for (const char* family : {"sevennet", "mace", "mattersim"}) {
      const std::string standard = json::parse(finetune_settings_json(published_recipe(family))).at(setting.key).dump();
      setting.standard_of_family.emplace_back(family, standard);
    }
    const auto& of_family = setting.standard_of_family;
    if (std::all_of(of_family.begin(), of_family.end(), [&](const auto& one) { return one.second == of_family.front().second; })) setting.standard_of_family.clear();
    else setting.standard.clear();
  }
  return table;
}

/// [cp2k]: the preset sets others.
SettingsTable cp2k_table() {
  SettingsTable table = table_of("[cp2k]", cp2k_fields());
  SettingReference preset{"preset", "text", "", "settings to begin with; the defaults here are those of insulator", {}, "", {}};
  preset.standard = "\"insulator\"";
  preset.choices.assign(cp2k_presets().begin(), cp2k_presets().end());
  table.settings.insert(table.settings.begin(), std::move(preset));
  return table;
}

bool is_required(const SettingReference& setting) { return setting.standard.empty() && setting.standard_of_family.empty(); }

std::string wanted_text(const SettingReference& setting) {
  if (setting.choices.empty()) return setting.type + (setting.range.empty() ? "" : ", " + setting.range);
  std::vector<std::string> names;
  for (const Choice& choice : setting.choices) names.emplace_back(choice.name);
  return join(names, " | ");
}

}  // namespace

std::string range_text(double minimum, double maximum) {
  if (std::isinf(minimum) && std::isinf(maximum)) return "";
  if (std::isinf(maximum)) return fmt::format("at least {}", shortest(minimum));
  if (std::isinf(minimum)) return fmt::format("at most {}", shortest(maximum));
  return fmt::format("between {} and {}", shortest(minimum), shortest(maximum));
}

std::vector<SettingsTable> settings_tables() {
  return {table_of("", plan_fields()), table_of("[[data]]", data_fields()), table_of("[model]", model_fields()),
          table_of("[fit]", fit_fields()), finetune_table(), table_of("[distill]", distill_fields()), cp2k_table(), table_of("[refine]", refine_fields()), table_of("[[md]]", md_fields()),
          table_of("[[pimd]]", pimd_run_fields()), table_of("[[proton]]", proton_fields()), table_of("[[wannier]]", wannier_fields()),
          table_of("[[kinetics]]", kinetics_fields()), table_of("[[passage]]", passage_fields()), table_of("[[arrhenius]]", arrhenius_fields())};
}

std::string kind_text(const SettingReference& setting) {
  std::vector<std::string> of_family;
  for (const auto& [family, standard] : setting.standard_of_family) of_family.push_back(fmt::format("{} for {}", standard, family));
  return fmt::format("{}{}, {}", wanted_text(setting), setting.unit.empty() ? "" : ", in " + setting.unit,
                     is_required(setting) ? "required" : "default " + (of_family.empty() ? setting.standard : join(of_family)));
}

std::string settings_text() {
  std::string text;
  for (const SettingsTable& table : settings_tables()) {
    if (!table.heading.empty()) text += "\n" + table.heading + "\n";
    for (const SettingReference& setting : table.settings)
      text += fmt::format("  {:<22} {:<10} {:<42} {}\n", setting.key, is_required(setting) ? "required" : setting.standard.empty() ? "by family" : setting.standard,
                          wanted_text(setting), setting.help);
  }
  return text;
}

json settings_reference_json() {
  json document{{"tables", json::array()}};
  for (const SettingsTable& table : settings_tables()) {
    json settings = json::array();
    for (const SettingReference& setting : table.settings) {
      json choices = json::array();
      for (const Choice& choice : setting.choices) choices.push_back({{"name", choice.name}, {"help", choice.help}});
      json of_family = json::object();
      for (const auto& [family, standard] : setting.standard_of_family) of_family[family] = json::parse(standard);
      settings.push_back({{"key", setting.key}, {"type", setting.type}, {"unit", setting.unit},
                          {"default", setting.standard.empty() ? json(nullptr) : json::parse(setting.standard)},
                          {"default_of_family", of_family}, {"required", is_required(setting)}, {"range", setting.range}, {"choices", choices}, {"help", setting.help}});
    }
    document["tables"].push_back({{"table", table.heading}, {"settings", settings}});
  }
  return document;
}

}  // namespace saltus::runs
