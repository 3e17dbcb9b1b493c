// Published model files that are known, as `saltus models list` and `verify` show them.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace saltus::cli {

/// A table, or one JSON document. Returns 0.
int print_published_list(bool as_json);

/// {"name", "family", …}; null where no published file of this SHA-256 is known.
nlohmann::ordered_json published_json(const std::string& sha256);

/// A line that says which published file has this SHA-256; nothing where none is known.
void print_published_name(const std::string& sha256);

}  // namespace saltus::cli
