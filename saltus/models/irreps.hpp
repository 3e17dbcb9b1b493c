// Direct sums of irreducible representations of O(3), in the notation of e3nn: "32x0e+32x1o".
// A feature vector holds block after block; within a block the channel is outer, the component m = −l … l inner.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saltus {

struct Irrep {
  int degree = 0;  ///< l
  int parity = 1;  ///< +1 even, −1 odd
  bool operator==(const Irrep&) const = default;
};

struct IrrepBlock {
  std::size_t channels = 0;
  Irrep irrep;
  bool operator==(const IrrepBlock&) const = default;
};

using Irreps = std::vector<IrrepBlock>;

/// "0e", "1o", …
std::string text(Irrep irrep);
/// "32x0e+32x1o"
std::string text(const Irreps& irreps);
/// Nothing when the text is not such a sum, or there are more than 256 blocks, degrees above 20 or 1e6 channels. A bare irrep is one channel.
std::optional<Irreps> parse_irreps(std::string_view text);

/// Numbers in a feature vector: Σ channels (2l + 1).
std::size_t dimension(const Irreps& irreps);
/// Channels of that irrep, over all blocks.
std::size_t channels(const Irreps& irreps, Irrep irrep);
/// Neighbouring blocks of one irrep joined; empty blocks left out.
Irreps simplified(const Irreps& irreps);

}  // namespace saltus
