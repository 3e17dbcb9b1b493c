// Ctrl-C: the first SIGINT or SIGTERM asks a long task to end in good order, the second ends the program at once.
#pragma once

namespace saltus::cli {

/// From now on; a signal that the program was told to ignore stays ignored. Before, and in commands that never call it,
/// both end the program at once.
void listen_for_signals();

/// The signal that came, 0 = none.
int stop_signal();

/// Whether a signal came; a Stop (saltus/base/progress.hpp).
bool stop_requested();

}  // namespace saltus::cli
