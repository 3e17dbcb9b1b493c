#include "saltus/potentials/load.hpp"

#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/mapped_file.hpp"
#include "saltus/base/text.hpp"
#include "saltus/models/grace_file.hpp"
#include "saltus/models/product_file.hpp"
#include "saltus/models/published_model.hpp"
#include "saltus/models/safetensors.hpp"
#include "saltus/potentials/ace.hpp"
#include "saltus/potentials/builtin.hpp"
#include "saltus/potentials/committee.hpp"
#include "saltus/potentials/grace.hpp"
#include "saltus/potentials/lennard_jones.hpp"
#include "saltus/potentials/mace.hpp"
#include "saltus/potentials/mattersim.hpp"
#include "saltus/potentials/product_ace.hpp"
#include "saltus/potentials/orb.hpp"
#include "saltus/potentials/sevennet.hpp"

namespace saltus {

namespace {

struct Family {
  const char* name;
  std::unique_ptr<Potential> (*load)(const TensorFile& file);
};

constexpr Family families[] = {
    {"ace", [](const TensorFile& file) -> std::unique_ptr<Potential> { return std::make_unique<AcePotential>(ace_from(file)); }},
    {"lennard_jones",
     [](const TensorFile& file) -> std::unique_ptr<Potential> { return std::make_unique<LennardJones>(lennard_jones_from(file)); }},
};

struct Network {
  const char* name;
  std::unique_ptr<Potential> (*load)(const PublishedModel& model, const NetworkSettings& settings);
};

constexpr Network networks[] = {
    {"mace", [](const PublishedModel& model, const NetworkSettings& s) -> std::unique_ptr<Potential> { return std::make_unique<Mace>(model, s); }},
    {"mattersim", [](const PublishedModel& model, const NetworkSettings& s) -> std::unique_ptr<Potential> { return std::make_unique<MatterSim>(model, s); }},
    {"orb", [](const PublishedModel& model, const NetworkSettings& s) -> std::unique_ptr<Potential> { return std::make_unique<Orb>(model, s); }},
    {"sevennet", [](const PublishedModel& model, const NetworkSettings& s) -> std::unique_ptr<Potential> { return std::make_unique<SevenNet>(model, s); }},
};

std::string head_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(16, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(file.gcount()));
  return head;
}

std::unique_ptr<Potential> network_of(const PublishedModel& model, const NetworkSettings& settings, const std::string& place) {
  const std::string own = family(model);
  for (const Network& candidate : networks)
    if (own == candidate.name) try {
        return candidate.load(model, settings);
      } catch (const Error& error) {
        throw with_place(error, place);
      }
  throw Error(ErrorKind::unsupported, fmt::format("{}: models of the family '{}' can be read, but not evaluated", place, own));
}

/// `committees`: whether the file may be one; its members may not.
std::unique_ptr<Potential> potential_of(const TensorFile& file, const NetworkSettings& settings, bool committees) {
  const std::string family = get_metadata(file, "family");
  if (is_published_family(family)) return network_of(from_container(file), settings, file.source);
  if (family == "committee" && committees) {
    std::vector<std::unique_ptr<Potential>> members;
    for (const TensorFile& member : members_of(file)) members.push_back(potential_of(member, settings, false));
    try {
      return std::make_unique<Committee>(std::move(members));
    } catch (const Error& error) {
      throw with_place(error, file.source);
    }
  }
  if (settings.precision || settings.head)
    throw Error(ErrorKind::usage, fmt::format("{}: a model of the family '{}' has neither a choice of arithmetic nor heads", file.source, family));
  std::vector<std::string> known;
  for (const Family& candidate : families) {
    if (family == candidate.name) return candidate.load(file);
    known.emplace_back(candidate.name);
  }
  for (const Network& candidate : networks) known.emplace_back(candidate.name);
  if (committees) known.emplace_back("committee");
  throw Error(ErrorKind::unsupported, fmt::format("{}: potentials of family '{}' are not known{}; known are {}", file.source, family,
                                                  did_you_mean(family, known), join(known)));
}

}  // namespace

std::unique_ptr<Potential> load_potential(const std::filesystem::path& path, const NetworkSettings& settings) {
  if (const std::string name = path.string(); is_builtin(name)) {
    const BuiltinChoice choice = builtin_choice(name);
    if (settings.precision || settings.head) throw Error(ErrorKind::usage, name + ": a built-in model has neither a choice of arithmetic nor heads");
    return choice.potential->make(choice.values);
  }
  const bool products = is_product_file(path), grace = !products && is_grace_file(path);
  if (products || grace) {
    if (settings.precision || settings.head) throw Error(ErrorKind::usage, path.string() + ": this model has neither a choice of arithmetic nor heads");
    const MappedFile file(path);
    std::optional<GraceModel> network;
    std::optional<ProductModel> expansion;
    if (grace) network = read_grace_model(file.bytes(), path.string());
    else expansion = read_product_model(file.bytes(), path.string());
    try {
      if (network) return std::make_unique<Grace>(std::move(*network));
      return std::make_unique<ProductAce>(*expansion);
    } catch (const Error& error) {
      throw with_place(error, path.string());
    }
  }
  if (looks_like_torch(head_of(path))) return network_of(read_published_model(path), settings, path.string());
  return potential_of(read_safetensors(path), settings, true);
}

}  // namespace saltus
