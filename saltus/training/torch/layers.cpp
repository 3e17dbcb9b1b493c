#include "saltus/training/torch/layers.hpp"

#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/kernels/angular.hpp"

namespace saltus::training {

namespace {

at::Tensor constant(const std::vector<double>& values, at::IntArrayRef shape, const Placement& placement) {
  return at::tensor(at::ArrayRef<double>(values), at::kDouble).reshape(shape).to(placement.numbers());
}

}  // namespace

Harmonics::Harmonics(int degree, const Placement& placement) : degree_(degree) {
  // The norm and sign of each coupling follow from one direction.
  const double unit[3] = {0.48, 0.6, 0.64}, tangent[2][3] = {};
  std::vector<double> exact(static_cast<std::size_t>((degree + 1) * (degree + 1)));
  kernels::e3nn_harmonics(degree, unit, tangent, exact, {});
  for (int l = 2; l <= degree; ++l) {
    auto coupling = kernels::real_3j(l - 1, 1, l);
    const int I = 2 * l - 1, K = 2 * l + 1;
    double product = 0, square = 0;
    for (int k = 0; k < K; ++k) {
      double raw = 0;
      for (int i = 0; i < I; ++i)
        for (int j = 0; j < 3; ++j) raw += coupling[static_cast<std::size_t>((i * 3 + j) * K + k)] * exact[static_cast<std::size_t>((l - 1) * (l - 1) + i)] * unit[j];
      product += raw * exact[static_cast<std::size_t>(l * l + k)];
      square += raw * raw;
    }
    for (double& c : coupling) c *= product / square;
    coupling_.push_back(constant(coupling, {I * 3, K}, placement));
  }
}

at::Tensor Harmonics::operator()(const at::Tensor& unit, const at::Tensor& length) const {
  const std::int64_t edges = unit.size(0);
  std::vector<at::Tensor> y{at::ones({edges, 1}, unit.options())};
  if (degree_ >= 1) y.push_back(std::sqrt(3.0) * unit);
  for (std::size_t k = 0; k < coupling_.size(); ++k)
    y.push_back((y.back().unsqueeze(2) * unit.unsqueeze(1)).reshape({edges, y.back().size(1) * unit.size(1)}).matmul(coupling_[k]));
  if (length.defined())
    for (int l = 1; l <= degree_; ++l) y[static_cast<std::size_t>(l)] = y[static_cast<std::size_t>(l)] * length.pow(l).unsqueeze(1);
  return at::cat(y, 1);
}

at::Tensor apply(const ScaledActivation& activation, const at::Tensor& x) {
  at::Tensor y;
  switch (activation.function) {
    case Activation::silu: y = at::silu(x); break;
    case Activation::tanh: y = at::tanh(x); break;
    case Activation::abs: y = at::abs(x); break;
    case Activation::shifted_softplus: y = at::softplus(x) - std::log(2.0); break;
    case Activation::sigmoid: y = at::sigmoid(x); break;
    case Activation::relu: y = at::relu(x); break;
    case Activation::elu: y = at::elu(x); break;
  }
  return activation.factor == 1 ? y : activation.factor * y;
}

at::Tensor cutoff_value(const CutoffFunction& function, const at::Tensor& r, double cutoff_ang) {
  if (const auto* polynomial = std::get_if<PolynomialCutoff>(&function)) {
    const double p = polynomial->order;
    const at::Tensor x = r / cutoff_ang;
    const at::Tensor f = 1 - (p + 1) * (p + 2) / 2 * x.pow(p) + p * (p + 2) * x.pow(p + 1) - p * (p + 1) / 2 * x.pow(p + 2);
    return at::where(x < 1, f, at::zeros_like(f));
  }
  const double on = std::get<XplorCutoff>(function).onset_ang, c2 = cutoff_ang * cutoff_ang, on2 = on * on;
  const at::Tensor r2 = r * r, rest = c2 - r2;
  const at::Tensor f = rest * rest * (c2 + 2 * r2 - 3 * on2) / std::pow(c2 - on2, 3);
  return at::where(r < on, at::ones_like(f), at::where(r < cutoff_ang, f, at::zeros_like(f)));
}

at::Tensor bessel(const at::Tensor& s, const at::Tensor& frequency, double prefactor) {
  const at::Tensor column = s.unsqueeze(1);
  return prefactor * at::sin(column * frequency.unsqueeze(0)) / column;
}

at::Tensor radial_network(const Network::Weights& weights, const std::string& name, std::size_t layers, const ScaledActivation& activation, at::Tensor x) {
  for (std::size_t k = 0; k < layers; ++k) {
    x = x.matmul(weights(fmt::format("{}.{}", name, k)));
    if (k + 1 < layers) x = apply(activation, x);
  }
  return x;
}

const at::Tensor& block_of(const Features& x, Irrep irrep) {
  for (std::size_t k = 0; k < x.irrep.size(); ++k)
    if (x.irrep[k] == irrep) return x.block[k];
  throw Error(ErrorKind::format, fmt::format("features lack {}", text(irrep)));
}

Features sum(const Features& a, const Features& b) {
  Features result = a;
  for (std::size_t k = 0; k < b.irrep.size(); ++k) {
    const auto found = std::find(a.irrep.begin(), a.irrep.end(), b.irrep[k]);
    if (found == a.irrep.end()) {
      result.irrep.push_back(b.irrep[k]);
      result.block.push_back(b.block[k]);
    } else {
      at::Tensor& block = result.block[static_cast<std::size_t>(found - a.irrep.begin())];
      block = block + b.block[k];
    }
  }
  return result;
}

LinearMap::LinearMap(std::string name, const Irreps& in, const Irreps& out, std::size_t one_hots, std::size_t one_hot)
    : name_(std::move(name)), in_(merged(in)), out_(merged(out)), one_hots_(static_cast<std::int64_t>(one_hots)), one_hot_(static_cast<std::int64_t>(one_hot)) {}

Features LinearMap::operator()(const Features& x, const Network::Weights& weights) const {
  Features result;
  for (std::size_t k = 0; k < out_.irrep.size(); ++k) {
    const Irrep irrep = out_.irrep[k];
    if (!in_.find(irrep)) continue;
    const at::Tensor& w = weights(name_ + "." + text(irrep));
    const at::Tensor& block = block_of(x, irrep);
    const std::int64_t rows = w.size(0), channels = block.size(2);
    const bool hot = one_hots_ > 0 && irrep == Irrep{0, 1};
    if (rows != channels + (hot ? one_hots_ : 0) || w.size(1) != out_.channels[k]) throw Error(ErrorKind::format, fmt::format("{}.{} does not fit its features", name_, text(irrep)));
    const at::Tensor scaled = w * (1 / std::sqrt(static_cast<double>(rows)));
    at::Tensor y = block.matmul(hot ? scaled.narrow(0, 0, channels) : scaled);
    if (hot) y = y + scaled.select(0, channels + one_hot_);
    result.irrep.push_back(irrep);
    result.block.push_back(y);
  }
  return result;
}

SpeciesMap::SpeciesMap(std::string name, const Irreps& in, const Irreps& out) : name_(std::move(name)), in_(merged(in)), out_(merged(out)) {}

Features SpeciesMap::operator()(const Features& x, const Graph& graph, const Network::Weights& weights) const {
  Features result;
  for (std::size_t k = 0; k < out_.irrep.size(); ++k) {
    const Irrep irrep = out_.irrep[k];
    if (!in_.find(irrep)) continue;
    const at::Tensor& w = weights(name_ + "." + text(irrep));  // [in, species, out]
    const at::Tensor& block = block_of(x, irrep);
    if (w.dim() != 3 || w.size(0) != block.size(2) || w.size(2) != out_.channels[k]) throw Error(ErrorKind::format, fmt::format("{}.{} does not fit its features", name_, text(irrep)));
    const double factor = 1 / std::sqrt(static_cast<double>(w.size(0) * w.size(1)));
    std::vector<at::Tensor> parts;
    for (const auto& [species, atoms] : graph.atoms_of_species) parts.push_back(block.index_select(0, atoms).matmul(w.select(1, species) * factor));
    result.irrep.push_back(irrep);
    result.block.push_back(at::cat(parts, 0).index_select(0, graph.back));
  }
  return result;
}

}  // namespace saltus::training
