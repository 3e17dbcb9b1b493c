#include "saltus/models/safetensors.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/text.hpp"

namespace saltus {

static_assert(std::endian::native == std::endian::little, "tensor bytes are used as they lie in the file");

namespace {

constexpr std::uint64_t largest_header = 100'000'000;

struct DtypeRow {
  const char* name;
  std::size_t size;
};
// Indexed by Dtype.
constexpr std::array<DtypeRow, 15> dtype_rows{{{"BOOL", 1}, {"U8", 1}, {"I8", 1}, {"F8_E5M2", 1}, {"F8_E4M3", 1},
                                               {"I16", 2}, {"U16", 2}, {"F16", 2}, {"BF16", 2}, {"I32", 4},
                                               {"U32", 4}, {"F32", 4}, {"F64", 8}, {"I64", 8}, {"U64", 8}}};

[[noreturn]] void fail(const std::string& source, const std::string& message) {
  throw Error(ErrorKind::format, source.empty() ? message : source + ": " + message);
}

/// Text of a file for a message: shortened, and without control characters.
std::string in_quotes(std::string_view text) {
  std::string shown(text.substr(0, 80));
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  return fmt::format("'{}{}'", shown, text.size() > 80 ? "…" : "");
}

/// a·b, or nothing beyond 64 bits.
std::optional<std::uint64_t> product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}

std::optional<std::uint64_t> tensor_bytes(Dtype dtype, const std::vector<std::size_t>& shape) {
  std::optional<std::uint64_t> bytes = size_bytes(dtype);
  for (const std::size_t extent : shape)
    if (bytes) bytes = product(*bytes, extent);
  return bytes;
}

struct Entry {
  std::string name;
  std::optional<Dtype> dtype;
  std::optional<std::vector<std::size_t>> shape;
  std::optional<std::vector<std::size_t>> offsets;
};

/// Builds the entries while the JSON is scanned: no tree, so nesting and size cost nothing, and duplicates are seen.
/// Depth 1 holds the names, depth 2 the fields of a tensor or the metadata, depth 3 the numbers of a shape.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const std::string& source) : source_(source) {}

  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;

  bool start_object(std::size_t) override {
    if (depth_ > 1 || numbers_) unexpected("an object");
    ++depth_;
    return true;
  }
  bool key(std::string& text) override {
    if (depth_ == 1) {
      in_metadata_ = text == "__metadata__";
      if (in_metadata_ ? has_metadata_ : !names_.emplace(text, 0).second)
        fail(source_, fmt::format("header: {} appears twice", in_quotes(text)));
      if (in_metadata_) has_metadata_ = true;
      else entries.push_back({text, {}, {}, {}});
    } else if (in_metadata_) {
      if (!metadata.emplace(text, "").second) fail(source_, fmt::format("header, __metadata__: {} appears twice", in_quotes(text)));
    }
    field_ = text;
    return true;
  }
  bool string(std::string& text) override {
    if (depth_ != 2) unexpected("a text");
    if (in_metadata_) {
      metadata[field_] = text;
      return true;
    }
    Entry& entry = entries.back();
    if (field_ != "dtype" || entry.dtype) unexpected("a text");
    const auto row = std::find_if(dtype_rows.begin(), dtype_rows.end(), [&](const DtypeRow& r) { return text == r.name; });
    if (row == dtype_rows.end())
      throw Error(ErrorKind::unsupported, fmt::format("{}: tensor {}: element type {} is not known", source_, in_quotes(entry.name), in_quotes(text)));
    entry.dtype = static_cast<Dtype>(row - dtype_rows.begin());
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_metadata_ || numbers_) unexpected("an array");
    Entry& entry = entries.back();
    auto* const list = field_ == "shape" ? &entry.shape : field_ == "data_offsets" ? &entry.offsets : nullptr;
    if (!list || *list) unexpected("an array");
    numbers_ = &list->emplace();
    return true;
  }
  bool end_array() override {
    numbers_ = nullptr;
    return true;
  }
  bool number_unsigned(std::uint64_t value) override {
    if (!numbers_) unexpected("a number");
    numbers_->push_back(value);
    return true;
  }
  bool number_integer(std::int64_t) override { unexpected("a negative number"); }
  bool number_float(double, const std::string&) override { unexpected("a number that is not an integer below 2^64"); }
  bool boolean(bool) override { unexpected("a boolean"); }
  bool null() override { unexpected("null"); }
  bool binary(nlohmann::json::binary_t&) override { unexpected("binary data"); }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    fail(source_, fmt::format("header: not valid JSON at byte {}", position));
  }

 private:
  [[noreturn]] void unexpected(const char* what) const {
    const std::string name = in_metadata_ ? "__metadata__" : entries.empty() ? "" : entries.back().name;
    if (depth_ == 0 || (entries.empty() && !in_metadata_)) fail(source_, fmt::format("header: expected an object of tensors, found {}", what));
    fail(source_, fmt::format("header, entry {}: unexpected or repeated: {}{}", in_quotes(name), what,
                              depth_ == 2 ? " for " + in_quotes(field_) : ""));
  }

  const std::string& source_;
  std::map<std::string, int> names_;
  int depth_ = 0;
  bool in_metadata_ = false, has_metadata_ = false;
  std::string field_;
  std::vector<std::size_t>* numbers_ = nullptr;
};

std::string shape_text(const std::vector<std::size_t>& shape) {
  std::vector<std::string> words;
  for (const std::size_t extent : shape) words.push_back(extent == any_size ? "any" : std::to_string(extent));
  return fmt::format("[{}]", join(words));
}

/// Length of the header from the first bytes of a file. Throws Error{format}.
std::uint64_t header_length(std::string_view head, std::uint64_t file_bytes, const std::string& source) {
  if (file_bytes < 10) fail(source, fmt::format("not a safetensors file: {} bytes, expected at least 10", file_bytes));
  std::uint64_t length = 0;
  std::memcpy(&length, head.data(), sizeof length);
  if (length > file_bytes - 8)
    fail(source, fmt::format("not a safetensors file, or cut short: header of {} bytes in a file of {}", length, file_bytes));
  if (length > largest_header) fail(source, fmt::format("header of {} bytes; at most {} are read", length, largest_header));
  if (head[8] != '{') fail(source, "not a safetensors file: the header does not begin with '{'");
  return length;
}

template <class T>
void put_values(TensorFile& file, const std::string& tensor_name, Dtype dtype, const std::vector<std::size_t>& shape,
                std::span<const T> values) {
  if (tensor_bytes(dtype, shape) != values.size_bytes())
    throw Error(ErrorKind::usage, fmt::format("tensor '{}': {} values do not fit the shape {}", tensor_name, values.size(), shape_text(shape)));
  std::string bytes(values.size_bytes(), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  if (!file.tensors.emplace(tensor_name, Tensor{dtype, shape, std::move(bytes)}).second)
    throw Error(ErrorKind::usage, fmt::format("tensor '{}' is stored twice", tensor_name));
}

template <class Stored, class Value>
std::vector<Value> converted(const Tensor& tensor) {
  std::vector<Value> values(tensor.bytes.size() / sizeof(Stored));
  for (std::size_t k = 0; k < values.size(); ++k) {
    Stored stored;
    std::memcpy(&stored, tensor.bytes.data() + k * sizeof stored, sizeof stored);
    values[k] = static_cast<Value>(stored);
  }
  return values;
}

}  // namespace

const char* name(Dtype dtype) { return dtype_rows[static_cast<std::size_t>(dtype)].name; }
std::size_t size_bytes(Dtype dtype) { return dtype_rows[static_cast<std::size_t>(dtype)].size; }

bool looks_like_safetensors(std::string_view head, std::uint64_t file_bytes) {
  try {
    return head.size() >= 9 && header_length(head, file_bytes, "") >= 2;
  } catch (const Error&) {
    return false;
  }
}

TensorFile parse_safetensors(std::string_view bytes, const std::string& source) {
  const std::uint64_t length = header_length(bytes, bytes.size(), source);
  const std::string_view header = bytes.substr(8, length), data = bytes.substr(8 + length);
  HeaderReader reader(source);
  nlohmann::json::sax_parse(header.begin(), header.end(), &reader);

  TensorFile file;
  file.source = source;
  file.metadata = std::move(reader.metadata);
  std::vector<std::pair<std::size_t, const Entry*>> by_offset;
  for (const Entry& entry : reader.entries) {
    const std::string place = source + ": tensor " + in_quotes(entry.name);
    if (!entry.dtype || !entry.shape || !entry.offsets) fail(place, "needs dtype, shape and data_offsets");
    if (entry.offsets->size() != 2) fail(place, fmt::format("data_offsets has {} numbers, expected 2", entry.offsets->size()));
    const std::size_t first = (*entry.offsets)[0], last = (*entry.offsets)[1];
    if (first > last || last > data.size())
      fail(place, fmt::format("data_offsets {} to {} do not lie in the {} bytes of data (cut short?)", first, last, data.size()));
    const auto needed = tensor_bytes(*entry.dtype, *entry.shape);
    if (needed != last - first)
      fail(place, fmt::format("shape {} of {} does not fit {} bytes", shape_text(*entry.shape), name(*entry.dtype), last - first));
    by_offset.emplace_back(first, &entry);
  }
  // The format wants the tensors to cover the data exactly: nothing shared, nothing hidden.
  std::sort(by_offset.begin(), by_offset.end(),
            [](const auto& a, const auto& b) { return *a.second->offsets < *b.second->offsets; });
  std::size_t end = 0;
  for (const auto& [first, entry] : by_offset) {
    if (first != end)
      fail(source, fmt::format("tensor {}: starts at byte {} of the data, expected {} (overlap or gap)", in_quotes(entry->name), first, end));
    end = (*entry->offsets)[1];
  }
  if (end != data.size()) fail(source, fmt::format("{} bytes follow the last tensor", data.size() - end));
  for (const auto& [first, entry] : by_offset)
    file.tensors.emplace(entry->name, Tensor{*entry->dtype, *entry->shape, std::string(data.substr(first, (*entry->offsets)[1] - first))});
  return file;
}

TensorFile read_safetensors(const std::filesystem::path& path) {
  std::error_code failed;
  const std::uint64_t file_bytes = std::filesystem::file_size(path, failed);
  if (!failed && file_bytes >= 10) {  // before a large file of another kind is read whole
    std::array<char, 9> head{};
    if (std::ifstream(path, std::ios::binary).read(head.data(), head.size()))
      header_length({head.data(), head.size()}, file_bytes, path.string());
  }
  return parse_safetensors(read_file(path), path.string());
}

std::string safetensors_bytes(const TensorFile& file) {
  std::vector<const std::pair<const std::string, Tensor>*> order;
  for (const auto& entry : file.tensors) order.push_back(&entry);
  // By falling element size, so that every tensor is aligned; ties as the reference implementation breaks them.
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->second.dtype > b->second.dtype; });
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  std::size_t offset = 0;
  for (const auto* entry : order) {
    const auto& [tensor_name, tensor] = *entry;
    if (tensor_name == "__metadata__") throw Error(ErrorKind::usage, "a tensor cannot be named '__metadata__'");
    if (tensor_bytes(tensor.dtype, tensor.shape) != tensor.bytes.size())
      throw Error(ErrorKind::usage, fmt::format("tensor '{}': {} bytes do not fit the shape {} of {}", tensor_name,
                                                tensor.bytes.size(), shape_text(tensor.shape), name(tensor.dtype)));
    header[tensor_name] = {{"dtype", name(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::usage, "names and metadata of a model file must be UTF-8");
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  const std::uint64_t length = text.size();
  if (length > largest_header) throw Error(ErrorKind::usage, fmt::format("the header would take {} bytes, at most {} are read", length, largest_header));
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  bytes.reserve(8 + length + offset);
  bytes += text;
  for (const auto* entry : order) bytes += entry->second.bytes;
  return bytes;
}

void write_safetensors(const std::filesystem::path& path, const TensorFile& file) {
  write_file_atomically(path, safetensors_bytes(file));
}

void put(TensorFile& file, const std::string& tensor_name, const std::vector<std::size_t>& shape, std::span<const double> values) {
  put_values(file, tensor_name, Dtype::f64, shape, values);
}

void put(TensorFile& file, const std::string& tensor_name, const std::vector<std::size_t>& shape,
         std::span<const std::int64_t> values) {
  put_values(file, tensor_name, Dtype::i64, shape, values);
}

const Tensor& find_tensor(const TensorFile& file, const std::string& tensor_name, const std::vector<std::size_t>& shape) {
  const auto found = file.tensors.find(tensor_name);
  if (found == file.tensors.end()) fail(file.source, fmt::format("there is no tensor '{}'", tensor_name));
  const auto& stored = found->second.shape;
  if (!std::equal(stored.begin(), stored.end(), shape.begin(), shape.end(),
                  [](std::size_t has, std::size_t wants) { return wants == any_size || has == wants; }))
    fail(file.source, fmt::format("tensor '{}' has the shape {}, expected {}", tensor_name, shape_text(stored), shape_text(shape)));
  return found->second;
}

std::vector<double> get_doubles(const TensorFile& file, const std::string& tensor_name, const std::vector<std::size_t>& shape) {
  const Tensor& tensor = find_tensor(file, tensor_name, shape);
  if (tensor.dtype == Dtype::f64) return converted<double, double>(tensor);
  if (tensor.dtype == Dtype::f32) return converted<float, double>(tensor);
  fail(file.source, fmt::format("tensor '{}' holds {}, expected F64 or F32", tensor_name, name(tensor.dtype)));
}

std::vector<std::int64_t> get_integers(const TensorFile& file, const std::string& tensor_name, const std::vector<std::size_t>& shape) {
  const Tensor& tensor = find_tensor(file, tensor_name, shape);
  switch (tensor.dtype) {
    case Dtype::u8: return converted<std::uint8_t, std::int64_t>(tensor);
    case Dtype::i8: return converted<std::int8_t, std::int64_t>(tensor);
    case Dtype::u16: return converted<std::uint16_t, std::int64_t>(tensor);
    case Dtype::i16: return converted<std::int16_t, std::int64_t>(tensor);
    case Dtype::u32: return converted<std::uint32_t, std::int64_t>(tensor);
    case Dtype::i32: return converted<std::int32_t, std::int64_t>(tensor);
    case Dtype::i64: return converted<std::int64_t, std::int64_t>(tensor);
    case Dtype::u64: {
      auto values = converted<std::uint64_t, std::int64_t>(tensor);
      if (std::any_of(values.begin(), values.end(), [](std::int64_t v) { return v < 0; }))
        fail(file.source, fmt::format("tensor '{}' holds a number beyond 2^63-1", tensor_name));
      return values;
    }
    default: fail(file.source, fmt::format("tensor '{}' holds {}, expected integers", tensor_name, name(tensor.dtype)));
  }
}

const std::string& get_metadata(const TensorFile& file, const std::string& key) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) fail(file.source, fmt::format("the metadata has no '{}'", key));
  return found->second;
}

void require_metadata(const TensorFile& file, std::span<const char* const> keys) {
  std::vector<std::string> missing;
  for (const char* key : keys)
    if (!file.metadata.contains(key)) missing.emplace_back(key);
  if (!missing.empty()) fail(file.source, "the metadata lacks " + join(missing) + "; was this file written by Saltus?");
}

}  // namespace saltus
