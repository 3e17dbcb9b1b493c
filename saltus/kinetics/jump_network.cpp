#include "saltus/kinetics/jump_network.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <map>
#include <tuple>

#include <Eigen/Eigenvalues>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/laplacian.hpp"

namespace saltus::kinetics {

namespace {

// Fluxes pi_a w_ab between different states, both directions added to one edge with half weight each.
std::vector<WeightedEdge> edges_of(const NetworkMoments& moments) {
  std::map<std::pair<int, int>, std::pair<double, double>> flux;
  double largest = 0;
  for (const Transition& t : moments.transitions) {
    const double x = moments.pi[static_cast<std::size_t>(t.from)] * t.probability;
    auto& [up, down] = flux[std::minmax(t.from, t.to)];
    (t.from < t.to ? up : down) += x;
  }
  for (const auto& [ends, x] : flux) largest = std::max({largest, x.first, x.second});
  std::vector<WeightedEdge> edges;
  for (const auto& [ends, x] : flux) {
    if (std::abs(x.first - x.second) > 1e-6 * largest) {
      throw Error(ErrorKind::usage, "network transport: the network is not reversible (detailed balance fails)");
    }
    edges.push_back({ends.first, ends.second, 0.5 * (x.first + x.second)});
  }
  return edges;
}

// w <- T w
void propagate(const NetworkMoments& moments, std::vector<Vec3>& w) {
  std::vector<Vec3> next = w;
  for (const Transition& t : moments.transitions) {
    const auto from = static_cast<std::size_t>(t.from), to = static_cast<std::size_t>(t.to);
    next[from] += t.probability * (w[to] - w[from]);
  }
  w = std::move(next);
}

}  // namespace

NetworkMoments network_moments(const JumpNetwork& network) {
  NetworkMoments moments;
  moments.pi = network.pi;
  moments.mean_ang.assign(network.pi.size(), Vec3{});
  for (const NetworkMove& move : network.moves) {
    const auto from = static_cast<std::size_t>(move.from);
    const Vec3& d = move.displacement_ang;
    moments.mean_ang[from] += move.weight * d;
    moments.square_ang2 += scaled(outer(d, d), network.pi[from] * move.weight);
    if (move.from != move.to) moments.transitions.push_back({move.from, move.to, move.weight});
  }
  return moments;
}

NetworkTransport network_transport(const NetworkMoments& moments) {
  const std::size_t n = moments.pi.size();
  NetworkTransport result;
  for (std::size_t a = 0; a < n; ++a) result.drift_ang += moments.pi[a] * moments.mean_ang[a];
  std::vector<double> rhs(3 * n);
  for (std::size_t a = 0; a < n; ++a) {
    for (int x = 0; x < 3; ++x) {
      rhs[3 * a + static_cast<std::size_t>(x)] = moments.pi[a] * (moments.mean_ang[a][x] - result.drift_ang[x]);
    }
  }
  const std::vector<double> g = solve_laplacian(static_cast<int>(n), edges_of(moments), rhs, 3);
  result.uncorrelated_diffusion_ang2 = scaled(moments.square_ang2, 0.5);
  Mat3 correction;
  for (std::size_t a = 0; a < n; ++a) {
    result.corrector_ang.push_back({g[3 * a], g[3 * a + 1], g[3 * a + 2]});
    correction += outer(Vec3{rhs[3 * a], rhs[3 * a + 1], rhs[3 * a + 2]}, result.corrector_ang.back());
  }
  result.diffusion_ang2 = sum(result.uncorrelated_diffusion_ang2, symmetric_part(correction), -1);
  return result;
}

std::vector<double> move_shares_ang2(const JumpNetwork& network, const NetworkTransport& transport,
                                     const Vec3& direction) {
  std::vector<double> shares;
  for (const NetworkMove& move : network.moves) {
    const auto from = static_cast<std::size_t>(move.from), to = static_cast<std::size_t>(move.to);
    const double length = dot(direction, move.displacement_ang + transport.corrector_ang[to] - transport.corrector_ang[from]);
    shares.push_back(0.5 * network.pi[from] * move.weight * length * length);
  }
  return shares;
}

std::vector<Mat3> network_msd_ang2(const NetworkMoments& moments, std::span<const std::int64_t> steps) {
  std::vector<Mat3> result;
  std::vector<Vec3> w = moments.mean_ang;
  Mat3 msd, correlation;  // MSD(n), sum_{m<=n} <v, T^{m-1} v>
  std::int64_t n = 0;
  for (const std::int64_t target : steps) {
    if (target < n) throw Error(ErrorKind::usage, "network MSD: steps must ascend from zero");
    for (; n < target; ++n) {
      msd = sum(msd, sum(moments.square_ang2, correlation, -2));
      Mat3 term;
      for (std::size_t a = 0; a < w.size(); ++a) term += scaled(outer(moments.mean_ang[a], w[a]), moments.pi[a]);
      correlation += symmetric_part(term);
      propagate(moments, w);
    }
    result.push_back(msd);
  }
  return result;
}

std::vector<Mat3> network_msd_continuous_ang2(const NetworkMoments& moments, std::span<const double> times) {
  const int n = static_cast<int>(moments.pi.size());
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(n, n);
  for (const WeightedEdge& edge : edges_of(moments)) {
    const double pa = moments.pi[static_cast<std::size_t>(edge.a)], pb = moments.pi[static_cast<std::size_t>(edge.b)];
    matrix(edge.a, edge.a) += edge.weight / pa;
    matrix(edge.b, edge.b) += edge.weight / pb;
    matrix(edge.a, edge.b) -= edge.weight / std::sqrt(pa * pb);
    matrix(edge.b, edge.a) -= edge.weight / std::sqrt(pa * pb);
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix);
  std::vector<Mat3> result;
  for (const double t : times) {
    Mat3 msd = scaled(moments.square_ang2, t);
    for (int m = 1; m < n; ++m) {
      const double rate = solver.eigenvalues()(m);
      Vec3 c;
      for (int a = 0; a < n; ++a) {
        const auto state = static_cast<std::size_t>(a);
        c += std::sqrt(moments.pi[state]) * solver.eigenvectors()(a, m) * moments.mean_ang[state];
      }
      // -2 int_0^t (t - s) e^{-rate s} ds
      msd += scaled(outer(c, c), -2 * (t + std::expm1(-rate * t) / rate) / rate);
    }
    result.push_back(msd);
  }
  return result;
}

std::vector<double> incoherent_scattering(const JumpNetwork& network, const Vec3& k, std::span<const double> times) {
  const int n = static_cast<int>(network.pi.size());
  Eigen::MatrixXcd matrix = Eigen::MatrixXcd::Zero(n, n);
  for (const NetworkMove& move : network.moves) {
    const double scale = std::sqrt(network.pi[static_cast<std::size_t>(move.from)] /
                                   network.pi[static_cast<std::size_t>(move.to)]);
    matrix(move.from, move.from) -= move.weight;
    matrix(move.from, move.to) += scale * move.weight * std::polar(1.0, dot(k, move.displacement_ang));
  }
  matrix = (0.5 * (matrix + matrix.adjoint())).eval();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solver(matrix);
  std::vector<double> result(times.size(), 0.0);
  for (int m = 0; m < n; ++m) {
    std::complex<double> overlap = 0;
    for (int a = 0; a < n; ++a) {
      overlap += std::sqrt(network.pi[static_cast<std::size_t>(a)]) * solver.eigenvectors()(a, m);
    }
    for (std::size_t t = 0; t < times.size(); ++t) result[t] += std::norm(overlap) * std::exp(solver.eigenvalues()(m) * times[t]);
  }
  return result;
}

double incoherent_scattering(const JumpNetwork& network, const Vec3& k, double time) {
  return incoherent_scattering(network, k, std::span(&time, 1))[0];
}

JumpNetwork lag_network(const TransitionCounts& counts, const ReversibleModel& model, std::span<const Vec3> site_ang,
                        const Mat3& lattice_rows) {
  if (counts.n_states != model.n_states || site_ang.size() != model.pi.size()) {
    throw Error(ErrorKind::usage, "lag network: counts, model and site positions must have the same states");
  }
  std::map<std::tuple<int, int, Int3>, double> symmetric;
  for (const TransitionCount& entry : counts.entries) {
    const Int3 back{-entry.image[0], -entry.image[1], -entry.image[2]};
    if (entry.from == entry.to && entry.image == Int3{}) continue;
    symmetric[{entry.from, entry.to, entry.image}] += static_cast<double>(entry.count);
    symmetric[{entry.to, entry.from, back}] += static_cast<double>(entry.count);
  }
  JumpNetwork network{model.pi, {}};
  network.moves.reserve(symmetric.size());
  for (const auto& [key, s] : symmetric) {
    const auto& [from, to, image] = key;
    const auto a = static_cast<std::size_t>(from), b = static_cast<std::size_t>(to);
    const Vec3 shift = Vec3{double(image[0]), double(image[1]), double(image[2])} * lattice_rows;
    network.moves.push_back({from, to,
                             s / (model.row_count[a] + model.row_count[b] * std::exp(model.ln_pi[a] - model.ln_pi[b])),
                             site_ang[b] - site_ang[a] + shift});
  }
  return network;
}

}  // namespace saltus::kinetics
