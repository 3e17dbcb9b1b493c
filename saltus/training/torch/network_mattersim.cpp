// MatterSim, as docs/models/mattersim.md writes it.
#include "saltus/training/torch/network.hpp"

#include <cmath>
#include <numbers>

#include <fmt/format.h>

namespace saltus::training {

namespace {

at::Tensor linear(const at::Tensor& x, const std::string& name, const Network::Weights& weights, bool bias) {
  const at::Tensor y = at::matmul(x, weights(name));
  return bias ? y + weights(name + ".bias") : y;
}

/// A network of two branches of `layers` layers; `open`: g ends linear.
at::Tensor gated(const at::Tensor& x, const std::string& name, std::size_t layers, const Network::Weights& weights, bool bias, bool open = false) {
  at::Tensor g = x, s = x;
  for (std::size_t k = 0; k < layers; ++k) {
    g = linear(g, fmt::format("{}.g.{}", name, k), weights, bias);
    s = linear(s, fmt::format("{}.sigma.{}", name, k), weights, bias);
    const bool last = k + 1 == layers;
    if (!last || !open) g = at::silu(g);
    s = last ? at::sigmoid(s) : at::silu(s);
  }
  return g * s;
}

/// Near pairs, and the ordered pairs jk of near pairs of one atom.
struct Triples {
  at::Tensor near;      ///< [near] edge
  at::Tensor own, with; ///< [triples] index of ij and of ik among the near pairs
};

Triples triples_of(const Graph& graph, const at::Tensor& r_ang, double near_cutoff_ang) {
  const at::Tensor r = r_ang.detach().to(at::kCPU).to(at::kDouble).contiguous();
  const double* const distance = r.data_ptr<double>();
  std::vector<std::int64_t> near, own, with;
  for (std::size_t i = 0; i + 1 < graph.first.size(); ++i) {
    const std::size_t begin = near.size();
    for (std::int64_t e = graph.first[i]; e < graph.first[i + 1]; ++e)
      if (distance[e] <= near_cutoff_ang) near.push_back(e);
    for (std::size_t j = begin; j < near.size(); ++j)
      for (std::size_t k = begin; k < near.size(); ++k) {
        if (j == k) continue;
        own.push_back(static_cast<std::int64_t>(j));
        with.push_back(static_cast<std::int64_t>(k));
      }
  }
  const auto on_device = [&](const std::vector<std::int64_t>& values) {
    at::Tensor tensor = at::empty({static_cast<std::int64_t>(values.size())}, at::kLong);
    std::copy(values.begin(), values.end(), tensor.data_ptr<std::int64_t>());
    return tensor.to(r_ang.device());
  };
  return {on_device(near), on_device(own), on_device(with)};
}

class MatterSimNetwork final : public Network {
 public:
  explicit MatterSimNetwork(const PublishedModel& published) : model_(std::get<MatterSimModel>(published.architecture)), cutoff_ang_(published.cutoff_ang) {}

  at::Tensor atom_energies_ev(const std::shared_ptr<const Graph>& graph, const at::Tensor& vector_ang, const Weights& weights) const override {
    const at::Tensor r = vector_ang.square().sum(1).sqrt();
    const at::Tensor basis = pair_basis(r.unsqueeze(1), weights);
    const Triples triples = triples_of(*graph, r, model_.threebody_cutoff_ang);
    const at::Tensor near_r = r.index_select(0, triples.near).unsqueeze(1), envelope = envelope_of(near_r);
    const at::Tensor sums = triple_sums(triples, vector_ang.index_select(0, triples.near) / near_r, near_basis(near_r, weights) * envelope);
    const at::Tensor near_center = graph->center.index_select(0, triples.near);

    at::Tensor h = weights("embedding").index_select(0, graph->species + 1), e = at::silu(at::matmul(basis, weights("pair_embedding")));
    for (std::size_t t = 0; t < model_.layers; ++t) {
      const std::string name = fmt::format("layers.{}.", t);
      const at::Tensor gate = at::sigmoid(linear(h, name + "triple.gate", weights, true)).index_select(0, near_center);
      e = e.index_add(0, triples.near, gated(gate * envelope * sums, name + "triple", 1, weights, false));
      const at::Tensor centers = h.index_select(0, graph->center), neighbors = h.index_select(0, graph->neighbor);
      e = e + gated(at::cat({centers, neighbors, e}, 1), name + "pair", 2, weights, true) * at::matmul(basis, weights(name + "pair.radial"));
      const at::Tensor message = gated(at::cat({centers, neighbors, e}, 1), name + "atom", 2, weights, true) * at::silu(at::matmul(basis, weights(name + "atom.radial")));
      h = h.index_add(0, graph->center, message);
    }
    const at::Tensor energy = gated(h, "readout", 3, weights, true, true).reshape({graph->atoms});
    return energy * weights("energy_scale").select(0, 0).index_select(0, graph->species) + weights("energy_shift").select(0, 0).index_select(0, graph->species);
  }

 private:
  /// Smooth Bessel functions [E, n] of r [E, 1].
  at::Tensor pair_basis(const at::Tensor& r, const Weights& weights) const {
    const at::Tensor x = r * weights("bessel_frequencies"), y = r * weights("bessel_frequencies_next");
    const at::Tensor f = weights("bessel_factors") * (at::sin(x) / x + at::sin(y) / y);
    const at::Tensor &d = weights("bessel_d"), &epsilon = weights("bessel_e");
    std::vector<at::Tensor> columns{f.narrow(1, 0, 1)};
    for (std::int64_t k = 1; k < static_cast<std::int64_t>(model_.radial); ++k) {
      const at::Tensor before = at::sqrt(epsilon.narrow(0, k, 1) / d.narrow(0, k - 1, 1));
      columns.push_back((f.narrow(1, k, 1) + before * columns.back()) / at::sqrt(d.narrow(0, k, 1)));
    }
    return at::cat(columns, 1);
  }

  at::Tensor envelope_of(const at::Tensor& r) const {
    const at::Tensor x = r / model_.threebody_cutoff_ang, cube = x * x * x;
    return at::clamp_min(1 - 6 * cube * x * x + 15 * cube * x - 10 * cube, 0);
  }

  /// Spherical Bessel functions [N, n·l] of r [N, 1]: orders, of each its roots.
  at::Tensor near_basis(const at::Tensor& r, const Weights& weights) const {
    const at::Tensor x = r / cutoff_ang_;
    std::vector<at::Tensor> orders;
    for (std::int64_t order = 0; order < static_cast<std::int64_t>(model_.radial); ++order) {
      const at::Tensor table = weights("spherical_bessel").select(0, order);
      const auto row = [&](std::int64_t k) { return table.select(0, k).narrow(0, 0, static_cast<std::int64_t>(model_.angular)); };
      if (order == 0) {
        orders.push_back(at::sin(x * row(0)) / x);
        continue;
      }
      // Terms of falling power alternate between cosine and sine and end in a sine; all are subtracted but the first and the last.
      at::Tensor sum;
      at::Tensor power = x;
      for (std::int64_t k = 0; k <= order; ++k, power = power * x) {
        const at::Tensor phase = x * row(2 * k + 1), wave = (order - k) % 2 == 1 ? at::cos(phase) : at::sin(phase);
        const at::Tensor term = row(2 * k) * wave / power;
        sum = k == 0 ? term : k == order ? sum + term : sum - term;
      }
      orders.push_back(sum);
    }
    return at::cat(orders, 1) * weights("spherical_bessel_factor");
  }

  /// S [N, n·l] from unit vectors [N, 3] and b [N, n·l].
  at::Tensor triple_sums(const Triples& triples, const at::Tensor& unit, const at::Tensor& b) const {
    const at::Tensor x = (unit.index_select(0, triples.own) * unit.index_select(0, triples.with)).sum(1, true).clamp(-1 + 1e-7, 1 - 1e-7);
    const double pi = std::numbers::pi;
    const at::Tensor all[] = {at::ones_like(x) * (0.5 * std::sqrt(1 / pi)), std::sqrt(3 / (4 * pi)) * x, std::sqrt(5 / (16 * pi)) * (3 * x * x - 1),
                              std::sqrt(7 / (16 * pi)) * x * (5 * x * x - 3)};
    const at::Tensor y = at::cat(at::TensorList(all, model_.angular), 1).repeat_interleave(static_cast<std::int64_t>(model_.radial), 1);
    return at::zeros_like(b).index_add(0, triples.own, b.index_select(0, triples.with) * y);
  }

  MatterSimModel model_;
  double cutoff_ang_ = 0;
};

}  // namespace

std::unique_ptr<Network> make_mattersim(const PublishedModel& model) { return std::make_unique<MatterSimNetwork>(model); }

}  // namespace saltus::training
