#include "saltus/potentials/load.hpp"

#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/models/published_model.hpp"
#include "saltus/models/safetensors.hpp"
#include "saltus/potentials/ace.hpp"
#include "saltus/potentials/lennard_jones.hpp"
#include "saltus/potentials/mace.hpp"
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
    {"sevennet", [](const PublishedModel& model, const NetworkSettings& s) -> std::unique_ptr<Potential> { return std::make_unique<SevenNet>(model, s); }},
};

std::string head_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(16, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(file.gcount()));
  return head;
}

std::unique_ptr<Potential> load_network(const PublishedModel& model, const NetworkSettings& settings, const std::filesystem::path& path) {
  const std::string own = family(model);
  for (const Network& candidate : networks)
    if (own == candidate.name) try {
        return candidate.load(model, settings);
      } catch (const Error& error) {
        throw with_place(error, path.string());
      }
  throw Error(ErrorKind::unsupported, fmt::format("{}: models of the family '{}' can be read, but not evaluated", path.string(), own));
}

}  // namespace

std::unique_ptr<Potential> load_potential(const std::filesystem::path& path, const NetworkSettings& settings) {
  if (looks_like_torch(head_of(path))) return load_network(read_published_model(path), settings, path);
  const TensorFile file = read_safetensors(path);
  const std::string family = get_metadata(file, "family");
  if (is_published_family(family)) return load_network(from_container(file), settings, path);
  if (settings.precision || settings.head)
    throw Error(ErrorKind::usage, fmt::format("{}: a model of the family '{}' has neither a choice of arithmetic nor heads", path.string(), family));
  std::vector<std::string> known;
  for (const Family& candidate : families) {
    if (family == candidate.name) return candidate.load(file);
    known.emplace_back(candidate.name);
  }
  for (const Network& candidate : networks) known.emplace_back(candidate.name);
  throw Error(ErrorKind::unsupported, fmt::format("{}: potentials of family '{}' are not known{}; known are {}", path.string(), family,
                                                  did_you_mean(family, known), join(known)));
}

}  // namespace saltus
