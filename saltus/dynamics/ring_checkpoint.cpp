#include "saltus/dynamics/ring_checkpoint.hpp"

#include <cmath>
#include <memory>
#include <string_view>
#include <type_traits>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

constexpr std::string_view magic = "SALTUSPI";
constexpr std::uint32_t version = 4;

// One list of fields for both ways. What follows from these (the modes' matrices, positions of the beads) is stored too where it takes part in
// the arithmetic to the last bit.
template <class Codec, class RingType>
void visit_ring(Codec& code, RingType& s) {
  auto& r = s.ring;
  code(s.cell), code(r.modes.temperature_kelvin);
  code(r.mode_position_ang), code(r.mode_velocity_ang_fs), code(r.auxiliary_velocity_ang_fs), code(r.position_ang), code(r.force_ev_ang), code(r.mode_force_ev_ang), code(r.energy_ev);
  code(r.forces_current), code(r.step), code(r.time_fs), code(r.thermostat_ev), code(s.begun);
  code(s.bare_energy_ev), code(s.bare_force_ev_ang), code(s.displaced_reference_ang);
  visit_random(code, r.random);
  code(s.virial_ev), code(s.max_extrapolation), code(s.max_force_spread_ev_ang), code(s.cell_moves), code(s.cell_moves_accepted);
  code(s.reference_ang), code(s.reference_cell);
}

template <class Codec, class CheckpointType, class AtomsType, class Count>
void visit_fields(Codec& code, CheckpointType& c, AtomsType& atoms, Count& contracted) {
  code(atoms.atomic_number), code(atoms.mass_amu), code(contracted);
  visit_ring(code, c.state);
  if constexpr (!std::is_const_v<CheckpointType>) c.state.contracted.resize(contracted ? 1 : 0);
  for (auto& few : c.state.contracted) visit_ring(code, few);
  code(c.settings), code(c.centroid_segments), code(c.bead_segments), code(c.log_bytes), code(c.wall_s);
  code(c.warnings.first), code(c.warnings.count);
}

// What is derived. Throws Error{format} for arrays of sizes that do not fit.
void complete(AtomRing& s, const std::shared_ptr<const Atoms>& atoms) {
  RingState& r = s.ring;
  const std::size_t n = atoms->size(), beads = r.energy_ev.size();
  bool fits = n > 0 && beads > 0 && r.random.used <= 4;
  for (const auto* array : {&r.mode_position_ang, &r.mode_velocity_ang_fs, &r.position_ang, &r.force_ev_ang, &r.mode_force_ev_ang}) fits = fits && array->size() == beads * 3 * n;
  fits = fits && (s.reference_ang.empty() || s.reference_ang.size() == beads * n);
  fits = fits && (s.bare_energy_ev.empty() || s.bare_energy_ev.size() == beads) && s.bare_force_ev_ang.size() == s.bare_energy_ev.size() * 3 * n;
  fits = fits && s.displaced_reference_ang.size() % n == 0 && s.displaced_reference_ang.size() <= beads * n;
  fits = fits && r.auxiliary_velocity_ang_fs.size() % (beads * 3 * n) == 0;
  if (!fits) throw Error(ErrorKind::format, "the fields of the checkpoint do not fit together");
  r.modes = ring_modes(beads, r.modes.temperature_kelvin);
  for (const double mass : atoms->mass_amu)
    for (int axis = 0; axis < 3; ++axis) r.mass_amu.push_back(mass);
  s.atoms = atoms;
}

}  // namespace

void write_ring_checkpoint(const std::filesystem::path& path, const RingCheckpoint& checkpoint) {
  std::string payload;
  CheckpointEncoder encode(payload);
  const bool contracted = !checkpoint.state.contracted.empty();
  visit_fields(encode, checkpoint, *checkpoint.state.atoms, contracted);
  write_checkpoint_file(path, magic, version, payload);
}

RingCheckpoint read_ring_checkpoint(const std::filesystem::path& path) {
  const std::string payload = read_checkpoint_file(path, magic, version, "saltus pimd");
  RingCheckpoint checkpoint;
  AtomRing& s = checkpoint.state;
  try {
    CheckpointDecoder decode(payload);
    Atoms atoms;
    bool contracted = false;
    visit_fields(decode, checkpoint, atoms, contracted);
    if (!decode.empty() || atoms.mass_amu.size() != atoms.size()) throw Error(ErrorKind::format, "the fields of the checkpoint do not fit together");
    const auto shared = std::make_shared<const Atoms>(std::move(atoms));
    complete(s, shared);
    for (AtomRing& few : s.contracted) {
      complete(few, shared);
      if (few.ring.beads() > s.ring.beads()) throw Error(ErrorKind::format, "the fields of the checkpoint do not fit together");
    }
  } catch (const Error& error) {
    throw with_place(error, path.string());
  }
  return checkpoint;
}

}  // namespace saltus
