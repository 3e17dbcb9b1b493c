// Manual pages in roff (man macros), from the table of commands and the tables of settings.
// Reference: groff_man(7).
#pragma once

#include <string>

#include "saltus/cli/command_table.hpp"

namespace saltus::cli {

/// The page of a command, section 1.
std::string manual_page(const CommandPage& page);

/// The page of the plan file and its settings, section 5; what `saltus man` calls it.
std::string plan_manual_page();
inline constexpr const char* plan_page_name = "plan";

/// "saltus-analyze-msd.1"
std::string manual_file_name(const CommandPage& page);

}  // namespace saltus::cli
