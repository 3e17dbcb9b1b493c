// The columns that the Properties value of an extXYZ comment line lists.
#pragma once

#include <string>
#include <vector>

#include "saltus/io/trajectory.hpp"

namespace saltus {

struct ExtxyzColumn {
  enum Use { passed_over, label, atomic_number, position, forces, velocity, mass, atom_name, residue_name, residue } use = passed_over;
  int count = 1;
  std::string name;
};

struct ExtxyzColumns {
  std::string text;  ///< the Properties value
  std::vector<ExtxyzColumn> columns;
  int total = 0;     ///< words in a line
  bool has_label = false, has_number = false, has_position = false, has_forces = false, has_velocity = false, has_mass = false;
  bool has_atom_name = false, has_residue_name = false, has_residue = false;
};

/// What each column is for. The names used and those that could have been go to `source`.
///
/// text        the Properties value, name:type:count triplets joined by ':'
/// forces_key  name of the column of forces; empty: the first of extxyz_forces_names() that is there
///
/// Throws Error{format} where the text is malformed, names no elements or positions, or lacks `forces_key`.
ExtxyzColumns extxyz_columns_from(const std::string& text, const std::string& forces_key, FrameSource& source);

/// Leaves in source.not_used the names of columns, as extxyz_columns_from put them there.
void keep_unused_columns(FrameSource& source);

}  // namespace saltus
