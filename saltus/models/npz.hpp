// NumPy .npz archives of numbers and names, without pickles: a ZIP archive of .npy arrays.
// Reference: NumPy documentation, numpy.lib.format, versions 1.0 to 3.0.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace saltus {

/// One array, row-major. What is not of one kind is empty.
struct NpzArray {
  std::vector<std::size_t> shape;
  std::vector<double> numbers;         ///< of floating-point and integer types
  std::vector<std::string> words;      ///< of byte strings, without padding
};

struct NpzFile {
  std::map<std::string, NpzArray> arrays;  ///< without ".npy"
  std::string source;
};

/// Throws Error{format} with file and array; Error{unsupported} for arrays of objects,
/// of Fortran order or of other types. At most 2 GiB are unpacked.
NpzFile read_npz(std::string_view bytes, const std::string& source);

/// Throws Error{format} when it is missing.
const NpzArray& get_array(const NpzFile& file, const std::string& name);
/// The only number of an array, within bounds.
double get_number(const NpzFile& file, const std::string& name);
int get_count(const NpzFile& file, const std::string& name, int low, int high);

}  // namespace saltus
