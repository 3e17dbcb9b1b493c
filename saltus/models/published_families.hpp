// One reader per family of published models; read_published_model chooses.
#pragma once

#include "saltus/models/published_model.hpp"
#include "saltus/models/torch_archive.hpp"

namespace saltus {

/// Whether the archive's root is a module of that family, or a checkpoint of it.
bool is_mace(const TorchArchive& archive);
bool is_sevennet_script(const TorchArchive& archive);
bool is_sevennet_checkpoint(const TorchArchive& archive);

/// A whole pickled module of mace-torch, or its TorchScript form.
PublishedModel read_mace(const TorchArchive& archive);
/// A frozen TorchScript of sevenn (`sevenn get_model` and older): weights by position in the list of constants.
PublishedModel read_sevennet_script(const TorchArchive& archive);
/// A .pth of sevenn: configuration and state dictionary.
PublishedModel read_sevennet_checkpoint(const TorchArchive& archive);

}  // namespace saltus
