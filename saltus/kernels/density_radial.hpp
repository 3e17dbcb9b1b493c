// Radial functions of published cluster expansions, g_k(r) with slopes: Chebyshev polynomials of a scaled distance, and simplified Bessel functions.
//   exponential  x = 1 − 2 (e^(−λ r/c) − e^(−λ))/(1 − e^(−λ));  g_1 = e, g_k = ½ (1 − T_{k−1}(x)) e, e = ½ (1 + cos(π r/c)), and a like end over `width`
//   power        x = 1 − 2 (1 − r/c)^λ;  linear  x = 1 − r/c;   g_k = ½ (1 − T_k(x))
//   Bessel       f_n = (−1)ⁿ √2 π c^(−3/2) (n+1)(n+2)/√((n+1)² + (n+2)²) [sinc(r(n+1)π/c) + sinc(r(n+2)π/c)], made orthogonal one after the other
// References: Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021); Kocer, Mason, Erturk, J. Chem. Phys. 150, 154102 (2019).
#pragma once

#include <span>

namespace saltus::kernels {

enum class DensityRadialKind { chebyshev_exponential, chebyshev_power, chebyshev_linear, simplified_bessel };

/// Values and slopes of value.size() functions at 0 < r < cutoff; zeros from the cutoff on.
void density_radial(DensityRadialKind kind, double parameter, double cutoff, double width, double r, std::span<double> value, std::span<double> slope);

/// 1 down to `end`, smoothly (C²) to 0 at end − width, with slope. Without a width a step.
struct SmoothStep {
  double value = 1, slope = 0;
};
SmoothStep smooth_step(double r, double end, double width);

}  // namespace saltus::kernels
