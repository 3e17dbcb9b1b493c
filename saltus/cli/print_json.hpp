// One JSON document on stdout: what --json of every command prints.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace saltus::cli {

/// Two spaces of indent per level, or one line where `indent` is −1. Bytes that are no UTF-8 (a file's name) are replaced.
void print_json(const nlohmann::ordered_json& document, int indent = 2);

}  // namespace saltus::cli
