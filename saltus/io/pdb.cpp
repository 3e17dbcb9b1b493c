#include "saltus/io/pdb.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>

#include <fmt/compile.h>
#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/io/frame_checks.hpp"
#include "saltus/io/restricted_cell.hpp"
#include "saltus/io/text_writer.hpp"

namespace saltus {

namespace {

// Numbers that %8.3f and %9.3f write within their columns, rounding included.
constexpr double coordinate_min_ang = -999.9995, coordinate_max_ang = 9999.9995, length_max_ang = 99999.9995;

double angle_deg(const Vec3& a, const Vec3& b) {
  return std::acos(std::clamp(dot(a, b) / (norm(a) * norm(b)), -1.0, 1.0)) * 180 / std::numbers::pi;
}

}  // namespace

void append_pdb(std::string& text, const Frame& frame, std::size_t model) {
  const std::size_t n = frame.size();
  require_writable(frame);
  const auto out = std::back_inserter(text);
  Mat3 rotation = Mat3::identity();
  bool rotated = false;
  if (frame.cell.any_periodic()) {
    const RestrictedCell cell = restricted_cell(frame.cell.rows_ang());
    const Vec3 &a = cell.rows_ang[0], &b = cell.rows_ang[1], &c = cell.rows_ang[2];
    if (std::max({norm(a), norm(b), norm(c)}) >= length_max_ang)
      throw Error(ErrorKind::usage, "a cell longer than 99999.999 Å does not fit into PDB's columns; write extXYZ");
    fmt::format_to(out, "CRYST1{:9.3f}{:9.3f}{:9.3f}{:7.2f}{:7.2f}{:7.2f} P 1           1\n", norm(a), norm(b), norm(c), angle_deg(b, c),
                   angle_deg(a, c), angle_deg(a, b));
    rotation = cell.rotation;
    rotated = cell.is_rotated;
  }
  fmt::format_to(out, "MODEL {:8}\n", model % 100'000'000);
  for (std::size_t i = 0; i < n; ++i) {
    const Vec3 position = rotated ? frame.position_ang[i] * rotation : frame.position_ang[i];
    if (!is_finite(position)) throw Error(ErrorKind::numeric, "a number to be written is not finite");
    for (int axis = 0; axis < 3; ++axis)
      if (position[axis] <= coordinate_min_ang || position[axis] >= coordinate_max_ang)
        throw Error(ErrorKind::usage, fmt::format("atom {}: {} = {:.3f} Å does not fit into PDB's eight columns; wrap the positions or write extXYZ",
                                                  i + 1, "xyz"[axis], position[axis]));
    std::string symbol(symbol_of(frame.atoms->atomic_number[i]));
    for (char& letter : symbol)
      if (letter >= 'a') letter = static_cast<char>(letter - 'a' + 'A');
    // The element symbol ends in the second of the four columns of the name.
    const std::string name = symbol.size() == 1 ? " " + symbol : symbol;
    fmt::format_to(out, FMT_COMPILE("HETATM{:5} {:<4} MOL A   1    {:8.3f}{:8.3f}{:8.3f}  1.00  0.00          {:>2}\n"), (i + 1) % 100'000, name,
                   position.x, position.y, position.z, symbol);
  }
  text += "ENDMDL\n";
}

std::unique_ptr<TrajectoryWriter> create_pdb(const std::filesystem::path& path, const WriteOptions& options) {
  return create_text_writer(path, options, [](std::string& text, const Frame& frame, const WriteOptions&, std::size_t number) {
    append_pdb(text, frame, number);
  });
}

}  // namespace saltus
