// The header of classic netCDF files (CDF-1, CDF-2, CDF-5). Reference: "The NetCDF Classic Format Specification",
// Unidata, and the CDF-5 format of PnetCDF.
//
// Big endian: magic "CDF" and the version; number of records; lists of dimensions, attributes and variables. A variable
// whose first dimension is the record dimension has one part per record; the parts of all such variables follow one
// another in each record, each filled up to four bytes (but not filled up if there is only one such variable).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/io/byte_file.hpp"

namespace saltus {

enum class NetcdfType : std::uint8_t {
  int8 = 1,
  text = 2,
  int16 = 3,
  int32 = 4,
  float32 = 5,
  float64 = 6,
  uint8 = 7,
  uint16 = 8,
  uint32 = 9,
  int64 = 10,
  uint64 = 11
};

/// Bytes of one value.
std::uint64_t netcdf_bytes(NetcdfType type);
/// "float", "double", …
const char* name(NetcdfType type);

struct NetcdfDimension {
  std::string name;
  std::uint64_t length = 0;  ///< 0: the record dimension
};

struct NetcdfAttribute {
  std::string name;
  NetcdfType type = NetcdfType::text;
  std::string text;            ///< of text attributes
  std::vector<double> number;  ///< of the others, up to 16; 64-bit integers are not kept
};

struct NetcdfVariable {
  std::string name;
  NetcdfType type = NetcdfType::float32;
  std::vector<std::size_t> dimensions;  ///< indices, the slowest first
  std::vector<NetcdfAttribute> attributes;
  bool has_records = false;
  std::uint64_t values = 1;  ///< in the variable, or in its part of a record
  std::uint64_t offset = 0;  ///< of the first byte
};

struct NetcdfHeader {
  std::vector<NetcdfDimension> dimensions;
  std::vector<NetcdfAttribute> attributes;
  std::vector<NetcdfVariable> variables;
  /// As the header says; where it does not, as in a file being written: those of which the file holds the first byte.
  std::uint64_t records = 0;
  std::uint64_t record_bytes = 0;  ///< from one record to the next

  const NetcdfVariable* variable(std::string_view name) const;
};

/// "CDF" and a version that is read here.
bool recognizes_netcdf_classic(std::string_view first_bytes);

/// Throws Error{format} for a header that is cut off or that no classic file has, Error{unsupported} for netCDF-4
/// (HDF5).
NetcdfHeader read_netcdf_header(ByteFile& file);

const NetcdfAttribute* find_attribute(const std::vector<NetcdfAttribute>& attributes, std::string_view name);

}  // namespace saltus
