// SHA-256 (FIPS 180-4) of bytes and files: the key of artifacts.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace saltus {

class Sha256 {
 public:
  void update(std::string_view bytes);
  /// Lower-case hexadecimal digest; call once.
  std::string finish();

 private:
  void compress(const unsigned char* block);
  std::array<std::uint32_t, 8> state_{0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
                                      0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u};
  std::array<unsigned char, 64> pending_{};
  std::size_t pending_size_ = 0;
  std::uint64_t total_ = 0;
};

std::string sha256(std::string_view bytes);

/// Of a file's content; of a directory: of the sorted relative names and contents of its regular files.
/// Throws Error{file}.
std::string sha256_of_path(const std::filesystem::path& path);

}  // namespace saltus
