// How help pages look.
#pragma once

#include <CLI/CLI.hpp>

namespace saltus::cli {

/// Short types and defaults, so that most options take one line; text of 100 columns; examples at the end.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
  std::string make_footer(const CLI::App* app) const override;
};

}  // namespace saltus::cli
