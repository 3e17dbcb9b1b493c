// MACE models of mace-torch 0.3: whole pickled modules and TorchScript.
#pragma once

#include "saltus/models/published_model.hpp"
#include "saltus/models/torch_archive.hpp"

namespace saltus {

/// Whether the root of the archive is a module of mace-torch.
bool is_mace(const TorchArchive& archive);

/// Throws Error{format} for weights that do not fit, Error{unsupported} that names the module, class or setting that is not known.
PublishedModel read_mace(const TorchArchive& archive);

}  // namespace saltus
