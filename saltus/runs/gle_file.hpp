// Matrices of generalised Langevin thermostats from the text that the GLE4MD site exports:
//   i-PI    <A shape='(n,n)' units='…'> [ numbers ] </A> and <C …>, of PIGLET shape='(P,n,n)'; without units atomic ones, as i-PI has it
//   raw     "# A MATRIX: (picoseconds^-1)" and rows of numbers, "# C MATRIX: (K)"; of PIGLET "# Matrix for normal mode: k" before each; "# T=300 K"
//   CP2K    &GLE of an input: A_SCALE [ps^-1] 1, A_LIST and a row of numbers, C_SCALE, C_LIST
// Without C the thermostat is canonical.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/dynamics/ring_gle.hpp"

namespace saltus::runs {

struct GleFile {
  GleMatrices matrices;                      ///< its covariance empty where the file has no C
  std::optional<double> temperature_kelvin;  ///< that the matrices were made for, where the file says it
};

/// `name` stands for the text in errors. Throws Error{format} with line for what is none of these, for units that are unknown and numbers
/// that are not finite; Error{unsupported} beyond 64 velocities or 4096 modes.
GleFile parse_gle_file(std::string_view text, const std::string& name);

/// The thermostat of that file for `beads` beads at a temperature. `per_mode`: one pair of matrices for each mode is needed (PIGLET), and the
/// centroid must be at beads · temperature, which tells wrong units and files made for something else; else one pair for all modes.
/// Throws Error{usage} for a file that is not so, and what parse_gle_file and require_gle throw; Error{file}.
RingGle read_ring_gle(const std::filesystem::path& file, bool per_mode, std::size_t beads, double temperature_kelvin);

/// Number of velocities and pairs, and a hash of all numbers: the same for the same thermostat.
std::string identity_of(const RingGle& gle);

/// Whether free particles under it have the velocities of beads · temperature; else the temperature of the ring polymer is another by design.
bool is_canonical(const RingGle& gle, std::size_t beads, double temperature_kelvin);

/// Takes out the estimates that suppose canonical momenta, under a thermostat that is not: the primitive kinetic energy, and of one bead the
/// virial one, which is then classical.
void erase_what_does_not_hold(const RingGle& gle, std::size_t beads, double temperature_kelvin, std::vector<NamedEstimate>& estimates);

}  // namespace saltus::runs
