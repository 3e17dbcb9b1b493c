// saltus models info|list|verify|convert|combine: model files, published ones among them.
#include "saltus/cli/commands.hpp"

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/mapped_file.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/cli/model_summary.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/published_list.hpp"
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/models/grace_file.hpp"
#include "saltus/models/product_file.hpp"
#include "saltus/models/published_model.hpp"
#include "saltus/models/torch_archive.hpp"
#include "saltus/potentials/builtin.hpp"
#include "saltus/potentials/committee.hpp"
#include "saltus/potentials/load.hpp"
#include "saltus/potentials/pace_export.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::string input, output, source, licence, training_reference;
  std::vector<std::string> members;
  double spline_ang = 0.001;
  bool json = false;
};

int show(const Options& options) {
  if (!is_model_file(options.input)) {
    const MappedFile exists(options.input);  // or says why not
    throw Error(ErrorKind::format, options.input + ": no model file: neither safetensors nor an archive of torch nor a cluster expansion in YAML");
  }
  print_model_summary(options.input, options.json);
  return 0;
}

// Also what the model does not need: optimiser states, code.
std::size_t check_all_entries(const std::string& path) {
  const MappedFile file(path);
  if (!looks_like_torch(file.bytes().substr(0, 8))) return 0;
  const ZipArchive zip(file.bytes(), path);
  constexpr std::uint64_t most_inflated = 1 << 28;
  for (const ZipEntry& entry : zip.entries())
    if (entry.deflated) zip.content(entry, most_inflated);
    else zip.stored(entry);
  return zip.entries().size();
}

/// Files that are read as they are, without a container of Saltus.
bool is_read_as_it_is(const std::string& path) { return is_product_file(path) || is_grace_file(path); }

int verify(const Options& options) {
  if (is_read_as_it_is(options.input)) {
    if (!options.source.empty()) throw Error(ErrorKind::usage, options.input + ": it was converted from nothing, so that --source has no meaning");
    const std::unique_ptr<Potential> potential = load_potential(options.input);
    if (options.json) print_json({{"file", options.input}, {"family", potential->info().kind}, {"sha256", sha256_of_path(options.input)}});
    else fmt::print("{}: {}, all that its kind needs is there, all finite\n", options.input, potential->info().kind);
    return 0;
  }
  const PublishedModel model = read_published_model(std::filesystem::path(options.input));
  const std::size_t entries = check_all_entries(options.input);
  bool compared = false;
  if (!options.source.empty()) {
    const PublishedModel source = read_published_model(std::filesystem::path(options.source));
    if (source.source_hash != model.source_hash)
      throw Error(ErrorKind::format, fmt::format("{}: its source has the hash {}, but {} has {}", options.input, printable(model.source_hash), options.source, printable(source.source_hash)));
    if (source.architecture != model.architecture || source.tensors.tensors != model.tensors.tensors || source.atomic_number != model.atomic_number ||
        source.cutoff_ang != model.cutoff_ang)
      throw Error(ErrorKind::format, fmt::format("{}: it is not what {} holds; convert it again", options.input, options.source));
    compared = true;
  }
  if (options.json) {
    print_json({{"file", options.input}, {"family", family(model)}, {"tensors", model.tensors.tensors.size()}, {"parameters", model.parameters},
                {"entries_checked", entries}, {"same_as_source", compared ? nlohmann::ordered_json(true) : nlohmann::ordered_json(nullptr)},
                {"source_hash", model.source_hash}, {"published_file", published_json(model.source_hash)}});
    return 0;
  }
  fmt::print("{}: {}, {} tensors of the shapes that its architecture needs, all finite\n", options.input, family(model), model.tensors.tensors.size());
  if (entries > 0) fmt::print("checksums of all {} entries are right\n", entries);
  if (compared) fmt::print("the same as {}, bit for bit\n", options.source);
  print_published_name(model.source_hash);
  if (!compared && model.converted) fmt::print("made from a file of the SHA-256 {}\n", printable(model.source_hash));
  return 0;
}

/// A linear ACE of Saltus for the pace style of LAMMPS.
int export_for_lammps(const Options& options) {
  const std::filesystem::path out(options.output), table = std::filesystem::path(out).replace_extension(".table");
  refuse_overwriting(options.input, table);
  const AceParameters model = load_ace(options.input);
  PaceExport files;
  try {
    files = export_pace(model, out.filename().string(), table.filename().string(), options.spline_ang);
  } catch (const Error& error) {
    throw with_place(error, options.input);
  }
  if (!files.table.empty()) write_file_atomically(table, files.table);
  write_file_atomically(out, files.yace);
  if (options.json) {
    print_json({{"file", options.output}, {"table", files.table.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(table.string())},
                {"lammps_input", files.lammps_input}, {"sha256", sha256_of_path(options.output)}});
    return 0;
  }
  fmt::print("{}{}: for LAMMPS, units metal\n", options.output, files.table.empty() ? "" : " and " + table.string());
  for (const std::string& line : files.lammps_input) fmt::print("  {}\n", line);
  return 0;
}

int convert(const Options& options) {
  refuse_overwriting(options.input, options.output);
  if (options.output.ends_with(".yace")) return export_for_lammps(options);
  if (!options.output.ends_with(".safetensors")) throw Error(ErrorKind::usage, fmt::format("{}: models are converted to safetensors, or to .yace for LAMMPS; name the output so", options.output));
  if (is_read_as_it_is(options.input)) throw Error(ErrorKind::usage, options.input + ": this model is used as it is; there is nothing to convert");
  PublishedModel model = read_published_model(std::filesystem::path(options.input));
  if (!options.licence.empty()) model.licence = options.licence;
  if (!options.training_reference.empty()) model.training_reference = options.training_reference;
  write_safetensors(options.output, to_container(model));
  const std::string hash = sha256_of_path(options.output);
  if (options.json) {
    print_json({{"file", options.output}, {"family", family(model)}, {"tensors", model.tensors.tensors.size()}, {"parameters", model.parameters}, {"sha256", hash},
                {"source_hash", model.source_hash}});
    return 0;
  }
  fmt::print("{}: {} of {} elements, {} parameters\n", options.output, family(model), model.atomic_number.size(), model.parameters);
  if (model.licence.empty()) fmt::print(stderr, "note: the file states no licence; --licence keeps it with the weights\n");
  return 0;
}

int combine(const Options& options) {
  std::vector<TensorFile> members;
  for (const std::string& file : options.members) {
    refuse_overwriting(file, options.output);
    if (is_read_as_it_is(file)) throw Error(ErrorKind::unsupported, file + ": models of this kind cannot be members of a committee");
    const bool torch = looks_like_torch(MappedFile(file).bytes().substr(0, 8));
    members.push_back(torch ? to_container(read_published_model(std::filesystem::path(file))) : read_safetensors(file));
    members.back().source = file;
  }
  std::vector<std::unique_ptr<Potential>> potentials;
  for (const std::string& file : options.members) potentials.push_back(load_potential(file));
  const Committee together(std::move(potentials));  // or says why they do not go together
  write_safetensors(options.output, committee_of(members));
  if (options.json) print_json({{"file", options.output}, {"family", "committee"}, {"members", options.members}, {"sha256", sha256_of_path(options.output)}});
  else fmt::print("{}: a committee of {} members\n", options.output, members.size());
  return 0;
}

void add_input(CLI::App& app, Options& options, const char* what) {
  app.add_option("FILE", options.input, what)->required()->type_name("FILE");
  app.add_flag("--json", options.json, "one JSON document instead of a table");
}

}  // namespace

std::function<int()> set_up_models(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.require_subcommand(1);
  CLI::App* const info = app.add_subcommand("info", "family, elements, cutoff, layers, what it was trained on, hash");
  add_input(*info, *options, "model of SevenNet, MACE, MatterSim, ORB, GRACE, LAMMPS' pace or Saltus, or builtin:NAME");
  std::string builtin = "Built in, as builtin:NAME or builtin:NAME?KEY=VALUE:\n";
  for (const BuiltinPotential& potential : builtin_potentials()) builtin += fmt::format("  {:<14} {}\n", potential.name, potential.summary);
  info->footer(builtin + "Distances in Å, energies in eV. 'saltus info' prints the same.\n\nExample:\n  saltus models info SevenNet-0.pt");
  CLI::App* const list = app.add_subcommand("list", "published files that are known: licence, size, hash, where to get them");
  list->add_flag("--json", options->json, "one JSON document instead of a table");
  list->footer("None is shipped with Saltus. Read a licence before you use or pass on weights.\n\nExample:\n  saltus models list");
  CLI::App* const check = app.add_subcommand("verify", "whether a model is complete, and what its source holds");
  add_input(*check, *options, "model of SevenNet, MACE, MatterSim or ORB, published or converted; of GRACE or LAMMPS' pace");
  check->add_option("--source", options->source, "the published file that it was converted from: every bit is compared")->type_name("FILE");
  check->footer("Reads all of it: checksums, names, shapes, finite numbers. Nothing in the file is run.\n\nExample:\n"
                "  saltus models verify sevennet.safetensors --source SevenNet-0.pt");
  CLI::App* const make = app.add_subcommand("convert", "a published model into safetensors, bit for bit; an ACE for LAMMPS");
  make->add_option("IN", options->input, "file of SevenNet, MACE, MatterSim (.pth) or ORB (.ckpt); for OUT.yace an ACE of Saltus")->required()->type_name("FILE");
  make->add_option("OUT", options->output, "safetensors file; or .yace, for the pace style of LAMMPS")->required()->type_name("FILE");
  make->add_option("--licence", options->licence, "terms of the weights, kept with them (default: not stated)");
  make->add_option("--training-reference", options->training_reference, "level of theory of the training data (default: not stated)");
  make->add_option("--spline-ang", options->spline_ang, "to .yace: spacing of LAMMPS' radial tables, Å (default 0.001)")->check(CLI::Range(1e-5, 0.1));
  make->add_flag("--json", options->json, "one JSON document instead of a line");
  make->footer("Keeps the hash of the published file. Torch is not needed, and nothing in the file is run.\n"
               "To OUT.yace goes an ACE that was fitted with --radial-power, its repulsion to OUT.table beside\n"
               "it; the lines of a LAMMPS input that use them are printed. Other ACEs cannot go there.\n\nExample:\n"
               "  saltus models convert SevenNet-0.pt sevennet.safetensors --licence MIT --training-reference PBE+U");
  CLI::App* const join = app.add_subcommand("combine", "several models as one: means, and how far their forces spread");
  join->add_option("FILES", options->members, "two models or more, for the same elements")->required()->type_name("FILE");
  join->add_option("--out", options->output, "committee to write (safetensors)")->required()->type_name("FILE");
  join->add_flag("--json", options->json, "one JSON document instead of a line");
  join->footer("Wherever a model goes a committee goes too. md reports the largest spread of a force among its members,\n"
               "and ends beyond --max-force-spread-ev-ang.\n\nExample:\n  saltus models combine a.safetensors b.safetensors c.safetensors --out committee.safetensors");
  app.footer("Example:\n  saltus models info SevenNet-0.pt");
  return [=] {
    if (join->parsed()) return combine(*options);
    if (info->parsed()) return show(*options);
    if (list->parsed()) return print_published_list(options->json);
    return check->parsed() ? verify(*options) : convert(*options);
  };
}

}  // namespace saltus::cli
