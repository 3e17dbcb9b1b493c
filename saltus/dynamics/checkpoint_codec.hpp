// What checkpoints are made of: numbers as they lie in memory, counted lists, and the frame around them.
//
// File, little-endian: magic (8 characters), version (u32), payload size (u64), payload, SHA-256 of all before it (64 hex digits).
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "saltus/atoms/cell.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/warning_list.hpp"
#include "saltus/base/vec3.hpp"

namespace saltus {

static_assert(std::endian::native == std::endian::little, "checkpoints are written in the memory's byte order");

/// Name and value, e.g. {"timestep_fs", "2"}.
using NamedSetting = std::pair<std::string, std::string>;

class CheckpointEncoder {
 public:
  explicit CheckpointEncoder(std::string& bytes) : bytes_(bytes) {}
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
  void operator()(const Cell& cell) {
    (*this)(cell.rows_ang());
    for (const bool periodic : cell.periodic()) (*this)(periodic);
    (*this)(cell.has_vectors());
  }
  template <class T>
  void operator()(const std::optional<T>& value) {
    (*this)(value.has_value());
    (*this)(value.value_or(T{}));
  }

 private:
  std::string& bytes_;
};

class CheckpointDecoder {
 public:
  explicit CheckpointDecoder(std::string_view bytes) : bytes_(bytes) {}
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
  void operator()(Cell& cell) {
    Mat3 rows;
    std::array<bool, 3> periodic{};
    bool has_vectors = false;
    (*this)(rows);
    for (bool& axis : periodic) (*this)(axis);
    (*this)(has_vectors);
    cell = has_vectors ? Cell(rows, periodic) : Cell();
  }
  template <class T>
  void operator()(std::optional<T>& value) {
    bool present = false;
    T content{};
    (*this)(present);
    (*this)(content);
    value = present ? std::optional<T>(content) : std::nullopt;
  }
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

/// One list of fields for both ways: `code` is an encoder and the value constant, or a decoder.
template <class Codec, class RandomType>
void visit_random(Codec& code, RandomType& random) {
  code(random.seed), code(random.stream), code(random.counter);
  for (auto& word : random.block) code(word);
  code(random.used), code(random.spare_normal), code(random.has_spare_normal);
}

/// Appears whole or not at all. Throws Error{file}.
void write_checkpoint_file(const std::filesystem::path& path, std::string_view magic, std::uint32_t version, const std::string& payload);

/// The payload. Throws Error{file} when it cannot be read, Error{format} when it is not a checkpoint of this kind ("saltus md"), damaged, or of
/// another version.
std::string read_checkpoint_file(const std::filesystem::path& path, std::string_view magic, std::uint32_t version, const char* kind);

}  // namespace saltus
