// Reads TRR frame by frame.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/byte_file.hpp"
#include "saltus/io/frame_access.hpp"
#include "saltus/io/frame_checks.hpp"
#include "saltus/io/trr.hpp"
#include "saltus/io/xdr_box.hpp"

namespace saltus {

namespace {

constexpr std::int32_t magic_number = 1993;
constexpr std::string_view version_text = "GMX_trn_file";
constexpr std::uint64_t text_bytes = 12 + 12;  // magic, two lengths of the text, the text
constexpr std::uint64_t sizes_bytes = 13 * 4;
constexpr std::size_t read_ahead = std::size_t{1} << 18;

std::int32_t int_at(const char* bytes) { return load<std::int32_t>(bytes, std::endian::big); }

bool starts_frame(const char* bytes) {
  return int_at(bytes) == magic_number && int_at(bytes + 4) == 13 && int_at(bytes + 8) == 12 &&
         std::string_view(bytes + 12, version_text.size()) == version_text;
}

struct Header {
  std::uint64_t atoms = 0;
  std::int32_t step = 0;
  std::uint64_t number_bytes = 4;  // single or double precision
  std::uint64_t time = 0;          // offsets; zero: the frame has no such block
  std::uint64_t box = 0, positions = 0, velocities = 0, forces = 0;
  std::uint64_t end = 0;  // offset behind the frame
};

class TrrReader final : public SequentialReader {
 public:
  TrrReader(const std::filesystem::path& path, const ReadOptions& options)
      : SequentialReader(path.string()), bytes_(path), topology_(read_topology(options, path.string(), "TRR")) {}
  TrrReader(std::string_view bytes, const std::string& name, Topology topology)
      : SequentialReader(name), bytes_(bytes), topology_(std::move(topology)) {}

 private:
  Header header_at(std::uint64_t offset, std::size_t ahead) {
    const char* at = bytes_.at(offset, text_bytes + sizes_bytes, ahead);
    if (!starts_frame(at))
      throw Error(ErrorKind::format,
                  fmt::format("expected the magic number {} and '{}' at byte {}", magic_number, version_text, offset));
    at += text_bytes;
    // ir, e, box, vir, pres, top, sym, x, v, f: bytes of the blocks, in the order of the blocks.
    std::uint64_t size[10];
    for (int k = 0; k < 10; ++k) {
      const std::int32_t value = int_at(at + 4 * k);
      if (value < 0) throw Error(ErrorKind::format, fmt::format("a block of {} bytes", value));
      size[k] = static_cast<std::uint64_t>(value);
    }
    const std::uint64_t box = size[2], positions = size[7], velocities = size[8], forces = size[9];
    const std::int32_t atoms = int_at(at + 40);
    if (atoms < 1)
      throw Error(ErrorKind::format, fmt::format("the number of atoms must be at least 1, found {}", atoms));
    Header header;
    header.atoms = static_cast<std::uint64_t>(atoms);
    header.step = int_at(at + 44);
    for (const auto& [bytes, numbers] : {std::pair{box, std::uint64_t{9}},
                                         {size[3], std::uint64_t{9}},
                                         {size[4], std::uint64_t{9}},
                                         {positions, 3 * header.atoms},
                                         {velocities, 3 * header.atoms},
                                         {forces, 3 * header.atoms}})
      if (bytes > 0) header.number_bytes = bytes / numbers;
    if (header.number_bytes != 4 && header.number_bytes != 8)
      throw Error(ErrorKind::format,
                  fmt::format("blocks of {} bytes for {} atoms are neither single nor double precision",
                              std::max({positions, velocities, forces, box}), atoms));
    for (const auto bytes : {positions, velocities, forces})
      if (bytes != 0 && bytes != 3 * header.atoms * header.number_bytes)
        throw Error(ErrorKind::format, fmt::format("a block of {} bytes for {} atoms in {} precision", bytes, atoms,
                                                   header.number_bytes == 4 ? "single" : "double"));
    for (const auto bytes : {box, size[3], size[4]})
      if (bytes != 0 && bytes != 9 * header.number_bytes)
        throw Error(ErrorKind::format, fmt::format("a box, virial or pressure of {} bytes in {} precision", bytes,
                                                   header.number_bytes == 4 ? "single" : "double"));
    for (const int k : {0, 1, 5, 6})
      if (size[k] != 0)
        throw Error(ErrorKind::unsupported,
                    "blocks of a format older than GROMACS 3; convert the file with gmx trjconv");
    header.time = offset + text_bytes + sizes_bytes;
    std::uint64_t next = header.time + 2 * header.number_bytes;
    const auto block = [&](std::uint64_t bytes) {
      const std::uint64_t start = bytes > 0 ? next : 0;
      next += bytes;
      return start;
    };
    header.box = block(box);
    block(size[3]);
    block(size[4]);
    header.positions = block(positions);
    header.velocities = block(velocities);
    header.forces = block(forces);
    header.end = next;
    if (!bytes_.holds(offset, header.end - offset))
      throw Error(ErrorKind::format, fmt::format("the file ends at byte {}, the frame at byte {}; it is cut off",
                                                 bytes_.size(), header.end));
    return header;
  }

  // Moves on to a frame with positions; false at the end.
  bool find_frame(std::uint64_t& offset, Header& header, std::size_t ahead) {
    for (; offset != bytes_.size(); offset = header.end) {
      header = header_at(offset, ahead);
      if (header.positions != 0) return true;
    }
    if (frame_number() == 0 && bytes_.size() > 0) throw Error(ErrorKind::unsupported, "no frame of the file has positions");
    return false;
  }

  bool skip_at(Place& place) override {
    Header header;
    if (!find_frame(place.offset, header, 0)) return false;
    place.offset = header.end;
    return true;
  }

  bool read_at(Place& place, Frame& frame) override {
    Header header;
    if (!find_frame(place.offset, header, read_ahead)) return false;
    require_atom_count(topology_, header.atoms);
    if (header.number_bytes == 4)
      read_numbers<float>(header, frame);
    else
      read_numbers<double>(header, frame);
    frame.step = header.step;
    frame.atoms = topology_.atoms;
    frame.energy_ev.reset();
    frame.bead.reset();
    frame.virial_ev.reset();
    source_.columns = "positions";
    source_.velocities = header.velocities != 0 ? "velocities" : "";
    source_.forces = header.forces != 0 ? "forces" : "";
    source_.time = "time";
    source_.step = "step";
    if (header.velocities != 0) source_.columns += " velocities";
    if (header.forces != 0) source_.columns += " forces";
    place.offset = header.end;
    return true;
  }

  template <typename Number>
  void read_numbers(const Header& header, Frame& frame) {
    const double time_ps = load<Number>(bytes_.at(header.time, sizeof(Number), read_ahead), std::endian::big);
    if (!std::isfinite(time_ps)) throw Error(ErrorKind::format, "the time is not finite");
    frame.time_fs = time_ps * units::fs_per_ps;
    frame.cell =
        header.box != 0 ? cell_from_xdr<Number>(bytes_.at(header.box, 9 * sizeof(Number), read_ahead)) : Cell();
    read_vectors<Number>(header.positions, header.atoms, units::ang_per_nm, "position", frame.position_ang);
    read_vectors<Number>(header.velocities, header.atoms, units::ang_per_nm / units::fs_per_ps, "velocity",
                         frame.velocity_ang_fs);
    read_vectors<Number>(header.forces, header.atoms, units::ev_per_kj_mol / units::ang_per_nm, "force",
                         frame.force_ev_ang);
  }

  template <typename Number>
  void read_vectors(std::uint64_t offset, std::uint64_t atoms, double factor, const char* what,
                    std::vector<Vec3>& vectors) {
    vectors.clear();
    if (offset == 0) return;
    const char* at = bytes_.at(offset, 3 * atoms * sizeof(Number), read_ahead);
    vectors.resize(static_cast<std::size_t>(atoms));
    for (Vec3& v : vectors) {
      for (int axis = 0; axis < 3; ++axis)
        v[axis] = factor * double{load<Number>(at + axis * static_cast<int>(sizeof(Number)), std::endian::big)};
      at += 3 * sizeof(Number);
    }
    require_finite(vectors, what);
  }

  ByteFile bytes_;
  Topology topology_;
};

}  // namespace

bool recognizes_trr(std::string_view bytes) { return bytes.size() >= text_bytes && starts_frame(bytes.data()); }

std::unique_ptr<TrajectoryReader> open_trr(const std::filesystem::path& path, const ReadOptions& options) {
  return std::make_unique<TrrReader>(path, options);
}

std::unique_ptr<TrajectoryReader> open_trr_bytes(std::string_view bytes, const std::string& name, Topology topology) {
  return std::make_unique<TrrReader>(bytes, name, std::move(topology));
}

}  // namespace saltus
