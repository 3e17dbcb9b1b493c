#include "saltus/dynamics/checkpoint.hpp"

#include <string_view>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/dynamics/checkpoint_codec.hpp"

namespace saltus {

namespace {

constexpr std::string_view magic = "SALTUSMD";
constexpr std::uint32_t version = 4;

// One list of fields for both ways.
template <class Codec, class CheckpointType, class AtomsType>
void visit_fields(Codec& code, CheckpointType& c, AtomsType& atoms) {
  auto& s = c.state;
  code(atoms.atomic_number), code(atoms.mass_amu);
  code(s.position_ang), code(s.velocity_ang_fs), code(s.force_ev_ang), code(s.reference_ang);
  code(s.energy_ev), code(s.forces_current), code(s.step), code(s.time_fs), code(s.thermostat_ev), code(s.begun);
  code(s.cell_moves), code(s.cell_moves_accepted);
  visit_random(code, s.random);
  code(c.settings), code(c.segments), code(c.log_bytes), code(c.wall_s);
  code(c.warnings.first), code(c.warnings.count);
  code(s.cell), code(s.reference_cell), code(s.virial_ev), code(s.max_extrapolation), code(s.max_force_spread_ev_ang);
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  std::string payload;
  CheckpointEncoder encode(payload);
  visit_fields(encode, checkpoint, *checkpoint.state.atoms);
  write_checkpoint_file(path, magic, version, payload);
}

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  const std::string payload = read_checkpoint_file(path, magic, version, "saltus md");
  Checkpoint checkpoint;
  State& s = checkpoint.state;
  try {
    CheckpointDecoder decode(payload);
    Atoms atoms;
    visit_fields(decode, checkpoint, atoms);
    const std::size_t n = atoms.size();
    if (!decode.empty() || n == 0 || atoms.mass_amu.size() != n || s.position_ang.size() != n ||
        s.velocity_ang_fs.size() != n || s.force_ev_ang.size() != n ||
        (!s.reference_ang.empty() && s.reference_ang.size() != n) || s.random.used > 4)
      throw Error(ErrorKind::format, "the fields of the checkpoint do not fit together");
    s.atoms = std::make_shared<const Atoms>(std::move(atoms));
  } catch (const Error& error) {
    throw with_place(error, path.string());
  }
  return checkpoint;
}

void require_same_settings(const std::vector<NamedSetting>& stored, const std::vector<NamedSetting>& current) {
  const auto find = [](const std::vector<NamedSetting>& list, const std::string& name) -> const std::string* {
    for (const NamedSetting& setting : list)
      if (setting.first == name) return &setting.second;
    return nullptr;
  };
  const auto fail = [](const std::string& name, const std::string& was, const std::string& is) {
    throw Error(ErrorKind::usage, fmt::format("the run was begun with {} = {}, now it is {}; continue with the same settings, or "
                                              "choose another folder", name, was, is));
  };
  for (const auto& [name, value] : current) {
    const std::string* was = find(stored, name);
    if (!was) fail(name, "(not set)", value);
    else if (*was != value) fail(name, *was, value);
  }
  for (const auto& [name, value] : stored)
    if (!find(current, name)) fail(name, value, "(not set)");
}

}  // namespace saltus
