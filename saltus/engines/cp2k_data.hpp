// CP2K's data files: which basis sets and pseudopotentials there are for an element. Entries begin with a line of the
// element's symbol and one name or more; the rest of an entry is numbers.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/engines/cp2k_settings.hpp"

namespace saltus {

/// An entry of a basis set or potential file.
struct Cp2kEntry {
  std::string element;
  std::vector<std::string> names;  ///< all mean the same
  int electrons = 0;               ///< of a potential: the valence electrons; 0 in a file of basis sets
  std::filesystem::path file;
};

/// The entries of one file. `potentials`: numbers behind the names begin with the electrons of each angular momentum.
/// Throws Error{file}, Error{format} with the line when nothing in it is an entry.
std::vector<Cp2kEntry> read_cp2k_entries(const std::filesystem::path& file, bool potentials);
std::vector<Cp2kEntry> parse_cp2k_entries(std::string_view text, const std::filesystem::path& file, bool potentials);

/// The folder with BASIS_MOLOPT and the like: as set, else $CP2K_DATA_DIR, else where packages put it.
/// Throws Error{file} that says where it looked and how to get it.
std::filesystem::path cp2k_data_folder(const std::string& set);

/// What an element is computed with.
struct Cp2kKind {
  std::string element, basis, potential;
  int electrons = 0;
  std::filesystem::path basis_file, potential_file;
};

/// Basis set and potential of each element, by the settings.
/// Names without a number of electrons take the entry that fits the other: DZVP-MOLOPT-SR-GTH is also DZVP-MOLOPT-SR-GTH-q3, so
/// the potential is GTH-PBE-q3. Throws Error{usage} with what there is for the element when a name is not found.
std::vector<Cp2kKind> cp2k_kinds(const Cp2kSettings& settings, std::span<const std::string> elements, const std::filesystem::path& base_folder);

/// Copies files of basis sets and potentials that do not lie in CP2K's data folder to `folder`, where CP2K runs.
void copy_own_files(std::span<const Cp2kKind> kinds, const std::filesystem::path& data_folder, const std::filesystem::path& folder);

}  // namespace saltus
