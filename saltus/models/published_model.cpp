#include "saltus/models/published_model.hpp"

#include <array>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/mapped_file.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/models/mace_file.hpp"
#include "saltus/models/mattersim_file.hpp"
#include "saltus/models/orb_state.hpp"
#include "saltus/models/sevennet_checkpoint.hpp"
#include "saltus/models/sevennet_script.hpp"

namespace saltus {

namespace {

struct FamilyRow {
  const char* what;
  bool (*recognizes)(const TorchArchive&);
  PublishedModel (*read)(const TorchArchive&);
};
constexpr std::array<FamilyRow, 5> families{{{"MACE", is_mace, read_mace},
                                             {"ORB", is_orb_state, read_orb_state},
                                             {"SevenNet, deployed", is_sevennet_script, read_sevennet_script},
                                             {"SevenNet, checkpoint", is_sevennet_checkpoint, read_sevennet_checkpoint},
                                             {"MatterSim", is_mattersim, read_mattersim}}};

template <class Number>
bool all_finite(const std::string& bytes) {
  for (std::size_t k = 0; k + sizeof(Number) <= bytes.size(); k += sizeof(Number)) {
    Number value;
    std::memcpy(&value, bytes.data() + k, sizeof value);
    if (!std::isfinite(value)) return false;
  }
  return true;
}

// Buffers and constants of the architecture, which training leaves as they are.
bool is_trained(const PublishedModel& model, const std::string& name) {
  if (std::holds_alternative<MaceModel>(model.architecture))
    return name != "bessel_frequencies" && name != "atomic_energies" && name != "scale" && name != "shift" && name != "covalent_radii_ang" &&
           name.find(".u.") == std::string::npos;
  if (std::holds_alternative<MatterSimModel>(model.architecture)) return name.starts_with("layers.") || name.starts_with("readout.") || name.ends_with("embedding");
  if (std::holds_alternative<OrbModel>(model.architecture))
    return name != "bessel_frequencies" && name != "reference_energies" && !name.ends_with(".mean") && !name.ends_with(".variance");
  return !name.starts_with("energy_");
}

void finish(PublishedModel& model, std::string_view bytes, const std::string& source) {
  model.tensors.source = source;
  model.source_hash = sha256(bytes);
  model.parameters = 0;
  for (const auto& [name, tensor] : model.tensors.tensors) {
    if (!(tensor.dtype == Dtype::f32 ? all_finite<float>(tensor.bytes) : all_finite<double>(tensor.bytes)))
      throw Error(ErrorKind::format, fmt::format("{}: {} holds numbers that are not finite", source, name));
    if (is_trained(model, name)) model.parameters += tensor.bytes.size() / size_bytes(tensor.dtype);
  }
}

std::string printable_name(const std::string& text) {
  std::string shown = text.substr(0, 80);
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126) c = '?';
  return shown;
}

}  // namespace

const char* family(const PublishedModel& model) {
  constexpr const char* names[] = {"sevennet", "mace", "mattersim", "orb"};  // in the order of the variant
  return names[model.architecture.index()];
}

bool is_published_family(const std::string& name) { return name == "mace" || name == "sevennet" || name == "mattersim" || name == "orb"; }

bool looks_like_torch(std::string_view head) { return looks_like_zip(head) || head.starts_with(std::string_view("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46", 8)); }

PublishedModel read_published_model(std::string_view bytes, const std::string& source) {
  if (!looks_like_torch(bytes.substr(0, 8)) && looks_like_safetensors(bytes.substr(0, 9), bytes.size())) return from_container(parse_safetensors(bytes, source));
  const TorchArchive archive(bytes, source);
  for (const FamilyRow& row : families) {
    if (!row.recognizes(archive)) continue;
    PublishedModel model = row.read(archive);
    finish(model, bytes, source);
    check_published_model(model);
    return model;
  }
  const std::string root = archive.data().class_name(archive.data().root());
  throw Error(ErrorKind::unsupported,
              fmt::format("{}: a torch file, but of no family that is read (SevenNet, MACE, MatterSim, ORB); it holds {}", source, root.empty() ? "no module" : printable_name(root)));
}

PublishedModel read_published_model(const std::filesystem::path& path) {
  const MappedFile file(path);
  return read_published_model(file.bytes(), path.string());
}

}  // namespace saltus
