// A random reversible network in a skewed cell: three types of sites, paths within the cell and to its neighbours.
#pragma once

#include <cmath>
#include <cstdint>
#include <tuple>

#include "saltus/base/random.hpp"
#include "saltus/kinetics/site_network.hpp"

namespace saltus::kinetics {

inline SiteNetwork random_network(std::uint64_t seed, bool uniform_sites = false) {
  Random random(seed, 1);
  SiteNetwork network;
  network.n_sites = 3;
  network.cell_rows_ang = Mat3{{Vec3{3, 0.2, 0}, Vec3{-0.5, 2.5, 0.1}, Vec3{0.3, 0.4, 2.8}}};
  double pi[3] = {1, 1, 1};
  if (!uniform_sites)
    for (double& p : pi) p = std::exp(random.normal());
  for (int a = 0; a < 3; ++a)
    network.position_ang.push_back(Vec3{random.uniform(), random.uniform(), random.uniform()} * *network.cell_rows_ang);
  const struct { int a, b; Int3 image; } paths[] = {{0, 1, {0, 0, 0}}, {1, 2, {0, 0, 0}}, {2, 0, {1, 0, 0}}, {1, 0, {0, 1, 0}},
                                                    {2, 1, {0, 0, 1}}, {0, 0, {1, -1, 0}}, {1, 1, {0, 0, 2}}, {0, 1, {0, 0, 0}}};
  for (const auto& path : paths) {
    const double flux = std::exp(0.7 * random.normal());
    const Int3 back{-path.image[0], -path.image[1], -path.image[2]};
    for (const auto& [from, to, image] : {std::tuple{path.a, path.b, path.image}, std::tuple{path.b, path.a, back}}) {
      const Vec3 d = network.position_ang[static_cast<std::size_t>(to)] - network.position_ang[static_cast<std::size_t>(from)] +
                     Vec3{double(image[0]), double(image[1]), double(image[2])} * *network.cell_rows_ang;
      network.jumps.push_back({from, to, flux / pi[from], d, image, {}});
    }
  }
  return network;
}

}  // namespace saltus::kinetics
