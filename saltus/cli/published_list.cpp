#include "saltus/cli/published_list.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/cli/print_json.hpp"
#include "saltus/models/published_files.hpp"

namespace saltus::cli {

using json = nlohmann::ordered_json;

namespace {

json to_json(const PublishedFile& file) {
  const auto known = [](std::string_view text) { return text.empty() ? json(nullptr) : json(std::string(text)); };
  return {{"name", file.name}, {"family", file.family}, {"covers", known(file.elements)}, {"licence", file.licence}, {"source", file.source},
          {"file", known(file.file)}, {"bytes", file.bytes > 0 ? json(file.bytes) : json(nullptr)}, {"sha256", known(file.sha256)}};
}

}  // namespace

int print_published_list(bool as_json) {
  if (as_json) {
    json document{{"files", json::array()}};
    for (const PublishedFile& file : published_files()) document["files"].push_back(to_json(file));
    print_json(document);
    return 0;
  }
  fmt::print("{:<32} {:<10} {:<26} {:>6}  {:<12} {}\n", "name", "family", "licence", "MB", "sha256", "from");
  for (const PublishedFile& file : published_files())
    fmt::print("{:<32} {:<10} {:<26} {:>6}  {:<12} {}\n", file.name, file.family, file.licence, file.bytes > 0 ? fmt::format("{:.2f}", static_cast<double>(file.bytes) / 1e6) : "",
               file.sha256.substr(0, 12), file.source);
  fmt::print("\nNone of them is part of Saltus. What is not known for certain is left out; --json has elements, names of files and whole hashes.\n");
  return 0;
}

json published_json(const std::string& sha256) {
  const auto file = published_file_of(sha256);
  return file ? to_json(*file) : json(nullptr);
}

void print_published_name(const std::string& sha256) {
  if (const auto file = published_file_of(sha256)) fmt::print("published as {}, {}, from {}\n", file->name, file->licence, file->source);
}

}  // namespace saltus::cli
