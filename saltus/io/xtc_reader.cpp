// Reads XTC frame by frame.
#include <bit>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/byte_file.hpp"
#include "saltus/io/frame_access.hpp"
#include "saltus/io/frame_checks.hpp"
#include "saltus/io/xdr_box.hpp"
#include "saltus/io/xtc.hpp"
#include "saltus/io/xtc_coding.hpp"

namespace saltus {

namespace {

constexpr std::int32_t magic_32 = 1995, magic_64 = 2023;
constexpr std::int32_t largest_not_compressed = 9;
constexpr std::uint64_t start_bytes = 56;  // up to the second number of atoms
constexpr std::uint64_t block_bytes = 32;  // precision, minimum, maximum, width
constexpr std::size_t read_ahead = std::size_t{1} << 18;

template <typename Number>
Number big(const char* bytes) {
  return load<Number>(bytes, std::endian::big);
}

struct Header {
  std::uint64_t atoms = 0;
  bool compressed = false;
  std::uint64_t data = 0, data_bytes = 0;  // offset and number of the bytes of the positions
  std::uint64_t end = 0;                   // offset behind the frame
};

class XtcReader final : public SequentialReader {
 public:
  XtcReader(const std::filesystem::path& path, const ReadOptions& options)
      : SequentialReader(path.string()), bytes_(path), topology_(read_topology(options, path.string(), "XTC")) {
    name_source();
  }
  XtcReader(std::string_view bytes, const std::string& name, Topology topology)
      : SequentialReader(name), bytes_(bytes), topology_(std::move(topology)) {
    name_source();
  }

 private:
  void name_source() {
    source_.columns = "positions";
    source_.time = "time";
    source_.step = "step";
  }

  Header header_at(std::uint64_t offset, std::size_t ahead) {
    const char* start = bytes_.at(offset, start_bytes, ahead);
    const auto magic = big<std::int32_t>(start);
    if (magic != magic_32 && magic != magic_64)
      throw Error(ErrorKind::format, fmt::format("expected the magic number {} or {} at byte {}, found {}", magic_32,
                                                 magic_64, offset, magic));
    const auto atoms = big<std::int32_t>(start + 4), again = big<std::int32_t>(start + 52);
    if (atoms < 1)
      throw Error(ErrorKind::format, fmt::format("the number of atoms must be at least 1, found {}", atoms));
    if (atoms != again)
      throw Error(ErrorKind::format, fmt::format("the number of atoms is given as {} and as {}", atoms, again));
    Header header;
    header.atoms = static_cast<std::uint64_t>(atoms);
    header.compressed = atoms > largest_not_compressed;
    header.data = offset + start_bytes;
    header.data_bytes = 12 * header.atoms;
    if (header.compressed) {
      const std::uint64_t length_bytes = magic == magic_64 ? 8 : 4;
      const char* block = bytes_.at(header.data, block_bytes + length_bytes, ahead) + block_bytes;
      const std::int64_t length = magic == magic_64 ? big<std::int64_t>(block) : big<std::int32_t>(block);
      header.data += block_bytes + length_bytes;
      header.data_bytes = static_cast<std::uint64_t>(length);
      if (length < 0 || header.data_bytes < least_xtc_bytes(header.atoms))
        throw Error(ErrorKind::format, fmt::format("{} bytes cannot hold the positions of {} atoms", length, atoms));
    }
    if (!bytes_.holds(header.data, header.data_bytes))
      throw Error(ErrorKind::format,
                  fmt::format("the file ends at byte {} within the positions, {} bytes from byte {} on; it is cut off",
                              bytes_.size(), header.data_bytes, header.data));
    // Filled up to a multiple of four; files cut off within the filling hold all that counts.
    header.end = std::min(header.data + ((header.data_bytes + 3) & ~std::uint64_t{3}), bytes_.size());
    return header;
  }

  bool skip_at(Place& place) override {
    if (place.offset == bytes_.size()) return false;
    place.offset = header_at(place.offset, start_bytes + block_bytes + 8).end;
    return true;
  }

  bool read_at(Place& place, Frame& frame) override {
    if (place.offset == bytes_.size()) return false;
    const Header header = header_at(place.offset, read_ahead);
    require_atom_count(topology_, header.atoms);
    const auto atoms = static_cast<std::size_t>(header.atoms);

    const char* start = bytes_.at(place.offset, start_bytes, read_ahead);
    frame.step = big<std::int32_t>(start + 8);
    const double time_ps = big<float>(start + 12);
    if (!std::isfinite(time_ps)) throw Error(ErrorKind::format, "the time is not finite");
    frame.time_fs = time_ps * units::fs_per_ps;
    frame.cell = cell_from_xdr<float>(start + 16);
    frame.atoms = topology_.atoms;
    frame.velocity_ang_fs.clear();
    frame.force_ev_ang.clear();
    frame.energy_ev.reset();
    frame.bead.reset();
    frame.virial_ev.reset();
    frame.position_ang.resize(atoms);
    if (header.compressed) {
      const char* at = bytes_.at(place.offset + start_bytes, block_bytes, read_ahead);
      const float precision = big<float>(at);
      if (!std::isfinite(precision) || precision <= 0)
        throw Error(ErrorKind::format, fmt::format("the precision must be positive, found {}", precision));
      XtcBlock block;
      for (int axis = 0; axis < 3; ++axis) {
        block.minimum[axis] = big<std::int32_t>(at + 4 + 4 * axis);
        block.maximum[axis] = big<std::int32_t>(at + 16 + 4 * axis);
      }
      block.small_index = big<std::int32_t>(at + 28);
      const char* data = bytes_.at(header.data, header.data_bytes, read_ahead);
      decode_xtc(block, data, header.data_bytes, units::ang_per_nm / precision, frame.position_ang);
    } else {
      const char* data = bytes_.at(header.data, header.data_bytes, read_ahead);
      for (std::size_t i = 0; i < atoms; ++i)
        frame.position_ang[i] = units::ang_per_nm * Vec3{big<float>(data + 12 * i), big<float>(data + 12 * i + 4),
                                                         big<float>(data + 12 * i + 8)};
      require_finite(frame.position_ang, "position");
    }
    place.offset = header.end;
    return true;
  }

  ByteFile bytes_;
  Topology topology_;
};

}  // namespace

bool recognizes_xtc(std::string_view bytes) {
  if (bytes.size() < start_bytes) return false;
  const auto magic = big<std::int32_t>(bytes.data());
  return (magic == magic_32 || magic == magic_64) && big<std::int32_t>(bytes.data() + 4) > 0;
}

std::unique_ptr<TrajectoryReader> open_xtc(const std::filesystem::path& path, const ReadOptions& options) {
  return std::make_unique<XtcReader>(path, options);
}

std::unique_ptr<TrajectoryReader> open_xtc_bytes(std::string_view bytes, const std::string& name, Topology topology) {
  return std::make_unique<XtcReader>(bytes, name, std::move(topology));
}

}  // namespace saltus
