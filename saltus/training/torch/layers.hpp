// Pieces that SevenNet and MACE share, on tensors: harmonics, radial functions, linear maps, small networks.
#pragma once

#include "saltus/training/torch/network.hpp"

namespace saltus::training {

/// Real harmonics of e3nn up to a degree, Σ_m Y_lm² = 2l+1, as Y_l ∝ (l−1 1 l) Y_{l−1} Y_1.
class Harmonics {
 public:
  Harmonics() = default;
  Harmonics(int degree, const Placement& placement);
  /// unit [E, 3] → [E, (degree+1)²]; with lengths [E] (may be undefined) Y_l times length^l.
  at::Tensor operator()(const at::Tensor& unit, const at::Tensor& length) const;

 private:
  std::vector<at::Tensor> coupling_;  // l = 2 …: [(2l−1)·3, 2l+1]
  int degree_ = 0;
};

at::Tensor apply(const ScaledActivation& activation, const at::Tensor& x);

/// [E] of the distances [E], zero from the cutoff on.
at::Tensor cutoff_value(const CutoffFunction& function, const at::Tensor& r, double cutoff_ang);

/// prefactor · sin(c s)/s, [E, basis].
at::Tensor bessel(const at::Tensor& s, const at::Tensor& frequency, double prefactor);

/// Network NAME.0 … NAME.(layers−1), linear at its end.
at::Tensor radial_network(const Network::Weights& weights, const std::string& name, std::size_t layers, const ScaledActivation& activation, at::Tensor x);

/// A linear map NAME.IRREP, or one that knows the element.
class LinearMap {
 public:
  LinearMap() = default;
  LinearMap(std::string name, const Irreps& in, const Irreps& out, std::size_t one_hots = 0, std::size_t one_hot = 0);
  Features operator()(const Features& x, const Network::Weights& weights) const;

 private:
  std::string name_;
  Merged in_, out_;
  std::int64_t one_hots_ = 0, one_hot_ = 0;
};

class SpeciesMap {
 public:
  SpeciesMap() = default;
  SpeciesMap(std::string name, const Irreps& in, const Irreps& out);
  Features operator()(const Features& x, const Graph& graph, const Network::Weights& weights) const;

 private:
  std::string name_;
  Merged in_, out_;
};

/// The block of that irrep. Throws Error{format} when there is none.
const at::Tensor& block_of(const Features& x, Irrep irrep);
/// a + b where both have a block, else the one that is there.
Features sum(const Features& a, const Features& b);

}  // namespace saltus::training
