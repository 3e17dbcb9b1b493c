#include "saltus/runs/pimd_plan.hpp"

#include <array>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/files.hpp"
#include "saltus/runs/setting_words.hpp"
#include "saltus/runs/toml_fields.hpp"

namespace saltus::runs {

namespace {

constexpr Choice kinds[] = {{"harmonic", "½ m w² x²"}, {"double_well", "h ((x/a)² − 1)²"}, {"proton_rocking", "h ((x/a)² − 1)² + ½ M W² (q − g x)²"}};
/// Copies times beads: some 10 GB.
constexpr std::int64_t largest_system = 100'000'000;

/// Keys of a table that go with some kinds only, and whether those need them.
struct OfKind {
  const char* key;
  std::vector<std::string> kinds;
  bool required;
};

const std::vector<OfKind>& potential_keys() {
  static const std::vector<OfKind> table{{"wavenumber_per_cm", {"harmonic"}, true},
                                         {"barrier_kcal_mol", {"double_well", "proton_rocking"}, true},
                                         {"half_distance_ang", {"double_well", "proton_rocking"}, true},
                                         {"rocking_mass_amu", {"proton_rocking"}, true},
                                         {"rocking_wavenumber_per_cm", {"proton_rocking"}, true},
                                         {"coupling", {"proton_rocking"}, true}};
  return table;
}

const std::vector<OfKind>& thermostat_keys() {
  static const std::vector<OfKind> table{{"centroid_time_fs", {"pile_l", "pile_g", "trpmd", "cmd", "none"}, false},
                                         {"lambda", {"pile_l", "pile_g", "trpmd", "cmd"}, false},
                                         {"friction_per_fs", {"langevin"}, false},
                                         {"gle_file", {"gle", "piglet"}, true}};
  return table;
}

void check_keys(const TomlSource& source, const toml::table& table, const std::string& name, const std::string& kind, const std::vector<OfKind>& keys) {
  for (const OfKind& row : keys) {
    const toml::node* node = table.get(row.key);
    const bool fits = std::find(row.kinds.begin(), row.kinds.end(), kind) != row.kinds.end();
    if (node && !fits) source.fail(node->source(), fmt::format("'{}' goes with {}, not with {}", row.key, join(row.kinds, " and "), kind));
    if (!node && fits && row.required) source.fail(table.source(), fmt::format("{} of kind {} needs '{}'", table_label("[pimd]." + name), kind, row.key));
  }
}

/// The inline table of a key of [pimd], or nothing.
const toml::table* table_of(const TomlSource& source, const toml::table& pimd, const char* key) {
  const toml::node* node = pimd.get(key);
  if (!node) return nullptr;
  if (node->is_string() && std::string_view(key) == "potential")
    throw Error(ErrorKind::unsupported, fmt::format("{}:{}: 'potential' must be a model system so far, {{ kind = \"harmonic\", … }}; model files and clients are not yet "
                                                    "simulated as ring polymers", source.file, node->source().begin.line));
  if (!node->is_table()) source.fail(node->source(), fmt::format("'{}' must be a table, {{ kind = … }}, found {}", key, toml_type_name(*node)));
  return node->as_table();
}

}  // namespace

std::span<const Field<PimdPotential>> pimd_potential_fields() {
  using S = PimdPotential;
  static const std::array table{
      Field<S>{.key = "kind", .member = &S::kind, .unit = "", .help = "of model system", .required = true, .choices = kinds},
      Field<S>{.key = "wavenumber_per_cm", .member = &S::wavenumber_per_cm, .unit = "per_cm", .help = "w of harmonic", .minimum = 1e-3, .maximum = 1e6},
      Field<S>{.key = "barrier_kcal_mol", .member = &S::barrier_kcal_mol, .unit = "kcal_mol", .help = "h of the wells", .minimum = 0, .maximum = 1e4},
      Field<S>{.key = "half_distance_ang", .member = &S::half_distance_ang, .unit = "ang", .help = "a of the wells, whose minima are at ±a", .minimum = 1e-3, .maximum = 1e3},
      Field<S>{.key = "rocking_mass_amu", .member = &S::rocking_mass_amu, .unit = "amu", .help = "M of the rocking mode", .minimum = 1e-3, .maximum = 1e6},
      Field<S>{.key = "rocking_wavenumber_per_cm", .member = &S::rocking_wavenumber_per_cm, .unit = "per_cm", .help = "W of the rocking mode", .minimum = 1e-3, .maximum = 1e6},
      Field<S>{.key = "coupling", .member = &S::coupling, .unit = "", .help = "g: the rocking mode rests at g x", .minimum = -1e3, .maximum = 1e3},
  };
  return table;
}

std::span<const Field<PimdThermostat>> pimd_thermostat_fields() {
  using S = PimdThermostat;
  static const std::array table{
      Field<S>{.key = "kind", .member = &S::kind, .unit = "", .help = "of thermostat", .choices = ring_thermostats()},
      Field<S>{.key = "centroid_time_fs", .member = &S::centroid_time_fs, .unit = "fs", .help = "of the centroid", .minimum = 1e-3, .maximum = 1e9},
      Field<S>{.key = "lambda", .member = &S::lambda, .unit = "", .help = "friction of the modes over 2 w_k; of trpmd 0.5", .minimum = 0, .maximum = 1e3},
      Field<S>{.key = "friction_per_fs", .member = &S::friction_per_fs, .unit = "per_fs", .help = "of langevin", .minimum = 0, .maximum = 1e3},
      Field<S>{.key = "gle_file", .member = &S::gle_file, .unit = "", .help = "matrices of gle and piglet, as i-PI, CP2K or GLE4MD have them"},
  };
  return table;
}

std::span<const Field<PimdPlan>> pimd_fields() {
  using S = PimdPlan;
  static const std::array table{
      Field<S>{.key = "element", .member = &S::element, .unit = "", .help = "whose mass the atom has; H, D and T are isotopes"},
      Field<S>{.key = "mass_amu", .member = &S::mass_amu, .unit = "amu", .help = "in place of the element's; 0 = of the element", .minimum = 0, .maximum = 1e6},
      Field<S>{.key = "copies", .member = &S::copies, .unit = "", .help = "independent copies of the system", .minimum = 1, .maximum = 1e7},
      Field<S>{.key = "beads", .member = &S::beads, .unit = "", .help = "P of the ring polymer; 1 = classical", .minimum = 1, .maximum = 4096},
      Field<S>{.key = "temperature_kelvin", .member = &S::temperature_kelvin, .unit = "kelvin", .help = "of the system", .minimum = 1e-3, .maximum = 1e6},
      Field<S>{.key = "timestep_fs", .member = &S::timestep_fs, .unit = "fs", .help = "of the integrator", .minimum = 1e-6, .maximum = 1e3},
      Field<S>{.key = "steps", .member = &S::steps, .unit = "", .help = "of production", .required = true, .minimum = 1, .maximum = 1e12},
      Field<S>{.key = "equilibration_steps", .member = &S::equilibration_steps, .unit = "", .help = "before it", .minimum = 0, .maximum = 1e12},
      Field<S>{.key = "splitting", .member = &S::splitting, .unit = "", .help = "order of the steps", .choices = ring_splittings()},
      Field<S>{.key = "sample_every", .member = &S::sample_every, .unit = "", .help = "steps between samples", .minimum = 1, .maximum = 1e9},
      Field<S>{.key = "blocks", .member = &S::blocks, .unit = "", .help = "behind the intervals, at least: groups of copies, and where copies are fewer, stretches of time", .minimum = 4, .maximum = 1000},
      Field<S>{.key = "seed", .member = &S::seed, .unit = "", .help = "of all random numbers", .minimum = 0},
  };
  return table;
}

double nucleus_mass_amu(const std::string& element) {
  if (element == "H") return 1.00782503207;
  if (element == "D") return 2.01410177785;
  if (element == "T") return 3.0160492777;
  const auto number = atomic_number_of(element);
  if (!number) throw Error(ErrorKind::usage, fmt::format("'{}' is no element", element));
  return standard_mass_amu(*number);
}

PimdPlan parse_pimd_plan(std::string_view text, const std::filesystem::path& file) {
  const TomlSource source{file.string()};
  const toml::table root = parse_toml(text, source);
  PimdPlan plan;
  plan.file = source.file;
  struct Top {
    std::string title;
    std::int64_t seed = 1;
  } top;
  const std::array top_fields{Field<Top>{.key = "title", .member = &Top::title, .unit = "", .help = ""},
                              Field<Top>{.key = "seed", .member = &Top::seed, .unit = "", .help = "", .minimum = 0}};
  read_fields(source, root, std::span<const Field<Top>>(top_fields), top, "", {"pimd"});
  const toml::node* node = root.get("pimd");
  if (!node) source.fail(root.source(), "the plan needs the table [pimd]");
  if (!node->is_table()) source.fail(node->source(), "'pimd' is one table: write [pimd]");
  const toml::table& pimd = *node->as_table();
  plan.title = top.title;
  plan.seed = top.seed;
  const toml::table* potential = table_of(source, pimd, "potential");
  read_fields(source, pimd, pimd_fields(), plan, "[pimd]", {"potential", "thermostat"});
  if (!potential) source.fail(pimd.source(), "[pimd] needs 'potential', a model system: { kind = \"harmonic\", … }");
  read_fields(source, *potential, pimd_potential_fields(), plan.potential, "[pimd].potential");
  check_keys(source, *potential, "potential", plan.potential.kind, potential_keys());
  if (const toml::table* thermostat = table_of(source, pimd, "thermostat")) {
    read_fields(source, *thermostat, pimd_thermostat_fields(), plan.thermostat, "[pimd].thermostat");
    check_keys(source, *thermostat, "thermostat", plan.thermostat.kind, thermostat_keys());
    if (plan.thermostat.kind == "trpmd" && !thermostat->contains("lambda")) plan.thermostat.lambda = 0.5;
  }
  if (const toml::node* mass = pimd.get("mass_amu")) {
    if (pimd.contains("element")) source.fail(mass->source(), "give either 'element' or 'mass_amu'");
    if (!(plan.mass_amu > 0)) source.fail(mass->source(), "'mass_amu' must be positive");
    plan.element.clear();
  } else {
    try {
      plan.mass_amu = nucleus_mass_amu(plan.element);
    } catch (const Error& error) {
      source.fail(pimd.get("element")->source(), fmt::format("'element': {}", error.what()));
    }
  }
  if (plan.copies * plan.beads > largest_system)
    source.fail(pimd.source(), fmt::format("{} copies of {} beads are more than the {} that fit into a memory", plan.copies, plan.beads, largest_system));
  const std::int64_t samples = plan.steps / plan.sample_every, stretches = (plan.blocks + plan.copies - 1) / plan.copies;
  if (samples < stretches)
    source.fail(pimd.source(), fmt::format("{} steps, sampled every {}, are too few for {} blocks of {} copies", plan.steps, plan.sample_every, plan.blocks, plan.copies));
  return plan;
}

PimdPlan read_pimd_plan(const std::filesystem::path& file) { return parse_pimd_plan(read_file(file), file); }

std::string pimd_settings_text() {
  return "[pimd]\n" + settings_toml_text(PimdPlan{}, pimd_fields()) + "\n[pimd.potential]  # what goes with the kind\n" +
         settings_toml_text(PimdPotential{}, pimd_potential_fields()) + "\n[pimd.thermostat]\n" + settings_toml_text(PimdThermostat{}, pimd_thermostat_fields());
}

}  // namespace saltus::runs
