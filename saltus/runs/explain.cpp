#include "saltus/runs/explain.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/sha256.hpp"
#include "saltus/base/text.hpp"
#include "saltus/runs/stage.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;

namespace {

json settings_of(const Plan& plan) {
  json sections = json::array();
  for (const ResolvedSection& section : plan.settings) {
    json values = json::array();
    for (const ResolvedValue& value : section.values)
      values.push_back({{"key", value.key}, {"value", json::parse(value.json)}, {"unit", value.unit}, {"default", value.is_default}, {"help", value.help}});
    sections.push_back({{"table", section.table}, {"name", section.name}, {"values", values}});
  }
  return sections;
}

}  // namespace

std::string explain_text(const Plan& plan) {
  std::string text;
  for (const ResolvedSection& section : plan.settings) {
    if (section.table.empty()) text += plan.file.string() + "\n";
    else if (section.name.empty()) text += fmt::format("\n[{}]\n", section.table);
    else text += fmt::format("\n[[{}]] {}\n", section.table, section.name);
    for (const ResolvedValue& value : section.values) {
      const std::string shown = fmt::format("{}{}{}", value.json, value.unit.empty() ? "" : " ", value.unit);
      text += fmt::format("  {}{:<26} {:<28} {}\n", value.is_default ? '*' : ' ', value.key, shown, value.help);
    }
  }
  text += "\nstages\n";
  for (const Stage& stage : stages_of(plan))
    text += fmt::format("   {:<26} {}\n", stage.name, stage.depends_on.empty() ? "" : "after " + join(stage.depends_on));
  return text + "\n* = default\n";
}

json explain_json(const Plan& plan) {
  json document{{"plan", plan.file.string()}, {"title", plan.title}, {"settings", settings_of(plan)}};
  document["stages"] = json::array();
  for (const Stage& stage : stages_of(plan))
    document["stages"].push_back({{"name", stage.name}, {"kind", stage.kind}, {"depends_on", stage.depends_on}});
  return document;
}

RunHeader header_of(const Plan& plan) {
  const std::string settings = settings_of(plan).dump();
  return {plan.file.string(), sha256(settings), plan.title, settings};
}

}  // namespace saltus::runs
