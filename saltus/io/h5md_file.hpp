// What reading and writing H5MD need of the HDF5 C library: handles, errors, and objects that are looked at before they are read.
// For the sources of h5md only.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hdf5.h>

namespace saltus::h5md {

/// To be held around every use of HDF5: not every build of the library is safe for threads, and each thread is told anew
/// to print no errors and load no plugins.
class Session {
 public:
  Session();

 private:
  std::lock_guard<std::recursive_mutex> lock_;
};

/// An HDF5 identifier, released at the end; negative: none.
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      if (id_ >= 0) H5Idec_ref(id_);
      id_ = std::exchange(other.id_, -1);
    }
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) H5Idec_ref(id_);
  }
  hid_t get() const { return id_; }
  hid_t release() { return std::exchange(id_, -1); }
  explicit operator bool() const { return id_ >= 0; }

 private:
  hid_t id_ = -1;
};

/// What HDF5 says of its last failure, as ": reason", or nothing.
std::string cause();

/// Throws Error{format} "path: what".
[[noreturn]] void refuse(const std::string& path, const std::string& what);

/// Opens for reading. Throws Error{format} when it is no HDF5 file, or damaged or cut off.
Handle open_file(const std::string& path);
Handle open_bytes(std::string_view bytes);

/// The object at an absolute path, none when there is none. Hard links and symbolic links within the file are followed.
/// Throws Error{format} for a link that leaves the file.
Handle find_object(const Handle& file, const std::string& path);
bool is_group(const Handle& object);
bool is_dataset(const Handle& object);
/// The names in a group. Throws Error{format} beyond 1000.
std::vector<std::string> names_in(const Handle& group, const std::string& path);

/// An attribute as text (one string), as strings, as integers; nothing when it is not there. Throws Error{format}
/// when it is something else. `path` is that of the object.
std::optional<std::string> text_attribute(const Handle& object, const std::string& path, const char* name);
std::vector<std::string> texts_attribute(const Handle& object, const std::string& path, const char* name);
std::vector<std::int64_t> integers_attribute(const Handle& object, const std::string& path, const char* name);
std::vector<double> numbers_attribute(const Handle& object, const std::string& path, const char* name);

/// A dataset of numbers, read a block of rows at a time; a row is all behind the first dimension.
class Dataset {
 public:
  Dataset() = default;
  /// Looks at storage, filters, shape and type before anything is read. `integers`: of integers or an enumeration, else of
  /// floating-point numbers. Throws Error{format}.
  Dataset(Handle object, std::string path, bool integers);

  const std::string& path() const { return path_; }
  const Handle& handle() const { return object_; }
  const std::vector<hsize_t>& shape() const { return shape_; }
  hsize_t rows() const { return shape_.empty() ? 1 : shape_[0]; }
  std::size_t row_size() const { return row_size_; }
  explicit operator bool() const { return static_cast<bool>(object_); }

  /// Row k, converted: `out` has row_size() elements. Throws Error{format}.
  void read_row(hsize_t k, std::span<double> out);
  void read_row(hsize_t k, std::span<std::int64_t> out);

 private:
  template <typename T>
  void read(hsize_t k, std::span<T> out);
  void load(hsize_t block);

  Handle object_;
  std::string path_;
  std::vector<hsize_t> shape_;
  std::size_t row_size_ = 1, element_size_ = 8;
  enum class Kind { float32, float64, int32, int64 } kind_ = Kind::float64;  // in the block
  hsize_t block_rows_ = 1, first_ = 0, loaded_ = 0;
  std::vector<char> block_;
};

}  // namespace saltus::h5md
