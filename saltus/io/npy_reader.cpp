// Reads arrays of positions frame by frame.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/io/byte_file.hpp"
#include "saltus/io/frame_access.hpp"
#include "saltus/io/frame_checks.hpp"
#include "saltus/io/lines.hpp"
#include "saltus/io/npy.hpp"
#include "saltus/io/npy_header.hpp"
#include "saltus/io/refuse.hpp"

namespace saltus {

namespace {

constexpr std::size_t read_ahead = std::size_t{1} << 18;

class NpyReader final : public NumberedReader {
 public:
  NpyReader(const std::filesystem::path& path, const ReadOptions& options)
      : NumberedReader(path.string()), bytes_(path), topology_(read_topology(options, path.string(), "an array")) {
    open(options);
  }
  NpyReader(std::string_view bytes, const std::string& name, Topology topology, const ReadOptions& options)
      : NumberedReader(name), bytes_(bytes), topology_(std::move(topology)) {
    open(options);
  }

 private:
  void read_header(const ReadOptions& options) override {
    const NpyHeader header = read_npy_header(bytes_);
    if (header.type != "<f4" && header.type != ">f4" && header.type != "<f8" && header.type != ">f8")
      do_not_support("numbers of type {}; save them with astype('float64')", shown(header.type));
    order_ = header.type[0] == '<' ? std::endian::little : std::endian::big;
    number_bytes_ = header.type[2] == '4' ? 4 : 8;
    const auto& shape = header.shape;
    const std::string text = header.shape_text();
    if (shape.size() != 3 || shape[2] != 3)
      do_not_support("an array of shape ({}), expected (frames, atoms, 3); use reshape", text);
    if (header.fortran_order) do_not_support("an array in Fortran order; save numpy.ascontiguousarray of it");
    const std::uint64_t frames = shape[0];
    if (frames == 0 || shape[1] == 0) refuse("an array of shape ({}) holds no frame", text);
    require_atom_count(topology_, shape[1]);
    frames_at_ = header.size;
    frame_bytes_ = shape[1] * 3 * number_bytes_;
    const std::uint64_t left = bytes_.size() - header.size, whole = left / frame_bytes_;
    if (whole > frames || (whole == frames && left % frame_bytes_ != 0))
      refuse("the file has {} bytes more than its shape ({}) takes", left - frames * frame_bytes_, text);
    whole_frames_ = static_cast<std::size_t>(whole);
    if (whole < frames)
      cut_off_ = fmt::format("the file ends at byte {}, its shape has {} frames; it is cut off", bytes_.size(), frames);
    source_.columns = "positions";
    if (options.time_step_fs > 0) {
      time_step_fs_ = options.time_step_fs;
      source_.time = "time_step_fs";
    }
  }

  void read_frame(std::size_t k, Frame& frame) override {
    const char* at = bytes_.at(frames_at_ + k * frame_bytes_, frame_bytes_, read_ahead);
    frame.position_ang.resize(topology_.atoms->size());
    for (Vec3& position : frame.position_ang)
      for (int axis = 0; axis < 3; ++axis, at += number_bytes_)
        position[axis] = number_bytes_ == 4 ? double{load<float>(at, order_)} : load<double>(at, order_);
    require_finite(frame.position_ang, "position");
    frame.atoms = topology_.atoms;
    frame.cell = topology_.cell;
    frame.velocity_ang_fs.clear();
    frame.force_ev_ang.clear();
    frame.energy_ev.reset();
    frame.bead.reset();
    frame.virial_ev.reset();
    frame.step = static_cast<std::int64_t>(k);
    frame.time_fs = static_cast<double>(k) * time_step_fs_;
  }

  ByteFile bytes_;
  Topology topology_;
  std::endian order_ = std::endian::little;
  std::uint64_t number_bytes_ = 8, frames_at_ = 0, frame_bytes_ = 0;
  double time_step_fs_ = 0;
};

}  // namespace

std::unique_ptr<TrajectoryReader> open_npy(const std::filesystem::path& path, const ReadOptions& options) {
  return std::make_unique<NpyReader>(path, options);
}

std::unique_ptr<TrajectoryReader> open_npy_bytes(std::string_view bytes, const std::string& name, Topology topology,
                                                 const ReadOptions& options) {
  return std::make_unique<NpyReader>(bytes, name, std::move(topology), options);
}

}  // namespace saltus
