// How much memory the machine has.
#pragma once

#include <cstdint>

namespace saltus {

/// Bytes of physical memory.
std::uint64_t memory_bytes();

}  // namespace saltus
