// Published model files that are known: what they are called, by whom, under which terms, where a user gets them. None is shipped.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace saltus {

struct PublishedFile {
  std::string_view name;     ///< as its makers call it
  std::string_view family;   ///< "sevennet", "mace", "mattersim"
  std::string_view elements; ///< in words; empty: not known for certain
  std::string_view licence;  ///< of the weights, as their makers state it
  std::string_view source;   ///< project or page where a user gets it
  std::string_view file;     ///< its name there; empty: not known for certain
  std::uint64_t bytes = 0;   ///< 0: not known for certain
  std::string_view sha256;   ///< empty: not known for certain
};

std::span<const PublishedFile> published_files();

/// The one of this hash, lower-case hexadecimal; none: not known.
std::optional<PublishedFile> published_file_of(std::string_view sha256);

}  // namespace saltus
