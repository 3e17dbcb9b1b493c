// The elements and masses of the atoms of an H5MD file. For the sources of h5md only.
#pragma once

#include <cstddef>
#include <string>

#include "saltus/atoms/frame.hpp"
#include "saltus/io/h5md_file.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus::h5md {

/// Elements by options.type_elements, options.topology, or GROUP/species: an enumeration of symbols, or integers that the masses
/// show to be atomic numbers. Masses by the topology, GROUP/mass, or standard; what was used goes to source.masses.
///
/// Throws Error{format} for datasets that are not those of `count` atoms, Error{usage} where the elements stay unknown.
Atoms read_atoms(const Handle& file, const std::string& group, std::size_t count, const ReadOptions& options, FrameSource& source);

}  // namespace saltus::h5md
