// Samples of reversible transition matrices from the posterior of counts with prior 1/x,
//   p(x) ~ prod_e x_e^{S_e - 1} / prod_i (sum_{e∋i} x_e)^{c_i},   x_e = pi_i T_ij of undirected edges, self edges included,
// by Gibbs steps: self edges exactly (T_ii given the rest is a beta variate), the others by slice sampling of ln x_e.
// Reference: Trendelkamp-Schroer et al., J. Chem. Phys. 143 (2015) 174101; Neal, Ann. Stat. 31 (2003) 705.
#pragma once

#include <span>
#include <vector>

#include "saltus/base/random.hpp"
#include "saltus/kinetics/reversible_model.hpp"

namespace saltus::kinetics {

class ReversiblePosterior {
 public:
  /// Starts at `model`, the maximum for the same counts. Counts are taken as independent.
  ReversiblePosterior(const CountMatrix& counts, const ReversibleModel& model, Random random);

  /// One Gibbs step for every edge.
  void sweep();

  /// The present sample.
  std::vector<Transition> transitions() const;
  std::vector<double> stationary() const;

 private:
  struct Edge {
    std::size_t i, j;
    double count;  // S_e
    double x;
    double width;  // of slices in ln x; fixed, or the chain would not keep the posterior
  };
  double rest(std::size_t state, const Edge& edge) const;
  void move(Edge& edge);

  std::vector<Edge> edges_;
  std::vector<std::vector<std::size_t>> edges_of_;  // [n]
  std::vector<double> sum_, count_;                 // x_i, c_i
  Random random_;
};

/// Number of independent samples that a series is worth: n over 1 + 2 sum rho_k, summed in pairs while they are positive.
/// Reference: Geyer, Stat. Sci. 7 (1992) 473.
double effective_sample_size(std::span<const double> series);

/// The value below which a share q of the samples lies, between the two nearest. Throws Error{usage} without samples.
double quantile(std::vector<double> samples, double q);

}  // namespace saltus::kinetics
