// Radial functions of equivariant networks: Bessel functions of the distance, times a cutoff, through a small dense network.
//   b_n(r) = prefactor sin(c_n s)/s · f(r),  w(r) = W_K φ(… φ(W_1 b)),  s = r or its Agnesi transform.
// References: Gasteiger et al., arXiv:2003.03123 (basis, cutoff); Batatia et al., arXiv:2401.00096 (transform).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "saltus/kernels/jet.hpp"

namespace saltus::kernels {

/// f of order p: 1 − (p+1)(p+2)/2 x^p + p(p+2) x^(p+1) − p(p+1)/2 x^(p+2), x = r/cutoff; zero from the cutoff on.
Jet polynomial_cutoff(double r, double cutoff, double order);
/// 1 up to `onset`, (c²−r²)²(c²+2r²−3o²)/(c²−o²)³ up to the cutoff c, then zero. Its second derivative jumps at both.
Jet xplor_cutoff(double r, double cutoff, double onset);
/// 1 / (1 + a x^q / (1 + x^(q−p))),  x = r / `length`.
struct Agnesi {
  double a = 0, q = 0, p = 0;
};
Jet agnesi(const Agnesi& form, double r, double length);

struct RadialBasis {
  std::vector<double> frequency;       ///< c_n, 1/length
  double prefactor = 1;
  double cutoff = 0;
  std::optional<double> xplor_onset;   ///< else the polynomial cutoff
  double order = 6;                    ///< of the polynomial cutoff
  bool cutoff_on_basis = true;         ///< else it multiplies what the network gives (and the argument of the density)
  std::optional<Agnesi> transform;

  /// Where a derivative jumps, between 0 and the cutoff.
  std::vector<double> breaks() const;
  Jet envelope(double r) const;
  /// Functions at r with two derivatives; `length` is that of the transform.
  void evaluate(double r, double length, std::span<Jet> functions) const;
};

enum class DenseActivation { silu, tanh };

/// Row-major [in, out] matrices; factor · φ between them, nothing after the last.
struct DenseNetwork {
  std::vector<std::size_t> width;             ///< [K+1]
  std::vector<std::vector<double>> weight;    ///< [K] of width[k]·width[k+1]
  DenseActivation activation = DenseActivation::silu;
  double factor = 1;
};

/// What the weights of one message layer are as functions of the distance; with a density, tanh(y²) of its network is
/// one more, the last.
struct RadialFunction {
  RadialBasis basis;
  DenseNetwork network;
  std::optional<DenseNetwork> density;
  std::vector<int> power;   ///< [weights()] each weight is multiplied by r to this power; empty: none is

  std::size_t weights() const { return network.width.back(); }
  std::size_t outputs() const { return weights() + (density ? 1 : 0); }
  /// Throws Error{format} when sizes do not fit together or numbers are impossible.
  void check() const;
};

/// The network itself, in the arithmetic of T: values [r.size()·outputs()], and as many first and second derivatives where
/// the pointers are not null (second only with first).
template <typename T>
class ExactRadial {
 public:
  ExactRadial() = default;
  explicit ExactRadial(const RadialFunction& function);
  void evaluate(std::span<const double> r, std::span<const double> length, T* value, T* first, T* second) const;
  const RadialFunction& function() const { return function_; }

 private:
  RadialFunction function_;
  std::vector<std::vector<T>> weight_, density_weight_;
};

/// The same functions as quintic Hermite splines of the distance.
template <typename T>
class RadialTable {
 public:
  /// Refines until value and slope agree with the exact ones within `tolerance` of their largest magnitude at the
  /// quarters of every interval. Nothing when that would take more than `byte_limit`, or rounding forbids it.
  static std::optional<RadialTable> build(const RadialFunction& function, double length, double tolerance, std::size_t byte_limit);

  /// Distances below are for the exact path.
  double begin() const { return begin_; }
  std::size_t outputs() const { return outputs_; }
  std::size_t bytes() const { return knot_.size() * sizeof(T); }
  /// Largest relative errors met while building.
  double value_error() const { return value_error_; }
  double slope_error() const { return slope_error_; }
  /// begin() ≤ r < cutoff. Slopes only if not null.
  void evaluate(double r, T* value, T* slope) const;

 private:
  struct Segment {
    double begin, step;
    std::size_t intervals, first_knot;
  };
  std::vector<Segment> segment_;
  std::size_t outputs_ = 0;
  std::vector<T> knot_;  // per knot: values, step · slopes, step² · second derivatives
  double begin_ = 0, value_error_ = 0, slope_error_ = 0;
};

}  // namespace saltus::kernels
