// Reads DCD frame by frame.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/byte_file.hpp"
#include "saltus/io/cell_parameters.hpp"
#include "saltus/io/dcd.hpp"
#include "saltus/io/frame_access.hpp"
#include "saltus/io/frame_checks.hpp"
#include "saltus/io/lines.hpp"
#include "saltus/io/refuse.hpp"

namespace saltus {

namespace {

constexpr std::uint64_t header_bytes = 84, cell_bytes = 48, title_bytes = 80;
constexpr std::size_t read_ahead = std::size_t{1} << 18;

// How records are marked.
struct Layout {
  std::endian order;
  std::uint64_t mark;  // bytes of a record mark
};

std::uint64_t mark_at(const char* bytes, const Layout& layout) {
  return layout.mark == 4 ? load<std::uint32_t>(bytes, layout.order) : load<std::uint64_t>(bytes, layout.order);
}

std::optional<Layout> layout_of(std::string_view start) {
  for (const std::endian order : {std::endian::little, std::endian::big})
    for (const std::uint64_t mark : {4, 8}) {
      const Layout layout{order, mark};
      if (start.size() < mark + 4 || mark_at(start.data(), layout) != header_bytes) continue;
      const std::string_view kind = start.substr(mark, 4);
      for (const std::string_view known : {"CORD", "VELD", "VEL ", "FRC ", "FML "})
        if (kind == known) return layout;
    }
  return std::nullopt;
}

// The lower triangle of CHARMM's symmetric matrix of lattice vectors, row by row.
Cell cell_from_symmetric_matrix(const double (&v)[6]) {
  const Mat3 rows{{Vec3{v[0], v[1], v[3]}, Vec3{v[1], v[2], v[4]}, Vec3{v[3], v[4], v[5]}}};
  const bool positive = v[0] > 0 && v[0] * v[2] > v[1] * v[1] && determinant(rows) > 0;
  if (!positive)
    refuse(
        "the angles of the cell ({}, {}, {}) are neither cosines nor degrees, and the six numbers are no symmetric "
        "matrix of a cell",
        v[4], v[3], v[1]);
  return Cell(rows);
}

class DcdReader final : public NumberedReader {
 public:
  DcdReader(const std::filesystem::path& path, const ReadOptions& options)
      : NumberedReader(path.string()), bytes_(path), topology_(read_topology(options, path.string(), "DCD")) {
    open(options);
  }
  DcdReader(std::string_view bytes, const std::string& name, Topology topology, const ReadOptions& options)
      : NumberedReader(name), bytes_(bytes), topology_(std::move(topology)) {
    open(options);
  }

 private:
  // The record of so many bytes at `offset`, which moves behind it.
  std::string_view record(std::uint64_t& offset, std::uint64_t bytes) {
    const std::uint64_t length = mark_at(bytes_.at(offset, layout_.mark, read_ahead), layout_);
    if (length != bytes) refuse("a record of {} bytes at byte {}, expected {}", length, offset, bytes);
    const char* at = bytes_.at(offset, length + 2 * layout_.mark, read_ahead);
    if (mark_at(at + layout_.mark + length, layout_) != length)
      refuse("the record at byte {} does not end as it starts", offset);
    offset += length + 2 * layout_.mark;
    return {at + layout_.mark, static_cast<std::size_t>(length)};
  }

  void read_header(const ReadOptions& options) override {
    const std::uint64_t start = std::min<std::uint64_t>(bytes_.size(), 12);
    const auto layout = layout_of({bytes_.at(0, start), static_cast<std::size_t>(start)});
    if (!layout) refuse("expected a DCD header: a record of {} bytes that starts with CORD", header_bytes);
    layout_ = *layout;
    std::uint64_t offset = 0;
    const std::string_view header = record(offset, header_bytes);
    if (header.substr(0, 4) != "CORD")
      do_not_support("the file holds {}, not positions; give the trajectory of positions",
                     header[0] == 'V'               ? "velocities"
                     : header.substr(0, 3) == "FRC" ? "forces"
                                                    : "labels");
    std::array<std::int32_t, 20> field;
    for (std::size_t k = 0; k < field.size(); ++k)
      field[k] = load<std::int32_t>(header.data() + 4 + 4 * k, layout_.order);
    const bool charmm = field[19] != 0;
    const double file_time_step =
        charmm ? load<float>(header.data() + 40, layout_.order) : load<double>(header.data() + 40, layout_.order);
    has_cell_ = charmm && field[10] != 0;
    has_fourth_ = charmm && field[11] != 0;
    if (field[8] != 0)
      do_not_support("{} atoms are fixed and not in every frame; write the trajectory again without fixed atoms",
                     field[8]);
    first_step_ = field[1];
    step_interval_ = field[2];

    // By the number of titles: older files of MDAnalysis mark the record with another length, the same at both ends.
    const char* mark = bytes_.at(offset, layout_.mark + 4, read_ahead);
    const std::uint64_t title_mark = mark_at(mark, layout_);
    const auto title_count = load<std::int32_t>(mark + layout_.mark, layout_.order);
    if (title_count < 0) refuse("the number of titles must not be negative, found {}", title_count);
    const std::uint64_t titles_bytes = 4 + title_bytes * static_cast<std::uint64_t>(title_count);
    const char* titles = bytes_.at(offset, titles_bytes + 2 * layout_.mark, read_ahead) + layout_.mark;
    if (mark_at(titles + titles_bytes, layout_) != title_mark)
      refuse("the record of {} titles at byte {} does not end as it starts", title_count, offset);
    set_time_step(options, file_time_step, {titles + 4, static_cast<std::size_t>(titles_bytes - 4)});
    offset += titles_bytes + 2 * layout_.mark;

    const auto atoms = load<std::int32_t>(record(offset, 4).data(), layout_.order);
    if (atoms < 1) refuse("the number of atoms must be at least 1, found {}", atoms);
    require_atom_count(topology_, static_cast<std::uint64_t>(atoms));
    atoms_ = static_cast<std::uint64_t>(atoms);

    frames_at_ = offset;
    frame_bytes_ =
        (has_cell_ ? cell_bytes + 2 * layout_.mark : 0) + (has_fourth_ ? 4u : 3u) * (4 * atoms_ + 2 * layout_.mark);
    const std::uint64_t left = bytes_.size() - offset;
    if (left == 0) refuse("the file holds no frame");
    whole_frames_ = static_cast<std::size_t>(left / frame_bytes_);
    if (left % frame_bytes_ != 0)
      cut_off_ = fmt::format("the file ends at byte {}, {} of {} bytes into the frame; it is cut off", bytes_.size(),
                             left % frame_bytes_, frame_bytes_);
    source_.columns = "positions";
    source_.step = "step";
    if (time_step_fs_) source_.time = "time";
  }

  void set_time_step(const ReadOptions& options, double file_time_step, std::string_view titles) {
    if (options.time_step_fs > 0) {
      time_step_fs_ = options.time_step_fs;
      return;
    }
    if (!std::isfinite(file_time_step)) refuse("the time step is not finite");
    double unit_fs = units::fs_per_akma_time;
    if (titles.find("CP2K") != std::string_view::npos) unit_fs = 1;
    if (titles.find("LAMMPS") != std::string_view::npos) {
      if (options.lammps_units.empty() || options.lammps_units == "metal")
        unit_fs = units::fs_per_ps;
      else if (options.lammps_units == "real")
        unit_fs = 1;
      else
        do_not_support("DCD of LAMMPS in {} units; metal and real are read", shown(options.lammps_units));
    }
    if (file_time_step > 0 && step_interval_ > 0) time_step_fs_ = file_time_step * unit_fs;
  }

  void read_frame(std::size_t k, Frame& frame) override {
    std::uint64_t offset = frames_at_ + k * frame_bytes_;
    bytes_.at(offset, frame_bytes_, read_ahead);  // the records of the frame at once
    frame.cell = has_cell_ ? read_cell(record(offset, cell_bytes).data()) : Cell();
    frame.position_ang.resize(static_cast<std::size_t>(atoms_));
    for (int axis = 0; axis < 3; ++axis) {
      const char* at = record(offset, 4 * atoms_).data();
      for (Vec3& position : frame.position_ang) {
        position[axis] = load<float>(at, layout_.order);
        at += 4;
      }
    }
    require_finite(frame.position_ang, "position");
    frame.atoms = topology_.atoms;
    frame.velocity_ang_fs.clear();
    frame.force_ev_ang.clear();
    frame.energy_ev.reset();
    frame.bead.reset();
    frame.virial_ev.reset();
    frame.step = first_step_ + static_cast<std::int64_t>(k) * std::max<std::int64_t>(step_interval_, 1);
    frame.time_fs = time_step_fs_ ? *time_step_fs_ * static_cast<double>(frame.step) : 0;
  }

  Cell read_cell(const char* at) const {
    double value[6];
    for (int k = 0; k < 6; ++k) {
      value[k] = load<double>(at + 8 * k, layout_.order);
      if (!std::isfinite(value[k])) refuse("the cell is not finite");
    }
    CellParameters parameters{{value[0], value[2], value[5]}, {value[4], value[3], value[1]}};
    const auto all = [&](auto&& test) { return std::all_of(parameters.cosine.begin(), parameters.cosine.end(), test); };
    if (!all([](double v) { return std::abs(v) <= 1; })) {
      if (!all([](double v) { return v > 1 && v < 180; })) return cell_from_symmetric_matrix(value);
      for (double& angle : parameters.cosine) angle = cosine_of_degrees(angle);
    }
    return cell_from_parameters(parameters);
  }

  ByteFile bytes_;
  Topology topology_;
  Layout layout_{std::endian::little, 4};
  bool has_cell_ = false, has_fourth_ = false;
  std::int64_t first_step_ = 0, step_interval_ = 0;
  std::optional<double> time_step_fs_;
  std::uint64_t atoms_ = 0, frames_at_ = 0, frame_bytes_ = 0;
};

}  // namespace

bool recognizes_dcd(std::string_view bytes) { return layout_of(bytes).has_value(); }

std::unique_ptr<TrajectoryReader> open_dcd(const std::filesystem::path& path, const ReadOptions& options) {
  return std::make_unique<DcdReader>(path, options);
}

std::unique_ptr<TrajectoryReader> open_dcd_bytes(std::string_view bytes, const std::string& name, Topology topology,
                                                 const ReadOptions& options) {
  return std::make_unique<DcdReader>(bytes, name, std::move(topology), options);
}

}  // namespace saltus
