#include "saltus/io/cube.hpp"

#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/output_file.hpp"

namespace saltus {

namespace {

std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\r') c = ' ';
  return text;
}

}  // namespace

void write_cube(const std::filesystem::path& path, const CubeFile& cube) {
  const auto rows = static_cast<std::size_t>(cube.count[0]) * static_cast<std::size_t>(cube.count[1]);
  const auto row = static_cast<std::size_t>(cube.count[2]);
  if (rows * row == 0 || cube.value.size() != rows * row)
    throw Error(ErrorKind::usage, fmt::format("{}: {} values for a grid of {} points", path.string(), cube.value.size(), rows * row));
  OutputFile file(path);
  auto out = std::back_inserter(file.text());
  const auto vector_line = [&](std::size_t number, const Vec3& v_ang) {
    const Vec3 v = v_ang / units::ang_per_bohr;
    fmt::format_to(out, "{:5d}{:16.10f}{:16.10f}{:16.10f}\n", number, v.x, v.y, v.z);
  };
  fmt::format_to(out, "{}\n{}\n", one_line(cube.title), one_line(cube.remark));
  vector_line(cube.atoms.size(), cube.origin_ang);
  for (std::size_t axis = 0; axis < 3; ++axis)
    vector_line(static_cast<std::size_t>(cube.count[axis]), cube.voxel_ang[static_cast<int>(axis)]);
  for (std::size_t i = 0; i < cube.atoms.size(); ++i) {
    const int number = cube.atoms.atoms->atomic_number[i];
    const Vec3 r = cube.atoms.position_ang[i] / units::ang_per_bohr;
    fmt::format_to(out, "{:5d}{:14.6f}{:16.10f}{:16.10f}{:16.10f}\n", number, static_cast<double>(number), r.x, r.y, r.z);
  }
  for (std::size_t k = 0; k < cube.value.size(); ++k) {
    if (!std::isfinite(cube.value[k])) throw Error(ErrorKind::numeric, path.string() + ": a value on the grid is not finite");
    // Each row begins on a line of its own.
    const std::size_t place = k % row;
    fmt::format_to(out, " {:14.7E}{}", cube.value[k], place + 1 == row || place % 6 == 5 ? "\n" : "");
    file.flush_if_large();
  }
  file.commit();
}

}  // namespace saltus
