// The compressed positions of XTC. Reference: xdr3dfcoord of GROMACS (src/gromacs/fileio/libxdrf.cpp), as described
// here.
//
// Positions are integers (position · precision). A group is an atom stored as an offset into the box minimum…maximum, a
// bit that says whether the run length changes (then five bits: run length · 3 plus 0, 1, 2 = narrower, same, wider),
// and a run of atoms stored as small offsets from the atom decoded before. The first two atoms of a group with a run
// are swapped: the oxygen of a water molecule is decoded between its hydrogens, near both. Three integers are packed
// into one number of mixed radix, whose bytes follow with the least significant first, and the bits that are left over
// last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "saltus/base/vec3.hpp"

namespace saltus {

struct XtcBlock {
  std::int32_t minimum[3], maximum[3];  ///< of the integers
  std::int32_t small_index = 0;         ///< width of small offsets at the start, an index into a table
};

/// Fewest bytes that can hold the positions of so many atoms.
std::uint64_t least_xtc_bytes(std::uint64_t atoms);

/// Writes scale · integer for each atom of `positions`. `bytes` holds `count` bytes and at least 127 readable ones
/// behind. Throws Error{format} for data that end too early or are not of this coding.
void decode_xtc(const XtcBlock& block, const char* bytes, std::uint64_t count, double scale, std::span<Vec3> positions);

}  // namespace saltus
