// SevenNet models deployed for LAMMPS: frozen TorchScript.
#pragma once

#include "saltus/models/published_model.hpp"
#include "saltus/models/torch_archive.hpp"

namespace saltus {

/// Whether the root of the archive is a TorchScript module of sevenn.
bool is_sevennet_script(const TorchArchive& archive);

/// Weights by position in the list of constants, checked by their shapes and by numbers in the code. Throws Error{unsupported} for any layout but
/// that of sevenn 0.9 with e3nn 0.4.4, Error{format} for files that contradict themselves.
PublishedModel read_sevennet_script(const TorchArchive& archive);

}  // namespace saltus
