#include "saltus/cli/print_json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace saltus::cli {

void print_json(const nlohmann::ordered_json& document, int indent) {
  fmt::print("{}\n", document.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace saltus::cli
