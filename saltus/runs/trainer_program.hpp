// saltus-train, the program that has libtorch: where it is, and running it as a child of a stage.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "saltus/base/progress.hpp"

namespace saltus::runs {

/// Beside this program, else in a folder of PATH. Throws Error{unsupported}, which says how to get it, where there is none.
std::filesystem::path trainer_program();

/// Runs a program to its end; its standard output is dropped, lines of its standard error go to `say`, but its own warnings and errors.
///
/// program  path and arguments
/// stop     asked some times a second; then the program is sent SIGTERM, once, and waited for
///
/// The program has a process group of its own, so that Ctrl-C on a terminal reaches it through `stop` only; it is sent SIGTERM when
/// this process dies.
/// Throws Interrupted where it ended because of `stop`; its own error, with its kind, where it ended with one; Error{internal} where it was killed;
/// Error{file} where it cannot be started.
void run_trainer(const std::vector<std::string>& program, const Stop& stop, const std::function<void(const std::string&)>& say);

}  // namespace saltus::runs
