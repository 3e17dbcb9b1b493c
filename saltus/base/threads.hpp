// Threads: one setting, and loops over fixed chunks, so that results do not depend on how many threads there are.
#pragma once

#include <cstddef>
#include <functional>

namespace saltus {

/// Threads used by parallel_chunks from now on; 0 = all cores. Called once, by the command line.
void set_thread_count(int count);
int thread_count();

/// Calls body(first, last) for each chunk [k*chunk, min(n, (k+1)*chunk)), in any order, possibly at once.
/// An exception of a body ends the loop and is thrown here.
void parallel_chunks(std::size_t n, std::size_t chunk, const std::function<void(std::size_t, std::size_t)>& body);

}  // namespace saltus
