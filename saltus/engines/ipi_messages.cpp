#include "saltus/engines/ipi_messages.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/units.hpp"

namespace saltus {

namespace {

using units::ang_per_bohr;
using units::ev_ang_per_hartree_bohr;
using units::ev_per_hartree;

template <class T>
void append(std::string& bytes, T value) {
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  bytes.append(raw, sizeof value);
}

// Reads on while there is enough; a message is complete when all of it could be read.
class Bytes {
 public:
  explicit Bytes(std::string_view rest) : rest_(rest) {}
  bool has(std::size_t count) const { return rest_.size() >= count; }
  std::string_view take(std::size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  template <class T>
  T get() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  Vec3 vector(double factor) {
    const double x = get<double>(), y = get<double>(), z = get<double>();
    return {factor * x, factor * y, factor * z};
  }
  /// Written with the vectors (or the first index) as columns.
  Mat3 transposed(double factor) {
    Mat3 m;
    for (int axis = 0; axis < 3; ++axis)
      for (int k = 0; k < 3; ++k) m[k][axis] = factor * get<double>();
    return m;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

void append_transposed(std::string& bytes, const Mat3& m, double divisor) {
  for (int axis = 0; axis < 3; ++axis)
    for (int k = 0; k < 3; ++k) append(bytes, m[k][axis] / divisor);
}

void append_vector(std::string& bytes, const Vec3& v, double divisor) {
  for (int axis = 0; axis < 3; ++axis) append(bytes, v[axis] / divisor);
}

void append_cell(std::string& bytes, const Mat3& rows_ang) {
  append_transposed(bytes, rows_ang, ang_per_bohr);
  append_transposed(bytes, inverse(rows_ang), 1 / ang_per_bohr);
}

constexpr std::size_t cell_bytes = 18 * sizeof(double), vector_bytes = 3 * sizeof(double), matrix_bytes = 9 * sizeof(double);

/// The header's word, once it is complete. Bytes that begin no word of `words` are refused at once.
std::optional<std::string_view> word_of(Bytes& bytes, std::span<const std::string_view> words, const char* from) {
  const std::string_view seen = bytes.rest().substr(0, header_bytes);
  bool begins = false;
  for (const std::string_view word : words) {
    std::string header(word);
    header.resize(header_bytes, ' ');
    if (seen == header) return bytes.take(header_bytes).substr(0, word.size());
    begins = begins || header.starts_with(seen);
  }
  if (begins) return std::nullopt;
  std::vector<std::string> known(words.begin(), words.end());
  throw Error(ErrorKind::format, fmt::format("received '{}', which begins no message of {} of the i-PI protocol ({})", shown_bytes(seen), from, join(known)));
}

std::optional<ServerMessage> posdata(Bytes& bytes, const MessageShape& shape) {
  const std::size_t n = shape.atoms, count = shape.batch.value_or(1);
  Posdata message;
  const auto check_atoms = [&](std::int32_t atoms) {
    if (atoms < 0 || static_cast<std::size_t>(atoms) != n)
      throw Error(ErrorKind::usage, fmt::format("the server sends {} atoms, {} are expected: both sides must start from the same atoms in the same order", atoms, n));
  };
  const auto cell = [&] {
    message.cell_rows_ang.push_back(bytes.transposed(ang_per_bohr));
    bytes.take(cell_bytes / 2);  // h⁻¹ says nothing more
  };
  if (shape.batch) {
    if (!bytes.has(sizeof(std::int32_t))) return std::nullopt;
    check_atoms(bytes.get<std::int32_t>());
    if (!bytes.has(count * (cell_bytes + n * vector_bytes))) return std::nullopt;
    for (std::size_t b = 0; b < count; ++b) cell();
  } else {
    if (!bytes.has(cell_bytes + sizeof(std::int32_t))) return std::nullopt;
    cell();
    check_atoms(bytes.get<std::int32_t>());
    if (!bytes.has(n * vector_bytes)) return std::nullopt;
  }
  message.position_ang.reserve(count * n);
  for (std::size_t i = 0; i < count * n; ++i) message.position_ang.push_back(bytes.vector(ang_per_bohr));
  return message;
}

std::optional<ServerMessage> init(Bytes& bytes) {
  if (!bytes.has(2 * sizeof(std::int32_t))) return std::nullopt;
  Init message;
  message.bead = bytes.get<std::int32_t>();
  const auto length = bytes.get<std::int32_t>();
  if (length < 0 || static_cast<std::size_t>(length) > most_init_bytes)
    throw Error(ErrorKind::format, fmt::format("received INIT with a text of {} bytes; at most {} are read", length, most_init_bytes));
  if (!bytes.has(static_cast<std::size_t>(length))) return std::nullopt;
  message.text = bytes.take(static_cast<std::size_t>(length));
  return message;
}

std::optional<ClientMessage> forceready(Bytes& bytes, const MessageShape& shape) {
  const std::size_t n = shape.atoms, count = shape.batch.value_or(1);
  Forceready message;
  if (!bytes.has(count * sizeof(double) + sizeof(std::int32_t))) return std::nullopt;
  for (std::size_t b = 0; b < count; ++b) message.energy_ev.push_back(ev_per_hartree * bytes.get<double>());
  const auto atoms = bytes.get<std::int32_t>();
  if (atoms < 0 || static_cast<std::size_t>(atoms) != n) throw Error(ErrorKind::format, fmt::format("answered with forces on {} atoms, {} were asked for", atoms, n));
  if (!bytes.has(count * (n * vector_bytes + matrix_bytes))) return std::nullopt;
  message.force_ev_ang.reserve(count * n);
  for (std::size_t i = 0; i < count * n; ++i) message.force_ev_ang.push_back(bytes.vector(ev_ang_per_hartree_bohr));
  for (std::size_t b = 0; b < count; ++b) message.virial_ev.push_back(bytes.transposed(ev_per_hartree));
  for (std::size_t b = 0; b < count; ++b) {
    if (!bytes.has(sizeof(std::int32_t))) return std::nullopt;
    const auto length = bytes.get<std::int32_t>();
    if (length < 0 || static_cast<std::size_t>(length) > most_extras_bytes)
      throw Error(ErrorKind::format, fmt::format("answered with {} bytes of extras; at most {} are read", length, most_extras_bytes));
    if (!bytes.has(static_cast<std::size_t>(length))) return std::nullopt;
    message.extras.emplace_back(bytes.take(static_cast<std::size_t>(length)));
  }
  return message;
}

}  // namespace

std::optional<ServerMessage> take_server_message(std::string_view& bytes, const MessageShape& shape) {
  static constexpr std::array<std::string_view, 5> words{"STATUS", "INIT", "POSDATA", "GETFORCE", "EXIT"};
  Bytes rest(bytes);
  const auto word = word_of(rest, words, "a server");
  if (!word) return std::nullopt;
  std::optional<ServerMessage> message;
  if (*word == "STATUS") message = Status{};
  else if (*word == "GETFORCE") message = Getforce{};
  else if (*word == "EXIT") message = Exit{};
  else if (*word == "INIT") message = init(rest);
  else message = posdata(rest, shape);
  if (message) bytes = rest.rest();
  return message;
}

std::optional<ClientMessage> take_client_message(std::string_view& bytes, const MessageShape& shape) {
  static constexpr std::array<std::string_view, 4> words{"READY", "NEEDINIT", "HAVEDATA", "FORCEREADY"};
  Bytes rest(bytes);
  const auto word = word_of(rest, words, "a client");
  if (!word) return std::nullopt;
  std::optional<ClientMessage> message;
  if (*word == "READY") message = Ready{};
  else if (*word == "NEEDINIT") message = Needinit{};
  else if (*word == "HAVEDATA") message = Havedata{};
  else message = forceready(rest, shape);
  if (message) bytes = rest.rest();
  return message;
}

void append_word(std::string& bytes, std::string_view word) {
  bytes.append(word);
  bytes.append(header_bytes - word.size(), ' ');
}

void append_init(std::string& bytes, std::int32_t bead, std::string_view text) {
  append_word(bytes, "INIT");
  append(bytes, bead);
  append(bytes, static_cast<std::int32_t>(text.size()));
  bytes.append(text);
}

void append_posdata(std::string& bytes, const MessageShape& shape, std::span<const Mat3> cell_rows_ang, std::span<const Vec3> position_ang) {
  append_word(bytes, "POSDATA");
  if (shape.batch) append(bytes, static_cast<std::int32_t>(shape.atoms));
  for (const Mat3& rows : cell_rows_ang) append_cell(bytes, rows);
  if (!shape.batch) append(bytes, static_cast<std::int32_t>(shape.atoms));
  for (const Vec3& r : position_ang) append_vector(bytes, r, ang_per_bohr);
}

void append_forceready(std::string& bytes, const MessageShape& shape, const Forceready& message) {
  append_word(bytes, "FORCEREADY");
  for (const double energy : message.energy_ev) append(bytes, energy / ev_per_hartree);
  append(bytes, static_cast<std::int32_t>(shape.atoms));
  for (const Vec3& f : message.force_ev_ang) append_vector(bytes, f, ev_ang_per_hartree_bohr);
  for (const Mat3& virial : message.virial_ev) append_transposed(bytes, virial, ev_per_hartree);
  for (const std::string& extras : message.extras) {
    append(bytes, static_cast<std::int32_t>(extras.size()));
    bytes.append(extras);
  }
}

std::optional<std::size_t> batch_size_in(std::string_view text) {
  constexpr std::string_view key = "batch_size";
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  std::size_t begin = text.find_first_not_of(" \t\"':=", at + key.size());
  begin = std::min(begin, text.size());
  const std::size_t end = std::min(text.find_first_of(", \t\r\n}\"'", begin), text.size());
  const auto size = parse_int(text.substr(begin, end - begin));
  if (!size || *size < 1) throw Error(ErrorKind::format, fmt::format("received INIT with a batch_size that is no number of configurations: '{}'", shown_bytes(text.substr(at))));
  if (static_cast<std::uint64_t>(*size) > most_configurations)
    throw Error(ErrorKind::unsupported, fmt::format("received INIT with batch_size {}; at most {} configurations go into one message", *size, most_configurations));
  return static_cast<std::size_t>(*size);
}

Mat3 whole_virial(const Mat3& virial) {
  const auto empty = [](const Mat3& m) { return m[1].x == 0 && m[2].x == 0 && m[2].y == 0; };
  const Mat3 mirrored = transpose(virial);
  if (empty(virial) == empty(mirrored)) return virial;
  Mat3 whole = virial;
  whole += mirrored;
  for (int axis = 0; axis < 3; ++axis) whole[axis][axis] = virial[axis][axis];
  return whole;
}

std::string shown_bytes(std::string_view bytes) {
  std::string shown;
  for (const char c : bytes.substr(0, 24)) {
    if (c >= ' ' && c <= '~') shown += c;
    else shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return shown;
}

}  // namespace saltus
