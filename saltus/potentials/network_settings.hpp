// How a published network is to be evaluated.
#pragma once

#include <optional>
#include <string>

#include "saltus/models/safetensors.hpp"

namespace saltus {

struct NetworkSettings {
  std::optional<Dtype> precision = {};  ///< f32 or f64; empty: as in the file
  bool exact_radial = false;            ///< the radial networks themselves instead of their tables: slow, the check of the tables
  std::optional<std::string> head = {};  ///< of a model with several heads or modalities; not needed when there is one
};

}  // namespace saltus
