// State dictionaries (.ckpt) of orb-models: v3 conservative and direct, v2. They name and shape weights and say nothing else.
#pragma once

#include "saltus/models/published_model.hpp"
#include "saltus/models/torch_archive.hpp"

namespace saltus {

/// Whether the root of the archive is a dictionary with the weights of orb-models' MoleculeGNS.
bool is_orb_state(const TorchArchive& archive);

/// What the shapes do not tell is that of the published models (docs/models/orb.md); the largest number of neighbours of a v3 model is in its file's name
/// ("-20-" or "-inf-", which is 120). Throws Error{format} for weights that do not fit, Error{unsupported} that names the weight that is not known.
PublishedModel read_orb_state(const TorchArchive& archive);

}  // namespace saltus
