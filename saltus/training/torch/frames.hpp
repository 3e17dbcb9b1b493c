// The labelled frames of a fine-tuning by what they are for.
#pragma once

#include <string>
#include <vector>

#include "saltus/training/torch/finetune.hpp"

namespace saltus::training {

struct LabelledFrames {
  std::vector<Frame> train, valid;
  std::vector<std::vector<Frame>> test;    ///< per set
  std::vector<std::string> set;            ///< names
  std::string hashes;                      ///< SHA-256 of the files, separated by blanks
  bool stress = false;                     ///< a training frame has a virial
  std::vector<std::string> warnings;
};

/// Splits each set by blocks of time. Frames that another part has too are left out of training, and of validation for the test's sake.
/// Throws Error{format} with the place for a frame without energy or forces, Error{usage} when a part comes out empty.
LabelledFrames read_labelled(const FinetuneInput& input, const Progress& progress);

/// All frames of the replay sets; those without energy or forces have none of both.
std::vector<Frame> read_replay(const FinetuneInput& input, LabelledFrames& frames, const Progress& progress);

}  // namespace saltus::training
