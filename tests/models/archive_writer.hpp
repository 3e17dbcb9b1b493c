// Zip archives and pickles made by hand, sound or not, for the tests of what reads them.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <zlib.h>

namespace saltus::test {

template <class Number>
std::string little(Number value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

inline std::uint32_t crc_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

inline std::string deflated(std::string_view bytes) {
  z_stream stream{};
  ::deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(::deflateBound(&stream, bytes.size()) + 16, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  ::deflateEnd(&stream);
  return out;
}

/// An entry, and what its headers say where they lie.
struct ZipPart {
  std::string name, content;
  bool deflate = false, zip64 = false, descriptor = false;
  std::uint16_t method = 0, flags = 0;
  std::int64_t announced_bytes = -1, announced_packed = -1, announced_offset = -1;  ///< −1: the truth
  std::string local_name;                                                           ///< empty: the same
};

inline std::string zip_bytes(const std::vector<ZipPart>& parts, bool zip64_end = false) {
  std::string file, directory;
  for (const ZipPart& part : parts) {
    const std::string packed = part.deflate ? deflated(part.content) : part.content;
    const std::uint64_t offset = part.announced_offset >= 0 ? static_cast<std::uint64_t>(part.announced_offset) : file.size();
    const std::uint64_t bytes = part.announced_bytes >= 0 ? static_cast<std::uint64_t>(part.announced_bytes) : part.content.size();
    const std::uint64_t small = part.announced_packed >= 0 ? static_cast<std::uint64_t>(part.announced_packed) : packed.size();
    const auto method = static_cast<std::uint16_t>(part.method != 0 ? part.method : part.deflate ? 8 : 0);
    const auto flags = static_cast<std::uint16_t>(part.flags | (part.descriptor ? 8 : 0));
    const std::uint32_t crc = crc_of(part.content), wide = 0xffffffffu;
    const std::string local = part.local_name.empty() ? part.name : part.local_name;
    file += little<std::uint32_t>(0x04034b50) + little<std::uint16_t>(45) + little(flags) + little(method) + std::string(4, '\0');
    file += part.descriptor ? std::string(12, '\0') : little(crc) + little(static_cast<std::uint32_t>(small)) + little(static_cast<std::uint32_t>(bytes));
    file += little(static_cast<std::uint16_t>(local.size())) + little<std::uint16_t>(0) + local + packed;
    if (part.descriptor) file += little<std::uint32_t>(0x08074b50) + little(crc) + little(static_cast<std::uint32_t>(packed.size())) + little(static_cast<std::uint32_t>(part.content.size()));
    const std::string extra = part.zip64 ? little<std::uint16_t>(1) + little<std::uint16_t>(24) + little(bytes) + little(small) + little(offset) : "";
    directory += little<std::uint32_t>(0x02014b50) + little<std::uint16_t>(45) + little<std::uint16_t>(45) + little(flags) + little(method) + std::string(4, '\0') + little(crc);
    directory += part.zip64 ? little(wide) + little(wide) : little(static_cast<std::uint32_t>(small)) + little(static_cast<std::uint32_t>(bytes));
    directory += little(static_cast<std::uint16_t>(part.name.size())) + little(static_cast<std::uint16_t>(extra.size())) + std::string(10, '\0');
    directory += part.zip64 ? little(wide) : little(static_cast<std::uint32_t>(offset));
    directory += part.name + extra;
  }
  const std::uint64_t offset = file.size(), count = parts.size(), length = directory.size();
  file += directory;
  if (zip64_end) {
    const std::uint64_t record = file.size();
    file += little<std::uint32_t>(0x06064b50) + little<std::uint64_t>(44) + little<std::uint16_t>(45) + little<std::uint16_t>(45) + std::string(8, '\0');
    file += little(count) + little(count) + little(length) + little(offset);
    file += little<std::uint32_t>(0x07064b50) + little<std::uint32_t>(0) + little(record) + little<std::uint32_t>(1);
    return file + little<std::uint32_t>(0x06054b50) + std::string(4, '\0') + std::string(4, '\xff') + std::string(8, '\xff') + little<std::uint16_t>(0);
  }
  file += little<std::uint32_t>(0x06054b50) + std::string(4, '\0') + little(static_cast<std::uint16_t>(count)) + little(static_cast<std::uint16_t>(count));
  return file + little(static_cast<std::uint32_t>(length)) + little(static_cast<std::uint32_t>(offset)) + little<std::uint16_t>(0);
}

// Opcodes of protocol 2.
inline std::string pickled(const std::string& opcodes) {
  std::string bytes("\x80\x02");
  bytes += opcodes;
  bytes += '.';
  return bytes;
}
inline std::string text_op(const std::string& text) { return "X" + little(static_cast<std::uint32_t>(text.size())) + text; }
inline std::string integer_op(std::int32_t value) { return "J" + little(value); }
inline std::string global_op(const std::string& module, const std::string& name) { return "c" + module + "\n" + name + "\n"; }
inline std::string tuple_op(const std::vector<std::string>& items) {
  std::string all = "(";
  for (const std::string& item : items) all += item;
  return all + "t";
}
inline std::string dict_op(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string all = "}(";
  for (const auto& [key, value] : items) all += text_op(key) + value;
  return all + "u";
}
/// torch._utils._rebuild_tensor_v2 of a storage `key`.
inline std::string tensor_op(const std::string& key, const std::string& type, std::int32_t numel, std::int32_t offset, const std::vector<std::int32_t>& shape,
                             const std::vector<std::int32_t>& stride) {
  const auto numbers = [](const std::vector<std::int32_t>& values) {
    std::vector<std::string> items;
    for (const std::int32_t value : values) items.push_back(integer_op(value));
    return tuple_op(items);
  };
  const std::string storage = tuple_op({text_op("storage"), global_op("torch", type), text_op(key), text_op("cpu"), integer_op(numel)}) + "Q";
  return global_op("torch._utils", "_rebuild_tensor_v2") + tuple_op({storage, integer_op(offset), numbers(shape), numbers(stride), "\x89", global_op("collections", "OrderedDict") + ")R"}) + "R";
}

}  // namespace saltus::test
