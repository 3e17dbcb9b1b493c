// Writes extXYZ: columns and keys that other programs know, numbers that read back as they were.
#include <cmath>
#include <iterator>

#include <fmt/compile.h>
#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/io/frame_checks.hpp"
#include "saltus/io/text_writer.hpp"

namespace saltus {

namespace {

void append_number(std::string& text, double value, std::optional<int> decimals) {
  if (!std::isfinite(value)) throw Error(ErrorKind::numeric, "a number to be written is not finite");
  if (decimals) {
    fmt::format_to(std::back_inserter(text), FMT_COMPILE("{:.{}f}"), value, *decimals);
  } else {
    fmt::format_to(std::back_inserter(text), FMT_COMPILE("{}"), value);
  }
}

void append_vector(std::string& text, const Vec3& v, std::optional<int> decimals) {
  for (const double component : {v.x, v.y, v.z}) {
    text += ' ';
    append_number(text, component, decimals);
  }
}

void append_matrix(std::string& text, const char* key, const Mat3& m) {
  text += key;
  text += "=\"";
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      if (i + j > 0) text += ' ';
      append_number(text, m[i][j], std::nullopt);
    }
  text += "\" ";
}

}  // namespace

void append_extxyz(std::string& text, const Frame& frame, const WriteOptions& options) {
  const std::size_t n = frame.size();
  const bool forces = options.forces && !frame.force_ev_ang.empty();
  const bool velocities = options.velocities && !frame.velocity_ang_fs.empty();
  require_writable(frame, {.velocities = velocities, .forces = forces});
  const Atoms& atoms = *frame.atoms;
  bool masses = false;
  for (std::size_t i = 0; i < n && !masses; ++i) masses = atoms.mass_amu[i] != standard_mass_amu(atoms.atomic_number[i]);

  fmt::format_to(std::back_inserter(text), "{}\n", n);
  if (frame.cell.has_vectors()) append_matrix(text, "Lattice", frame.cell.rows_ang());
  text += "Properties=species:S:1:pos:R:3";
  if (forces) text += ":forces:R:3";
  if (velocities) text += ":vel:R:3";
  if (masses) text += ":mass:R:1";
  text += ' ';
  if (frame.energy_ev) {
    text += "energy=";
    append_number(text, *frame.energy_ev, std::nullopt);
    text += ' ';
  }
  if (frame.virial_ev) {
    append_matrix(text, "virial", *frame.virial_ev);
    // The same for programs that know stress only.
    if (const double volume = frame.cell.volume_ang3(); volume > 0) {
      Mat3 stress;
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) stress[i][j] = -(*frame.virial_ev)[i][j] / volume;
      append_matrix(text, "stress", stress);
    }
  }
  const auto& periodic = frame.cell.periodic();
  fmt::format_to(std::back_inserter(text), "pbc=\"{} {} {}\"", periodic[0] ? 'T' : 'F', periodic[1] ? 'T' : 'F',
                 periodic[2] ? 'T' : 'F');
  if (options.step_and_time) {
    fmt::format_to(std::back_inserter(text), " step={} time_fs=", frame.step);
    append_number(text, frame.time_fs, std::nullopt);
  }
  if (frame.bead) fmt::format_to(std::back_inserter(text), " bead={}", *frame.bead);
  text += '\n';
  for (std::size_t i = 0; i < n; ++i) {
    text += symbol_of(atoms.atomic_number[i]);
    append_vector(text, frame.position_ang[i], options.position_decimals);
    if (forces) append_vector(text, frame.force_ev_ang[i], options.force_decimals);
    if (velocities) append_vector(text, frame.velocity_ang_fs[i], options.velocity_decimals);
    if (masses) {
      text += ' ';
      append_number(text, atoms.mass_amu[i], std::nullopt);
    }
    text += '\n';
  }
}

std::unique_ptr<TrajectoryWriter> create_extxyz(const std::filesystem::path& path, const WriteOptions& options) {
  return create_text_writer(path, options, [](std::string& text, const Frame& frame, const WriteOptions& now, std::size_t) {
    append_extxyz(text, frame, now);
  });
}

}  // namespace saltus
