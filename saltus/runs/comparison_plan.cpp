#include "saltus/runs/comparison_plan.hpp"

#include <array>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/files.hpp"
#include "saltus/runs/setting_words.hpp"
#include "saltus/runs/toml_fields.hpp"

namespace saltus::runs {

namespace {

std::span<const Field<ComparisonPlan>> plan_fields() {
  using S = ComparisonPlan;
  static const std::array table{
      Field<S>{.key = "title", .member = &S::title, .unit = "", .help = "of the page"},
      Field<S>{.key = "seed", .member = &S::seed, .unit = "", .help = "of all random numbers", .minimum = 0},
      Field<S>{.key = "energy_key", .member = &S::energy_key, .unit = "", .help = "name of the energy in the data sets; empty = by the format's rule"},
      Field<S>{.key = "forces_key", .member = &S::forces_key, .unit = "", .help = "name of the forces, likewise"},
      Field<S>{.key = "every", .member = &S::every, .unit = "", .help = "one held-out frame in so many is evaluated", .minimum = 1},
      Field<S>{.key = "probe_steps", .member = &S::probe_steps, .unit = "", .help = "of constant energy at 300 K; 0 = none", .minimum = 0, .maximum = 1e7},
  };
  return table;
}

std::span<const Field<ComparedModel>> model_fields() {
  using S = ComparedModel;
  static const std::array table{
      Field<S>{.key = "name", .member = &S::name, .unit = "", .help = "in tables, charts and file names", .required = true},
      Field<S>{.key = "file", .member = &S::file, .unit = "", .help = "model file, or builtin:NAME"},
      Field<S>{.key = "note", .member = &S::note, .unit = "", .help = "in place of a file: why there is none"},
      Field<S>{.key = "finetune", .member = &S::finetune, .unit = "", .help = "trained within the budget, and evaluated before and after"},
      Field<S>{.key = "settings", .member = &S::settings, .unit = "", .help = "KEY=VALUE of 'saltus finetune', beyond the budget"},
      Field<S>{.key = "arithmetic", .member = &S::arithmetic, .unit = "", .help = "of a network", .choices = arithmetics()},
      Field<S>{.key = "head", .member = &S::head, .unit = "", .help = "of a model with several heads or modalities"},
  };
  return table;
}

std::span<const Field<ComparedData>> data_set_fields() {
  using S = ComparedData;
  static const std::array table{
      Field<S>{.key = "name", .member = &S::name, .unit = "", .help = "in tables", .required = true},
      Field<S>{.key = "file", .member = &S::file, .unit = "", .help = "labelled frames", .required = true},
  };
  return table;
}

std::span<const Field<ComparisonBudget>> budget_fields() {
  using S = ComparisonBudget;
  static const std::array table{
      Field<S>{.key = "epochs", .member = &S::epochs, .unit = "", .help = "passes through the training frames", .minimum = 1, .maximum = 1e6},
      Field<S>{.key = "train_every", .member = &S::train_every, .unit = "", .help = "one training frame in so many", .minimum = 1},
      Field<S>{.key = "test_fraction", .member = &S::test_fraction, .unit = "", .help = "last part of each set, never trained on, where models are compared", .minimum = 0.01, .maximum = 0.9},
      Field<S>{.key = "gap_fs", .member = &S::gap_fs, .unit = "fs", .help = "left out before it", .minimum = 0},
  };
  return table;
}

std::span<const Field<ComparisonMd>> simulation_fields() {
  using S = ComparisonMd;
  static const std::array table{
      Field<S>{.key = "data", .member = &S::data, .unit = "", .help = "set that is the AIMD to compare with, and whose first frame begins; empty = the first"},
      Field<S>{.key = "temperature_kelvin", .member = &S::temperature_kelvin, .unit = "kelvin", .help = "of the thermostat; 0 = the mean of that", .minimum = 0, .maximum = 1e5},
      Field<S>{.key = "length_ps", .member = &S::length_ps, .unit = "ps", .help = "simulated and compared; 0 = as long as that", .minimum = 0, .maximum = 1e6},
      Field<S>{.key = "equilibration_ps", .member = &S::equilibration_ps, .unit = "ps", .help = "before it", .minimum = 0, .maximum = 1e6},
      Field<S>{.key = "mobile", .member = &S::mobile, .unit = "", .help = "element whose displacement is drawn; empty = none"},
      Field<S>{.key = "largest_ang", .member = &S::largest_ang, .unit = "ang", .help = "range of g(r)", .minimum = 1, .maximum = 50},
      Field<S>{.key = "longest_lag_fs", .member = &S::longest_lag_fs, .unit = "fs", .help = "behind the spectrum; at most a quarter of the shorter trajectory", .minimum = 1, .maximum = 1e6},
  };
  return table;
}

/// The tables of a list, each read by its fields; names are there once.
template <class S>
std::vector<S> read_list(const TomlSource& source, const toml::table& root, const char* key, std::span<const Field<S>> fields, std::vector<ResolvedSection>& sections) {
  const toml::node* node = root.get(key);
  if (!node) source.fail(root.source(), fmt::format("the plan needs at least one [[{}]]", key));
  const toml::array* array = node->as_array();
  if (!array || !array->is_array_of_tables()) source.fail(node->source(), fmt::format("'{}' is a list of tables: write [[{}]]", key, key));
  std::vector<S> list;
  for (const toml::node& entry : *array) {
    S settings;
    ResolvedSection section = read_fields(source, *entry.as_table(), fields, settings, fmt::format("[[{}]]", key));
    for (const S& other : list)
      if (other.name == settings.name) source.fail(entry.source(), fmt::format("two [[{}]] are called '{}'", key, settings.name));
    section.table = key;
    section.name = settings.name;
    sections.push_back(std::move(section));
    list.push_back(std::move(settings));
  }
  return list;
}

template <class S>
void read_table(const TomlSource& source, const toml::node& node, const char* key, std::span<const Field<S>> fields, S& settings, std::vector<ResolvedSection>& sections) {
  if (!node.is_table()) source.fail(node.source(), fmt::format("'{}' is one table: write [{}]", key, key));
  sections.push_back(read_fields(source, *node.as_table(), fields, settings, fmt::format("[{}]", key)));
  sections.back().table = key;
}

/// Folders are called after models.
void check_name(const TomlSource& source, const toml::source_region& where, const std::string& name) {
  const bool fit = !name.empty() && name.size() <= 80 && name != "." && name != ".." && name.find('/') == std::string::npos &&
                   std::none_of(name.begin(), name.end(), [](unsigned char c) { return c < 32; });
  if (!fit) source.fail(where, fmt::format("'name' is '{}', but a folder is called so: 1 to 80 characters without '/'", name));
}

}  // namespace

ComparisonPlan parse_comparison_plan(std::string_view text, const std::filesystem::path& file) {
  const TomlSource source{file.string()};
  const toml::table root = parse_toml(text, source);
  ComparisonPlan plan;
  plan.settings.push_back(read_fields(source, root, plan_fields(), plan, "", {"model", "data", "budget", "md"}));
  plan.file = file;
  plan.models = read_list(source, root, "model", model_fields(), plan.settings);
  plan.data = read_list(source, root, "data", data_set_fields(), plan.settings);
  if (const toml::node* node = root.get("budget")) read_table(source, *node, "budget", budget_fields(), plan.budget, plan.settings);
  if (const toml::node* node = root.get("md")) read_table(source, *node, "md", simulation_fields(), plan.md.emplace(), plan.settings);
  const toml::array& models = *root.get("model")->as_array();
  for (std::size_t k = 0; k < plan.models.size(); ++k) {
    const ComparedModel& model = plan.models[k];
    const toml::source_region& where = models.get(k)->source();
    check_name(source, where, model.name);
    if (model.file.empty() == model.note.empty()) source.fail(where, fmt::format("[[model]] {} needs either 'file' or 'note', which says why there is none", model.name));
    if (model.finetune && model.file.empty()) source.fail(where, fmt::format("[[model]] {} has no file to fine-tune", model.name));
    if (!model.finetune && !model.settings.empty()) source.fail(where, fmt::format("[[model]] {}: 'settings' are of a fine-tuning; write finetune = true", model.name));
    for (const std::string& word : model.settings)
      for (const char* key : {"epochs", "train_every", "test_fraction", "gap_fs", "seed"})
        if (word.starts_with(std::string(key) + "=")) source.fail(where, fmt::format("[[model]] {}: '{}' is the same for all models: put it into [budget], or the seed to the top", model.name, key));
  }
  if (!plan.md) return plan;
  const toml::table& md = *root.get("md")->as_table();
  std::vector<std::string> names;
  for (const ComparedData& data : plan.data) names.push_back(data.name);
  if (plan.md->data.empty()) plan.md->data = names.front();
  if (std::find(names.begin(), names.end(), plan.md->data) == names.end())
    source.fail(md.get("data")->source(), fmt::format("no [[data]] is called '{}'{}", plan.md->data, did_you_mean(plan.md->data, names)));
  if (!plan.md->mobile.empty() && !atomic_number_of(plan.md->mobile)) source.fail(md.get("mobile")->source(), fmt::format("'{}' is no element", plan.md->mobile));
  return plan;
}

ComparisonPlan read_comparison_plan(const std::filesystem::path& file) { return parse_comparison_plan(read_file(file), file); }

std::string comparison_settings_text() {
  return settings_toml_text(ComparisonPlan{}, plan_fields()) + "\n[[model]]\n" + settings_toml_text(ComparedModel{}, model_fields()) + "\n[[data]]\n" +
         settings_toml_text(ComparedData{}, data_set_fields()) + "\n[budget]  # of each fine-tuning\n" + settings_toml_text(ComparisonBudget{}, budget_fields()) +
         "\n[md]  # left out: no simulations\n" + settings_toml_text(ComparisonMd{}, simulation_fields());
}

}  // namespace saltus::runs
