// Haven ratio H = D*/D_sigma: tracer diffusion of one particle over the diffusion of the sum of all displacements,
//   D_sigma = lim |sum_i dx_i|²/(6 N t),
// which has one sample per frame where D* has N: its error is large.
#pragma once

#include <optional>
#include <span>

#include "saltus/base/estimate.hpp"
#include "saltus/base/vec3.hpp"
#include "saltus/kinetics/diffusion_fit.hpp"

namespace saltus::kinetics {

/// sum_i r_i / sqrt(N): the mean-square displacement of this one particle gives D_sigma. Zero for no particles.
Vec3 collective_position(std::span<const Vec3> position_ang);

/// From fits over the same time blocks, so that what both share counts once; interval on the logarithm. None where D or a replicate of
/// it is not positive. Throws Error{usage} for different numbers of blocks.
std::optional<Estimate> haven_ratio(const DiffusionFit& tracer, const DiffusionFit& collective);

}  // namespace saltus::kinetics
