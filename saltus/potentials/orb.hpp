// ORB: a graph network with attention over edges.  E = N (σ f(mean_i h_i) + μ) + Σ_i E_ref[Z_i] (+ ZBL): no sum of atomic energies, so there are none,
// and it is not invariant under rotation. Forces are the gradient ("conservative" models) or come from a head of their own.
// Reference: Neumann et al., arXiv:2410.22570; Rhodes et al., arXiv:2504.06231; formulas and constants in docs/models/orb.md.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "saltus/models/published_model.hpp"
#include "saltus/potentials/network_settings.hpp"
#include "saltus/potentials/orb_graph.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

/// Features after the encoder and after each layer, to compare implementations.
struct OrbFeatures {
  std::vector<double> atom;                           ///< [atoms·channels]
  std::vector<double> edge_mean, edge_mean_square;    ///< [channels] over edges, in no order
};

/// The network in one arithmetic.
struct OrbNetwork {
  virtual ~OrbNetwork() = default;
  /// Energy, forces and virial as wanted, and the features of each layer where `trace` is given.
  virtual void evaluate(std::span<const std::uint8_t> atomic_number, const Cell& cell, std::span<const Vec3> position_ang, const OrbGraph& graph, Want want,
                        std::unique_ptr<Scratch>& scratch, Evaluation& result, std::vector<OrbFeatures>* trace) const = 0;
};

class Orb final : public Potential {
 public:
  /// most_kept_bytes  of slopes for the way back; where there would be more, they are computed again
  /// Throws Error{format} when tensors do not fit the architecture, Error{usage} for another arithmetic than F32 or F64, or a choice of a head.
  explicit Orb(const PublishedModel& model, const NetworkSettings& settings = {}, std::size_t most_kept_bytes = std::size_t{4} << 30);

  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return cutoff_ang_; }
  /// There are no atomic energies. The virial of a direct model is that of its stress head, which only a periodic cell has.
  void evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const override;
  std::vector<OrbFeatures> features(const Frame& frame) const;

 private:
  void evaluate_with(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results, std::vector<OrbFeatures>* trace) const;

  PotentialInfo info_;
  double cutoff_ang_ = 0;
  std::size_t most_neighbors_ = 0;
  std::unique_ptr<const OrbNetwork> network_;
};

}  // namespace saltus
