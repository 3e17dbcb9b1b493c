// Metastable sets by PCCA+: memberships chi = X A >= 0, sum_k chi_ik = 1, X the slowest right eigenvectors, A as crisp as that
// allows. Reference: Röblitz and Weber, Adv. Data Anal. Classif. 7 (2013) 147; Deuflhard and Weber, Linear Algebra Appl. 398
// (2005) 161.
#pragma once

#include <span>
#include <vector>

#include "saltus/kinetics/slow_modes.hpp"

namespace saltus::kinetics {

struct MetastableSets {
  int n_sets = 0;
  std::vector<double> membership;  ///< [n * n_sets], rows sum to one; sets by falling population
  std::vector<int> set_of;         ///< [n] the largest membership
  std::vector<double> population;  ///< [n_sets] sum_i pi_i chi_ik
  double crispness = 0;            ///< in (0, 1]; 1: no state belongs to two sets
};

/// modes  at least n_sets of them (n_sets - 1 where there are no more): the next one shows whether there is a gap
///
/// Throws Error{usage} when n_sets < 2 or larger than the number of states, or when the cut would fall between modes of one degenerate
/// eigenvalue (mu equal within 1e-6): such modes mix freely, and sets made of a part of them mean nothing. The message says
/// which numbers near it are possible.
MetastableSets metastable_sets(const SlowModes& modes, std::span<const double> pi, int n_sets);

/// Of any chain with one closed class of states, on which it is reversible: the states outside, which the chain leaves for good,
/// belong to the sets by where they lead to. Population is that of the closed class. Throws Error{unsupported} when there are
/// several closed classes.
MetastableSets metastable_sets(int n_states, std::span<const Transition> transitions, int n_sets);

}  // namespace saltus::kinetics
