#include "saltus/cli/version.hpp"

#include <cblas.h>
#include <CLI/Version.hpp>
#include <Eigen/Core>
#include <fmt/format.h>
#include <hwy/highway.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>
#include <tbb/version.h>

#include "saltus/kernels/ace_kernel.hpp"
#include "saltus/runs/artifact.hpp"

namespace saltus::cli {

std::string version_text() {
  return fmt::format(
      "saltus {}\n"
      "compiler      {} {}\n"
      "instructions  {}\n"
      "libraries     {}\n"
      "              Highway {}.{}.{}, oneTBB {}, Eigen {}.{}.{}, SQLite {}\n"
      "              fmt {}.{}.{}, CLI11 {}, nlohmann-json {}.{}.{}",
      runs::code_version(),
#ifdef __clang__
      "clang", __clang_version__,
#else
      "gcc", __VERSION__,
#endif
      kernels::instruction_set(), openblas_get_config(), HWY_MAJOR, HWY_MINOR, HWY_PATCH, TBB_runtime_version(),
      EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION, sqlite3_libversion(), FMT_VERSION / 10000,
      FMT_VERSION / 100 % 100, FMT_VERSION % 100, CLI11_VERSION, NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
      NLOHMANN_JSON_VERSION_PATCH);
}

}  // namespace saltus::cli
