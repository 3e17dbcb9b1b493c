// From which lag on does what a Markov model says no longer change with its lag? Necessary for a Markov chain, not sufficient: a test passes too
// where scatter hides the change. Three lags or more must agree.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "saltus/kinetics/jackknife.hpp"
#include "saltus/kinetics/kinetics_estimate.hpp"

namespace saltus::kinetics {

/// The first member from which on no later one differs from it by more than the difference scatters among the blocks, at 95 % for all later ones
/// together (Bonferroni). Replicates of all members come from the same blocks.
std::optional<std::size_t> constant_from(std::span<const SeriesMember> series);

/// The same of timescales at rising lags, on their logarithms; those that are not resolved or have no replicates are passed over.
std::optional<std::size_t> level_from(std::span<const Timescale> slowest);

}  // namespace saltus::kinetics
