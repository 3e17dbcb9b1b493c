// saltus models info|list|verify|convert|combine: model files, published ones among them.
#include "saltus/cli/commands.hpp"

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/mapped_file.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/cli/model_summary.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/published_list.hpp"
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/models/published_model.hpp"
#include "saltus/models/torch_archive.hpp"
#include "saltus/potentials/builtin.hpp"
#include "saltus/potentials/committee.hpp"
#include "saltus/potentials/load.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::string input, output, source, licence, training_reference;
  std::vector<std::string> members;
  bool json = false;
};

int show(const Options& options) {
  if (!is_model_file(options.input)) {
    const MappedFile exists(options.input);  // or says why not
    throw Error(ErrorKind::format, options.input + ": no model file: neither safetensors nor an archive of torch");
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

int verify(const Options& options) {
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

int convert(const Options& options) {
  refuse_overwriting(options.input, options.output);
  if (!options.output.ends_with(".safetensors")) throw Error(ErrorKind::usage, fmt::format("{}: models are converted to safetensors; name the output so", options.output));
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
  add_input(*info, *options, "model of SevenNet, MACE, MatterSim or Saltus, or builtin:NAME");
  std::string builtin = "Built in, as builtin:NAME or builtin:NAME?KEY=VALUE:\n";
  for (const BuiltinPotential& potential : builtin_potentials()) builtin += fmt::format("  {:<14} {}\n", potential.name, potential.summary);
  info->footer(builtin + "Distances in Å, energies in eV. 'saltus info' prints the same.\n\nExample:\n  saltus models info SevenNet-0.pt");
  CLI::App* const list = app.add_subcommand("list", "published files that are known: licence, size, hash, where to get them");
  list->add_flag("--json", options->json, "one JSON document instead of a table");
  list->footer("None is shipped with Saltus. Read a licence before you use or pass on weights.\n\nExample:\n  saltus models list");
  CLI::App* const check = app.add_subcommand("verify", "whether a model is complete, and what its source holds");
  add_input(*check, *options, "model of SevenNet, MACE or MatterSim, published or converted");
  check->add_option("--source", options->source, "the published file that it was converted from: every bit is compared")->type_name("FILE");
  check->footer("Reads all of it: checksums, names, shapes, finite numbers. Nothing in the file is run.\n\nExample:\n"
                "  saltus models verify sevennet.safetensors --source SevenNet-0.pt");
  CLI::App* const make = app.add_subcommand("convert", "a published model into a safetensors file of Saltus, bit for bit");
  make->add_option("IN", options->input, "torch file of SevenNet (.pth, deployed .pt), MACE (.model) or MatterSim (.pth)")->required()->type_name("FILE");
  make->add_option("OUT", options->output, "safetensors file")->required()->type_name("FILE");
  make->add_option("--licence", options->licence, "terms of the weights, kept with them (default: not stated)");
  make->add_option("--training-reference", options->training_reference, "level of theory of the training data (default: not stated)");
  make->add_flag("--json", options->json, "one JSON document instead of a line");
  make->footer("Keeps the hash of the published file. Torch is not needed, and nothing in the file is run.\n\nExample:\n"
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
