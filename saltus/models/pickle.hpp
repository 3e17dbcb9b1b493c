// An inert machine for Python pickles (protocols 0 to 5, opcodes of data only): it builds records and calls nothing, whatever
// the pickle asks for. Reference: CPython, Lib/pickletools.py. A call becomes an Object that says what would have been called.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace saltus {

/// A record of a Pickle by its number: records may share parts and contain themselves, so nothing here is walked by recursion.
using PickleId = std::uint32_t;

struct PickleNone {};
struct PickleText {
  std::string_view value;  ///< UTF-8 as it lies in the pickle
};
struct PickleBytes {
  std::string_view value;
};
struct PickleList {
  std::vector<PickleId> items;  ///< of a set too
};
struct PickleTuple {
  std::vector<PickleId> items;
};
struct PickleDict {
  std::vector<std::pair<PickleId, PickleId>> items;  ///< in the order of the file
};
/// The name of a class or function; it is never looked up.
struct PickleSymbol {
  std::string_view module, name;
};
/// What a call, a new object, its state and its contents would have been.
struct PickleObject {
  PickleId callee = 0;                             ///< usually a PickleSymbol
  PickleId arguments = 0;                          ///< a tuple
  std::optional<PickleId> state;                   ///< of BUILD
  std::vector<PickleId> items;                     ///< appended or added
  std::vector<std::pair<PickleId, PickleId>> pairs;  ///< set by key
};
/// A reference to something outside the pickle, such as a storage of a torch archive.
struct PicklePersistent {
  PickleId id = 0;
};

using PickleRecord = std::variant<PickleNone, bool, std::int64_t, double, PickleText, PickleBytes, PickleList, PickleTuple, PickleDict,
                                  PickleSymbol, PickleObject, PicklePersistent>;

/// Bounds on what a pickle may build.
inline constexpr std::size_t largest_pickle_bytes = std::size_t{1} << 28;
inline constexpr std::size_t most_pickle_records = 4'000'000;

class Pickle {
 public:
  /// `bytes` must outlive the pickle; `place` begins messages ("file, entry"). Throws Error{format} with the byte where the pickle is cut
  /// off or wrong, Error{unsupported} for an opcode that is not data and beyond the bounds.
  Pickle(std::string_view bytes, std::string place);

  PickleId root() const { return root_; }
  const PickleRecord& operator[](PickleId id) const { return records_[id]; }
  std::size_t size() const { return records_.size(); }
  const std::string& place() const { return place_; }

  /// The record as that type, or nullptr.
  template <class Record>
  const Record* get(PickleId id) const {
    return std::get_if<Record>(&records_[id]);
  }
  /// An int, also where it is a bool.
  std::optional<std::int64_t> integer(PickleId id) const;
  /// A float, also where it is an int.
  std::optional<double> number(PickleId id) const;
  std::optional<std::string_view> text(PickleId id) const;
  /// "module.name" of a symbol, or of the callee of an object that is a symbol; else empty.
  std::string class_name(PickleId id) const;
  /// The items of a list, a tuple or an object, else nullptr.
  const std::vector<PickleId>* items(PickleId id) const;
  /// The key-value pairs of a dictionary or an object, else nullptr.
  const std::vector<std::pair<PickleId, PickleId>>* pairs(PickleId id) const;
  /// The value under a text key of a dictionary or an object; the last one counts, as in Python.
  std::optional<PickleId> find(PickleId id, std::string_view key) const;

 private:
  std::string place_;
  std::vector<PickleRecord> records_;
  PickleId root_ = 0;
};

}  // namespace saltus
