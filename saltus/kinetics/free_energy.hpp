// Free energy of a coordinate at zero above its minimum, F(0) − min F with F = −kB T ln P, from counts.
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

/// The same for a coordinate that need not be symmetric: counts of x in equal bins, of which `below` lie below 0. ln P is a polynomial of
/// degree 6 between the outermost bins with a tenth of the most, or farther, to 0 and the bins beside it.
///
/// Returns nothing when fewer than 8 bins within have counts, or neither bin beside 0 has.
std::optional<double> free_energy_at_zero_kt(std::span<const double> counts, std::size_t below);

}  // namespace saltus::kinetics
