// Any bytes as a zip archive: refused with an Error, or every entry lies in the bytes and unpacks within a bound.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "saltus/base/error.hpp"
#include "saltus/models/zip_archive.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr std::uint64_t most = 1 << 16;
  const auto expect_refusal = [](const saltus::Error& error) {
    if (error.kind() != saltus::ErrorKind::format && error.kind() != saltus::ErrorKind::unsupported) std::abort();
  };
  try {
    const saltus::ZipArchive zip(bytes, "fuzz");
    for (const saltus::ZipEntry& entry : zip.entries()) {
      if (entry.packed.data() < bytes.data() || entry.packed.data() + entry.packed.size() > bytes.data() + bytes.size()) std::abort();
      if (zip.find(entry.name) != &entry) std::abort();
      try {
        if (zip.content(entry, most).size() != entry.bytes) std::abort();
      } catch (const saltus::Error& error) {
        expect_refusal(error);
      }
    }
  } catch (const saltus::Error& error) {
    expect_refusal(error);
  }
  return 0;
}
