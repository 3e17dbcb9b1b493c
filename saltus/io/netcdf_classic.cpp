#include "saltus/io/netcdf_classic.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/io/lines.hpp"
#include "saltus/io/refuse.hpp"

namespace saltus {

namespace {

constexpr std::uint32_t dimension_list = 10, variable_list = 11, attribute_list = 12;
constexpr std::size_t read_ahead = 4096;
constexpr std::size_t numbers_kept = 16;
constexpr std::uint64_t name_limit = 4096;
constexpr std::uint64_t values_limit = std::uint64_t{1} << 56;

std::uint64_t filled_up(std::uint64_t bytes) { return (bytes + 3) & ~std::uint64_t{3}; }

// Reads the header from its start to its end. Whatever it counts takes bytes of the header, so that memory is bounded
// by the file.
class HeaderReader {
 public:
  explicit HeaderReader(ByteFile& file) : file_(file) {}

  NetcdfHeader read() {
    const char* magic = file_.at(0, 4, read_ahead);
    if (static_cast<unsigned char>(magic[0]) == 0x89 && std::string_view(magic + 1, 3) == "HDF")
      throw Error(ErrorKind::unsupported, "netCDF-4 (HDF5) is not read; convert the file: nccopy -k cdf5 IN OUT");
    if (!recognizes_netcdf_classic({magic, 4})) refuse("expected 'CDF' and version 1, 2 or 5 at the start");
    version_ = magic[3];
    at_ = 4;
    NetcdfHeader header;
    const bool not_known = all_bits_set();
    header.records = count();
    read_dimensions(header.dimensions);
    read_attributes(header.attributes);
    read_variables(header);
    lay_out_records(header, not_known);
    return header;
  }

 private:
  std::uint32_t word() {
    const auto value = load<std::uint32_t>(file_.at(at_, 4, read_ahead), std::endian::big);
    at_ += 4;
    return value;
  }
  std::uint64_t long_word() {
    const auto value = load<std::uint64_t>(file_.at(at_, 8, read_ahead), std::endian::big);
    at_ += 8;
    return value;
  }
  // A count, length or index: 64 bits in CDF-5.
  std::uint64_t count() { return version_ == 5 ? long_word() : word(); }

  bool all_bits_set() {
    return version_ == 5 ? load<std::uint64_t>(file_.at(at_, 8, read_ahead), std::endian::big) == ~std::uint64_t{0}
                         : load<std::uint32_t>(file_.at(at_, 4, read_ahead), std::endian::big) == ~std::uint32_t{0};
  }

  std::string text(std::uint64_t bytes) {
    const std::string value(file_.at(at_, filled_up(bytes), read_ahead), static_cast<std::size_t>(bytes));
    at_ += filled_up(bytes);
    return value;
  }

  std::string name() {
    const std::uint64_t length = count();
    if (length == 0 || length > name_limit) refuse("a name of {} bytes at byte {}", length, at_);
    return text(length);
  }

  // Entries of a list that starts here; each takes at least so many bytes.
  std::uint64_t entries(std::uint32_t tag, const char* what, std::uint64_t least_bytes) {
    const std::uint32_t found = word();
    const std::uint64_t number = count();
    if (found != tag && !(found == 0 && number == 0)) refuse("expected the list of {} at byte {}", what, at_);
    if (number > (file_.size() - at_) / least_bytes)
      refuse("{} {} at byte {} are more than the file can hold", number, what, at_);
    return number;
  }

  NetcdfType type() {
    const std::uint32_t value = word();
    if (value < 1 || value > (version_ == 5 ? 11u : 6u)) refuse("unknown type {} at byte {}", value, at_ - 4);
    return static_cast<NetcdfType>(value);
  }

  void read_dimensions(std::vector<NetcdfDimension>& dimensions) {
    const std::uint64_t number = entries(dimension_list, "dimensions", 12);
    bool record_dimension = false;
    for (std::uint64_t k = 0; k < number; ++k) {
      NetcdfDimension dimension;
      dimension.name = name();
      dimension.length = count();
      if (dimension.length == 0 && record_dimension) refuse("two record dimensions");
      record_dimension = record_dimension || dimension.length == 0;
      dimensions.push_back(std::move(dimension));
    }
  }

  void read_attributes(std::vector<NetcdfAttribute>& attributes) {
    const std::uint64_t number = entries(attribute_list, "attributes", 16);
    for (std::uint64_t k = 0; k < number; ++k) {
      NetcdfAttribute attribute;
      attribute.name = name();
      attribute.type = type();
      const std::uint64_t values = count(), each = netcdf_bytes(attribute.type);
      if (values > file_.size() / each)
        refuse("attribute {} of {} values is larger than the file", shown(attribute.name), values);
      if (attribute.type == NetcdfType::text) {
        attribute.text = text(values);
      } else {
        const std::uint64_t bytes = filled_up(values * each);
        const char* start = file_.at(at_, bytes, read_ahead);
        const std::uint64_t kept = std::min<std::uint64_t>(values, numbers_kept);
        for (std::uint64_t i = 0; i < kept; ++i) {
          const char* value = start + i * each;
          if (attribute.type == NetcdfType::float32) attribute.number.push_back(load<float>(value, std::endian::big));
          if (attribute.type == NetcdfType::float64) attribute.number.push_back(load<double>(value, std::endian::big));
          if (attribute.type == NetcdfType::int32)
            attribute.number.push_back(load<std::int32_t>(value, std::endian::big));
        }
        at_ += bytes;
      }
      attributes.push_back(std::move(attribute));
    }
  }

  void read_variables(NetcdfHeader& header) {
    const std::uint64_t number = entries(variable_list, "variables", 28);
    for (std::uint64_t k = 0; k < number; ++k) {
      NetcdfVariable variable;
      variable.name = name();
      const std::uint64_t rank = count();
      if (rank > 1024) refuse("variable {} has {} dimensions", shown(variable.name), rank);
      for (std::uint64_t i = 0; i < rank; ++i) {
        const std::uint64_t index = count();
        if (index >= header.dimensions.size())
          refuse("variable {} has dimension number {} of {}", shown(variable.name), index, header.dimensions.size());
        const std::uint64_t length = header.dimensions[static_cast<std::size_t>(index)].length;
        if (length == 0 && i > 0) refuse("the record dimension of variable {} is not its first", shown(variable.name));
        variable.has_records = variable.has_records || length == 0;
        if (length > 0) {
          if (variable.values > values_limit / length) refuse("variable {} is too large", shown(variable.name));
          variable.values *= length;
        }
        variable.dimensions.push_back(static_cast<std::size_t>(index));
      }
      read_attributes(variable.attributes);
      variable.type = type();
      count();  // bytes of the variable, which follow from its dimensions and do not fit here for large ones
      variable.offset = version_ == 1 ? word() : long_word();
      if (variable.offset > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        refuse("variable {} starts beyond any file", shown(variable.name));
      header.variables.push_back(std::move(variable));
    }
  }

  void lay_out_records(NetcdfHeader& header, bool records_not_known) {
    std::uint64_t first = std::numeric_limits<std::uint64_t>::max(), with_records = 0, only = 0;
    for (const auto& variable : header.variables) {
      if (!variable.has_records) continue;
      ++with_records;
      only = variable.values * netcdf_bytes(variable.type);
      header.record_bytes += filled_up(only);
      if (header.record_bytes > values_limit * 8) refuse("the records are too large");
      first = std::min(first, variable.offset);
    }
    if (with_records == 1) header.record_bytes = only;
    if (records_not_known) {
      const std::uint64_t bytes = with_records > 0 && first < file_.size() ? file_.size() - first : 0;
      header.records = bytes == 0 ? 0 : (bytes - 1) / header.record_bytes + 1;
    }
  }

  ByteFile& file_;
  std::uint64_t at_ = 0;
  int version_ = 1;
};

}  // namespace

std::uint64_t netcdf_bytes(NetcdfType type) {
  switch (type) {
    case NetcdfType::int8:
    case NetcdfType::text:
    case NetcdfType::uint8: return 1;
    case NetcdfType::int16:
    case NetcdfType::uint16: return 2;
    case NetcdfType::int32:
    case NetcdfType::float32:
    case NetcdfType::uint32: return 4;
    case NetcdfType::float64:
    case NetcdfType::int64:
    case NetcdfType::uint64: break;
  }
  return 8;
}

const char* name(NetcdfType type) {
  constexpr const char* names[] = {"byte",  "char",   "short", "int",   "float", "double",
                                   "ubyte", "ushort", "uint",  "int64", "uint64"};
  return names[static_cast<std::size_t>(type) - 1];
}

const NetcdfVariable* NetcdfHeader::variable(std::string_view wanted) const {
  for (const auto& candidate : variables)
    if (candidate.name == wanted) return &candidate;
  return nullptr;
}

bool recognizes_netcdf_classic(std::string_view bytes) {
  return bytes.size() >= 4 && bytes.substr(0, 3) == "CDF" && (bytes[3] == 1 || bytes[3] == 2 || bytes[3] == 5);
}

NetcdfHeader read_netcdf_header(ByteFile& file) { return HeaderReader(file).read(); }

const NetcdfAttribute* find_attribute(const std::vector<NetcdfAttribute>& attributes, std::string_view wanted) {
  for (const auto& attribute : attributes)
    if (attribute.name == wanted) return &attribute;
  return nullptr;
}

}  // namespace saltus
