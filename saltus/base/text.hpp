// Text: numbers to and from, words, and "did you mean".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace saltus {

/// The whole of `text` as a number, or nothing. Accepts nan and inf; the caller decides whether they are allowed.
std::optional<double> parse_double(std::string_view text);
std::optional<std::int64_t> parse_int(std::string_view text);

/// Without blanks and tabs and carriage returns at both ends.
std::string_view trim(std::string_view text);

/// Shortest text that reads back to the same double.
std::string shortest(double value);

/// The candidate nearest to `word` by edit distance, if near enough to be meant.
std::optional<std::string> nearest_word(std::string_view word, std::span<const std::string> candidates);

/// " (did you mean 'x'?)" or "".
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

/// "a, b, c"
std::string join(std::span<const std::string> words, std::string_view separator = ", ");

}  // namespace saltus
