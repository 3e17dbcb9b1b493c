#include "saltus/kinetics/vacancy_network.hpp"

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

SiteNetwork vacancy_network(const SiteNetwork& network, const ConnectedNetwork& connected) {
  SiteNetwork result;
  result.n_sites = static_cast<int>(connected.site.size());
  result.cell_rows_ang = network.cell_rows_ang;
  double sum = 0;
  for (const double p : connected.network.pi) sum += result.probability.emplace_back(1 / p);
  for (double& p : result.probability) p /= sum;
  for (const int site : connected.site)
    if (!network.position_ang.empty()) result.position_ang.push_back(network.position_ang[static_cast<std::size_t>(site)]);
  for (std::size_t k = 0; k < connected.jump.size(); ++k) {
    const NetworkMove& move = connected.network.moves[k];
    SiteJump jump{move.to, move.from, move.weight, -move.displacement_ang, {}, {}};
    if (const auto& image = network.jumps[static_cast<std::size_t>(connected.jump[k])].image)
      jump.image = Int3{-(*image)[0], -(*image)[1], -(*image)[2]};
    result.jumps.push_back(jump);
  }
  return result;
}

TracerTransport tracer_by_vacancy(const Tiling& tiling, const ConnectedNetwork& connected) {
  check(tiling);
  if (connected.broken) throw Error(ErrorKind::unsupported, "tracer diffusion by a vacancy needs a network with detailed balance");
  if (tiling.n_types != static_cast<int>(connected.site.size()) || tiling.moves.size() != connected.network.moves.size())
    throw Error(ErrorKind::usage, "the tiling is not that of the network");
  const std::size_t n_sites = tiling.n_sites(), types = static_cast<std::size_t>(tiling.n_types);
  if (static_cast<double>(n_sites) * static_cast<double>(types) > 200000)
    throw Error(ErrorKind::unsupported, fmt::format("tracer diffusion by a vacancy: {} states, at most 200000; fewer cells", n_sites * types));
  const auto wrapped = [&](int x, std::size_t axis) {
    const int n = tiling.cells[axis];
    return ((x % n) + n) % n;
  };
  const auto shifted = [&](int type, const Int3& cell, const Int3& by, int sign) {
    return tiling.index(type, {wrapped(cell[0] + sign * by[0], 0), wrapped(cell[1] + sign * by[1], 1), wrapped(cell[2] + sign * by[2], 2)});
  };
  // The tagged ion sits on its type in cell 0; the vacancy anywhere else.
  std::vector<int> state(types * n_sites, -1);
  JumpNetwork chain;
  double sum = 0;
  for (std::size_t a = 0; a < types; ++a)
    for (std::size_t v = 0; v < n_sites; ++v) {
      if (v == tiling.index(static_cast<int>(a), {0, 0, 0})) continue;
      state[a * n_sites + v] = static_cast<int>(chain.pi.size());
      sum += chain.pi.emplace_back(1 / connected.network.pi[v / tiling.n_cells()]);
    }
  for (double& p : chain.pi) p /= sum;
  for (std::size_t a = 0; a < types; ++a) {
    const std::size_t home = tiling.index(static_cast<int>(a), {0, 0, 0});
    Int3 cell{};
    for (int type = 0; type < tiling.n_types; ++type)
      for (cell[0] = 0; cell[0] < tiling.cells[0]; ++cell[0])
        for (cell[1] = 0; cell[1] < tiling.cells[1]; ++cell[1])
          for (cell[2] = 0; cell[2] < tiling.cells[2]; ++cell[2]) {
            const std::size_t v = tiling.index(type, cell);
            if (v == home) continue;
            const int from = state[a * n_sites + v];
            for (std::size_t k = 0; k < tiling.moves.size(); ++k) {
              const TiledMove& move = tiling.moves[k];  // of an ion into the vacancy
              if (move.to != type || !(move.rate > 0)) continue;
              const std::size_t ion = shifted(move.from, cell, move.image, -1);
              if (ion == v)
                throw Error(ErrorKind::usage, fmt::format("{} × {} × {} cells are too few for a vacancy: a jump leads to an image of its own site",
                                                          tiling.cells[0], tiling.cells[1], tiling.cells[2]));
              if (ion != home) {
                chain.moves.push_back({from, state[a * n_sites + ion], move.rate, {}});
              } else {  // the tagged ion jumps; seen from its new site the vacancy is where it was
                const std::size_t behind = shifted(static_cast<int>(a), {0, 0, 0}, move.image, -1);
                chain.moves.push_back({from, state[static_cast<std::size_t>(move.to) * n_sites + behind], move.rate,
                                       connected.network.moves[k].displacement_ang});
              }
            }
          }
  }
  const NetworkTransport transport = network_transport(network_moments(chain));
  TracerTransport result{tiling.cells, n_sites, transport.diffusion_ang2, transport.uncorrelated_diffusion_ang2, 0};
  result.correlation_factor = trace(result.diffusion_ang2) / trace(result.uncorrelated_diffusion_ang2);
  return result;
}

double extrapolated_correlation_factor(const TracerTransport& smaller, const TracerTransport& larger) {
  const auto a = static_cast<double>(smaller.sites), b = static_cast<double>(larger.sites);
  if (!(b > a)) throw Error(ErrorKind::usage, "the correlation factor is extrapolated from two cells of different size");
  return (b * larger.correlation_factor - a * smaller.correlation_factor) / (b - a);
}

}  // namespace saltus::kinetics
