#include "saltus/dynamics/ring_checkpoint.hpp"

#include <cmath>
#include <memory>
#include <string_view>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

constexpr std::string_view magic = "SALTUSPI";
constexpr std::uint32_t version = 2;

// One list of fields for both ways. What follows from these (the modes' matrices, positions of the beads) is stored too where it takes part in
// the arithmetic to the last bit.
template <class Codec, class CheckpointType, class AtomsType, class Count>
void visit_fields(Codec& code, CheckpointType& c, AtomsType& atoms, Count& beads) {
  auto& s = c.state;
  auto& r = s.ring;
  code(atoms.atomic_number), code(atoms.mass_amu), code(s.cell);
  code(beads), code(r.modes.temperature_kelvin);
  code(r.mode_position_ang), code(r.mode_velocity_ang_fs), code(r.position_ang), code(r.force_ev_ang), code(r.mode_force_ev_ang), code(r.energy_ev);
  code(r.forces_current), code(r.step), code(r.time_fs), code(r.thermostat_ev), code(s.begun);
  visit_random(code, r.random);
  code(s.virial_ev), code(s.max_extrapolation), code(s.max_force_spread_ev_ang), code(s.cell_moves), code(s.cell_moves_accepted);
  code(s.reference_ang), code(s.reference_cell);
  code(c.settings), code(c.centroid_segments), code(c.bead_segments), code(c.log_bytes), code(c.wall_s);
  code(c.warnings.first), code(c.warnings.count);
}

}  // namespace

void write_ring_checkpoint(const std::filesystem::path& path, const RingCheckpoint& checkpoint) {
  std::string payload;
  CheckpointEncoder encode(payload);
  const std::uint64_t beads = checkpoint.state.ring.beads();
  visit_fields(encode, checkpoint, *checkpoint.state.atoms, beads);
  write_checkpoint_file(path, magic, version, payload);
}

RingCheckpoint read_ring_checkpoint(const std::filesystem::path& path) {
  const std::string payload = read_checkpoint_file(path, magic, version, "saltus pimd");
  RingCheckpoint checkpoint;
  AtomRing& s = checkpoint.state;
  RingState& r = s.ring;
  try {
    CheckpointDecoder decode(payload);
    Atoms atoms;
    std::uint64_t beads = 0;
    visit_fields(decode, checkpoint, atoms, beads);
    const std::size_t n = atoms.size(), freedom = 3 * n;
    bool fits = decode.empty() && n > 0 && beads > 0 && atoms.mass_amu.size() == n && r.energy_ev.size() == beads && r.random.used <= 4;
    for (const auto* array : {&r.mode_position_ang, &r.mode_velocity_ang_fs, &r.position_ang, &r.force_ev_ang, &r.mode_force_ev_ang})
      fits = fits && array->size() == beads * freedom;
    fits = fits && (s.reference_ang.empty() || s.reference_ang.size() == beads * n);
    if (!fits) throw Error(ErrorKind::format, "the fields of the checkpoint do not fit together");
    r.modes = ring_modes(static_cast<std::size_t>(beads), r.modes.temperature_kelvin);
    for (const double mass : atoms.mass_amu)
      for (int axis = 0; axis < 3; ++axis) r.mass_amu.push_back(mass);
    s.atoms = std::make_shared<const Atoms>(std::move(atoms));
  } catch (const Error& error) {
    throw with_place(error, path.string());
  }
  return checkpoint;
}

}  // namespace saltus
