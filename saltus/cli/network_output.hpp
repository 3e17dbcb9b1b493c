// Vectors and tensors of transport, printed and as JSON: what network, propagate and simulate share.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "saltus/base/vec3.hpp"

namespace saltus::cli {

nlohmann::ordered_json vector_json(const Vec3& v);
/// Rows.
nlohmann::ordered_json tensor_json(const Mat3& tensor);
/// Three lines, the first beginning with `label`.
void print_tensor(const std::string& label, const Mat3& tensor);

}  // namespace saltus::cli
