#include "saltus/cli/model_summary.hpp"

#include <array>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/text.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/models/safetensors.hpp"

namespace saltus::cli {

namespace {

// Metadata values may be whole documents; a table shows their beginning.
constexpr std::size_t shown_bytes = 90;

std::string shortened(const std::string& text) {
  return printable(text.size() <= shown_bytes ? text : text.substr(0, shown_bytes) + fmt::format("... ({} bytes)", text.size()));
}

}  // namespace

bool is_model_file(const std::filesystem::path& path) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return false;
  std::array<char, 9> head{};
  if (!std::ifstream(path, std::ios::binary).read(head.data(), head.size())) return false;
  return looks_like_safetensors({head.data(), head.size()}, std::filesystem::file_size(path, failed));
}

void print_model_summary(const std::filesystem::path& path, bool json) {
  const TensorFile file = read_safetensors(path);
  if (json) {
    nlohmann::ordered_json document{{"file", path.string()}, {"format", "safetensors"}, {"metadata", file.metadata}};
    document["tensors"] = nlohmann::ordered_json::array();
    for (const auto& [tensor_name, tensor] : file.tensors)
      document["tensors"].push_back({{"name", tensor_name}, {"dtype", name(tensor.dtype)}, {"shape", tensor.shape}});
    print_json(document);
    return;
  }
  fmt::print("{:<24} {}\n{:<24} safetensors\n", "file", path.string(), "format");
  for (const auto& [key, value] : file.metadata) fmt::print("{:<24} {}\n", printable(key), shortened(value));
  for (const auto& [tensor_name, tensor] : file.tensors) {
    std::vector<std::string> extents;
    for (const std::size_t extent : tensor.shape) extents.push_back(std::to_string(extent));
    fmt::print("{:<24} {} {}\n", printable(tensor_name), name(tensor.dtype), extents.empty() ? "scalar" : join(extents, " x "));
  }
}

}  // namespace saltus::cli
