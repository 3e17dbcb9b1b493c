// What became of ab initio frames, for people.
#pragma once

#include "saltus/runs/ab_initio_labels.hpp"

namespace saltus::cli {

void print_label_quality(const runs::LabelQuality& quality);

}  // namespace saltus::cli
