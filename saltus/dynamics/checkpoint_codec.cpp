#include "saltus/dynamics/checkpoint_codec.hpp"

#include <fmt/format.h>

#include "saltus/base/files.hpp"
#include "saltus/base/sha256.hpp"

namespace saltus {

namespace {

constexpr std::size_t digest_size = 64;

}  // namespace

void write_checkpoint_file(const std::filesystem::path& path, std::string_view magic, std::uint32_t version, const std::string& payload) {
  std::string file(magic);
  CheckpointEncoder header(file);
  header(version);
  header(static_cast<std::uint64_t>(payload.size()));
  file += payload;
  file += sha256(file);
  write_file_atomically(path, file);
}

std::string read_checkpoint_file(const std::filesystem::path& path, std::string_view magic, std::uint32_t version, const char* kind) {
  const std::string file = read_file(path);
  const auto fail = [&](const std::string& what) { throw Error(ErrorKind::format, path.string() + ": " + what); };
  const std::size_t header_size = magic.size() + sizeof(std::uint32_t) + sizeof(std::uint64_t);
  if (file.size() < magic.size() || std::string_view(file).substr(0, magic.size()) != magic) fail(fmt::format("not a checkpoint of {}", kind));
  if (file.size() < header_size + digest_size) fail("the checkpoint is cut off");
  std::uint32_t found = 0;
  std::uint64_t size = 0;
  std::memcpy(&found, file.data() + magic.size(), sizeof found);
  std::memcpy(&size, file.data() + magic.size() + sizeof found, sizeof size);
  if (found != version) fail(fmt::format("a checkpoint of version {}, but this program reads version {}", found, version));
  if (size != file.size() - header_size - digest_size) fail("the checkpoint is cut off or has grown");
  const std::string_view content(file.data(), file.size() - digest_size);
  if (sha256(content) != std::string_view(file).substr(content.size())) fail("the checkpoint is damaged: its SHA-256 does not match");
  return std::string(content.substr(header_size));
}

}  // namespace saltus
