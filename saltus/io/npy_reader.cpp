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

namespace saltus {

namespace {

constexpr std::string_view magic("\x93NUMPY", 6);
constexpr std::uint64_t header_limit = 65536;
constexpr std::size_t read_ahead = std::size_t{1} << 18;

template <typename... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> message, Args&&... args) {
  throw Error(ErrorKind::format, fmt::format(message, std::forward<Args>(args)...));
}
template <typename... Args>
[[noreturn]] void do_not_support(fmt::format_string<Args...> message, Args&&... args) {
  throw Error(ErrorKind::unsupported, fmt::format(message, std::forward<Args>(args)...));
}

struct ArrayHeader {
  std::string type;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::uint64_t>> shape;
};

// The dictionary {'descr': '<f8', 'fortran_order': False, 'shape': (2, 3, 3), }.
class DictionaryParser {
 public:
  explicit DictionaryParser(std::string_view text) : rest_(text) {}

  ArrayHeader parse() {
    ArrayHeader header;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") {
        blanks();
        if (!rest_.empty() && rest_[0] == '[') do_not_support("a structured array; save the positions alone");
        header.type = quoted();
      } else if (key == "fortran_order") {
        header.fortran_order = word() == "True";
      } else if (key == "shape") {
        header.shape = tuple();
      } else {
        refuse("the header has an unknown key {}", shown(key));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    blanks();
    if (!rest_.empty()) refuse("the header goes on behind its dictionary: {}", shown(rest_));
    if (header.type.empty() || !header.fortran_order || !header.shape)
      refuse("the header lacks descr, fortran_order or shape");
    return header;
  }

 private:
  void blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n\r"), rest_.size())); }
  bool accept(char c) {
    blanks();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) refuse("the header has {}, expected '{}'", shown(rest_), c);
  }
  std::string quoted() {
    blanks();
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"'))
      refuse("the header has {}, expected a text in quotes", shown(rest_));
    const std::size_t end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos) refuse("the header has an open quote at {}", shown(rest_));
    const std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }
  std::string_view word() {
    blanks();
    const std::string_view found = rest_.substr(0, rest_.find_first_of(" \t\n\r,})"));
    if (found != "True" && found != "False") refuse("the header has {}, expected True or False", shown(found));
    rest_.remove_prefix(found.size());
    return found;
  }
  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> lengths;
    expect('(');
    while (!accept(')')) {
      blanks();
      std::size_t digits = rest_.find_first_not_of("0123456789");
      digits = std::min(digits, rest_.size());
      const auto value = parse_int(rest_.substr(0, digits));
      if (!value) refuse("the shape has {}, expected a number", shown(rest_));
      if (lengths.size() == 64) refuse("the shape has more than 64 dimensions");
      lengths.push_back(static_cast<std::uint64_t>(*value));
      rest_.remove_prefix(digits);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return lengths;
  }

  std::string_view rest_;
};

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
    const char* start = bytes_.at(0, 10, read_ahead);
    if (std::string_view(start, magic.size()) != magic) refuse("expected the magic bytes of a .npy file");
    const auto version = static_cast<unsigned char>(start[6]);
    if (version < 1 || version > 3) do_not_support("version {} of the .npy format", version);
    std::uint64_t at = version == 1 ? 10 : 12;
    const std::uint64_t length = version == 1 ? static_cast<unsigned char>(start[8]) |
                                                    static_cast<unsigned>(static_cast<unsigned char>(start[9])) << 8
                                              : load<std::uint32_t>(bytes_.at(8, 4), std::endian::little);
    if (length > header_limit) refuse("a header of {} bytes", length);
    const ArrayHeader header =
        DictionaryParser({bytes_.at(at, length, read_ahead), static_cast<std::size_t>(length)}).parse();
    at += length;

    if (header.type != "<f4" && header.type != ">f4" && header.type != "<f8" && header.type != ">f8")
      do_not_support("numbers of type {}; save them with astype('float64')", shown(header.type));
    order_ = header.type[0] == '<' ? std::endian::little : std::endian::big;
    number_bytes_ = header.type[2] == '4' ? 4 : 8;
    const auto& shape = *header.shape;
    std::string text;
    for (const auto n : shape) text += fmt::format("{}{}", text.empty() ? "" : ", ", n);
    if (shape.size() != 3 || shape[2] != 3)
      do_not_support("an array of shape ({}), expected (frames, atoms, 3); use reshape", text);
    if (*header.fortran_order) do_not_support("an array in Fortran order; save numpy.ascontiguousarray of it");
    const std::uint64_t frames = shape[0];
    if (frames == 0 || shape[1] == 0) refuse("an array of shape ({}) holds no frame", text);
    require_atom_count(topology_, shape[1]);
    frames_at_ = at;
    frame_bytes_ = shape[1] * 3 * number_bytes_;
    const std::uint64_t left = bytes_.size() - at, whole = left / frame_bytes_;
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

bool recognizes_npy(std::string_view bytes) { return bytes.starts_with(magic); }

std::unique_ptr<TrajectoryReader> open_npy(const std::filesystem::path& path, const ReadOptions& options) {
  return std::make_unique<NpyReader>(path, options);
}

std::unique_ptr<TrajectoryReader> open_npy_bytes(std::string_view bytes, const std::string& name, Topology topology,
                                                 const ReadOptions& options) {
  return std::make_unique<NpyReader>(bytes, name, std::move(topology), options);
}

}  // namespace saltus
