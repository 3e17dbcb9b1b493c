// Pairs within a cutoff and, among them, the near ones that make triples: what M3GNet sums over, and the way back from gradients to forces.
//   S_ij,q = Σ_{k≠j} b_q(r_ik) Y_l(q)(cos θ_jik) over near pairs ij, ik;  Y_l is Y_l0 of real spherical harmonics.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "saltus/atoms/neighbor_list.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

/// A term of a function of x: amplitude x^−power cos(frequency x), or sin.
struct RadialTerm {
  double amplitude = 0;
  int power = 0;
  double frequency = 0;
  bool cosine = false;
};

struct TripleGraph {
  std::vector<std::uint32_t> first;       ///< [atoms+1] pairs of an atom
  std::vector<std::uint32_t> other;       ///< [pairs] atom
  std::vector<std::uint32_t> reverse;     ///< [pairs] the same pair seen from the other atom
  std::vector<std::uint32_t> list_pair;   ///< [pairs] index in the neighbour list
  std::vector<double> r_ang;              ///< [pairs]
  std::vector<Vec3> unit;                 ///< [pairs] (r_other − r_atom)/r
  std::vector<std::uint32_t> first_near;  ///< [atoms+1] near pairs of an atom
  std::vector<std::uint32_t> near;        ///< [near pairs] pair

  std::size_t atoms() const { return first.size() - 1; }
  std::size_t pairs() const { return other.size(); }
};

/// Throws Error{numeric} for two atoms in one place.
void build_triple_graph(const NeighborList& list, double cutoff_ang, double near_cutoff_ang, TripleGraph& graph);

/// Angular degrees of the functions q = 0 … functions−1: l = q / per_degree, at most 3.
struct TripleFunctions {
  std::size_t functions = 0, per_degree = 1;
};

/// S [near·functions] of an atom's near pairs from b [near·functions].
void sum_triples(const TripleGraph& graph, std::size_t atom, const TripleFunctions& functions, std::span<const double> b, std::span<double> s);

/// Adds to by_b [near·functions] and by_displacement [pairs] what dE/dS [near·functions] of an atom's near pairs gives.
void sum_triples_gradient(const TripleGraph& graph, std::size_t atom, const TripleFunctions& functions, std::span<const double> b, std::span<const double> by_s,
                          std::span<double> by_b, std::span<Vec3> by_displacement);

/// Forces and virial from dE/d(displacement) [pairs], as wanted.
void assemble_forces(const TripleGraph& graph, const NeighborList& list, std::span<const Vec3> by_displacement, Want want, Evaluation& result);

}  // namespace saltus
