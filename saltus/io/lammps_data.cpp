#include "saltus/io/lammps_data.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/frame_checks.hpp"
#include "saltus/io/output_file.hpp"
#include "saltus/io/restricted_cell.hpp"

namespace saltus {

namespace {

constexpr double margin_ang = 1;  // between the outermost atom and the box along an axis that is not periodic

std::string number(double value, std::optional<int> decimals) {
  if (!std::isfinite(value)) throw Error(ErrorKind::numeric, "a number to be written is not finite");
  return decimals ? fmt::format("{:.{}f}", value, *decimals) : fmt::format("{}", value);
}

// Adds whole lattice vectors to b and c until no tilt is more than half a length; true when something changed.
bool shorten_tilts(Mat3& rows) {
  bool changed = false;
  const auto subtract = [&](int from, int which, double ratio) {
    if (std::abs(ratio) <= 0.5) return;
    rows[from] -= std::round(ratio) * rows[which];
    changed = true;
  };
  subtract(2, 1, rows[2].y / rows[1].y);
  subtract(2, 0, rows[2].x / rows[0].x);
  subtract(1, 0, rows[1].x / rows[0].x);
  return changed;
}

class LammpsDataWriter final : public TrajectoryWriter {
 public:
  LammpsDataWriter(const std::filesystem::path& path, const WriteOptions& write_options)
      : TrajectoryWriter(write_options), name_(path.string()), file_(path) {}
  void write(const Frame& frame) override {
    if (written_) throw Error(ErrorKind::usage, name_ + ": a LAMMPS data file holds one frame; choose one");
    try {
      file_.text() = lammps_data_text(frame, options);
    } catch (const Error& error) {
      throw with_place(error, name_);
    }
    written_ = true;
  }
  void commit() override {
    if (!written_) throw Error(ErrorKind::usage, name_ + ": no frames to write");
    file_.commit();
  }

 private:
  std::string name_;
  OutputFile file_;
  bool written_ = false;
};

}  // namespace

std::string lammps_data_text(const Frame& frame, const WriteOptions& options) {
  const std::size_t n = frame.size();
  const bool velocities = options.velocities && !frame.velocity_ang_fs.empty();
  require_writable(frame, {.velocities = velocities});
  for (const Vec3& position : frame.position_ang)
    if (!is_finite(position)) throw Error(ErrorKind::numeric, "a number to be written is not finite");
  const Atoms& atoms = *frame.atoms;

  std::vector<std::pair<std::uint8_t, double>> types;
  std::map<std::pair<std::uint8_t, double>, std::size_t> type_number;
  std::vector<std::size_t> type_of(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::pair kind{atoms.atomic_number[i], atoms.mass_amu[i]};
    const auto [found, is_new] = type_number.try_emplace(kind, types.size() + 1);
    if (is_new) types.push_back(kind);
    type_of[i] = found->second;
  }

  RestrictedCell cell{Mat3::identity(), Mat3::identity(), false};
  bool shortened = false;
  const auto& periodic = frame.cell.periodic();
  const bool all_periodic = periodic[0] && periodic[1] && periodic[2];
  if (frame.cell.has_vectors()) {
    cell = restricted_cell(frame.cell.rows_ang());
    shortened = all_periodic && shorten_tilts(cell.rows_ang);
  }
  const Mat3& rows = cell.rows_ang;
  const bool tilted = rows[1].x != 0 || rows[2].x != 0 || rows[2].y != 0;
  if (tilted && !all_periodic) throw Error(ErrorKind::usage, "a tilted cell that is not periodic along all axes cannot be written for LAMMPS");
  std::vector<Vec3> positions;
  for (const Vec3& position : frame.position_ang) positions.push_back(cell.is_rotated ? position * cell.rotation : position);
  Vec3 low, high{rows[0].x, rows[1].y, rows[2].z};
  for (int axis = 0; axis < 3; ++axis) {
    if (periodic[static_cast<std::size_t>(axis)]) continue;
    double least = positions[0][axis], most = least;
    for (const Vec3& position : positions) least = std::min(least, position[axis]), most = std::max(most, position[axis]);
    const bool has_length = frame.cell.has_vectors();
    low[axis] = has_length ? std::min(0.0, least - margin_ang) : least - margin_ang;
    high[axis] = has_length ? std::max(high[axis], most + margin_ang) : most + margin_ang;
  }

  std::string text = fmt::format("LAMMPS data written by Saltus: atom_style atomic, units metal, boundary {} {} {}", periodic[0] ? 'p' : 's',
                                 periodic[1] ? 'p' : 's', periodic[2] ? 'p' : 's');
  if (options.step_and_time) text += fmt::format(", timestep = {}", frame.step);
  text += '\n';
  const auto out = std::back_inserter(text);
  if (cell.is_rotated) {
    text += "# turned so that a lies along x and b in the xy plane: (x y z) = (x y z before) R, R by rows =";
    for (const Vec3& row : cell.rotation.row) fmt::format_to(out, " {:.12g} {:.12g} {:.12g}", row.x, row.y, row.z);
    text += '\n';
  }
  if (shortened) text += "# b and c are shortened by lattice vectors: LAMMPS wants tilts of at most half a length\n";
  fmt::format_to(out, "\n{} atoms\n{} atom types\n\n", n, types.size());
  for (int axis = 0; axis < 3; ++axis)
    fmt::format_to(out, "{} {} {}lo {}hi\n", number(low[axis], std::nullopt), number(high[axis], std::nullopt), "xyz"[axis], "xyz"[axis]);
  if (tilted)
    fmt::format_to(out, "{} {} {} xy xz yz\n", number(rows[1].x, std::nullopt), number(rows[2].x, std::nullopt), number(rows[2].y, std::nullopt));
  text += "\nMasses\n\n";
  for (std::size_t k = 0; k < types.size(); ++k)
    fmt::format_to(out, "{} {}  # {}\n", k + 1, number(types[k].second, std::nullopt), symbol_of(types[k].first));
  text += "\nAtoms # atomic\n\n";
  for (std::size_t i = 0; i < n; ++i)
    fmt::format_to(out, "{} {} {} {} {}\n", i + 1, type_of[i], number(positions[i].x, options.position_decimals),
                   number(positions[i].y, options.position_decimals), number(positions[i].z, options.position_decimals));
  if (velocities) {
    text += "\nVelocities\n\n";
    for (std::size_t i = 0; i < n; ++i) {
      Vec3 velocity = units::fs_per_ps * frame.velocity_ang_fs[i];  // Å/ps
      if (cell.is_rotated) velocity = velocity * cell.rotation;
      fmt::format_to(out, "{} {} {} {}\n", i + 1, number(velocity.x, options.velocity_decimals), number(velocity.y, options.velocity_decimals),
                     number(velocity.z, options.velocity_decimals));
    }
  }
  return text;
}

std::unique_ptr<TrajectoryWriter> create_lammps_data(const std::filesystem::path& path, const WriteOptions& options) {
  return std::make_unique<LammpsDataWriter>(path, options);
}

}  // namespace saltus
