// Any bytes as a result of an earlier run: refused with an Error of kind format or usage, or a coefficient within its interval.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "saltus/base/error.hpp"
#include "saltus/runs/diffusion_results.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace saltus;
  for (const char* quantity : {"", "diffusion_msm"}) try {
      const Estimate d = runs::diffusion_result_of({reinterpret_cast<const char*>(data), size}, "fuzz", quantity).diffusion_ang2_per_ps;
      if (!(d.low <= d.value && d.value <= d.high && d.low < d.high)) std::abort();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::format && error.kind() != ErrorKind::usage) std::abort();
    }
  return 0;
}
