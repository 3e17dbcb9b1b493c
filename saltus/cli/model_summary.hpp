// What saltus info says about a model file.
#pragma once

#include <filesystem>

namespace saltus::cli {

/// Whether the file begins as safetensors does; false for what cannot be read.
bool is_model_file(const std::filesystem::path& path);

/// Metadata and tensors, as a table or one JSON document on stdout. Throws Error{file}, Error{format}.
void print_model_summary(const std::filesystem::path& path, bool json);

}  // namespace saltus::cli
