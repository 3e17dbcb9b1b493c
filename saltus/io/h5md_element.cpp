#include "saltus/io/h5md_element.hpp"

#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "saltus/base/error.hpp"

namespace saltus::h5md {

namespace {

bool same_object(const Dataset& a, const Dataset& b) {
  H5O_info_t first, second;
  if (H5Oget_info2(a.handle().get(), &first, H5O_INFO_BASIC) < 0 || H5Oget_info2(b.handle().get(), &second, H5O_INFO_BASIC) < 0)
    return false;
  return first.addr == second.addr;
}

Clock find_clock(const Handle& file, const Element& element, const char* name, bool integers) {
  Clock found;
  const std::string path = element.path + '/' + name;
  Handle object = find_object(file, path);
  if (!object) return found;
  if (!is_dataset(object)) refuse(path, "is not a dataset");
  // A time may be stored as integers.
  if (!integers) {
    const Handle type(H5Dget_type(object.get()));
    integers = type && H5Tget_class(type.get()) == H5T_INTEGER;
  }
  Dataset dataset(std::move(object), path, integers);
  if (dataset.shape().empty()) {
    found.linear = true;
    double increment = 0;
    dataset.read_row(0, std::span(&increment, 1));
    const auto offset = numbers_attribute(dataset.handle(), path, "offset");
    if (offset.size() > 1) refuse(path, "attribute offset is not one number");
    found.increment = increment;
    found.offset = offset.empty() ? 0 : offset[0];
    if (!std::isfinite(found.increment) || !std::isfinite(found.offset)) refuse(path, "increment or offset is not finite");
    return found;
  }
  if (dataset.shape().size() != 1 || dataset.rows() != element.value.rows())
    refuse(path, fmt::format("has the shape {}, but there are {} records of the value", shape_text(dataset), element.value.rows()));
  found.records = std::move(dataset);
  return found;
}

}  // namespace

Unit unit_attribute(const Handle& object, const std::string& path, Quantity quantity) {
  Unit unit;
  if (const auto name = text_attribute(object, path, "unit")) {
    try {
      unit = {*name, factor_from_unit(*name, quantity)};
    } catch (const Error& error) {
      throw with_place(error, path);
    }
  }
  return unit;
}

Element find_element(const Handle& file, const std::string& path, bool integers, std::optional<Quantity> quantity) {
  Element found;
  found.path = path;
  Handle object = find_object(file, path);
  if (!object) return found;
  if (is_dataset(object)) {
    found.fixed = true;
    found.value = Dataset(std::move(object), path, integers);
  } else {
    Handle value = find_object(file, path + "/value");
    if (!is_dataset(value)) refuse(path, "holds no dataset 'value'");
    found.value = Dataset(std::move(value), path + "/value", integers);
    if (found.value.shape().empty()) refuse(found.value.path(), "must have a first dimension for the frames");
    found.step = find_clock(file, found, "step", true);
    if (!found.step) refuse(path, "holds no dataset 'step'");
    found.time = find_clock(file, found, "time", false);
    if (found.time) {
      const std::string time_path = path + "/time";
      found.time_factor = unit_attribute(find_object(file, time_path), time_path, Quantity::time).factor;
    }
  }
  if (quantity) {
    const Unit unit = unit_attribute(found.value.handle(), found.value.path(), *quantity);
    found.unit = unit.name;
    found.factor = unit.factor;
  }
  return found;
}

std::int64_t step_at(Clock& clock, hsize_t k) {
  if (clock.records) {
    std::int64_t step = 0;
    clock.records.read_row(k, std::span(&step, 1));
    return step;
  }
  const double step = clock.offset + clock.increment * static_cast<double>(k);
  return std::abs(step) < 9e15 ? static_cast<std::int64_t>(step) : std::numeric_limits<std::int64_t>::max();
}

void align(Element& element, Element& position) {
  if (!element || element.fixed) return;
  Clock& frames = position.step;
  const hsize_t count = element.value.rows(), frame_count = position.value.rows();
  if (count == frame_count) {
    if (frames.linear && element.step.linear)
      element.aligned = frames.offset == element.step.offset && frames.increment == element.step.increment;
    else if (frames.records && element.step.records && same_object(frames.records, element.step.records))
      element.aligned = true;
    else {
      element.aligned = true;
      for (hsize_t k = 0; k < count && element.aligned; ++k) element.aligned = step_at(frames, k) == step_at(element.step, k);
    }
  }
  if (element.aligned) return;
  for (Clock* clock : {&frames, &element.step}) {
    if (clock->linear && !(clock->increment > 0)) refuse(element.path, "its steps are not those of the positions, and do not increase");
    const hsize_t records = clock == &frames ? frame_count : count;
    for (hsize_t k = 1; clock->records && k < records; ++k)
      if (step_at(*clock, k) <= step_at(*clock, k - 1))
        refuse(element.path, "its steps are not those of the positions, and do not increase from record to record");
  }
}

std::optional<hsize_t> record_of(Element& element, hsize_t frame, std::int64_t step) {
  if (element.fixed) return 0;
  if (element.aligned) return frame;
  hsize_t low = 0, high = element.value.rows();
  while (low < high) {
    const hsize_t middle = low + (high - low) / 2;
    const std::int64_t there = step_at(element.step, middle);
    if (there == step) return middle;
    if (there < step) low = middle + 1;
    else high = middle;
  }
  return std::nullopt;
}

std::string shape_text(const Dataset& dataset) { return fmt::format("[{}]", fmt::join(dataset.shape(), ", ")); }

}  // namespace saltus::h5md
