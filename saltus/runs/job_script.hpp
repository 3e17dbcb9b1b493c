// Job scripts: a template that the user owns, with places in braces that are filled in.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace saltus::runs {

/// A template for Slurm to begin with: {name}, {tasks}, {hours}, {folder}, {command}.
std::string_view slurm_template();

/// Replaces each {word} by its value; "{{" and "}}" are braces. ${…} of the shell stays as it is.
/// Throws Error{usage} for a place without a value (did you mean), and for a value that no place asks for.
std::string filled(std::string_view text, const std::map<std::string, std::string>& values);

/// Words as one line of a POSIX shell, quoted where they must be.
std::string shell_line(const std::vector<std::string>& words);

}  // namespace saltus::runs
