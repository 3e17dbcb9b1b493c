#include "saltus/kinetics/driven_network.hpp"

#include <cmath>
#include <complex>

#include <Eigen/Dense>
#include <unsupported/Eigen/MatrixFunctions>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

namespace {

/// What transport needs, displacements about the drift.
struct DrivenMoments {
  Eigen::MatrixXd generator;          // Q, or T - I
  Eigen::MatrixXd leaving, arriving;  // [n, 3] v_a - V and u_b - pi_b V
  Mat3 square_ang2;                   // of the rates; of the lag form about the drift
  Vec3 drift_ang;
};

DrivenMoments driven_moments(const JumpNetwork& network, bool lag_form) {
  const auto n = static_cast<Eigen::Index>(network.pi.size());
  DrivenMoments m{Eigen::MatrixXd::Zero(n, n), Eigen::MatrixXd::Zero(n, 3), Eigen::MatrixXd::Zero(n, 3), {}, {}};
  for (const NetworkMove& move : network.moves) {
    const double p = network.pi[static_cast<std::size_t>(move.from)];
    const Vec3& d = move.displacement_ang;
    for (int x = 0; x < 3; ++x) {
      m.leaving(move.from, x) += move.weight * d[x];
      m.arriving(move.to, x) += p * move.weight * d[x];
    }
    m.square_ang2 += scaled(outer(d, d), p * move.weight);
    if (move.from == move.to) continue;
    m.generator(move.from, move.to) += move.weight;
    m.generator(move.from, move.from) -= move.weight;
  }
  for (Eigen::Index a = 0; a < n; ++a)
    for (int x = 0; x < 3; ++x) m.drift_ang[x] += network.pi[static_cast<std::size_t>(a)] * m.leaving(a, x);
  for (Eigen::Index a = 0; a < n; ++a) {
    for (int x = 0; x < 3; ++x) {
      m.leaving(a, x) -= m.drift_ang[x];
      m.arriving(a, x) -= network.pi[static_cast<std::size_t>(a)] * m.drift_ang[x];
    }
  }
  // The drift of a lag is a displacement: the variance is about it. That of rates spreads over infinitely short steps.
  if (lag_form) m.square_ang2 = sum(m.square_ang2, outer(m.drift_ang, m.drift_ang), -1);
  return m;
}

Mat3 symmetric_product(const Eigen::MatrixXd& u, const Eigen::MatrixXd& g) {
  const Eigen::MatrixXd product = u.transpose() * g;
  Mat3 result;
  for (int x = 0; x < 3; ++x)
    for (int y = 0; y < 3; ++y) result[x][y] = product(x, y);
  return symmetric_part(result);
}

}  // namespace

NetworkTransport driven_transport(const JumpNetwork& network, bool lag_form) {
  const DrivenMoments m = driven_moments(network, lag_form);
  const Eigen::Map<const Eigen::VectorXd> pi(network.pi.data(), m.generator.rows());
  // (-Q + s 1 piᵀ) g = v: the solution with piᵀ g = 0.
  const double scale = m.generator.diagonal().cwiseAbs().maxCoeff();
  const Eigen::MatrixXd matrix =
      -m.generator + (scale > 0 ? scale : 1) * Eigen::VectorXd::Ones(m.generator.rows()) * pi.transpose();
  const Eigen::MatrixXd g = Eigen::PartialPivLU<Eigen::MatrixXd>(matrix).solve(m.leaving);
  if (!g.allFinite()) throw Error(ErrorKind::numeric, "the jump network is not connected (its generator is singular)");
  NetworkTransport result;
  result.drift_ang = m.drift_ang;
  result.uncorrelated_diffusion_ang2 = scaled(m.square_ang2, 0.5);
  result.diffusion_ang2 = sum(result.uncorrelated_diffusion_ang2, symmetric_product(m.arriving, g));
  for (Eigen::Index a = 0; a < g.rows(); ++a) result.corrector_ang.push_back({g(a, 0), g(a, 1), g(a, 2)});
  return result;
}

std::vector<Mat3> driven_msd_ang2(const JumpNetwork& network, std::span<const double> times) {
  const DrivenMoments m = driven_moments(network, false);
  const Eigen::Index n = m.generator.rows();
  // int_0^t (t - s) e^{Qs} v ds is a block of the exponential of [[Q, v, 0], [0, 0, 1], [0, 0, 0]].
  std::vector<Mat3> result;
  for (const double t : times) {
    Eigen::MatrixXd block = Eigen::MatrixXd::Zero(n + 6, n + 6);
    block.topLeftCorner(n, n) = m.generator * t;
    block.block(0, n, n, 3) = m.leaving * t;
    block.block(n, n + 3, 3, 3) = Eigen::Matrix3d::Identity() * t;
    const Eigen::MatrixXd power = block.exp();
    result.push_back(sum(scaled(m.square_ang2, t), symmetric_product(m.arriving, power.block(0, n + 3, n, 3)), 2));
  }
  return result;
}

std::vector<Mat3> driven_lag_msd_ang2(const JumpNetwork& network, std::span<const std::int64_t> steps) {
  const DrivenMoments m = driven_moments(network, true);
  Eigen::MatrixXd w = m.leaving;
  Mat3 msd, correlation;
  std::int64_t n = 0;
  std::vector<Mat3> result;
  for (const std::int64_t target : steps) {
    if (target < n) throw Error(ErrorKind::usage, "network MSD: steps must ascend from zero");
    for (; n < target; ++n) {
      msd = sum(msd, sum(m.square_ang2, correlation, 2));
      correlation += symmetric_product(m.arriving, w);
      w += m.generator * w;
    }
    result.push_back(msd);
  }
  return result;
}

double driven_scattering(const JumpNetwork& network, const Vec3& k, double time) {
  const auto n = static_cast<Eigen::Index>(network.pi.size());
  Eigen::MatrixXcd matrix = Eigen::MatrixXcd::Zero(n, n);
  for (const NetworkMove& move : network.moves) {
    matrix(move.from, move.from) -= move.weight;
    matrix(move.from, move.to) += move.weight * std::polar(1.0, dot(k, move.displacement_ang));
  }
  const Eigen::MatrixXcd power = Eigen::MatrixXcd(matrix * time).exp();
  std::complex<double> result = 0;
  for (Eigen::Index a = 0; a < n; ++a) result += network.pi[static_cast<std::size_t>(a)] * power.row(a).sum();
  return result.real();
}

}  // namespace saltus::kinetics
