// safetensors, the container of model files: 8-byte little-endian header length, JSON header, tensors without gaps.
// Reference: the safetensors format description (Hugging Face), version 0.4; F8 kept as bytes, sub-byte types refused.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace saltus {

/// Element types, in the order in which tensors are laid out in a file (later ones first).
enum class Dtype { boolean, u8, i8, f8_e5m2, f8_e4m3, i16, u16, f16, bf16, i32, u32, f32, f64, i64, u64 };

/// Spelling in the header, e.g. "F64".
const char* name(Dtype dtype);
std::size_t size_bytes(Dtype dtype);

/// A row-major array; the empty shape is a scalar.
struct Tensor {
  Dtype dtype = Dtype::f64;
  std::vector<std::size_t> shape;
  std::string bytes;  ///< little-endian elements
  bool operator==(const Tensor&) const = default;
};

struct TensorFile {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;  ///< the header's __metadata__
  std::string source;                           ///< path it was read from, for messages; not written
};

/// What every model file of Saltus says about itself: kind of potential, unit system ("ang, ev"), cutoff in Å, element
/// symbols separated by blanks, what the reference energies are, and the hash of what it was made from.
inline constexpr const char* model_metadata_keys[] = {"family",  "units",              "cutoff_ang",
                                                      "species", "training_reference", "source_hash"};

/// Whether a file that starts with `head` (at least 9 bytes) and has `file_bytes` in all may be a safetensors file.
bool looks_like_safetensors(std::string_view head, std::uint64_t file_bytes);

/// Throws Error{file} when it cannot be read, Error{format} with file and place when it is not what the format says,
/// Error{unsupported} for an element type it does not know. Headers above 100 MB are refused, as by other readers.
TensorFile read_safetensors(const std::filesystem::path& path);
/// The same for the bytes of a file; `source` names them in messages.
TensorFile parse_safetensors(std::string_view bytes, const std::string& source);

/// Atomically; the same content gives the same bytes. Throws Error{file}; Error{usage} for a tensor whose bytes do not fit
/// its shape, a tensor named "__metadata__", or text that is not UTF-8.
void write_safetensors(const std::filesystem::path& path, const TensorFile& file);
std::string safetensors_bytes(const TensorFile& file);

/// In a shape that is asked for: any size.
inline constexpr std::size_t any_size = std::numeric_limits<std::size_t>::max();

/// Stores values under a name. Throws Error{usage} when their number does not fit the shape or the name is taken.
void put(TensorFile& file, const std::string& tensor_name, const std::vector<std::size_t>& shape, std::span<const double> values);
void put(TensorFile& file, const std::string& tensor_name, const std::vector<std::size_t>& shape,
         std::span<const std::int64_t> values);

/// The tensor of that name. Throws Error{format} when there is none, or its shape differs from `shape`
/// (any_size matches any extent).
const Tensor& find_tensor(const TensorFile& file, const std::string& tensor_name, const std::vector<std::size_t>& shape);
/// Its values, from F64 or F32. Throws Error{format} as find_tensor, and for another element type.
std::vector<double> get_doubles(const TensorFile& file, const std::string& tensor_name, const std::vector<std::size_t>& shape);
/// Its values, from any integer type. Throws Error{format} as find_tensor, for another element type, or above 2⁶³−1.
std::vector<std::int64_t> get_integers(const TensorFile& file, const std::string& tensor_name, const std::vector<std::size_t>& shape);

/// The metadata value. Throws Error{format} when there is none.
const std::string& get_metadata(const TensorFile& file, const std::string& key);
/// Throws Error{format} that lists the keys that are missing.
void require_metadata(const TensorFile& file, std::span<const char* const> keys);

}  // namespace saltus
