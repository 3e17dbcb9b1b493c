// What the training of a plan does not see of its data sets.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

#include "saltus/atoms/frame.hpp"
#include "saltus/io/sampling.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/runs/plan.hpp"

namespace saltus::runs {

/// First frame of the test part of a data set. None: the set has no labels. Throws Error{usage} as split_by_blocks.
std::optional<std::size_t> first_held_out(const std::filesystem::path& file, const ReadOptions& read, const SplitOptions& split);

/// First frame of the part that the fine-tuning, or a fit to this set, holds out, so that errors of a trained model are those of frames it has not seen.
/// None: the set has no labels. Throws Error{usage} as split_by_blocks.
std::optional<std::size_t> held_out_from(const Plan& plan, const DataSettings& data);

/// Frames with energy and forces of these parts of all sets, equidistant, at most `most` of each.
std::vector<Frame> held_out_frames(const Plan& plan, std::size_t most);

}  // namespace saltus::runs
