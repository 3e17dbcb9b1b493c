// Any bytes as a plan of 'saltus pimd', and as a file of its settings for atoms: refused with an Error that is the user's, or settings that a run can take.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "saltus/base/error.hpp"
#include "saltus/runs/pimd_plan.hpp"
#include "saltus/runs/ring_settings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace saltus;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  try {
    const runs::PimdPlan plan = runs::parse_pimd_plan(text, "fuzz");
    if (!(plan.mass_amu > 0) || !std::isfinite(plan.mass_amu) || !(plan.timestep_fs > 0) || plan.beads < 1 || plan.steps < 1) std::abort();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::format && error.kind() != ErrorKind::unsupported) std::abort();
  }
  try {
    runs::RingSettings settings;
    runs::read_ring_settings(text, "fuzz", settings);
    const runs::RingDynamicsSettings run = runs::ring_dynamics_of(settings, 1);
    if (run.beads < 1 || !(run.temperature_kelvin > 0) || !(run.loop.timestep_fs > 0) || run.loop.steps < 1) std::abort();
    for (const runs::ElementMass& mass : run.masses)
      if (!(mass.mass_amu > 0)) std::abort();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::format && error.kind() != ErrorKind::usage) std::abort();
  }
  return 0;
}
