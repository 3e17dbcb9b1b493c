#include "saltus/kinetics/transport_channels.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace saltus::kinetics {

namespace {

/// Currents below this share of the largest are rounding.
constexpr double negligible = 1e-10;

/// A closed walk through moves of at least `threshold`, or nothing: depth first, without recursion.
std::optional<std::vector<std::size_t>> closed_walk(const std::vector<std::vector<std::size_t>>& leaving, const JumpNetwork& network,
                                                    const std::vector<double>& current, double threshold) {
  enum : char { fresh, open, finished };
  std::vector<char> state(leaving.size(), fresh);
  struct Step {
    std::size_t site, next = 0;
  };
  for (std::size_t root = 0; root < leaving.size(); ++root) {
    if (state[root] != fresh) continue;
    std::vector<Step> stack{{root}};
    std::vector<std::size_t> walk;  // moves between the sites of the stack
    state[root] = open;
    while (!stack.empty()) {
      Step& top = stack.back();
      if (top.next == leaving[top.site].size() || current[leaving[top.site][top.next]] < threshold) {  // sorted: no wide one is left
        state[top.site] = finished;
        stack.pop_back();
        if (!walk.empty()) walk.pop_back();
        continue;
      }
      const std::size_t move = leaving[top.site][top.next++], to = static_cast<std::size_t>(network.moves[move].to);
      if (state[to] == open) {
        walk.push_back(move);
        std::size_t begin = 0;
        while (stack[begin].site != to) ++begin;
        return std::vector<std::size_t>(walk.begin() + static_cast<std::ptrdiff_t>(begin), walk.end());
      }
      if (state[to] == finished) continue;
      state[to] = open;
      walk.push_back(move);
      stack.push_back({to});
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<double> move_currents(const JumpNetwork& network, const NetworkTransport& transport, const Vec3& direction) {
  std::vector<double> currents;
  currents.reserve(network.moves.size());
  for (const NetworkMove& move : network.moves) {
    const auto from = static_cast<std::size_t>(move.from), to = static_cast<std::size_t>(move.to);
    const double ahead = dot(direction, move.displacement_ang + transport.corrector_ang[to] - transport.corrector_ang[from]);
    currents.push_back(network.pi[from] * move.weight * ahead);
  }
  return currents;
}

std::vector<TransportChannel> transport_channels(const JumpNetwork& network, const NetworkTransport& transport, const Vec3& direction,
                                                 double share, std::size_t most) {
  std::vector<double> current = move_currents(network, transport, direction);
  double total = 0, largest = 0;
  for (std::size_t m = 0; m < current.size(); ++m) {
    total += 0.5 * current[m] * dot(direction, network.moves[m].displacement_ang);
    largest = std::max(largest, current[m]);
  }
  std::vector<TransportChannel> channels;
  if (!(total > 0)) return channels;

  std::vector<std::vector<std::size_t>> leaving(network.pi.size());
  for (std::size_t m = 0; m < current.size(); ++m)
    if (current[m] > negligible * largest) leaving[static_cast<std::size_t>(network.moves[m].from)].push_back(m);

  for (double carried = 0; channels.size() < most && carried < share * total;) {
    std::vector<double> widths;
    for (std::vector<std::size_t>& moves : leaving) {
      std::erase_if(moves, [&](std::size_t m) { return !(current[m] > negligible * largest); });
      std::sort(moves.begin(), moves.end(), [&](std::size_t a, std::size_t b) { return current[a] != current[b] ? current[a] > current[b] : a < b; });
      for (const std::size_t m : moves) widths.push_back(current[m]);
    }
    std::sort(widths.begin(), widths.end());
    // The greatest threshold that still leaves a closed walk: walks only vanish as it rises.
    std::optional<std::vector<std::size_t>> widest;
    std::size_t low = 0, high = widths.size();
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (auto walk = closed_walk(leaving, network, current, widths[middle])) {
        widest = std::move(walk);
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (!widest) break;
    TransportChannel channel;
    channel.moves = std::move(*widest);
    channel.current = current[channel.moves[0]];
    for (const std::size_t m : channel.moves) {
      channel.current = std::min(channel.current, current[m]);
      channel.displacement_ang += network.moves[m].displacement_ang;
    }
    for (const std::size_t m : channel.moves) current[m] -= channel.current;
    const double part = channel.current * dot(direction, channel.displacement_ang);
    channel.share = part / total;
    carried += part;
    channels.push_back(std::move(channel));
  }
  return channels;
}

}  // namespace saltus::kinetics
