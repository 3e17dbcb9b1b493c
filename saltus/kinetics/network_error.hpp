// From the counts behind a reversible network to the uncertainty of its D: second derivatives of the likelihood at its maximum
// in y_e = ln of the flux x_e through each path and u_a = ln pi_a (Laplace). With S_e events on path e, M_ea of them from a,
//   var q = sum_e G_e² / S_e + zᵀ Lap⁺ z,  z_a = sum_e M_ea G_e / S_e + H_a,  Lap: weights M_ea M_eb / S_e,
// G = dq/dy, H = dq/du; for q = ln D_nn of rates G_e is the share of the path in D and H_a = -pi_a. Probabilities of a lag have
// the stays as paths too, and G_e = share - 2 x_e (x_e for a stay), H = 0.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/kinetics/site_network.hpp"

namespace saltus::kinetics {

struct DiffusionError {
  Estimate mean_ang2;                     ///< a third of the trace, per unit of time or per lag; interval 95 %, on the logarithm
  std::array<Estimate, 3> principal_ang2; ///< eigenvalues, ascending; vanishing ones have zero width
  double events = 0;                      ///< behind the whole network
};

/// count  [moves] independent events of each move; sliding counts are to be divided by the lag before
///
/// Throws Error{usage} when a count is negative or a move of non-zero weight and its reverse have no event.
DiffusionError diffusion_error(const ConnectedNetwork& connected, const NetworkTransport& transport,
                               std::span<const double> count, bool lag_form = false);

/// Eigenvalues, ascending, and unit eigenvectors (rows) of a symmetric tensor.
struct PrincipalAxes {
  std::array<double, 3> value{};
  Mat3 axis;
};
PrincipalAxes principal_axes(const Mat3& tensor);

}  // namespace saltus::kinetics
