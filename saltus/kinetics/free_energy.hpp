// Free energy of a symmetric coordinate at its centre above its minimum, F(0) − min F with F = −kB T ln P, from counts.
// The minimum over bins alone would be too low by their noise, so that ln P is a smooth even function fitted to all of them.
#pragma once

#include <optional>
#include <span>

namespace saltus::kinetics {

/// counts[b] observations of |x| in [b, b + 1) bin widths. ln P is an even polynomial of degree 10, fitted by least squares with the
/// counts as weights, from 0 to the outermost bin with a tenth of the most: exact for a quartic well in classical mechanics, right to
/// 0.001 kB T for a quantum one (0.01 for two Gaussians that overlap).
///
/// Returns F(0) − min F in units of kB T, 0 where the minimum is at the centre; nothing when fewer than 7 bins within have counts
/// or the innermost has none (the barrier was not crossed).
std::optional<double> free_energy_at_centre_kt(std::span<const double> counts);

}  // namespace saltus::kinetics
