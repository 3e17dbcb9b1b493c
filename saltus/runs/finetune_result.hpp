// What a fine-tuning leaves in an artifact, from the document that it writes beside its model.
#pragma once

#include <filesystem>

#include "saltus/runs/stage.hpp"

namespace saltus::runs {

/// Name of the document beside a model of this name.
std::filesystem::path finetune_document(const std::filesystem::path& model);

/// Errors of each set before and after as estimates, warnings, and the document as a series of the page.
/// Throws Error{file} where it is not there, Error{internal} where it is not as finetune writes it.
StageResult finetune_result(const std::filesystem::path& model);

}  // namespace saltus::runs
