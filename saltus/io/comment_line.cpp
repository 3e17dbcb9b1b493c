#include "saltus/io/comment_line.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/io/lines.hpp"

namespace saltus {

namespace {

constexpr std::size_t key_limit = 10000;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

struct Scanner {
  std::string_view text;
  std::size_t at = 0;

  bool done() const { return at >= text.size(); }
  char here() const { return text[at]; }
  void skip_blanks() {
    while (!done() && is_blank(here())) ++at;
  }

  // From the opening quote to behind the closing one; "\n" within is a line end, any other escaped character itself.
  std::string quoted_text() {
    const std::size_t start = at;
    const char quote = text[at++];
    std::string result;
    for (; !done(); ++at) {
      if (here() == quote) {
        ++at;
        return result;
      }
      if (here() == '\\' && at + 1 < text.size()) {
        ++at;
        result += here() == 'n' ? '\n' : here();
      } else {
        result += here();
      }
    }
    throw Error(ErrorKind::format, fmt::format("the quote that opens at {} is not closed; add the closing {}",
                                               shown(text.substr(start)), quote));
  }

  // From the opening bracket to behind the matching one.
  std::string bracketed_text() {
    const std::size_t start = at;
    std::string open;
    while (!done()) {
      const char c = here();
      if (c == '"') {
        quoted_text();
        continue;
      }
      ++at;
      if (c == '[' || c == '{') open += c;
      if (c == ']' || c == '}') {
        if (open.empty() || open.back() != (c == ']' ? '[' : '{')) break;
        open.pop_back();
        if (open.empty()) return std::string(text.substr(start + 1, at - start - 2));
      }
    }
    throw Error(ErrorKind::format,
                fmt::format("the bracket that opens at {} is not closed", shown(text.substr(start))));
  }

  std::string bare_text(bool stop_at_equals) {
    const std::size_t start = at;
    while (!done() && !is_blank(here()) && !(stop_at_equals && here() == '=')) {
      if (here() == '"')
        throw Error(ErrorKind::format, fmt::format("stray quote in {}; enclose the whole value in quotes",
                                                   shown(text.substr(start))));
      ++at;
    }
    return std::string(text.substr(start, at - start));
  }

  // A single quote delimits only where its partner ends the value: it may also be an apostrophe.
  bool opens_single_quote() const {
    if (here() != '\'') return false;
    for (std::size_t k = at + 1; k < text.size(); ++k)
      if (text[k] == '\'') return k + 1 == text.size() || is_blank(text[k + 1]);
    return false;
  }

  std::string value() {
    std::string result;
    if (here() == '"' || opens_single_quote()) result = quoted_text();
    else if (here() == '[' || here() == '{') result = bracketed_text();
    else return bare_text(false);
    if (!done() && !is_blank(here()))
      throw Error(ErrorKind::format,
                  fmt::format("expected a blank after a closing quote or bracket, found {}", shown(text.substr(at))));
    return result;
  }
};

}  // namespace

std::vector<CommentEntry> parse_comment_line(std::string_view line) {
  std::vector<CommentEntry> entries;
  Scanner scanner{line};
  for (scanner.skip_blanks(); !scanner.done(); scanner.skip_blanks()) {
    CommentEntry entry;
    entry.key = scanner.here() == '"' ? scanner.quoted_text() : scanner.bare_text(true);
    if (entry.key.empty())
      throw Error(ErrorKind::format,
                  fmt::format("a value without a name at {}; write name=value", shown(line.substr(scanner.at))));
    scanner.skip_blanks();
    if (!scanner.done() && scanner.here() == '=') {
      ++scanner.at;
      scanner.skip_blanks();
      if (!scanner.done()) entry.value = scanner.value();
      entry.has_value = true;
    }
    if (entries.size() == key_limit)
      throw Error(ErrorKind::format, fmt::format("more than {} keys in the comment line", key_limit));
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<std::string_view> array_elements(std::string_view value) {
  constexpr std::string_view separators = " \t\n\r,[]{}";
  std::vector<std::string_view> elements;
  for (std::size_t at = value.find_first_not_of(separators); at != std::string_view::npos;) {
    const std::size_t stop = std::min(value.find_first_of(separators, at), value.size());
    elements.push_back(value.substr(at, stop - at));
    at = value.find_first_not_of(separators, stop);
  }
  return elements;
}

}  // namespace saltus
