#include "saltus/cli/help_formatter.hpp"

#include <algorithm>
#include <sstream>
#include <string>

#include <fmt/format.h>

#include "saltus/cli/command_table.hpp"

namespace saltus::cli {

namespace {

constexpr std::size_t page_columns = 100;

std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// Lines of at most `width` columns; lines that begin with a space, empty ones and line ends before them stay as they are.
std::string wrapped(const std::string& text, std::size_t width) {
  std::string result, line;
  const auto end_line = [&] {
    if (!line.empty()) result += line + "\n";
    line.clear();
  };
  std::istringstream lines(text);
  for (std::string given; std::getline(lines, given);) {
    if (given.empty() || given[0] == ' ') {
      end_line();
      result += given + "\n";
      continue;
    }
    std::istringstream words(given);
    for (std::string word; words >> word;) {
      if (!line.empty() && columns(line) + 1 + columns(word) > width) end_line();
      line += (line.empty() ? "" : " ") + word;
    }
  }
  end_line();
  if (result.ends_with('\n')) result.pop_back();
  return result;
}

}  // namespace

HelpFormatter::HelpFormatter(std::size_t name_columns) : name_columns_(name_columns) { column_width(name_columns); }

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  std::string text = value_name(*option);
  if (option->get_expected_max() == CLI::detail::expected_max_vector_size) text += " ...";
  else if (option->get_expected_min() > 1) text += fmt::format(" x {}", option->get_expected());
  if (option->get_required() && !option->get_positional()) text += " REQUIRED";
  return text.empty() ? text : " " + text;
}

std::string HelpFormatter::make_option_desc(const CLI::Option* option) const {
  return wrapped(description_of(*option), page_columns - name_columns_);
}

std::string HelpFormatter::make_footer(const CLI::App* app) const {
  const CommandPage page = page_of(*app);
  std::string text = wrapped(page.notes, page_columns);
  if (!page.examples.empty()) text += (text.empty() ? "" : "\n\n") + std::string("Example:\n");
  for (const std::string& line : page.examples) text += "  " + line + "\n";
  return text;
}

}  // namespace saltus::cli
