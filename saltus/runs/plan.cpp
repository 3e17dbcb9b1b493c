// TOML → Plan, through the field tables; the only file that sees TOML.
#include "saltus/runs/plan.hpp"

#include <cmath>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <toml++/toml.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/text.hpp"
#include "saltus/models/published_model.hpp"
#include "saltus/runs/choices.hpp"
#include "saltus/runs/cp2k_fields.hpp"
#include "saltus/runs/finetune_fields.hpp"
#include "saltus/runs/plan_fields.hpp"
#include "saltus/runs/plan_files.hpp"
#include "saltus/runs/settings_reference.hpp"

namespace saltus::runs {
namespace {

using json = nlohmann::ordered_json;

struct Source {
  std::string file;

  [[noreturn]] void fail(const toml::source_region& where, const std::string& message) const {
    throw Error(ErrorKind::format, fmt::format("{}:{}: {}", file, where.begin.line, message));
  }
};

const char* type_name(const toml::node& node) {
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

template <class S>
struct Reader {
  const Source& source;
  const Field<S>& field;

  [[noreturn]] void wrong_type(const toml::node& node, const char* wanted) const {
    source.fail(node.source(), fmt::format("'{}' must be {}, found {}", field.key, wanted, type_name(node)));
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

std::string label(const std::string& table_name) {
  if (table_name.empty()) return "the plan";
  if (table_name == "settings") return "the settings of a fine-tuning";
  const bool single = table_name == "fit" || table_name == "model" || table_name == "finetune" || table_name == "distill" || table_name == "cp2k" || table_name == "refine";
  return single ? "[" + table_name + "]" : "[[" + table_name + "]]";
}

template <class S>
ResolvedSection read_fields(const Source& source, const toml::table& table, std::span<const Field<S>> fields, S& settings,
                            const std::string& table_name, const std::set<std::string>& elsewhere = {}) {
  std::vector<std::string> known(elsewhere.begin(), elsewhere.end());
  for (const Field<S>& field : fields) known.emplace_back(field.key);
  for (const auto& [key, node] : table)
    if (const std::string word(key.str()); std::find(known.begin(), known.end(), word) == known.end())
      source.fail(key.source(), fmt::format("unknown key '{}' in {}{}", word, label(table_name), did_you_mean(word, known)));
  ResolvedSection section{table_name, {}, {}};
  for (const Field<S>& field : fields) {
    const toml::node* node = table.get(field.key);
    if (!node && field.required)
      source.fail(table.source(), fmt::format("{} needs '{}': {}", label(table_name), field.key, field.help));
    std::visit(
        [&](auto member) {
          auto& value = settings.*member;
          if (node) Reader<S>{source, field}.read(*node, value);
          json shown = value;
          if (field.one_or_more && shown.size() == 1) shown = json(shown.front());
          section.values.push_back({field.key, shown.dump(), field.unit, field.help, node == nullptr});
        },
        field.member);
  }
  return section;
}

void check_name(const Source& source, const toml::table& table, const std::string& kind, const std::string& name,
                std::set<std::string>& taken) {
  const auto& where = table.get("name")->source();
  const bool allowed = !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (!allowed) source.fail(where, fmt::format("name '{}': use letters, digits, '_' and '-' (at most 64)", name));
  if (!taken.insert(name).second) source.fail(where, fmt::format("name '{}' is used by two [[{}]]", name, kind));
}

template <class S>
std::vector<std::pair<S, const toml::table*>> read_list(const Source& source, const toml::table& root, const std::string& kind,
                                                        std::span<const Field<S>> fields, std::vector<ResolvedSection>& resolved) {
  std::vector<std::pair<S, const toml::table*>> result;
  const toml::node* node = root.get(kind);
  if (!node) return result;
  if (!node->is_array() || !node->as_array()->is_homogeneous(toml::node_type::table))
    source.fail(node->source(), fmt::format("'{0}' is a list of tables: write [[{0}]]", kind));
  std::set<std::string> taken;
  for (const toml::node& element : *node->as_array()) {
    const toml::table& table = *element.as_table();
    S settings;
    ResolvedSection section = read_fields(source, table, fields, settings, kind);
    check_name(source, table, kind, settings.name, taken);
    section.name = settings.name;
    resolved.push_back(std::move(section));
    result.emplace_back(std::move(settings), &table);
  }
  return result;
}

ResolvedSection& section_named(std::vector<ResolvedSection>& sections, std::string_view table, const std::string& name) {
  return *std::find_if(sections.begin(), sections.end(), [&](const ResolvedSection& section) { return section.table == table && section.name == name; });
}

void set_default(ResolvedSection& section, const char* key, const std::string& value) {
  for (ResolvedValue& entry : section.values)
    if (entry.key == key) entry.json = value;
}

template <class S>
void check_reference(const Source& source, const toml::table& table, const char* key, const std::string& value,
                     const std::vector<S>& targets, const char* kind) {
  std::vector<std::string> known;
  for (const S& target : targets) known.push_back(target.name);
  if (std::find(known.begin(), known.end(), value) != known.end()) return;
  const toml::node* node = table.get(key);
  source.fail(node ? node->source() : table.source(),
              fmt::format("'{}': there is no [[{}]] named '{}'{}", key, kind, value, did_you_mean(value, known)));
}

/// The settings of a fine-tuning as published for the family of this model.
FinetuneSettings recipe_for(const std::filesystem::path& model) { return published_recipe(family(read_published_model(model))); }

/// Whether there are simulations and each has a model of its own.
bool only_models(const toml::table& root) {
  const toml::array* list = root["md"].as_array();
  if (!list || list->empty()) return false;
  return std::all_of(list->begin(), list->end(), [](const toml::node& node) {
    const toml::table* table = node.as_table();
    return table && !(*table)["model"].value_or(std::string()).empty();
  });
}

/// [cp2k]: the preset first, then what stands beside it.
ResolvedSection read_cp2k_table(const Source& source, const toml::table& table, Cp2kSettings& settings) {
  if (const toml::node* node = table.get("preset")) {
    if (!node->is_string()) source.fail(node->source(), fmt::format("'preset' must be text, found {}", type_name(*node)));
    try {
      settings = cp2k_preset(**node->as_string());
    } catch (const Error& error) {
      source.fail(node->source(), error.what());
    }
  }
  ResolvedSection section = read_fields(source, table, cp2k_fields(), settings, "cp2k", {"preset"});
  if (const auto preset = table["preset"].value<std::string>())
    section.values.insert(section.values.begin(), {"preset", json(*preset).dump(), "", "what it sets is marked * below", false});
  return section;
}

}  // namespace

Plan parse_plan(std::string_view text, const std::filesystem::path& file) {
  const Source source{file.string()};
  toml::table root;
  try {
    root = toml::parse(text, source.file);
  } catch (const toml::parse_error& error) {
    source.fail(error.source(), std::string(error.description()));
  }
  Plan plan;
  plan.file = file;
  plan.settings.push_back(read_fields(source, root, plan_fields(), plan, "", {"data", "model", "fit", "finetune", "distill", "cp2k", "refine", "md", "kinetics", "arrhenius"}));

  for (auto& [settings, table] : read_list(source, root, "data", data_fields(), plan.settings)) {
    for (const std::string& symbol : settings.elements)
      if (!atomic_number_of(symbol)) source.fail(table->get("elements")->source(), fmt::format("'elements': '{}' is no element", symbol));
    plan.data.push_back(settings);
  }
  static const toml::table empty;
  const auto single = [&](const char* key) {
    const toml::node* node = root.get(key);
    if (node && !node->is_table()) source.fail(node->source(), fmt::format("'{0}' is one table: write [{0}]", key));
    return node ? node->as_table() : nullptr;
  };
  const toml::table *fit = single("fit"), *model = single("model"), *finetune = single("finetune"), *distill = single("distill"), *cp2k = single("cp2k"), *refine = single("refine");
  if (plan.data.empty() && (fit || model || finetune || distill || root.contains("md") || !root.contains("kinetics")))
    source.fail(root.source(), "a plan needs at least one [[data]], or only [[kinetics]] of trajectories that are there");
  if (model) {
    plan.model.emplace();
    plan.settings.push_back(read_fields(source, *model, model_fields(), *plan.model, "model"));
  }
  if (fit && model && !distill) source.fail(fit->source(), "the potential is either fitted, [fit], or there, [model]; both go together with [distill] only");
  if (distill && !model) source.fail(distill->source(), "[distill] needs a model to learn from: [model]");
  if (finetune && !model) source.fail(finetune->source(), "[finetune] needs a model to begin with: [model]");
  if (finetune) {
    plan.finetune = recipe_for(model_file(plan));
    plan.finetune->seed = plan.seed;
    plan.settings.push_back(read_fields(source, *finetune, finetune_fields(), *plan.finetune, "finetune"));
  }
  plan.fits = !plan.data.empty() && !model && (fit || !only_models(root));
  if (plan.fits || distill) plan.settings.push_back(read_fields(source, fit ? *fit : empty, fit_fields(), plan.fit, "fit"));
  // An entry that starts from a frame of a data set: the first set where it names none.
  const auto set_initial = [&](auto& settings, const toml::table& table, ResolvedSection& section) {
    if (settings.initial.empty()) {
      settings.initial = plan.data.front().name;
      set_default(section, "initial", json(settings.initial).dump());
    }
    check_reference(source, table, "initial", settings.initial, plan.data, "data");
  };
  if (distill) {
    plan.distill.emplace();
    plan.settings.push_back(read_fields(source, *distill, distill_fields(), *plan.distill, "distill"));
    set_initial(*plan.distill, *distill, plan.settings.back());
    const std::vector<double>& kelvin = plan.distill->temperatures_kelvin;
    if (kelvin.empty() || std::set<double>(kelvin.begin(), kelvin.end()).size() < kelvin.size())
      source.fail(distill->source(), "'temperatures_kelvin' of [distill] needs one temperature or more, each once");
  }

  if (refine && !plan.fits && !finetune) source.fail(refine->source(), "[refine] goes on from a fit or a fine-tuning: beside [model] it needs [finetune], which learns from the labels");
  if (refine && !cp2k) source.fail(refine->source(), "[refine] needs labels: [cp2k] says how they are computed");
  if (cp2k && !refine) source.fail(cp2k->source(), "[cp2k] goes with [refine]; alone it belongs into a settings file of 'saltus aimd' or 'saltus label'");
  if (refine) {
    plan.cp2k.emplace();
    plan.settings.push_back(read_cp2k_table(source, *cp2k, *plan.cp2k));
    plan.refine.emplace();
    plan.settings.push_back(read_fields(source, *refine, refine_fields(), *plan.refine, "refine"));
    set_initial(*plan.refine, *refine, plan.settings.back());
    // What measures the doubt of the other kind of potential has no say.
    const std::vector<std::string> of_fits{"stop_extrapolation", "select_extrapolation", "extrapolation_limit"}, of_committees{"stop_spread_ev_ang", "select_spread_ev_ang", "spread_limit_ev_ang", "committee"};
    for (const std::string& key : finetune ? of_fits : of_committees) {
      if (const toml::node* node = refine->get(key))
        source.fail(node->source(), finetune ? fmt::format("'{}' goes with a fit; fine-tuned models are a committee, whose spread has limits of its own", key)
                                             : fmt::format("'{}' goes with [finetune], which makes a committee", key));
      std::erase_if(plan.settings.back().values, [&](const ResolvedValue& value) { return value.key == key; });
    }
    plan.refine->seed = static_cast<std::uint64_t>(plan.seed + plan.refine->seed_offset);
  }

  for (auto& [settings, table] : read_list(source, root, "md", md_fields(), plan.settings)) {
    ResolvedSection& section = section_named(plan.settings, "md", settings.name);
    set_initial(settings, *table, section);
    if (settings.model.empty()) {
      for (const char* key : {"arithmetic", "head"})
        if (const toml::node* node = table->get(key)) source.fail(node->source(), fmt::format("'{}' goes with 'model', a network", key));
    }
    if ((!settings.model.empty() || (plan.model && !plan.distill)) && !table->contains("max_extrapolation")) {
      settings.max_extrapolation = 0;  // networks have no measure of it
      set_default(section, "max_extrapolation", "0");
    }
    plan.md.push_back(settings);
  }
  for (auto& [settings, table] : read_list(source, root, "kinetics", kinetics_fields(), plan.settings)) {
    if (settings.md.empty() == settings.trajectory.empty())
      source.fail(table->source(), fmt::format("[[kinetics]] '{}' needs either 'md', a simulation of this plan, or 'trajectory', a file", settings.name));
    if (settings.trajectory.empty()) {
      check_reference(source, *table, "md", settings.md, plan.md, "md");
      for (const char* key : {"topology", "time_step_fs", "temperature_kelvin"})
        if (const toml::node* node = table->get(key)) source.fail(node->source(), fmt::format("'{}' goes with 'trajectory'; simulations of the plan know theirs", key));
    }
    if (settings.fold.empty()) {
      settings.fold = {1, 1, 1};
      for (const MdSettings& md : plan.md)
        if (md.name == settings.md) settings.fold = md.supercell;
      set_default(section_named(plan.settings, "kinetics", settings.name), "fold", json(settings.fold).dump());
    }
    if (const toml::node* node = table->get("symmetry_tolerance_ang"); node && !settings.symmetry)
      source.fail(node->source(), "'symmetry_tolerance_ang' goes with 'symmetry = true'");
    if (!settings.msd_fit_ps.empty() && (settings.msd_fit_ps.size() != 2 || settings.msd_fit_ps[0] >= settings.msd_fit_ps[1]))
      source.fail(table->get("msd_fit_ps")->source(), "'msd_fit_ps' is [first, last] with first < last");
    plan.kinetics.push_back(settings);
  }
  for (auto& [settings, table] : read_list(source, root, "arrhenius", arrhenius_fields(), plan.settings)) {
    std::set<double> temperatures;
    for (const std::string& name : settings.kinetics) {
      check_reference(source, *table, "kinetics", name, plan.kinetics, "kinetics");
      const double temperature_kelvin = temperature_of(plan, entry_named(plan.kinetics, name));
      if (temperature_kelvin == 0) source.fail(table->get("kinetics")->source(), fmt::format("'kinetics': '{}' has no 'temperature_kelvin'", name));
      temperatures.insert(temperature_kelvin);
    }
    if (temperatures.size() < 2) source.fail(table->get("kinetics")->source(), "'kinetics' needs analyses at two temperatures or more");
    plan.arrhenius.push_back(settings);
  }
  return plan;
}

void read_finetune_settings(std::string_view toml, const std::string& source_name, FinetuneSettings& settings) {
  const Source source{source_name};
  toml::table root;
  try {
    root = toml::parse(toml, source.file);
  } catch (const toml::parse_error& error) {
    source.fail(error.source(), std::string(error.description()));
  }
  read_fields(source, root, finetune_fields(), settings, "settings");
}

void read_cp2k_settings(std::string_view toml, const std::string& source_name, Cp2kSettings& settings) {
  const Source source{source_name};
  toml::table root;
  try {
    root = toml::parse(toml, source.file);
  } catch (const toml::parse_error& error) {
    source.fail(error.source(), std::string(error.description()));
  }
  read_cp2k_table(source, root, settings);
}

Plan read_plan(const std::filesystem::path& file) { return parse_plan(read_file(file), file); }

std::string settings_json(const Plan& plan, std::string_view table, std::string_view name) {
  json object = json::object();
  for (const ResolvedSection& section : plan.settings)
    if (section.table == table && section.name == name)
      for (const ResolvedValue& value : section.values) object[value.key] = json::parse(value.json);
  return object.dump();
}

}  // namespace saltus::runs
