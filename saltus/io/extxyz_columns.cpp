#include "saltus/io/extxyz_columns.hpp"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/io/lines.hpp"
#include "saltus/io/refuse.hpp"

namespace saltus {

namespace {

constexpr std::string_view forces_names[] = {"REF_forces", "REF_Forces", "ref_forces", "REF_force", "REF_Force", "dft_forces",
                                             "DFT_forces", "dft_force",  "forces",     "Forces",    "force"};
constexpr std::string_view velocity_names[] = {"vel", "velo", "velocities", "momenta"};
constexpr std::string_view label_names[] = {"species", "element", "symbols"};
constexpr std::string_view number_names[] = {"Z", "numbers"};
constexpr std::string_view mass_names[] = {"mass", "masses"};
// Of atoms and residues, as ASE ("atomtypes", "residuenames"), MDAnalysis and others call them.
constexpr std::string_view atom_name_names[] = {"atom_name", "atomname", "atom_names", "atomtypes", "name", "names"};
constexpr std::string_view residue_name_names[] = {"residue_name", "resname", "residuenames", "resnames"};
constexpr std::string_view residue_names[] = {"residue", "resid", "residuenumbers", "resnum", "resids"};

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view chosen_name(std::span<const std::string_view> names, std::span<const std::string> present) {
  for (const auto name : names)
    for (const auto& other : present)
      if (other == name) return other;
  return {};
}

}  // namespace

std::span<const std::string_view> extxyz_forces_names() { return forces_names; }

ExtxyzColumns extxyz_columns_from(const std::string& text, const std::string& forces_key, FrameSource& source) {
  ExtxyzColumns layout;
  layout.text = text;
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t stop = std::min(text.find(':', at), text.size());
    parts.push_back(std::string_view(text).substr(at, stop - at));
    at = stop + 1;
  }
  if (parts.size() % 3 != 0)
    refuse("Properties={} does not consist of name:type:count triplets", shown(text));
  std::vector<std::string> names, types;
  for (std::size_t k = 0; k < parts.size(); k += 3) {
    ExtxyzColumn column;
    column.name = parts[k];
    if (column.name.empty()) refuse("Properties={}: a column without name", shown(text));
    if (std::find(names.begin(), names.end(), column.name) != names.end())
      refuse("Properties={}: column {} is given twice", shown(text), shown(column.name));
    if (parts[k + 1].size() != 1 || std::string_view("SIRL").find(parts[k + 1]) == std::string_view::npos)
      refuse("Properties: column {} has type {}; types are S, I, R and L", shown(column.name), shown(parts[k + 1]));
    const auto count = parse_int(parts[k + 2]);
    if (!count || *count < 1 || *count > 1'000'000)
      refuse("Properties: column {} has count {}, expected a positive integer", shown(column.name), shown(parts[k + 2]));
    column.count = static_cast<int>(*count);
    if (layout.total + *count > 1'000'000) refuse("Properties: more than a million columns");
    layout.total += column.count;
    names.push_back(column.name);
    types.emplace_back(parts[k + 1]);
    layout.columns.push_back(std::move(column));
  }
  const auto use = [&](std::string_view name, ExtxyzColumn::Use meaning, const char* type, int count) {
    for (std::size_t k = 0; k < names.size(); ++k) {
      if (names[k] != name) continue;
      if (types[k] != type || layout.columns[k].count != count)
        refuse("Properties: column {} is {}:{}, expected {}:{}", shown(name), types[k], layout.columns[k].count, type, count);
      layout.columns[k].use = meaning;
      return true;
    }
    return false;
  };
  if (const auto name = chosen_name(label_names, names); !name.empty()) layout.has_label = use(name, ExtxyzColumn::label, "S", 1);
  if (const auto name = chosen_name(number_names, names); !name.empty()) layout.has_number = use(name, ExtxyzColumn::atomic_number, "I", 1);
  layout.has_position = use("pos", ExtxyzColumn::position, "R", 3);
  const std::string velocities(chosen_name(velocity_names, names)), masses(chosen_name(mass_names, names));
  if (!velocities.empty()) layout.has_velocity = use(velocities, ExtxyzColumn::velocity, "R", 3);
  if (!masses.empty()) layout.has_mass = use(masses, ExtxyzColumn::mass, "R", 1);
  std::string forces(forces_key.empty() ? chosen_name(forces_names, names) : std::string_view(forces_key));
  if (!forces.empty()) {
    layout.has_forces = use(forces, ExtxyzColumn::forces, "R", 3);
    if (!layout.has_forces)
      refuse("no column {} for the forces{}; there are: {}", shown(forces), did_you_mean(forces, names), join(names));
  }
  if (!layout.has_label && !layout.has_number)
    refuse("Properties={} names no elements; expected species:S:1 or Z:I:1", shown(text));
  if (!layout.has_position) refuse("Properties={} has no positions; expected pos:R:3", shown(text));
  // Names for people: a column of another type is something else.
  const auto use_label = [&](std::span<const std::string_view> known, ExtxyzColumn::Use meaning, const char* type) {
    for (const auto name : known)
      for (std::size_t k = 0; k < names.size(); ++k) {
        ExtxyzColumn& column = layout.columns[k];
        if (names[k] != name || types[k] != type || column.count != 1 || column.use != ExtxyzColumn::passed_over) continue;
        column.use = meaning;
        return true;
      }
    return false;
  };
  layout.has_atom_name = use_label(atom_name_names, ExtxyzColumn::atom_name, "S");
  layout.has_residue_name = use_label(residue_name_names, ExtxyzColumn::residue_name, "S");
  layout.has_residue = use_label(residue_names, ExtxyzColumn::residue, "I");
  source.columns = text;
  source.forces = forces;
  source.velocities = velocities;
  source.masses = masses;
  source.not_used.clear();
  for (const auto& name : names)
    if ((contains(forces_names, name) && name != forces) || (contains(velocity_names, name) && name != velocities))
      source.not_used.push_back(name);
  return layout;
}

void keep_unused_columns(FrameSource& source) {
  std::erase_if(source.not_used, [](const std::string& name) { return !contains(forces_names, name) && !contains(velocity_names, name); });
}

}  // namespace saltus
