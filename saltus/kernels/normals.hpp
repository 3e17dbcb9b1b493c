// Standard normal deviates by the block: Philox 4x32-10 on counters, then Box and Muller; SIMD with run-time dispatch (Highway).
// Each deviate depends on seed, stream and its own counter alone, so that pieces may be drawn in any order and by any thread.
// References: Salmon, Moraes, Dror, Shaw, SC11 (2011); Box and Muller, Ann. Math. Stat. 29, 610 (1958).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace saltus::kernels {

/// A group of so many deviates takes so many counters.
inline constexpr std::size_t normals_per_group = 32;
inline constexpr std::uint64_t counters_per_group = 16;

/// Counters that `count` deviates take: whole groups.
constexpr std::uint64_t counters_of_normals(std::size_t count) {
  return (count + normals_per_group - 1) / normals_per_group * counters_per_group;
}

/// The deviates from `first_counter` on; what a last group that is not whole has left is dropped.
/// The counters are those of `Random` with this seed and stream.
void fill_normals(std::uint64_t seed, std::uint64_t stream, std::uint64_t first_counter, std::span<double> deviates);

}  // namespace saltus::kernels
