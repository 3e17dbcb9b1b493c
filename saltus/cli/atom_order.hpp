// The order of atoms in words: what the i-PI protocol does not send, and both sides must share.
#pragma once

#include <string>

#include "saltus/atoms/frame.hpp"

namespace saltus::cli {

/// Elements as the atoms follow each other: "O H2 O H2 O H2"; beyond twelve of these groups "O H2 … H2 (192 atoms)".
std::string order_of_atoms(const Atoms& atoms);

}  // namespace saltus::cli
