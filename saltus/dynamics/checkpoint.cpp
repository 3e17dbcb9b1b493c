#include "saltus/dynamics/checkpoint.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/sha256.hpp"

namespace saltus {

namespace {

static_assert(std::endian::native == std::endian::little, "checkpoints are written in the memory's byte order");

constexpr std::string_view magic = "SALTUSMD";
constexpr std::uint32_t version = 4;
constexpr std::size_t header_size = magic.size() + sizeof(std::uint32_t) + sizeof(std::uint64_t);
constexpr std::size_t digest_size = 64;

class Encoder {
 public:
  explicit Encoder(std::string& bytes) : bytes_(bytes) {}
  template <class T>
  void operator()(const T& value) {
    static_assert(std::is_arithmetic_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void operator()(const Vec3& v) { (*this)(v.x), (*this)(v.y), (*this)(v.z); }
  void operator()(const Mat3& m) { (*this)(m[0]), (*this)(m[1]), (*this)(m[2]); }
  void operator()(const std::string& text) {
    (*this)(static_cast<std::uint64_t>(text.size()));
    bytes_ += text;
  }
  template <class T>
  void operator()(const std::vector<T>& values) {
    (*this)(static_cast<std::uint64_t>(values.size()));
    for (const T& value : values) (*this)(value);
  }
  void operator()(const NamedSetting& setting) { (*this)(setting.first), (*this)(setting.second); }

 private:
  std::string& bytes_;
};

class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  void operator()(T& value) {
    static_assert(std::is_arithmetic_v<T>);
    if constexpr (std::is_same_v<T, bool>) {
      std::uint8_t byte = 0;
      (*this)(byte);
      value = byte != 0;
    } else {
      std::memcpy(&value, take(sizeof value).data(), sizeof value);
    }
  }
  void operator()(Vec3& v) { (*this)(v.x), (*this)(v.y), (*this)(v.z); }
  void operator()(Mat3& m) { (*this)(m[0]), (*this)(m[1]), (*this)(m[2]); }
  void operator()(std::string& text) { text = take(count()); }
  template <class T>
  void operator()(std::vector<T>& values) {
    values.resize(count());
    for (T& value : values) (*this)(value);
  }
  void operator()(NamedSetting& setting) { (*this)(setting.first), (*this)(setting.second); }
  bool empty() const { return bytes_.empty(); }

 private:
  // Every element takes at least one byte, so no count can ask for more memory than the file justifies.
  std::size_t count() {
    std::uint64_t n = 0;
    (*this)(n);
    if (n > bytes_.size()) throw Error(ErrorKind::format, "the checkpoint ends in the middle");
    return static_cast<std::size_t>(n);
  }
  std::string_view take(std::size_t n) {
    if (n > bytes_.size()) throw Error(ErrorKind::format, "the checkpoint ends in the middle");
    const std::string_view taken = bytes_.substr(0, n);
    bytes_.remove_prefix(n);
    return taken;
  }
  std::string_view bytes_;
};

// One list of fields for both ways.
template <class Codec, class CheckpointType, class AtomsType>
void visit_fields(Codec& code, CheckpointType& c, AtomsType& atoms) {
  auto& s = c.state;
  code(atoms.atomic_number), code(atoms.mass_amu);
  code(s.position_ang), code(s.velocity_ang_fs), code(s.force_ev_ang), code(s.reference_ang);
  code(s.energy_ev), code(s.forces_current), code(s.step), code(s.time_fs), code(s.thermostat_ev), code(s.begun);
  code(s.cell_moves), code(s.cell_moves_accepted);
  auto& r = s.random;
  code(r.seed), code(r.stream), code(r.counter);
  for (auto& word : r.block) code(word);
  code(r.used), code(r.spare_normal), code(r.has_spare_normal);
  code(c.settings), code(c.segments), code(c.log_bytes), code(c.wall_s);
  code(c.warnings.first), code(c.warnings.count);
}

struct StoredCell {
  Mat3 rows_ang;
  std::array<bool, 3> periodic{};
  bool has_vectors = false;
};

template <class Codec, class CellType>
void visit_cell(Codec& code, CellType& cell) {
  code(cell.rows_ang);
  for (auto& periodic : cell.periodic) code(periodic);
  code(cell.has_vectors);
}

template <class Codec, class Flag, class Value>
void visit_optional(Codec& code, Flag& present, Value& value) {
  code(present), code(value);
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  const State& s = checkpoint.state;
  std::string payload;
  Encoder encode(payload);
  visit_fields(encode, checkpoint, *s.atoms);
  for (const Cell* one : {&s.cell, &s.reference_cell}) {
    const StoredCell cell{one->rows_ang(), one->periodic(), one->has_vectors()};
    visit_cell(encode, cell);
  }
  const bool has_virial = s.virial_ev.has_value();
  const Mat3 virial = s.virial_ev.value_or(Mat3{});
  visit_optional(encode, has_virial, virial);
  for (const std::optional<double>* largest : {&s.max_extrapolation, &s.max_force_spread_ev_ang}) {
    const bool measured = largest->has_value();
    const double value = largest->value_or(0);
    visit_optional(encode, measured, value);
  }

  std::string file(magic);
  Encoder header(file);
  header(version);
  header(static_cast<std::uint64_t>(payload.size()));
  file += payload;
  file += sha256(file);
  write_file_atomically(path, file);
}

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  const std::string file = read_file(path);
  const auto fail = [&](const std::string& what) { throw Error(ErrorKind::format, path.string() + ": " + what); };
  if (file.size() < magic.size() || std::string_view(file).substr(0, magic.size()) != magic)
    fail("not a checkpoint of saltus md");
  if (file.size() < header_size + digest_size) fail("the checkpoint is cut off");
  std::uint32_t found = 0;
  std::uint64_t size = 0;
  std::memcpy(&found, file.data() + magic.size(), sizeof found);
  std::memcpy(&size, file.data() + magic.size() + sizeof found, sizeof size);
  if (found != version) fail(fmt::format("a checkpoint of version {}, but this program reads version {}", found, version));
  if (size != file.size() - header_size - digest_size) fail("the checkpoint is cut off or has grown");
  const std::string_view content(file.data(), file.size() - digest_size);
  if (sha256(content) != std::string_view(file).substr(content.size())) fail("the checkpoint is damaged: its SHA-256 does not match");

  Checkpoint checkpoint;
  State& s = checkpoint.state;
  try {
    Decoder decode(content.substr(header_size));
    Atoms atoms;
    visit_fields(decode, checkpoint, atoms);
    std::array<StoredCell, 2> cells;
    for (StoredCell& cell : cells) visit_cell(decode, cell);
    bool has_virial = false;
    Mat3 virial;
    visit_optional(decode, has_virial, virial);
    if (has_virial) s.virial_ev = virial;
    for (std::optional<double>* largest : {&s.max_extrapolation, &s.max_force_spread_ev_ang}) {
      bool measured = false;
      double value = 0;
      visit_optional(decode, measured, value);
      if (measured) *largest = value;
    }
    const std::size_t n = atoms.size();
    if (!decode.empty() || n == 0 || atoms.mass_amu.size() != n || s.position_ang.size() != n ||
        s.velocity_ang_fs.size() != n || s.force_ev_ang.size() != n ||
        (!s.reference_ang.empty() && s.reference_ang.size() != n) || s.random.used > 4)
      throw Error(ErrorKind::format, "the fields of the checkpoint do not fit together");
    s.atoms = std::make_shared<const Atoms>(std::move(atoms));
    const auto built = [](const StoredCell& cell) { return cell.has_vectors ? Cell(cell.rows_ang, cell.periodic) : Cell(); };
    s.cell = built(cells[0]);
    s.reference_cell = built(cells[1]);
  } catch (const Error& error) {
    throw with_place(error, path.string());
  }
  return checkpoint;
}

void require_same_settings(const std::vector<NamedSetting>& stored, const std::vector<NamedSetting>& current) {
  const auto find = [](const std::vector<NamedSetting>& list, const std::string& name) -> const std::string* {
    for (const NamedSetting& setting : list)
      if (setting.first == name) return &setting.second;
    return nullptr;
  };
  const auto fail = [](const std::string& name, const std::string& was, const std::string& is) {
    throw Error(ErrorKind::usage, fmt::format("the run was begun with {} = {}, now it is {}; continue with the same settings, or "
                                              "choose another folder", name, was, is));
  };
  for (const auto& [name, value] : current) {
    const std::string* was = find(stored, name);
    if (!was) fail(name, "(not set)", value);
    else if (*was != value) fail(name, *was, value);
  }
  for (const auto& [name, value] : stored)
    if (!find(current, name)) fail(name, value, "(not set)");
}

}  // namespace saltus
