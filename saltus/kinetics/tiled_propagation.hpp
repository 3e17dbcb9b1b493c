// Distributions on a network that is repeated over many cells: dp/dt = p Q as a stencil, without a matrix, by uniformisation
//   e^{Qt} = sum_k Poisson(k; L t) Pᵏ, P = 1 + Q / L,  L >= the largest exit rate: all terms are positive;
// and the mean field of exclusion, dp_i/dt = sum_j [w_ji p_j (1 - p_i) - w_ij p_i (1 - p_j)], by Runge–Kutta steps of fourth order.
// Reference: Jensen, Skand. Aktuarietidskr. 36 (1953) 87 (uniformisation).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "saltus/base/vec3.hpp"
#include "saltus/kinetics/site_network.hpp"

namespace saltus::kinetics {

/// A jump between site types of neighbouring cells. `reverse` goes the same path back.
struct TiledMove {
  int from = 0, to = 0;
  Int3 image{};
  double rate = 0;
  int reverse = 0;
};

enum class Boundary {
  periodic,
  reflecting,  ///< moves out of the domain do not happen
  absorbing,   ///< what moves out is gone
};

struct Tiling {
  int n_types = 0;
  std::vector<TiledMove> moves;
  Int3 cells{};  ///< along the three lattice vectors
  std::array<Boundary, 3> boundary{};

  std::size_t n_cells() const {
    return static_cast<std::size_t>(cells[0]) * static_cast<std::size_t>(cells[1]) * static_cast<std::size_t>(cells[2]);
  }
  std::size_t n_sites() const { return n_cells() * static_cast<std::size_t>(n_types); }
  /// Place of a site in an array of all: type by type, the last axis fastest.
  std::size_t index(int type, const Int3& cell) const {
    return ((static_cast<std::size_t>(type) * static_cast<std::size_t>(cells[0]) + static_cast<std::size_t>(cell[0])) *
                static_cast<std::size_t>(cells[1]) +
            static_cast<std::size_t>(cell[1])) *
               static_cast<std::size_t>(cells[2]) +
           static_cast<std::size_t>(cell[2]);
  }
};

/// The connected part of a network, repeated. Throws Error{usage} when a jump has no image, or probabilities instead of a rate.
Tiling tile(const SiteNetwork& network, const ConnectedNetwork& connected, const Int3& cells,
            const std::array<Boundary, 3>& boundary = {});

/// Throws Error{usage} for moves or reverses that do not fit, rates that are negative or not finite, cells < 1.
void check(const Tiling& tiling);

/// Largest exit rate of a site.
double largest_exit_rate(const Tiling& tiling);

/// out = p + (step) p Q: one application of the stencil. step <= 1 / largest_exit_rate keeps all values positive. out and p have
/// [n_sites] values and are not the same array.
void apply_stencil(const Tiling& tiling, double step, std::span<const double> p, std::span<double> out);

/// dp/dt of the mean field of exclusion.
void exclusion_rates(const Tiling& tiling, std::span<const double> p, std::span<double> out);

struct PropagationCost {
  std::int64_t applications = 0;  ///< of the stencil
  double tail = 0;                ///< share of the Poisson weights left out before renormalising
};

/// p(t + time), exactly up to rounding and the tail.
PropagationCost propagate(const Tiling& tiling, double time, std::vector<double>& p);

/// The same with exclusion; steps of at most half the inverse of the largest exit rate. Throws Error{usage} when an occupation
/// does not lie in 0 … 1.
PropagationCost propagate_excluding(const Tiling& tiling, double time, std::vector<double>& p);

/// Sum with compensation, the same for any number of threads.
double total(std::span<const double> p);

}  // namespace saltus::kinetics
