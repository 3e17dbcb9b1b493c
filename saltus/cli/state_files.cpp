#include "saltus/cli/state_files.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "saltus/io/npy_writer.hpp"
#include "saltus/io/output_file.hpp"

namespace saltus::cli {

namespace {

void write_text(const std::string& path, std::span<const std::int32_t> values, std::size_t columns) {
  OutputFile file(path);
  for (std::size_t k = 0; k < values.size(); ++k) {
    file.text() += fmt::format("{}{}", values[k], (k + 1) % columns == 0 ? '\n' : ' ');
    file.flush_if_large();
  }
  file.commit();
}

}  // namespace

std::string images_path(const std::string& states) {
  const std::filesystem::path path(states);
  return (path.parent_path() / (path.stem().string() + ".images" + path.extension().string())).string();
}

void write_states(const std::string& path, std::span<const std::int32_t> site, std::span<const std::int32_t> image, std::size_t carriers) {
  const bool binary = std::filesystem::path(path).extension() == ".npy";
  const auto write = [binary](const std::string& name, std::span<const std::int32_t> values, std::size_t columns) {
    if (binary) write_npy(name, values, columns);
    else write_text(name, values, columns);
  };
  write(path, site, carriers);
  write(images_path(path), image, 3 * carriers);
}

}  // namespace saltus::cli
