// One vacancy on a periodic simple cubic lattice that changes places with its neighbours at rate 1 each: synthetic
// trajectories, and the exact transport of a tagged atom from the chain of the vacancy's place relative to it.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "saltus/base/random.hpp"
#include "saltus/kinetics/jump_network.hpp"
#include "saltus/kinetics/kinetics_estimate.hpp"

namespace saltus::kinetics {

inline constexpr int neighbour_offsets[6][3] = {{1, 0, 0}, {-1, 0, 0}, {0, 1, 0}, {0, -1, 0}, {0, 0, 1}, {0, 0, -1}};

struct CubicLattice {
  int edge = 3;  // sites per edge, at least 3
  int sites() const { return edge * edge * edge; }
  int index(int x, int y, int z) const {
    const auto wrap = [this](int i) { return ((i % edge) + edge) % edge; };
    return (wrap(x) * edge + wrap(y)) * edge + wrap(z);
  }
  Int3 coordinates(int site) const { return {site / (edge * edge), site / edge % edge, site % edge}; }
};

/// States: place of the vacancy relative to the tagged atom, 1 … sites − 1. An exchange moves the atom to the vacancy.
inline JumpNetwork tagged_atom_network(const CubicLattice& lattice) {
  const int n = lattice.sites() - 1;
  JumpNetwork network{std::vector<double>(static_cast<std::size_t>(n), 1.0 / n), {}};
  for (int site = 1; site <= n; ++site) {
    const Int3 r = lattice.coordinates(site);
    for (const auto& e : neighbour_offsets) {
      const int target = lattice.index(r[0] + e[0], r[1] + e[1], r[2] + e[2]);
      if (target != 0) {
        network.moves.push_back({site - 1, target - 1, 1.0, {}});
      } else {
        network.moves.push_back({site - 1, lattice.index(e[0], e[1], e[2]) - 1, 1.0,
                                 Vec3{double(-e[0]), double(-e[1]), double(-e[2])}});
      }
    }
  }
  return network;
}

/// Stationary run: frames `spacing` apart, lattice constant 1, Gaussian vibration of the given width per component.
inline KineticsInput simulate_one_vacancy(const CubicLattice& lattice, std::int64_t n_frames, double spacing,
                                          double vibration, std::uint64_t seed) {
  Random random(seed, 1);
  const int n = lattice.sites();
  KineticsInput input;
  input.frame_spacing_fs = spacing;
  input.n_particles = static_cast<std::size_t>(n - 1);
  input.lattice_rows_ang = {{Vec3{double(lattice.edge), 0, 0}, Vec3{0, double(lattice.edge), 0},
                             Vec3{0, 0, double(lattice.edge)}}};
  input.visits = {n, n - 1, n_frames, {}};
  std::vector<int> atom_at(static_cast<std::size_t>(n), -1);
  std::vector<Int3> place(static_cast<std::size_t>(n - 1));  // unwrapped
  int vacancy = static_cast<int>(random.below(static_cast<std::uint64_t>(n)));
  for (int site = 0, atom = 0; site < n; ++site) {
    const Int3 r = lattice.coordinates(site);
    input.site_ang.push_back({double(r[0]), double(r[1]), double(r[2])});
    if (site == vacancy) continue;
    atom_at[static_cast<std::size_t>(site)] = atom;
    place[static_cast<std::size_t>(atom)] = r;
    input.visits.segments.push_back({atom, {}});
    ++atom;
  }
  const auto floor_divide = [&](int i) { return (i - ((i % lattice.edge) + lattice.edge) % lattice.edge) / lattice.edge; };
  double next_jump = -std::log(random.uniform()) / 6;
  for (std::int64_t t = 0; t < n_frames; ++t) {
    for (; next_jump < static_cast<double>(t) * spacing; next_jump += -std::log(random.uniform()) / 6) {
      const auto& e = neighbour_offsets[random.below(6)];
      const Int3 v = lattice.coordinates(vacancy);
      const int source = lattice.index(v[0] + e[0], v[1] + e[1], v[2] + e[2]);
      const int atom = atom_at[static_cast<std::size_t>(source)];
      for (int axis = 0; axis < 3; ++axis) place[static_cast<std::size_t>(atom)][static_cast<std::size_t>(axis)] -= e[axis];
      atom_at[static_cast<std::size_t>(vacancy)] = atom;
      atom_at[static_cast<std::size_t>(source)] = -1;
      vacancy = source;
    }
    for (std::size_t atom = 0; atom < place.size(); ++atom) {
      const Int3& r = place[atom];
      const int state = lattice.index(r[0], r[1], r[2]);
      const Int3 image{floor_divide(r[0]), floor_divide(r[1]), floor_divide(r[2])};
      std::vector<SiteVisit>& visits = input.visits.segments[atom].visits;
      if (!visits.empty() && visits.back().state == state && visits.back().image == image) {
        ++visits.back().end_frame;
      } else {
        visits.push_back({t, t + 1, state, image});
      }
      Vec3 position{double(r[0]), double(r[1]), double(r[2])};
      if (vibration > 0) position += vibration * Vec3{random.normal(), random.normal(), random.normal()};
      input.position_ang.push_back(position);
    }
  }
  return input;
}

}  // namespace saltus::kinetics
