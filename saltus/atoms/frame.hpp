// Atoms (what a simulation never changes) and Frame (what every step changes).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "saltus/atoms/cell.hpp"
#include "saltus/base/vec3.hpp"

namespace saltus {

/// What a file calls its atoms, as far as it does: each array is [n] or empty.
struct AtomLabels {
  std::vector<std::string> atom_name;     ///< "OW", "CA"
  std::vector<std::string> residue_name;  ///< "SOL", "ALA"
  std::vector<std::int32_t> residue;      ///< number in the file: need not ascend, and starts over in large files
};

struct Atoms {
  std::vector<std::uint8_t> atomic_number;  ///< [n]
  std::vector<double> mass_amu;             ///< [n]
  std::shared_ptr<const AtomLabels> labels = nullptr;  ///< null: the file names elements only

  std::size_t size() const { return atomic_number.size(); }
  /// Labels do not count: they are names for people.
  bool operator==(const Atoms& other) const { return atomic_number == other.atomic_number && mass_amu == other.mass_amu; }
};

/// The Atoms at these indices, in this order, with their labels. Throws Error{usage} for an index out of range.
Atoms atoms_at(const Atoms& atoms, const std::vector<std::uint32_t>& indices);

/// Atoms with standard masses.
Atoms atoms_of(std::vector<std::uint8_t> atomic_number);

/// Composition in Hill-like order of atomic number, e.g. "Li59Si16".
std::string formula(const Atoms& atoms);

struct Frame {
  std::shared_ptr<const Atoms> atoms;      ///< shared by all frames of a trajectory
  Cell cell;
  std::vector<Vec3> position_ang;          ///< [n], unwrapped where the source says so
  std::vector<Vec3> velocity_ang_fs;       ///< [n] or empty
  std::vector<Vec3> force_ev_ang;          ///< [n] or empty
  std::optional<double> energy_ev;
  std::optional<Mat3> virial_ev;           ///< Σ r⊗f; stress = −virial / volume
  std::int64_t step = 0;
  double time_fs = 0;
  std::optional<std::int32_t> bead;        ///< of a ring polymer, from 0; none: a classical frame or a centroid

  std::size_t size() const { return position_ang.size(); }
};

/// Frame repeated along its lattice vectors (atoms of the first cell first); energy, forces, virial are dropped,
/// velocities copied. Throws Error{usage} for repeats < 1 or along a non-periodic axis.
Frame repeated(const Frame& frame, const Int3& repeats);

/// Leaves only the atoms of the given indices (ascending) in the frame, which takes `kept`, the Atoms of these alone; energy and virial
/// are dropped.
void keep_only(Frame& frame, const std::vector<std::uint32_t>& indices, std::shared_ptr<const Atoms> kept);

/// Frame without the atoms of the given indices (each once); energy, forces, virial are dropped.
/// Throws Error{usage} for an index out of range or given twice.
Frame without_atoms(const Frame& frame, const std::vector<std::size_t>& removed);

}  // namespace saltus
