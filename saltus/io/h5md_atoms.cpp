#include "saltus/io/h5md_atoms.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/io/h5md_element.hpp"

namespace saltus::h5md {

namespace {

struct Species {
  std::string path;
  std::vector<std::int64_t> number;  // [atoms], or empty: the file has none
  bool atomic_numbers = false;       // by the symbols of an enumeration
};

// Values and atomic numbers of an enumeration of symbols; nothing when a name is no symbol.
std::vector<std::pair<std::int64_t, std::uint8_t>> symbol_values(const Handle& type, const std::string& path) {
  std::vector<std::pair<std::int64_t, std::uint8_t>> values;
  const int members = H5Tget_nmembers(type.get());
  const Handle base(H5Tget_super(type.get()));
  for (int k = 0; k < members; ++k) {
    char* const member = H5Tget_member_name(type.get(), static_cast<unsigned>(k));
    const auto z = atomic_number_of(member ? std::string_view(member, ::strnlen(member, 8)) : std::string_view());
    if (member) H5free_memory(member);
    if (!z) return {};
    // The value in the type's own width and order, as a 64-bit integer.
    std::array<char, 8> bytes{};
    std::int64_t value = 0;
    if (!base || H5Tget_size(base.get()) > 8 || H5Tget_member_value(type.get(), static_cast<unsigned>(k), bytes.data()) < 0 ||
        H5Tconvert(base.get(), H5T_NATIVE_INT64, 1, bytes.data(), nullptr, H5P_DEFAULT) < 0)
      refuse(path, "its enumeration cannot be read" + cause());
    std::copy_n(bytes.data(), sizeof value, reinterpret_cast<char*>(&value));
    values.emplace_back(value, *z);
  }
  return values;
}

// `named`: whether an enumeration of symbols is to be taken as such.
Species read_species(const Handle& file, const std::string& group, std::size_t count, bool named) {
  Species species{group + "/species", {}, false};
  Handle object = find_object(file, species.path);
  const bool changes = is_group(object);
  if (changes) {
    species.path += "/value";
    object = find_object(file, species.path);
    if (!is_dataset(object)) refuse(group + "/species", "holds no dataset 'value'");
  }
  if (!object) return species;
  if (!is_dataset(object)) refuse(species.path, "is not a dataset");
  const Handle type(H5Dget_type(object.get()));
  Dataset dataset(std::move(object), species.path, true);
  if (dataset.shape().size() != (changes ? 2 : 1) || dataset.shape().back() != count)
    refuse(species.path, fmt::format("has the shape {}, but there are {} atoms", shape_text(dataset), count));
  species.number.resize(count);
  if (changes) {
    if (dataset.rows() == 0) refuse(species.path, "has no records");
    std::vector<std::int64_t> other(count);
    dataset.read_row(0, species.number);
    for (hsize_t k = 1; k < dataset.rows(); ++k) {
      dataset.read_row(k, other);
      if (other != species.number) refuse(species.path, "the species change with time, which a trajectory here cannot");
    }
  } else {
    for (std::size_t i = 0; i < count; ++i) dataset.read_row(i, std::span(&species.number[i], 1));
  }
  if (!named || !type || H5Tget_class(type.get()) != H5T_ENUM) return species;
  const auto values = symbol_values(type, species.path);
  species.atomic_numbers = !values.empty();
  for (std::size_t i = 0; i < count && species.atomic_numbers; ++i) {
    const auto found = std::find_if(values.begin(), values.end(), [&](const auto& value) { return value.first == species.number[i]; });
    if (found == values.end()) refuse(species.path, fmt::format("atom {}: {} is no value of its enumeration", i + 1, species.number[i]));
    species.number[i] = found->second;
  }
  return species;
}

// Empty when the file has none.
std::vector<double> read_masses(const Handle& file, const std::string& path, std::size_t count) {
  Handle object = find_object(file, path);
  if (!is_dataset(object)) return {};
  Dataset dataset(std::move(object), path, false);
  if (dataset.shape().size() != 1 || dataset.rows() != count)
    refuse(path, fmt::format("has the shape {}, but there are {} atoms", shape_text(dataset), count));
  const double factor = unit_attribute(dataset.handle(), path, Quantity::mass).factor;
  std::vector<double> masses_amu(count);
  for (std::size_t i = 0; i < count; ++i) {
    dataset.read_row(i, std::span(&masses_amu[i], 1));
    masses_amu[i] *= factor;
    if (!std::isfinite(masses_amu[i]) || masses_amu[i] <= 0) refuse(path, fmt::format("atom {}: the mass must be positive", i + 1));
  }
  return masses_amu;
}

// Whether the species are atomic numbers. A mass within one amu tells neighbours in the periodic table apart for all but a few pairs.
bool are_atomic_numbers(const Species& species, const std::vector<double>& masses_amu) {
  for (std::size_t i = 0; i < species.number.size(); ++i) {
    const std::int64_t z = species.number[i];
    if (z < 1 || z > element_count) return false;
    if (!species.atomic_numbers && (masses_amu.empty() || std::abs(masses_amu[i] - standard_mass_amu(static_cast<int>(z))) > 1.1)) return false;
  }
  return !species.number.empty();
}

}  // namespace

Atoms read_atoms(const Handle& file, const std::string& group, std::size_t count, const ReadOptions& options, FrameSource& source) {
  const Species species = read_species(file, group, count, options.type_elements.empty());
  const std::string mass_path = group + "/mass";
  const std::vector<double> masses_amu = read_masses(file, mass_path, count);
  if (!masses_amu.empty()) source.masses = mass_path;

  Atoms atoms;
  if (const auto& elements = options.type_elements; !elements.empty() && !species.number.empty()) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t type = species.number[i];
      if (type < 1 || static_cast<std::uint64_t>(type) > elements.size())
        throw Error(ErrorKind::usage, fmt::format("{}: atom {} is of type {}, but {} elements of types were given", species.path, i + 1, type,
                                                  elements.size()));
      atoms.atomic_number.push_back(elements[static_cast<std::size_t>(type - 1)]);
    }
  } else if (!options.topology.empty()) {
    Frame first;
    if (!open_trajectory(options.topology)->read_next(first)) throw Error(ErrorKind::usage, options.topology.string() + ": has no frame");
    if (first.size() != count)
      throw Error(ErrorKind::usage, fmt::format("{} has {} atoms, the trajectory {}", options.topology.string(), first.size(), count));
    atoms = *first.atoms;
  } else if (are_atomic_numbers(species, masses_amu)) {
    for (const std::int64_t z : species.number) atoms.atomic_number.push_back(static_cast<std::uint8_t>(z));
  } else {
    throw Error(ErrorKind::usage,
                fmt::format("{}: {}; give a topology (a file whose first frame names the atoms) or the elements of the types", group,
                            species.number.empty() ? "has no species, so its elements are not known"
                                                   : "its species are numbers, and no masses show that they are atomic numbers"));
  }
  if (atoms.mass_amu.empty())
    for (std::size_t i = 0; i < count; ++i) atoms.mass_amu.push_back(masses_amu.empty() ? standard_mass_amu(atoms.atomic_number[i]) : masses_amu[i]);
  return atoms;
}

}  // namespace saltus::h5md
