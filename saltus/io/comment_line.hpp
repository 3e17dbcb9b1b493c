// The key=value pairs of an extXYZ comment line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace saltus {

struct CommentEntry {
  std::string key;
  std::string value;       ///< without the outer delimiters, escapes resolved; inner brackets of arrays kept
  bool has_value = false;  ///< false: a bare key, which means true
};

/// Throws Error{format} for an unclosed quote or bracket, a stray quote, or a value without key.
std::vector<CommentEntry> parse_comment_line(std::string_view line);

/// The elements of an array value: split at blanks and commas, brackets removed.
std::vector<std::string_view> array_elements(std::string_view value);

}  // namespace saltus
