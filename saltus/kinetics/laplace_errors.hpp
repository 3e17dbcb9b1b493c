// Errors of a reversible maximum-likelihood model from the curvature of the likelihood at its maximum. In y_e = ln x_e, x_e = pi_i
// T_ij of undirected edges e (self edges included), with S_e = C_ij + C_ji or C_ii, B_ie = T_ie and the Laplacian of weights c_i
// T_ij c_j T_ji / S_ij,
//   Cov(y) = D + D Bᵀ c Lap⁺ c B D,  D = diag(1/S_e);   var q = sum_e G_e²/S_e + zᵀ Lap⁺ z,  z = c B D G,  G = dq/dy.
// Reference: the posterior is that of Trendelkamp-Schroer et al., J. Chem. Phys. 143 (2015) 174101, with their prior 1/x.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "saltus/kinetics/laplacian_solver.hpp"
#include "saltus/kinetics/reversible_model.hpp"

namespace saltus::kinetics {

/// Counts are taken as independent: divide sliding counts by their lag, or count effectively.
class LaplaceErrors {
 public:
  struct Edge {
    int i = 0, j = 0;  ///< i <= j
    double count = 0;  ///< S_e
    double flux = 0;   ///< x_e, with pi normalised
  };

  /// counts  those the model was estimated from
  LaplaceErrors(const CountMatrix& counts, const ReversibleModel& model);

  std::span<const Edge> edges() const { return edges_; }

  /// Variance of a quantity with gradient G [edges]; G sums to zero, since only ratios of x are determined.
  double variance(std::span<const double> gradient) const;

  /// Standard deviation of ln T_ij; nothing where T_ij is zero.
  std::optional<double> ln_probability_deviation(int from, int to) const;
  /// Standard deviation of ln pi_i.
  double ln_stationary_deviation(int state) const;
  /// Standard deviation of ln mu of a mode with right eigenvector psi [n], orthonormal in pi.
  double ln_mu_deviation(double mu, std::span<const double> psi) const;

 private:
  std::vector<Edge> edges_;         // sorted by i, j
  std::vector<double> pi_, count_;  // c_i
  std::optional<LaplacianSolver> solver_;
};

}  // namespace saltus::kinetics
