#include "saltus/kinetics/network_error.hpp"

#include <cmath>

#include <Eigen/Eigenvalues>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/distributions.hpp"
#include "saltus/kinetics/laplacian.hpp"

namespace saltus::kinetics {

namespace {


/// An undirected path, or a stay (a == b, no length).
struct Path {
  int a = 0, b = 0;
  double events = 0;           // S_e
  double from_a = 0, from_b = 0;  // M_ea, M_eb; of a path a -> a from_a alone
  double flux = 0;             // x_e, one direction
  Vec3 length_ang;             // d + g_b - g_a
  bool stay = false;
};

std::vector<Path> paths_of(const ConnectedNetwork& connected, const NetworkTransport& transport,
                           std::span<const double> count, bool lag_form) {
  const JumpNetwork& network = connected.network;
  const std::size_t n = network.pi.size();
  std::vector<double> leaving(n, 0.0), counted(n, 0.0);
  for (std::size_t k = 0; k < network.moves.size(); ++k) {
    leaving[static_cast<std::size_t>(network.moves[k].from)] += network.moves[k].weight;
    counted[static_cast<std::size_t>(network.moves[k].from)] += count[k];
  }
  // Exposure: what the counts from a site and its rates say together; the likelihood is stationary there.
  const auto expected = [&](std::size_t k) {
    const auto from = static_cast<std::size_t>(network.moves[k].from);
    return leaving[from] > 0 ? network.moves[k].weight * counted[from] / leaving[from] : 0.0;
  };
  std::vector<Path> paths;
  for (std::size_t k = 0; k < network.moves.size(); ++k) {
    const auto r = static_cast<std::size_t>(connected.reverse[k]);
    if (r < k) continue;
    const NetworkMove& move = network.moves[k];
    const auto from = static_cast<std::size_t>(move.from), to = static_cast<std::size_t>(move.to);
    if (!(move.weight > 0)) continue;
    Path path{move.from, move.to, 0, expected(k), expected(r), network.pi[from] * move.weight,
              move.displacement_ang + transport.corrector_ang[to] - transport.corrector_ang[from], false};
    path.events = path.from_a + path.from_b;
    if (!(count[k] + count[r] > 0) || !(path.events > 0))
      throw Error(ErrorKind::usage, fmt::format("jump {}: a rate without a count behind it or its reverse; give counts of all "
                                                "jumps, or of none",
                                                connected.jump[k]));
    if (move.from == move.to) path.from_a = path.events;
    paths.push_back(path);
  }
  if (lag_form) {
    for (std::size_t a = 0; a < n; ++a) {
      const double stay = 1 - leaving[a];
      if (!(stay > 1e-12) || !(leaving[a] > 0)) continue;
      const double events = counted[a] / leaving[a] * stay;
      paths.push_back({static_cast<int>(a), static_cast<int>(a), events, events, 0, network.pi[a] * stay, {}, true});
    }
  }
  return paths;
}

/// Variance of ln(q), q = sum_e share_e.
double log_variance(const ConnectedNetwork& connected, const std::vector<Path>& paths, const std::vector<double>& share,
                    bool lag_form) {
  const std::vector<double>& pi = connected.network.pi;
  std::vector<double> z(pi.size(), 0.0);
  std::vector<WeightedEdge> edges;
  double variance = 0;
  for (std::size_t e = 0; e < paths.size(); ++e) {
    const Path& path = paths[e];
    const double g = share[e] - (lag_form ? (path.stay ? 1 : 2) * path.flux : 0);
    variance += g * g / path.events;
    z[static_cast<std::size_t>(path.a)] += path.from_a * g / path.events;
    if (path.a == path.b) continue;
    z[static_cast<std::size_t>(path.b)] += path.from_b * g / path.events;
    edges.push_back({path.a, path.b, path.from_a * path.from_b / path.events});
  }
  double mean = 0;
  for (std::size_t a = 0; a < pi.size(); ++a) mean += (z[a] -= lag_form ? 0 : pi[a]);
  for (double& value : z) value -= mean / static_cast<double>(pi.size());  // zero up to rounding: the gauge
  const std::vector<double> x = solve_laplacian(static_cast<int>(pi.size()), edges, z, 1);
  for (std::size_t a = 0; a < pi.size(); ++a) variance += z[a] * x[a];
  return variance;
}

}  // namespace

PrincipalAxes principal_axes(const Mat3& tensor) {
  Eigen::Matrix3d matrix;
  for (int x = 0; x < 3; ++x)
    for (int y = 0; y < 3; ++y) matrix(x, y) = 0.5 * (tensor[x][y] + tensor[y][x]);
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d> solver(matrix);
  PrincipalAxes result;
  for (int k = 0; k < 3; ++k) {
    result.value[static_cast<std::size_t>(k)] = solver.eigenvalues()(k);
    result.axis[k] = {solver.eigenvectors()(0, k), solver.eigenvectors()(1, k), solver.eigenvectors()(2, k)};
  }
  return result;
}

DiffusionError diffusion_error(const ConnectedNetwork& connected, const NetworkTransport& transport,
                               std::span<const double> count, bool lag_form) {
  if (count.size() != connected.network.moves.size())
    throw Error(ErrorKind::usage, "diffusion error: one count for each move is needed");
  for (const double c : count)
    if (!std::isfinite(c) || c < 0) throw Error(ErrorKind::usage, "diffusion error: counts must not be negative");
  const std::vector<Path> paths = paths_of(connected, transport, count, lag_form);
  DiffusionError result;
  for (const Path& path : paths) result.events += path.stay ? 0 : path.events;
  const PrincipalAxes axes = principal_axes(transport.diffusion_ang2);
  const double mean = trace(transport.diffusion_ang2) / 3;
  const auto estimate = [&](double value, auto length2) {
    if (!(value > 1e-12 * mean)) return Estimate{value, value, value};
    std::vector<double> share;
    double sum = 0;
    for (const Path& path : paths) sum += share.emplace_back(path.flux * length2(path.length_ang));
    for (double& s : share) s /= sum;
    const double width = std::exp(normal_95 * std::sqrt(log_variance(connected, paths, share, lag_form)));
    return Estimate{value, value / width, value * width};
  };
  result.mean_ang2 = estimate(mean, [](const Vec3& length) { return norm2(length); });
  for (int k = 0; k < 3; ++k) {
    const Vec3 n = axes.axis[k];
    result.principal_ang2[static_cast<std::size_t>(k)] =
        estimate(axes.value[static_cast<std::size_t>(k)], [n](const Vec3& length) { return dot(n, length) * dot(n, length); });
  }
  return result;
}

}  // namespace saltus::kinetics
