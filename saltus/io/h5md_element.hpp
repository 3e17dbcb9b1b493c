// Elements of H5MD: a quantity and the steps and times at which it was stored. For the sources of h5md only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "saltus/io/h5md_file.hpp"
#include "saltus/io/h5md_units.hpp"

namespace saltus::h5md {

/// step or time of an element: one number per record, or start and increment.
struct Clock {
  Dataset records;  ///< explicit; none: linear
  double offset = 0, increment = 0;
  bool linear = false;

  explicit operator bool() const { return records || linear; }
};

struct Element {
  std::string path;
  Dataset value;
  Clock step, time;
  double factor = 1;      ///< to Å, fs, eV, amu
  double time_factor = 1;
  bool fixed = false;     ///< one value for all times
  bool aligned = false;   ///< record k belongs to frame k
  std::string unit;       ///< as in the file, or "none"

  explicit operator bool() const { return static_cast<bool>(value); }
};

/// The element at `path`: a dataset, or a group of value, step and perhaps time; one without value when nothing is there.
///
/// integers  whether the values are integers
/// quantity  what it measures, for its unit; nothing: it has no unit
///
/// Throws Error{format} for what is no element of the kind asked for, and for an unknown unit.
Element find_element(const Handle& file, const std::string& path, bool integers, std::optional<Quantity> quantity);

/// A unit attribute, and the factor from it to Å, fs, eV, amu.
struct Unit {
  std::string name = "none";
  double factor = 1;
};
/// Without the attribute: "none" and 1. Throws Error{format}. `path` is that of the object.
Unit unit_attribute(const Handle& object, const std::string& path, Quantity quantity);

/// Step of record k.
std::int64_t step_at(Clock& clock, hsize_t k);

/// Finds out whether record k of `element` is that of frame k, the record k of `position`. If not, the steps of both must
/// increase, so that records can be looked up; else throws Error{format}.
void align(Element& element, Element& position);

/// Record of an aligned element for a frame and its step; nothing where it has none.
std::optional<hsize_t> record_of(Element& element, hsize_t frame, std::int64_t step);

/// "[2, 5, 3]"
std::string shape_text(const Dataset& dataset);

}  // namespace saltus::h5md
