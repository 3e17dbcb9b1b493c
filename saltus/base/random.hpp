// Counter-based random numbers: Philox 4x32-10. Explicit, seeded, restartable; streams with different ids are independent.
// Reference: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11 (2011).
#pragma once

#include <array>
#include <cstdint>

namespace saltus {

/// State of one stream; copy it to save it, all members are needed for a restart.
struct Random {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
  std::uint64_t counter = 0;                 ///< blocks of four words drawn so far
  std::array<std::uint32_t, 4> block{};      ///< the current block
  std::uint32_t used = 4;                    ///< words of it already used
  double spare_normal = 0;                   ///< second deviate of the last pair
  bool has_spare_normal = false;

  Random() = default;
  Random(std::uint64_t seed_value, std::uint64_t stream_id) : seed(seed_value), stream(stream_id) {}
  bool operator==(const Random&) const = default;

  std::uint32_t next_u32();
  std::uint64_t next_u64();
  /// Uniform in (0, 1), 53 bits, never 0 or 1.
  double uniform();
  /// Uniform integer in [0, n), n > 0, without bias.
  std::uint64_t below(std::uint64_t n);
  /// Standard normal deviate (Marsaglia's polar method).
  double normal();
  /// Gamma deviate of given shape > 0 and unit scale (Marsaglia and Tsang 2000).
  double gamma(double shape);
};

/// One block of Philox 4x32-10.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

}  // namespace saltus
