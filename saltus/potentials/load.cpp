#include "saltus/potentials/load.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/models/safetensors.hpp"
#include "saltus/potentials/ace.hpp"
#include "saltus/potentials/committee.hpp"
#include "saltus/potentials/lennard_jones.hpp"

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

}  // namespace

std::unique_ptr<Potential> load_potential(const std::filesystem::path& path) {
  const TensorFile file = read_safetensors(path);
  const std::string& family = get_metadata(file, "family");
  std::vector<std::string> known;
  for (const Family& candidate : families) {
    if (family == candidate.name) return candidate.load(file);
    known.emplace_back(candidate.name);
  }
  throw Error(ErrorKind::unsupported, fmt::format("{}: potentials of family '{}' are not known{}; known are {}", path.string(), family,
                                                  did_you_mean(family, known), join(known)));
}

}  // namespace saltus
