// TOML → Plan, through the field tables.
#include "saltus/runs/plan.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <toml++/toml.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/text.hpp"
#include "saltus/models/published_model.hpp"
#include "saltus/potentials/builtin.hpp"
#include "saltus/runs/choices.hpp"
#include "saltus/runs/cp2k_fields.hpp"
#include "saltus/runs/finetune_fields.hpp"
#include "saltus/runs/plan_fields.hpp"
#include "saltus/runs/plan_files.hpp"
#include "saltus/runs/toml_fields.hpp"

namespace saltus::runs {
namespace {

using json = nlohmann::ordered_json;

void check_name(const TomlSource& source, const toml::table& table, const std::string& kind, const std::string& name,
                std::set<std::string>& taken) {
  const auto& where = table.get("name")->source();
  const bool allowed = !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (!allowed) source.fail(where, fmt::format("name '{}': use letters, digits, '_' and '-' (at most 64)", name));
  if (!taken.insert(name).second) source.fail(where, fmt::format("name '{}' is used by two [[{}]]", name, kind));
}

template <class S>
std::vector<std::pair<S, const toml::table*>> read_list(const TomlSource& source, const toml::table& root, const std::string& kind,
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
void check_reference(const TomlSource& source, const toml::table& table, const char* key, const std::string& value,
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
  bool any = false;
  for (const char* kind : {"md", "pimd"}) {
    const toml::array* list = root[kind].as_array();
    if (!list) continue;
    for (const toml::node& node : *list) {
      const toml::table* table = node.as_table();
      if (!table || (*table)["model"].value_or(std::string()).empty()) return false;
      any = true;
    }
  }
  return any;
}

/// [cp2k]: the preset first, then what stands beside it.
ResolvedSection read_cp2k_table(const TomlSource& source, const toml::table& table, Cp2kSettings& settings) {
  if (const toml::node* node = table.get("preset")) {
    if (!node->is_string()) source.fail(node->source(), fmt::format("'preset' must be text, found {}", toml_type_name(*node)));
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
  const TomlSource source{file.string()};
  const toml::table root = parse_toml(text, source);
  Plan plan;
  plan.file = file;
  plan.settings.push_back(read_fields(source, root, plan_fields(), plan, "", {"data", "model", "fit", "finetune", "distill", "cp2k", "refine", "md", "pimd", "proton", "wannier", "kinetics", "passage", "arrhenius"}));

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
  if (plan.data.empty() && (fit || model || finetune || distill || root.contains("md") || root.contains("pimd") || !(root.contains("kinetics") || root.contains("proton") || root.contains("wannier") || root.contains("passage"))))
    source.fail(root.source(), "a plan needs at least one [[data]], or only [[kinetics]], [[passage]], [[proton]] or [[wannier]] of trajectories that are there");
  if (model) {
    plan.model.emplace();
    plan.settings.push_back(read_fields(source, *model, model_fields(), *plan.model, "model"));
    if (is_builtin(plan.model->file))
      source.fail(model->get("file")->source(), fmt::format("'file' of [model] must be a file; a built-in model is named in [[md]]: model = \"{}\"", plan.model->file));
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
  for (auto& [settings, table] : read_list(source, root, "pimd", pimd_run_fields(), plan.settings)) {
    set_initial(settings, *table, section_named(plan.settings, "pimd", settings.name));
    for (const char* key : {"temperature_kelvin", "steps"})
      if (!table->contains(key)) source.fail(table->source(), fmt::format("[[pimd]] '{}' needs '{}'", settings.name, key));
    if (settings.model.empty()) {
      for (const char* key : {"arithmetic", "head"})
        if (const toml::node* node = table->get(key)) source.fail(node->source(), fmt::format("'{}' goes with 'model', a network", key));
    }
    if (settings.reference_model.empty()) {
      for (const char* key : {"contracted_beads", "inner_steps"})
        if (const toml::node* node = table->get(key)) source.fail(node->source(), fmt::format("'{}' goes with 'reference_model'", key));
    }
    try {
      ring_dynamics_of(with_paths(file, settings), 0);
    } catch (const Error& error) {
      source.fail(table->source(), fmt::format("[[pimd]] '{}': {}", settings.name, error.what()));
    }
    plan.pimd.push_back(settings);
  }
  for (auto& [settings, table] : read_list(source, root, "proton", proton_fields(), plan.settings)) {
    if (settings.pimd.empty() && settings.trajectories.empty())
      source.fail(table->source(), fmt::format("[[proton]] '{}' needs 'pimd', simulations of this plan, or 'trajectories', files", settings.name));
    for (const std::string& name : settings.pimd) check_reference(source, *table, "pimd", name, plan.pimd, "pimd");
    if (!settings.trajectories.empty() && !(settings.temperature_kelvin > 0)) source.fail(table->source(), "'trajectories' need 'temperature_kelvin'");
    for (const std::string& symbol : settings.elements)
      if (!atomic_number_of(symbol)) source.fail(table->get("elements")->source(), fmt::format("'elements': '{}' is no element", symbol));
    if (!settings.group.empty() && !atomic_number_of(settings.group)) source.fail(table->get("group")->source(), fmt::format("'group': '{}' is no element", settings.group));
    plan.proton.push_back(settings);
  }
  for (auto& [settings, table] : read_list(source, root, "wannier", wannier_fields(), plan.settings)) plan.wannier.push_back(settings);
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
  for (auto& [settings, table] : read_list(source, root, "passage", passage_fields(), plan.settings)) {
    const int sources = !settings.md.empty() + !settings.trajectory.empty() + !settings.coordinates.empty();
    if (sources != 1)
      source.fail(table->source(), fmt::format("[[passage]] '{}' needs one of 'md', a simulation of this plan, 'trajectory', a file, and 'coordinates', an array", settings.name));
    const auto refuse = [&](std::initializer_list<const char*> keys, const char* with) {
      for (const char* key : keys)
        if (const toml::node* node = table->get(key)) source.fail(node->source(), fmt::format("'{}' goes with {}", key, with));
    };
    if (!settings.md.empty()) check_reference(source, *table, "md", settings.md, plan.md, "md");
    if (settings.trajectory.empty()) refuse({"topology", "time_step_fs"}, "'trajectory'; simulations of the plan know theirs");
    if (settings.coordinates.empty()) refuse({"frame_interval_fs", "period_ang"}, "'coordinates', an array; a trajectory has a cell and times");
    else {
      refuse({"molecules", "surface", "normal", "distance", "side", "interface_width_ang", "whole", "every", "skip_ps"}, "'md' or 'trajectory'; an array is the coordinate itself");
      if (!(settings.frame_interval_fs > 0)) source.fail(table->source(), fmt::format("[[passage]] '{}' needs 'frame_interval_fs': an array has no times", settings.name));
    }
    const auto ascending = [&](const char* key, const std::vector<double>& pair, bool alone) {
      if (pair.empty() || (alone && pair.size() == 1) || (pair.size() == 2 && pair[0] < pair[1])) return;
      source.fail(table->get(key)->source(), fmt::format("'{}' is {}[low, high] with low < high", key, alone ? "[low] or " : ""));
    };
    ascending("walls_ang", settings.walls_ang, true);
    ascending("range_ang", settings.range_ang, false);
    if (settings.time_blocks == 1) source.fail(table->get("time_blocks")->source(), "'time_blocks' is 0, or two blocks or more");
    plan.passage.push_back(settings);
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
  const TomlSource source{source_name};
  read_fields(source, parse_toml(toml, source), finetune_fields(), settings, "settings");
}

void read_cp2k_settings(std::string_view toml, const std::string& source_name, Cp2kSettings& settings) {
  const TomlSource source{source_name};
  read_cp2k_table(source, parse_toml(toml, source), settings);
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
