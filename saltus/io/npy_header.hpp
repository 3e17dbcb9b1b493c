// What the beginning of a NumPy .npy file says: magic, version, a Python dictionary as text (descr, fortran_order, shape).
// Reference: NumPy documentation, numpy.lib.format, versions 1.0 to 3.0.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "saltus/io/byte_file.hpp"

namespace saltus {

struct NpyHeader {
  std::string type;  ///< "<f8", "|u1", …
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;
  std::uint64_t size = 0;  ///< bytes before the numbers
  /// "2, 3"
  std::string shape_text() const;
};

/// Throws Error{format}, or Error{unsupported} for later versions and structured arrays.
NpyHeader read_npy_header(ByteFile& bytes);

}  // namespace saltus
