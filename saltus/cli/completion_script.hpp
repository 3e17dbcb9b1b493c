// Completion scripts for shells, from the table of commands.
#pragma once

#include <string>

#include "saltus/cli/command_table.hpp"

namespace saltus::cli {

/// Each takes the page of the program and returns a script to be sourced: verbs and kinds, options, names of files where a path
/// is wanted, the values of fixed sets.
std::string bash_completion(const CommandPage& program);
std::string zsh_completion(const CommandPage& program);
std::string fish_completion(const CommandPage& program);

}  // namespace saltus::cli
