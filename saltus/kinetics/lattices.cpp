#include "saltus/kinetics/lattices.hpp"

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"

namespace saltus::kinetics {

namespace {

constexpr std::array<LatticeRow, 7> rows{{
    {"chain", "a line of sites: single file", 1},
    {"square", "four neighbours in a plane", 2},
    {"honeycomb", "three neighbours in a plane, two sites a cell", 2},
    {"sc", "simple cubic, six neighbours", 3},
    {"bcc", "body-centred cubic, eight neighbours", 3},
    {"fcc", "face-centred cubic, twelve neighbours", 3},
    {"diamond", "four neighbours, two sites a cell", 3},
}};

// In units of the jump length; a cell whose neighbours are found by distance.
struct Pattern {
  Mat3 cell;
  std::vector<Vec3> site;
};

Pattern pattern_of(std::string_view name) {
  const double far = 10, root3 = std::sqrt(3.0), root2 = std::sqrt(2.0);
  if (name == "chain") return {{{Vec3{1, 0, 0}, Vec3{0, far, 0}, Vec3{0, 0, far}}}, {{}}};
  if (name == "square") return {{{Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, far}}}, {{}}};
  if (name == "honeycomb")
    return {{{Vec3{root3, 0, 0}, Vec3{root3 / 2, 1.5, 0}, Vec3{0, 0, far}}}, {{}, {0, 1, 0}}};
  if (name == "sc") return {Mat3::identity(), {{}}};
  const double b = 1 / root3, f = 1 / root2, d = 2 / root3;
  if (name == "bcc") return {{{Vec3{-b, b, b}, Vec3{b, -b, b}, Vec3{b, b, -b}}}, {{}}};
  if (name == "fcc") return {{{Vec3{0, f, f}, Vec3{f, 0, f}, Vec3{f, f, 0}}}, {{}}};
  if (name == "diamond") return {{{Vec3{0, d, d}, Vec3{d, 0, d}, Vec3{d, d, 0}}}, {{}, {b, b, b}}};
  std::vector<std::string> names;
  for (const LatticeRow& row : rows) names.emplace_back(row.name);
  throw Error(ErrorKind::usage, "there is no lattice '" + std::string(name) + "'" + did_you_mean(name, names) + "; there are " + join(names));
}

}  // namespace

std::span<const LatticeRow> lattices() { return rows; }

SiteNetwork lattice_network(std::string_view name, double jump_ang, double rate) {
  if (!(jump_ang > 0) || !std::isfinite(jump_ang) || !(rate > 0) || !std::isfinite(rate))
    throw Error(ErrorKind::usage, "a lattice needs a positive jump length and a positive rate");
  const Pattern pattern = pattern_of(name);
  SiteNetwork network;
  network.n_sites = static_cast<int>(pattern.site.size());
  network.cell_rows_ang = Mat3{{jump_ang * pattern.cell[0], jump_ang * pattern.cell[1], jump_ang * pattern.cell[2]}};
  for (const Vec3& site : pattern.site) {
    network.position_ang.push_back(jump_ang * site);
    network.probability.push_back(1.0 / static_cast<double>(pattern.site.size()));
  }
  // bcc and fcc neighbours lie up to two primitive vectors away.
  for (int a = 0; a < network.n_sites; ++a)
    for (int b = 0; b < network.n_sites; ++b)
      for (int i = -2; i <= 2; ++i)
        for (int j = -2; j <= 2; ++j)
          for (int k = -2; k <= 2; ++k) {
            const Vec3 d = pattern.site[static_cast<std::size_t>(b)] - pattern.site[static_cast<std::size_t>(a)] +
                           Vec3{double(i), double(j), double(k)} * pattern.cell;
            if (std::abs(norm(d) - 1) < 1e-9) network.jumps.push_back({a, b, rate, jump_ang * d, Int3{i, j, k}, {}});
          }
  return network;
}

}  // namespace saltus::kinetics
