// Writes DCD as CHARMM does.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/cell_parameters.hpp"
#include "saltus/io/dcd.hpp"
#include "saltus/io/frame_checks.hpp"
#include "saltus/io/output_file.hpp"

namespace saltus {

namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int32_t>::max();

template <typename Number>
void append_number(std::string& bytes, Number number) {
  static_assert(std::endian::native == std::endian::little, "files are written little endian");
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void append_int(std::string& bytes, std::int64_t value) { append_number(bytes, static_cast<std::int32_t>(value)); }

// Numbers that should rise evenly from frame to frame.
struct Progress {
  double first = 0, interval = 0;
  bool even = true;

  void add(std::size_t k, double value) {
    if (k == 0) first = value;
    if (k == 1) interval = value - first;
    if (k > 1 && !(std::abs(value - first - static_cast<double>(k) * interval) <= 1e-6 * std::abs(interval)))
      even = false;
  }
};

class DcdWriter final : public TrajectoryWriter {
 public:
  DcdWriter(const std::filesystem::path& path, const WriteOptions& write_options)
      : TrajectoryWriter(write_options), name_(path.string()), file_(path) {}

  void write(const Frame& frame) override {
    try {
      append(frame);
    } catch (const Error& error) {
      throw with_place(error, fmt::format("{}, frame {}", name_, frames_ + 1));
    }
    ++frames_;
    file_.flush_if_large();
  }

  void commit() override {
    if (frames_ == 0) throw Error(ErrorKind::usage, name_ + ": no frames to write");
    file_.replace_start(header());
    file_.commit();
  }

 private:
  void append(const Frame& frame) {
    const std::size_t n = frame.size();
    require_writable(frame);
    if (static_cast<std::int64_t>(n) > largest / 4 || static_cast<std::int64_t>(frames_) >= largest)
      throw Error(ErrorKind::usage, "DCD counts atoms and frames in 32 bits; write another format");
    const auto& periodic = frame.cell.periodic();
    const bool cell = periodic[0] && periodic[1] && periodic[2];
    if (frame.cell.any_periodic() && !cell)
      throw Error(ErrorKind::usage, "the cell is periodic along some lattice vectors only, which DCD cannot hold");
    if (cell && !is_in_standard_orientation(frame.cell))
      throw Error(
          ErrorKind::usage,
          "DCD holds lengths and angles of a cell with a along x and b in the xy plane; this cell lies otherwise");
    if (frames_ == 0) {
      atoms_ = n;
      has_cell_ = cell;
      file_.text() += header();  // to be replaced when steps and frames are known
    }
    if (n != atoms_)
      throw Error(ErrorKind::usage,
                  fmt::format("{} atoms, the frames before have {}; DCD holds one number of atoms", n, atoms_));
    if (cell != has_cell_)
      throw Error(ErrorKind::usage, "some frames have a cell and some have none; DCD holds one kind");

    std::string bytes;
    if (cell) {
      const CellParameters p = cell_parameters_of(frame.cell);
      append_int(bytes, 48);
      for (const double value :
           {p.length_ang[0], p.cosine[2], p.length_ang[1], p.cosine[1], p.cosine[0], p.length_ang[2]})
        append_number(bytes, value);
      append_int(bytes, 48);
    }
    for (int axis = 0; axis < 3; ++axis) {
      append_int(bytes, static_cast<std::int64_t>(4 * n));
      for (const Vec3& position : frame.position_ang) {
        if (!(std::abs(position[axis]) <= std::numeric_limits<float>::max()))
          throw Error(ErrorKind::numeric, "a position is not finite, or too large for 32 bits");
        append_number(bytes, static_cast<float>(position[axis]));
      }
      append_int(bytes, static_cast<std::int64_t>(4 * n));
    }
    if (!options.step_and_time) times_wanted_ = false;
    step_.add(frames_, static_cast<double>(frame.step));
    time_.add(frames_, frame.time_fs);
    file_.text() += bytes;
  }

  std::string header() const {
    std::int64_t first_step = 0, interval = 1;
    double time_step_fs = 0;
    constexpr auto limit = static_cast<double>(largest);
    const bool fits = step_.first >= 0 && step_.first <= limit && step_.interval <= limit;
    if (times_wanted_ && fits && frames_ == 1) {
      first_step = static_cast<std::int64_t>(step_.first);
      if (first_step > 0) time_step_fs = time_.first / static_cast<double>(first_step);
    } else if (times_wanted_) {
      if (fits && step_.even && step_.interval > 0) {
        first_step = static_cast<std::int64_t>(step_.first);
        interval = static_cast<std::int64_t>(step_.interval);
      }
      if (time_.even && time_.interval > 0) time_step_fs = time_.interval / static_cast<double>(interval);
    }
    std::string bytes;
    append_int(bytes, 84);
    bytes += "CORD";
    const auto last_step = first_step + (static_cast<std::int64_t>(frames_) - 1) * interval;
    append_int(bytes, static_cast<std::int64_t>(frames_));
    append_int(bytes, first_step);
    append_int(bytes, interval);
    append_int(bytes, last_step > 0 && last_step <= largest ? last_step : 0);
    for (int k = 0; k < 5; ++k) append_int(bytes, 0);
    append_number(bytes, static_cast<float>(time_step_fs > 0 ? time_step_fs / units::fs_per_akma_time : 0));
    append_int(bytes, has_cell_ ? 1 : 0);
    for (int k = 0; k < 8; ++k) append_int(bytes, 0);
    append_int(bytes, 24);  // a version of CHARMM that has cells
    append_int(bytes, 84);
    append_int(bytes, 84);
    append_int(bytes, 1);
    std::string title = "REMARKS written by saltus";
    title.resize(80, ' ');
    bytes += title;
    append_int(bytes, 84);
    append_int(bytes, 4);
    append_int(bytes, static_cast<std::int64_t>(atoms_));
    append_int(bytes, 4);
    return bytes;
  }

  std::string name_;
  OutputFile file_;
  std::size_t frames_ = 0, atoms_ = 0;
  bool has_cell_ = false, times_wanted_ = true;
  Progress step_, time_;
};

}  // namespace

std::unique_ptr<TrajectoryWriter> create_dcd(const std::filesystem::path& path, const WriteOptions& options) {
  return std::make_unique<DcdWriter>(path, options);
}

}  // namespace saltus
