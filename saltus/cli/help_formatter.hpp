// How help pages look.
#pragma once

#include <cstddef>

#include <CLI/CLI.hpp>

namespace saltus::cli {

/// Short types and defaults, so that most options take one line; text of 100 columns; examples at the end.
class HelpFormatter : public CLI::Formatter {
 public:
  /// name_columns  for names and types; commands with many long names have more, so that their pages stay short
  explicit HelpFormatter(std::size_t name_columns = 29);
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
  std::string make_footer(const CLI::App* app) const override;

 private:
  std::size_t name_columns_;
};

}  // namespace saltus::cli
