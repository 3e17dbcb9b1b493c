// ZIP archives as views of bytes: stored entries are not copied, deflated ones are inflated up to a bound.
// Reference: PKWARE, ".ZIP File Format Specification" 6.3.10. Entry names are keys and never paths.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace saltus {

struct ZipEntry {
  std::string_view name;  ///< as in the central directory
  std::string_view packed;  ///< the entry's bytes as they lie in the archive
  std::uint64_t bytes = 0;  ///< unpacked
  std::uint32_t crc32 = 0;
  bool deflated = false;  ///< else stored
};

/// The central directory of an archive, checked against the archive: each entry lies before the directory, has a local header of the
/// same name, overlaps no other, and no name appears twice. Encrypted entries, split archives and other methods are refused.
class ZipArchive {
 public:
  /// `bytes` must outlive the archive; `source` names it in messages. Throws Error{format} with the place, Error{unsupported}.
  ZipArchive(std::string_view bytes, std::string source);

  const std::vector<ZipEntry>& entries() const { return entries_; }  ///< in the order of the central directory
  const ZipEntry* find(std::string_view name) const;
  const std::string& source() const { return source_; }

  /// The content of a stored entry, without a copy; its checksum is compared. Throws Error{format} when it differs,
  /// Error{unsupported} for a deflated entry.
  std::string_view stored(const ZipEntry& entry) const;
  /// The content of any entry of at most `most` bytes. Throws Error{format} when it is larger, damaged or of another checksum.
  std::string content(const ZipEntry& entry, std::uint64_t most) const;

 private:
  std::string source_;
  std::vector<ZipEntry> entries_;
  std::map<std::string_view, std::size_t> by_name_;
};

/// Whether a file that begins with `head` (4 bytes are enough) may be a ZIP archive.
bool looks_like_zip(std::string_view head);

}  // namespace saltus
