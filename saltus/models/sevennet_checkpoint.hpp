// Checkpoints (.pth) of sevenn 0.9 to 0.13: a configuration and a state dictionary.
#pragma once

#include "saltus/models/published_model.hpp"
#include "saltus/models/torch_archive.hpp"

namespace saltus {

/// Whether the root of the archive is a dictionary with a configuration of sevenn.
bool is_sevennet_checkpoint(const TorchArchive& archive);

/// Throws Error{format} for weights that do not fit, Error{unsupported} that names the setting, version or weight that is not known.
PublishedModel read_sevennet_checkpoint(const TorchArchive& archive);

}  // namespace saltus
