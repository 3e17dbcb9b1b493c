#include "saltus/io/frame_checks.hpp"

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

void require_finite(const std::vector<Vec3>& vectors, const char* what) {
  for (std::size_t i = 0; i < vectors.size(); ++i)
    if (!is_finite(vectors[i]))
      throw Error(ErrorKind::format, fmt::format("the {} of atom {} is not finite", what, i + 1));
}

void require_writable(const Frame& frame, const WrittenArrays& written) {
  const std::size_t n = frame.size();
  if (n == 0) throw Error(ErrorKind::usage, "a frame without atoms cannot be written");
  const auto require = [n](std::size_t count, const char* what) {
    if (count != n) throw Error(ErrorKind::usage, fmt::format("{} positions, but {} {}: the arrays of a frame differ in number", n, count, what));
  };
  require(frame.atoms ? frame.atoms->size() : 0, "atoms");
  if (written.velocities) require(frame.velocity_ang_fs.size(), "velocities");
  if (written.forces) require(frame.force_ev_ang.size(), "forces");
}

}  // namespace saltus
