// What a model file holds, as a table or as JSON; part of "saltus info" and "saltus models".
#pragma once

#include <filesystem>
#include <string>

#include "saltus/models/published_model.hpp"

namespace saltus::cli {

/// Whether the file begins as a model file does, a safetensors file, an archive of torch or a cluster expansion in YAML; or names a built-in model.
bool is_model_file(const std::filesystem::path& path);

/// Prints metadata and tensors; of a published model what it is, and its layers; of a built-in one its parameters.
/// Throws Error{file}, Error{format}, Error{unsupported}, Error{usage}.
void print_model_summary(const std::filesystem::path& path, bool json);

/// "not stated" for an empty text.
std::string or_not_stated(const std::string& text);
/// "89: Ac Ag …": as many symbols as fit into a line.
std::string elements_text(const PublishedModel& model);
/// "module of mace-torch", "deployed TorchScript of sevenn 0.9.1", …
std::string origin_text(const PublishedModel& model);

}  // namespace saltus::cli
