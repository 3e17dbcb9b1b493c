#include "saltus/io/h5md_file.hpp"

#include <algorithm>
#include <cstring>

#include <unistd.h>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/io/lines.hpp"

namespace saltus::h5md {

namespace {

constexpr std::size_t block_bytes = std::size_t{1} << 18;
constexpr hsize_t deflate_ratio = 1032;  // no deflate stream grows by more
constexpr hsize_t text_limit = 4096;
constexpr int link_limit = 16;

std::recursive_mutex library;

hsize_t file_size_of(const Handle& object) {
  const Handle file(H5Iget_file_id(object.get()));
  hsize_t size = 0;
  if (!file || H5Fget_filesize(file.get(), &size) < 0) return 0;
  return size;
}

// The product, or nothing beyond 2^62.
std::optional<hsize_t> product_of(std::span<const hsize_t> factors, hsize_t start) {
  hsize_t product = start;
  for (const hsize_t factor : factors)
    if (__builtin_mul_overflow(product, factor, &product) || product > (hsize_t{1} << 62)) return std::nullopt;
  return product;
}

Handle follow(const Handle& file, const std::string& path, int links) {
  if (links > link_limit) refuse(path, "symbolic links go round in a circle");
  Handle current(H5Gopen2(file.get(), "/", H5P_DEFAULT));
  if (!current) refuse("/", "cannot be opened" + cause());
  std::string done;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t start = path.find_first_not_of('/', at);
    if (start == std::string::npos) break;
    const std::size_t stop = std::min(path.find('/', start), path.size());
    const std::string name = path.substr(start, stop - start);
    const std::string here = done + '/' + name;
    at = stop;
    if (!is_group(current)) return {};
    if (name == ".") continue;
    const htri_t there = H5Lexists(current.get(), name.c_str(), H5P_DEFAULT);
    if (there < 0) refuse(here, "cannot be looked up" + cause());
    if (there == 0) return {};
    H5L_info_t link;
    if (H5Lget_info(current.get(), name.c_str(), &link, H5P_DEFAULT) < 0) refuse(here, "the link cannot be read" + cause());
    if (link.type == H5L_TYPE_SOFT) {
      if (link.u.val_size > text_limit) refuse(here, "the symbolic link is too long");
      std::string target(link.u.val_size + 1, '\0');
      if (H5Lget_val(current.get(), name.c_str(), target.data(), target.size(), H5P_DEFAULT) < 0)
        refuse(here, "the link cannot be read" + cause());
      target.resize(std::strlen(target.c_str()));
      return follow(file, (target.starts_with('/') ? target : done + '/' + target) + path.substr(stop), links + 1);
    }
    if (link.type != H5L_TYPE_HARD) refuse(here, "is a link into another file, which is not followed");
    Handle next(H5Oopen(current.get(), name.c_str(), H5P_DEFAULT));
    if (!next) refuse(here, "cannot be opened" + cause());
    current = std::move(next);
    done = here;
  }
  return current;
}

// Bytes of the file as they lie there, below HDF5.
bool read_raw(const Handle& file, std::uint64_t offset, void* out, std::size_t count) {
  hsize_t size = 0;
  void* place = nullptr;
  const Handle access(H5Fget_access_plist(file.get()));
  if (!access || H5Fget_filesize(file.get(), &size) < 0 || offset > size || count > size - offset ||
      H5Fget_vfd_handle(file.get(), access.get(), &place) < 0 || !place)
    return false;
  if (H5Pget_driver(access.get()) == H5FD_CORE) {
    std::memcpy(out, *static_cast<char**>(place) + offset, count);
    return true;
  }
  return ::pread(*static_cast<int*>(place), out, count, static_cast<off_t>(offset)) == static_cast<ssize_t>(count);
}

template <typename T>
T little_endian(const char* bytes) {
  T value = 0;
  for (std::size_t k = 0; k < sizeof(T); ++k) value = static_cast<T>(value | static_cast<T>(static_cast<unsigned char>(bytes[k])) << (8 * k));
  return value;
}

// A string of variable length is stored as its length, the address of a heap, and an index there.
constexpr std::size_t reference_size = 16;

// HDF5 1.10 believes what it finds in such a heap and writes beyond its own memory where that is damaged; so it is read here.
std::optional<std::string> text_in_heap(const Handle& file, const char* reference) {
  const auto length = little_endian<std::uint32_t>(reference);
  const auto address = little_endian<std::uint64_t>(reference + 4);
  const auto index = little_endian<std::uint32_t>(reference + 12);
  if (length == 0) return std::string();
  const Handle creation(H5Fget_create_plist(file.get()));
  hsize_t base = 0;
  char header[16];
  if (length > text_limit || !creation || H5Pget_userblock(creation.get(), &base) < 0 || address > (std::uint64_t{1} << 62)) return std::nullopt;
  const std::uint64_t start = base + address;
  if (!read_raw(file, start, header, sizeof header) || std::memcmp(header, "GCOL", 4) != 0) return std::nullopt;
  const auto size = little_endian<std::uint64_t>(header + 8);
  std::uint64_t at = 16;
  // Every object has its header of 16 bytes; there are at most 65535.
  for (int k = 0; k < 65536 && at + 16 <= size && read_raw(file, start + at, header, sizeof header); ++k) {
    const auto number = little_endian<std::uint16_t>(header);
    const auto bytes = little_endian<std::uint64_t>(header + 8);
    if (number == 0 || bytes > size - at - 16) return std::nullopt;
    if (number == index) {
      std::string text(length, '\0');
      if (length > bytes || !read_raw(file, start + at + 16, text.data(), length)) return std::nullopt;
      text.resize(std::strlen(text.c_str()));
      return text;
    }
    at += 16 + (bytes + 7) / 8 * 8;
  }
  return std::nullopt;
}

// Leaves a reference as it is: what makes HDF5 give it away.
herr_t keep_reference(hid_t source, hid_t target, H5T_cdata_t* data, std::size_t, std::size_t, std::size_t, void*, void*, hid_t) {
  if (data->command == H5T_CONV_INIT) {
    data->need_bkg = H5T_BKG_NO;
    return H5Tget_size(source) == reference_size && H5Tget_size(target) == reference_size ? 0 : -1;
  }
  return 0;
}

struct Attribute {
  Handle id, type;
  hsize_t count = 0;
};

// Opens an attribute of at most 64 elements.
Attribute find_attribute(const Handle& object, const std::string& path, const char* name) {
  Attribute attribute;
  const htri_t there = H5Aexists(object.get(), name);
  if (there < 0) refuse(path, fmt::format("attribute {} cannot be looked up{}", name, cause()));
  if (there == 0) return attribute;
  attribute.id = Handle(H5Aopen(object.get(), name, H5P_DEFAULT));
  if (!attribute.id) refuse(path, fmt::format("attribute {} cannot be opened{}", name, cause()));
  attribute.type = Handle(H5Aget_type(attribute.id.get()));
  const Handle space(H5Aget_space(attribute.id.get()));
  const hssize_t count = space ? H5Sget_simple_extent_npoints(space.get()) : -1;
  if (!attribute.type || count < 1 || count > 64) refuse(path, fmt::format("attribute {} is empty, too large, or damaged", name));
  attribute.count = static_cast<hsize_t>(count);
  return attribute;
}

template <typename T>
std::vector<T> numeric_attribute(const Handle& object, const std::string& path, const char* name, hid_t memory) {
  const Attribute attribute = find_attribute(object, path, name);
  if (!attribute.id) return {};
  const H5T_class_t type = H5Tget_class(attribute.type.get());
  const bool good = type == H5T_INTEGER || (type == H5T_FLOAT && memory == H5T_NATIVE_DOUBLE);
  if (!good || H5Tget_size(attribute.type.get()) > 8) refuse(path, fmt::format("attribute {} is not of numbers", name));
  std::vector<T> values(attribute.count);
  if (H5Aread(attribute.id.get(), memory, values.data()) < 0) refuse(path, fmt::format("attribute {} cannot be read{}", name, cause()));
  return values;
}

}  // namespace

Session::Session() : lock_(library) {
  // All is closed by its owner. At the end of the program HDF5 would close again what a full disk kept it from closing, and crash.
  [[maybe_unused]] static const herr_t first_of_all = H5dont_atexit();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0);
  [[maybe_unused]] static const herr_t once = [] {
    const Handle text(H5Tcopy(H5T_C_S1)), reference(H5Tcreate(H5T_OPAQUE, reference_size));
    H5Tset_size(text.get(), H5T_VARIABLE);
    return H5Tregister(H5T_PERS_SOFT, "saltus reference", text.get(), reference.get(), keep_reference);
  }();
}

std::string cause() {
  std::string reason;
  const auto take = [](unsigned, const H5E_error2_t* error, void* out) -> herr_t {
    auto& text = *static_cast<std::string*>(out);
    if (error->desc && text.empty()) text = error->desc;
    return 0;
  };
  // Upwards: the first is where it began.
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take, &reason);
  H5Eclear2(H5E_DEFAULT);
  if (reason.empty()) return {};
  if (reason.size() > 120) reason.resize(120);
  for (char& c : reason)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  return " (HDF5: " + reason + ")";
}

void refuse(const std::string& path, const std::string& what) { throw Error(ErrorKind::format, path + ": " + what); }

Handle open_file(const std::string& path) {
  const Handle access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG);
#if H5_VERSION_GE(1, 10, 7)
  H5Pset_file_locking(access.get(), 0, 1);  // a read-only or network file system may have no locks
#endif
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()));
  if (!file) throw Error(ErrorKind::format, "cannot be read as HDF5; it is damaged or cut off" + cause());
  return file;
}

Handle open_bytes(std::string_view bytes) {
  const Handle access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG);
  H5Pset_fapl_core(access.get(), 1 << 16, 0);
  // HDF5 copies the bytes and does not change them.
  if (bytes.empty() || H5Pset_file_image(access.get(), const_cast<char*>(bytes.data()), bytes.size()) < 0)
    throw Error(ErrorKind::format, "the file is empty");
  Handle file(H5Fopen("in memory", H5F_ACC_RDONLY, access.get()));
  if (!file) throw Error(ErrorKind::format, "cannot be read as HDF5; it is damaged or cut off" + cause());
  return file;
}

Handle find_object(const Handle& file, const std::string& path) { return follow(file, path, 0); }

bool is_group(const Handle& object) { return object && H5Iget_type(object.get()) == H5I_GROUP; }
bool is_dataset(const Handle& object) { return object && H5Iget_type(object.get()) == H5I_DATASET; }

std::vector<std::string> names_in(const Handle& group, const std::string& path) {
  H5G_info_t info;
  if (H5Gget_info(group.get(), &info) < 0) refuse(path, "the group cannot be read" + cause());
  if (info.nlinks > 1000) refuse(path, fmt::format("holds {} objects, too many", info.nlinks));
  std::vector<std::string> names;
  for (hsize_t k = 0; k < info.nlinks; ++k) {
    char name[256];
    const ssize_t length = H5Lget_name_by_idx(group.get(), ".", H5_INDEX_NAME, H5_ITER_INC, k, name, sizeof name, H5P_DEFAULT);
    if (length < 0) refuse(path, "the names in the group cannot be read" + cause());
    if (static_cast<std::size_t>(length) < sizeof name) names.emplace_back(name);
  }
  return names;
}

std::vector<std::string> texts_attribute(const Handle& object, const std::string& path, const char* name) {
  const Attribute attribute = find_attribute(object, path, name);
  if (!attribute.id) return {};
  if (H5Tget_class(attribute.type.get()) != H5T_STRING) refuse(path, fmt::format("attribute {} is not text", name));
  std::vector<std::string> texts;
  if (H5Tis_variable_str(attribute.type.get()) > 0) {
    const Handle memory(H5Tcreate(H5T_OPAQUE, reference_size)), file(H5Iget_file_id(attribute.id.get()));
    std::vector<char> references(attribute.count * reference_size);
    if (!file || H5Aread(attribute.id.get(), memory.get(), references.data()) < 0)
      refuse(path, fmt::format("attribute {} cannot be read{}", name, cause()));
    for (hsize_t k = 0; k < attribute.count; ++k) {
      const auto text = text_in_heap(file, references.data() + k * reference_size);
      if (!text) refuse(path, fmt::format("attribute {} is damaged or too long", name));
      texts.push_back(*text);
    }
    return texts;
  }
  const std::size_t size = H5Tget_size(attribute.type.get());
  if (size == 0 || size > text_limit) refuse(path, fmt::format("attribute {} is text of {} bytes, too long", name, size));
  std::string bytes(size * attribute.count, '\0');
  if (H5Aread(attribute.id.get(), attribute.type.get(), bytes.data()) < 0)
    refuse(path, fmt::format("attribute {} cannot be read{}", name, cause()));
  for (hsize_t k = 0; k < attribute.count; ++k) {
    std::string text = bytes.substr(k * size, size);
    text.resize(std::strlen(text.c_str()));
    while (!text.empty() && text.back() == ' ') text.pop_back();
    texts.push_back(text);
  }
  return texts;
}

std::optional<std::string> text_attribute(const Handle& object, const std::string& path, const char* name) {
  const auto texts = texts_attribute(object, path, name);
  if (texts.empty()) return std::nullopt;
  if (texts.size() > 1) refuse(path, fmt::format("attribute {} is {} texts, expected one", name, texts.size()));
  return texts[0];
}

std::vector<std::int64_t> integers_attribute(const Handle& object, const std::string& path, const char* name) {
  return numeric_attribute<std::int64_t>(object, path, name, H5T_NATIVE_INT64);
}

std::vector<double> numbers_attribute(const Handle& object, const std::string& path, const char* name) {
  return numeric_attribute<double>(object, path, name, H5T_NATIVE_DOUBLE);
}

Dataset::Dataset(Handle object, std::string path, bool integers) : object_(std::move(object)), path_(std::move(path)) {
  const hid_t id = object_.get();
  // Storage first: even the shape of a virtual dataset is looked up in other files.
  const Handle creation(H5Dget_create_plist(id));
  if (!creation) refuse(path_, "its storage cannot be read" + cause());
  const H5D_layout_t layout = H5Pget_layout(creation.get());
  const int external = H5Pget_external_count(creation.get());
  if (layout == H5D_VIRTUAL || external > 0) refuse(path_, "its values lie in other files, which are not opened");
  if ((layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED) || external < 0)
    refuse(path_, "its storage is of an unknown kind" + cause());
  const int filters = H5Pget_nfilters(creation.get());
  for (int k = 0; k < std::max(filters, 0); ++k) {
    unsigned flags = 0, settings = 0;
    std::size_t count = 0;
    char name[64] = "";
    const H5Z_filter_t filter = H5Pget_filter2(creation.get(), static_cast<unsigned>(k), &flags, &count, nullptr, sizeof name - 1, name, &settings);
    if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32)
      refuse(path_, fmt::format("its values went through filter {} ({}); only deflate, shuffle and fletcher32 are read; h5repack -f GZIP=1 helps",
                                static_cast<int>(filter), shown(name)));
  }
  if (filters < 0) refuse(path_, "its filters cannot be read" + cause());

  const Handle space(H5Dget_space(id));
  const int rank = space ? H5Sget_simple_extent_ndims(space.get()) : -1;
  if (rank < 0 || rank > 4 || H5Sget_simple_extent_type(space.get()) == H5S_NULL)
    refuse(path_, fmt::format("its shape is not one of H5MD{}", cause()));
  shape_.resize(static_cast<std::size_t>(rank));
  if (rank > 0 && H5Sget_simple_extent_dims(space.get(), shape_.data(), nullptr) < 0) refuse(path_, "its shape cannot be read" + cause());

  const Handle type(H5Dget_type(id));
  H5T_class_t type_class = type ? H5Tget_class(type.get()) : H5T_NO_CLASS;
  const std::size_t stored_size = type ? H5Tget_size(type.get()) : 0;
  const bool wide = stored_size > 4;
  if (integers) {
    if ((type_class != H5T_INTEGER && type_class != H5T_ENUM) || stored_size < 1 || stored_size > 8)
      refuse(path_, "expected integers of at most 64 bits");
    kind_ = wide || stored_size == 4 ? Kind::int64 : Kind::int32;
    if (stored_size == 4 && type_class == H5T_INTEGER && H5Tget_sign(type.get()) == H5T_SGN_2) kind_ = Kind::int32;
    if (type_class == H5T_ENUM) kind_ = Kind::int64;
  } else {
    if (type_class != H5T_FLOAT || stored_size < 2 || stored_size > 8) refuse(path_, "expected floating-point numbers of at most 64 bits");
    kind_ = wide ? Kind::float64 : Kind::float32;
  }
  element_size_ = kind_ == Kind::float64 || kind_ == Kind::int64 ? 8 : 4;

  const auto row = product_of(rank > 0 ? std::span<const hsize_t>(shape_).subspan(1) : std::span<const hsize_t>(), 1);
  const auto bytes = product_of(shape_, stored_size);
  const hsize_t file_size = file_size_of(object_);
  const auto too_large = [&] {
    refuse(path_, fmt::format("its shape [{}] asks for more values than the file of {} bytes holds", fmt::join(shape_, ", "), file_size));
  };
  if (!row || !bytes || *bytes > (filters > 0 ? deflate_ratio : 1) * file_size) too_large();
  row_size_ = static_cast<std::size_t>(*row);
  hsize_t rows_together = rows();
  if (layout == H5D_CHUNKED) {
    std::vector<hsize_t> chunk(shape_.size());
    if (H5Pget_chunk(creation.get(), rank, chunk.data()) != rank) refuse(path_, "its chunks cannot be read" + cause());
    hsize_t expected = 1;
    for (std::size_t k = 0; k < chunk.size(); ++k) {
      if (chunk[k] == 0) refuse(path_, "its chunks are empty");
      expected *= shape_[k] / chunk[k] + (shape_[k] % chunk[k] != 0);  // at most the number of values
    }
    const auto chunk_bytes = product_of(chunk, stored_size);
    if (!chunk_bytes || *chunk_bytes > (filters > 0 ? deflate_ratio : 1) * file_size + (hsize_t{1} << 20)) too_large();
    hsize_t stored = 0;
    if (*bytes > 0 && (H5Dget_num_chunks(id, space.get(), &stored) < 0 || stored < expected))
      refuse(path_, fmt::format("{} of its {} chunks were written{}", stored, expected, cause()));
    rows_together = chunk[0];
  } else if (*bytes > 0 && H5Dget_storage_size(id) < *bytes) {
    refuse(path_, "its values were not written");
  }
  // Whole chunks where they are small enough.
  const hsize_t row_bytes = std::max<hsize_t>(1, row_size_ * element_size_);
  const hsize_t fitting = std::max<hsize_t>(1, block_bytes / row_bytes);
  block_rows_ = rows_together <= fitting ? fitting / std::max<hsize_t>(rows_together, 1) * std::max<hsize_t>(rows_together, 1) : fitting;
  block_rows_ = std::clamp<hsize_t>(block_rows_, 1, std::max<hsize_t>(rows(), 1));
}

void Dataset::load(hsize_t block) {
  first_ = block * block_rows_;
  loaded_ = 0;
  const hsize_t count = std::min(block_rows_, rows() - first_);
  block_.resize(count * row_size_ * element_size_);
  const hid_t memory_type = kind_ == Kind::float64 ? H5T_NATIVE_DOUBLE : kind_ == Kind::float32 ? H5T_NATIVE_FLOAT
                            : kind_ == Kind::int64 ? H5T_NATIVE_INT64 : H5T_NATIVE_INT32;
  herr_t status = -1;
  if (shape_.empty()) {
    status = H5Dread(object_.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, block_.data());
  } else {
    const Handle file_space(H5Dget_space(object_.get()));
    std::vector<hsize_t> start(shape_.size(), 0), extent = shape_;
    start[0] = first_;
    extent[0] = count;
    const Handle memory_space(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr));
    if (file_space && memory_space && H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr) >= 0)
      status = H5Dread(object_.get(), memory_type, memory_space.get(), file_space.get(), H5P_DEFAULT, block_.data());
  }
  if (status < 0) refuse(path_, fmt::format("rows {} to {} cannot be read{}", first_ + 1, first_ + count, cause()));
  loaded_ = count;
}

template <typename T>
void Dataset::read(hsize_t k, std::span<T> out) {
  if (k >= rows() || out.size() != row_size_) throw Error(ErrorKind::internal, path_ + ": a row beyond the dataset was asked for");
  if (k < first_ || k >= first_ + loaded_) load(k / block_rows_);
  const char* const row = block_.data() + (k - first_) * row_size_ * element_size_;
  const auto convert = [&]<typename Stored>(Stored) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      Stored value;
      std::memcpy(&value, row + i * sizeof(Stored), sizeof(Stored));
      out[i] = static_cast<T>(value);
    }
  };
  switch (kind_) {
    case Kind::float32: return convert(float{});
    case Kind::float64: return convert(double{});
    case Kind::int32: return convert(std::int32_t{});
    case Kind::int64: return convert(std::int64_t{});
  }
}

void Dataset::read_row(hsize_t k, std::span<double> out) { read(k, out); }

void Dataset::read_row(hsize_t k, std::span<std::int64_t> out) {
  if (kind_ == Kind::float32 || kind_ == Kind::float64) throw Error(ErrorKind::internal, path_ + ": integers were asked for");
  read(k, out);
}

}  // namespace saltus::h5md
