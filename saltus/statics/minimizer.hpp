// Minimisers of functions of points in space: L-BFGS with bounded steps, and FIRE, which needs forces only.
// References: Liu and Nocedal, Math. Program. 45, 503 (1989); acceptance of steps after Hager and Zhang, SIAM J. Optim. 16, 170 (2005);
// Bitzek, Koskinen, Gähler, Moseler, Gumbsch, Phys. Rev. Lett. 97, 170201 (2006).
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "saltus/base/vec3.hpp"

namespace saltus {

enum class Minimizer { lbfgs, fire };

struct MinimizerSettings {
  Minimizer method = Minimizer::lbfgs;
  double largest_step_ang = 0.1;      ///< of any point in one iteration
  std::size_t max_iterations = 1000;
};

struct MinimizerEnd {
  bool converged = false;
  std::size_t iterations = 0;
  std::size_t evaluations = 0;
};

/// Value in eV; fills the gradient in eV/Å, one per point.
using Objective = std::function<double(std::span<const Vec3> point_ang, std::span<Vec3> gradient_ev_ang)>;
/// Asked with the number of iterations done; the last call of the objective was at the present points.
using Converged = std::function<bool(std::size_t iterations)>;

/// Moves the points downhill until `converged` says so, the iterations are used up, or no step goes down any more; the last call
/// of the objective is at the points returned. FIRE looks at gradients only, which need not be those of a function.
MinimizerEnd minimize(const Objective& objective, std::vector<Vec3>& point_ang, const MinimizerSettings& settings, const Converged& converged);

}  // namespace saltus
