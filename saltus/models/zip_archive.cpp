#include "saltus/models/zip_archive.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <zlib.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"

namespace saltus {

namespace {

constexpr std::uint32_t local_magic = 0x04034b50, central_magic = 0x02014b50, end_magic = 0x06054b50, end64_magic = 0x06064b50,
                        locator64_magic = 0x07064b50;
constexpr std::size_t local_bytes = 30, central_bytes = 46, end_bytes = 22, locator64_bytes = 20, end64_bytes = 56;
constexpr std::uint64_t most_entries = 1'000'000;

template <class Number>
Number load(std::string_view bytes, std::size_t offset) {
  Number value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

struct Directory {
  std::uint64_t entries = 0, offset = 0, bytes = 0;
  std::uint64_t end = 0;  // of what entries may use, and of the directory
};

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& source) : bytes_(bytes), source_(source) {}

  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> message, Args&&... args) const {
    throw Error(ErrorKind::format, source_ + ": " + fmt::format(message, std::forward<Args>(args)...));
  }
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> message, Args&&... args) const {
    throw Error(ErrorKind::unsupported, source_ + ": " + fmt::format(message, std::forward<Args>(args)...));
  }

  Directory find_directory() const {
    if (bytes_.size() < end_bytes) fail("not a zip archive: {} bytes", bytes_.size());
    // The record at the end carries a comment of at most 65535 bytes; its length must lead exactly to the end of the file.
    const std::size_t last = bytes_.size() - end_bytes, first = last > 0xffff ? last - 0xffff : 0;
    std::optional<std::size_t> at;
    for (std::size_t k = last + 1; k-- > first && !at;)
      if (load<std::uint32_t>(bytes_, k) == end_magic && load<std::uint16_t>(bytes_, k + 20) == bytes_.size() - k - end_bytes) at = k;
    if (!at) fail("not a zip archive, or cut short: no end of the central directory in the last {} bytes", bytes_.size() - first);
    Directory found;
    std::uint32_t disk = load<std::uint16_t>(bytes_, *at + 4), directory_disk = load<std::uint16_t>(bytes_, *at + 6);
    std::uint64_t entries_here = load<std::uint16_t>(bytes_, *at + 8);
    found.entries = load<std::uint16_t>(bytes_, *at + 10);
    found.bytes = load<std::uint32_t>(bytes_, *at + 12);
    found.offset = load<std::uint32_t>(bytes_, *at + 16);
    found.end = *at;
    // With a locator the 64-bit record counts, as all writers make both.
    if (*at >= locator64_bytes && load<std::uint32_t>(bytes_, *at - locator64_bytes) == locator64_magic) {
      const std::uint64_t record = load<std::uint64_t>(bytes_, *at - locator64_bytes + 8);
      const std::uint64_t limit = *at - locator64_bytes;
      if (record > limit || limit - record < end64_bytes || load<std::uint32_t>(bytes_, record) != end64_magic)
        fail("the zip64 locator at byte {} leads to byte {}, where no zip64 record is", limit, record);
      disk = load<std::uint32_t>(bytes_, record + 16);
      directory_disk = load<std::uint32_t>(bytes_, record + 20);
      entries_here = load<std::uint64_t>(bytes_, record + 24);
      found.entries = load<std::uint64_t>(bytes_, record + 32);
      found.bytes = load<std::uint64_t>(bytes_, record + 40);
      found.offset = load<std::uint64_t>(bytes_, record + 48);
      found.end = record;
    }
    if (disk != 0 || directory_disk != 0 || entries_here != found.entries) refuse("a zip archive split into several files is not read");
    if (found.offset > found.end || found.bytes != found.end - found.offset)
      fail("the central directory of {} bytes at byte {} does not end at byte {}", found.bytes, found.offset, found.end);
    if (found.entries > found.bytes / central_bytes) fail("the central directory of {} bytes cannot hold {} entries", found.bytes, found.entries);
    if (found.entries > most_entries) refuse("an archive of {} entries; at most {} are read", found.entries, most_entries);
    return found;
  }

  // Reads the entry at `at` of the directory and moves `at` behind it; `place` gets the first byte that belongs to it.
  ZipEntry read_entry(const Directory& directory, std::uint64_t& at, std::uint64_t& place) const {
    if (directory.end - at < central_bytes || load<std::uint32_t>(bytes_, at) != central_magic) fail("no entry of the central directory at byte {}", at);
    const auto flags = load<std::uint16_t>(bytes_, at + 8), method = load<std::uint16_t>(bytes_, at + 10);
    const std::uint32_t small_packed = load<std::uint32_t>(bytes_, at + 20), small_bytes = load<std::uint32_t>(bytes_, at + 24),
                        small_offset = load<std::uint32_t>(bytes_, at + 42);
    const std::uint64_t name_bytes = load<std::uint16_t>(bytes_, at + 28), extra_bytes = load<std::uint16_t>(bytes_, at + 30),
                        comment_bytes = load<std::uint16_t>(bytes_, at + 32);
    if (directory.end - at - central_bytes < name_bytes + extra_bytes + comment_bytes) fail("the entry at byte {} of the central directory is cut off", at);
    ZipEntry entry;
    entry.crc32 = load<std::uint32_t>(bytes_, at + 16);
    entry.name = bytes_.substr(at + central_bytes, name_bytes);
    const std::string name = shown(entry.name);
    if (flags & 0x2041) refuse("entry {} is encrypted", name);
    if (method != 0 && method != 8) refuse("entry {}: compression method {} is not read, only stored and deflated", name, method);
    entry.deflated = method == 8;
    std::uint64_t packed = small_packed, offset = small_offset;
    entry.bytes = small_bytes;
    read_zip64(bytes_.substr(at + central_bytes + name_bytes, extra_bytes), name, {{small_bytes, &entry.bytes}, {small_packed, &packed}, {small_offset, &offset}});
    at += central_bytes + name_bytes + extra_bytes + comment_bytes;

    if (offset > directory.offset || directory.offset - offset < local_bytes || load<std::uint32_t>(bytes_, offset) != local_magic)
      fail("entry {}: there is no local header at byte {}", name, offset);
    const std::uint64_t local_name = load<std::uint16_t>(bytes_, offset + 26), local_extra = load<std::uint16_t>(bytes_, offset + 28);
    const std::uint64_t first = offset + local_bytes + local_name + local_extra;
    if (first > directory.offset || packed > directory.offset - first)
      fail("entry {}: {} bytes at byte {} do not lie before the central directory at byte {}", name, packed, first, directory.offset);
    if (bytes_.substr(offset + local_bytes, local_name) != entry.name) fail("entry {}: its local header at byte {} has another name", name, offset);
    if (load<std::uint16_t>(bytes_, offset + 8) != method) fail("entry {}: its local header has another compression method", name);
    if (!entry.deflated && packed != entry.bytes) fail("entry {}: stored in {} bytes, but {} are announced", name, packed, entry.bytes);
    entry.packed = bytes_.substr(first, packed);
    place = offset;
    return entry;
  }

  static std::string shown(std::string_view name) { return fmt::format("'{}'", printable_name(name)); }

  static std::string printable_name(std::string_view name) {
    std::string text(name.substr(0, 80));
    for (char& c : text)
      if (static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126) c = '?';
    return name.size() > 80 ? text + "…" : text;
  }

 private:
  struct Wide {
    std::uint32_t narrow;
    std::uint64_t* value;
  };

  // The zip64 field holds, in this order, those numbers alone that do not fit into 32 bits.
  void read_zip64(std::string_view extra, const std::string& name, std::initializer_list<Wide> numbers) const {
    const auto is_wide = [](const Wide& number) { return number.narrow == 0xffffffffu; };
    if (std::none_of(numbers.begin(), numbers.end(), is_wide)) return;
    while (extra.size() >= 4) {
      const auto id = load<std::uint16_t>(extra, 0), size = load<std::uint16_t>(extra, 2);
      if (extra.size() - 4 < size) break;
      std::string_view field = extra.substr(4, size);
      if (id == 1) {
        for (const Wide& number : numbers)
          if (is_wide(number)) {
            if (field.size() < 8) fail("entry {}: its zip64 field is too short", name);
            *number.value = load<std::uint64_t>(field, 0);
            field.remove_prefix(8);
          }
        return;
      }
      extra.remove_prefix(4 + std::size_t{size});
    }
    fail("entry {}: its zip64 field is missing", name);
  }

  std::string_view bytes_;
  const std::string& source_;
};

void check_crc(const ZipEntry& entry, std::string_view content, const Reader& reader) {
  uLong sum = ::crc32_z(0, nullptr, 0);
  sum = ::crc32_z(sum, reinterpret_cast<const Bytef*>(content.data()), content.size());
  if (sum != entry.crc32)
    reader.fail("entry {}: its checksum is {:08x}, expected {:08x}: it is damaged, or was written without checksums", Reader::shown(entry.name),
                static_cast<std::uint32_t>(sum), entry.crc32);
}

}  // namespace

bool looks_like_zip(std::string_view head) { return head.size() >= 4 && (load<std::uint32_t>(head, 0) == local_magic || load<std::uint32_t>(head, 0) == end_magic); }

ZipArchive::ZipArchive(std::string_view bytes, std::string source) : source_(std::move(source)) {
  const Reader reader(bytes, source_);
  const Directory directory = reader.find_directory();
  std::uint64_t at = directory.offset;
  std::vector<std::pair<std::uint64_t, std::size_t>> places;
  for (std::uint64_t k = 0; k < directory.entries; ++k) {
    std::uint64_t place = 0;
    entries_.push_back(reader.read_entry(directory, at, place));
    places.emplace_back(place, k);
    if (!by_name_.emplace(entries_.back().name, k).second) reader.fail("entry {} appears twice", Reader::shown(entries_.back().name));
  }
  if (at != directory.end) reader.fail("{} bytes follow the {} entries of the central directory", directory.end - at, directory.entries);
  std::sort(places.begin(), places.end());
  for (std::size_t k = 1; k < places.size(); ++k) {
    const ZipEntry &before = entries_[places[k - 1].second], &entry = entries_[places[k].second];
    const auto end = static_cast<std::uint64_t>(before.packed.data() + before.packed.size() - bytes.data());
    if (places[k].first < end) reader.fail("entries {} and {} overlap", Reader::shown(before.name), Reader::shown(entry.name));
  }
}

const ZipEntry* ZipArchive::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &entries_[found->second];
}

std::string_view ZipArchive::stored(const ZipEntry& entry) const {
  const Reader reader({}, source_);
  if (entry.deflated) reader.refuse("entry {} is compressed, and cannot be mapped", Reader::shown(entry.name));
  check_crc(entry, entry.packed, reader);
  return entry.packed;
}

std::string ZipArchive::content(const ZipEntry& entry, std::uint64_t most) const {
  const Reader reader({}, source_);
  if (entry.bytes > most) reader.fail("entry {} has {} bytes, at most {} are read", Reader::shown(entry.name), entry.bytes, most);
  if (!entry.deflated) return std::string(stored(entry));
  // Grown as the data come: what the directory announces may be anything.
  std::string content;
  z_stream stream{};
  if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw Error(ErrorKind::internal, "zlib does not start");
  std::size_t taken = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    if (stream.avail_in == 0 && taken < entry.packed.size()) {
      const std::size_t part = std::min<std::size_t>(entry.packed.size() - taken, 1u << 30);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(entry.packed.data() + taken));
      stream.avail_in = static_cast<uInt>(part);
      taken += part;
    }
    const std::size_t room = std::min<std::size_t>(std::max<std::size_t>(content.size(), 4096), entry.bytes - content.size() + 1);
    const std::size_t before = content.size();
    content.resize(before + room);
    stream.next_out = reinterpret_cast<Bytef*>(content.data() + before);
    stream.avail_out = static_cast<uInt>(std::min<std::size_t>(room, 1u << 30));
    const std::size_t offered = stream.avail_out;
    status = ::inflate(&stream, Z_NO_FLUSH);
    content.resize(before + offered - stream.avail_out);
    if (content.size() > entry.bytes) break;
  }
  const bool complete = status == Z_STREAM_END && stream.avail_in == 0 && taken == entry.packed.size();
  ::inflateEnd(&stream);
  if (!complete || content.size() != entry.bytes)
    reader.fail("entry {}: its compressed data are damaged or do not hold the {} bytes announced", Reader::shown(entry.name), entry.bytes);
  check_crc(entry, content, reader);
  return content;
}

}  // namespace saltus
