// Unit strings of H5MD, e.g. "nm ps-1" or "kJ mol-1 Angstrom-1": products of powers.
// Reference: H5MD 1.1, module "units".
#pragma once

#include <string_view>

namespace saltus::h5md {

enum class Quantity { length, time, velocity, force, energy, mass };

/// The string that is written for a quantity in Å, fs, eV, amu.
const char* unit_of(Quantity quantity);

/// Factor that brings a number with this unit to Å, fs, eV, amu.
/// Throws Error{format} for a unit that is not known or not of this quantity.
double factor_from_unit(std::string_view unit, Quantity quantity);

}  // namespace saltus::h5md
