#include "saltus/cli/network_output.hpp"

#include <fmt/format.h>

namespace saltus::cli {

nlohmann::ordered_json vector_json(const Vec3& v) { return {v.x, v.y, v.z}; }

nlohmann::ordered_json tensor_json(const Mat3& tensor) {
  return {vector_json(tensor[0]), vector_json(tensor[1]), vector_json(tensor[2])};
}

void print_tensor(const std::string& label, const Mat3& tensor) {
  for (int x = 0; x < 3; ++x)
    fmt::print("{:<22} {:>12.6g} {:>12.6g} {:>12.6g}\n", x == 0 ? label : "", tensor[x].x, tensor[x].y, tensor[x].z);
}

}  // namespace saltus::cli
