// Files of MatterSim (.pth of mattersim 1.x): a dictionary of model_name, model_args and a state dictionary.
#pragma once

#include "saltus/models/published_model.hpp"
#include "saltus/models/torch_archive.hpp"

namespace saltus {

/// Whether the root of the archive is a dictionary with a model_name, model_args and a model.
bool is_mattersim(const TorchArchive& archive);

/// The weights under "model"; averaged ones ("ema"), the optimiser and the scheduler are left alone, as upstream does when it evaluates.
/// Throws Error{format} for a weight that is missing or does not fit, Error{unsupported} for a model_name or sizes that are not known.
PublishedModel read_mattersim(const TorchArchive& archive);

}  // namespace saltus
