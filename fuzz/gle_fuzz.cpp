// Any bytes as matrices of a thermostat: refused, or square ones of finite numbers; what is taken for a thermostat then has a finite propagator.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "saltus/base/error.hpp"
#include "saltus/runs/gle_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    saltus::GleMatrices m = saltus::runs::parse_gle_file(bytes, "input").matrices;
    if (m.drift_per_fs.empty() || m.drift_per_fs.size() != m.pairs() * m.size * m.size) std::abort();
    if (!m.covariance_kelvin.empty() && m.covariance_kelvin.size() != m.drift_per_fs.size()) std::abort();
    if (m.covariance_kelvin.empty() || m.size > 4 || m.pairs() > 4) return 0;
    saltus::require_gle(m, m.pairs());
    const saltus::GlePropagator propagator = saltus::gle_propagator(m, 0.5);
    for (const auto* numbers : {&propagator.turn, &propagator.noise_root_kelvin})
      for (const double number : *numbers)
        if (!std::isfinite(number)) std::abort();
  } catch (const saltus::Error& error) {
    if (error.kind() == saltus::ErrorKind::internal) std::abort();
  }
  return 0;
}
