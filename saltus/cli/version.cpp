#include "saltus/cli/version.hpp"

#include <cblas.h>
#include <CLI/Version.hpp>
#include <Eigen/Core>
#include <fmt/format.h>
#include <hwy/highway.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>
#include <tbb/version.h>
#include <zlib.h>
#include <zstd.h>

#include "saltus/base/threads.hpp"
#include "saltus/io/h5md.hpp"
#include "saltus/kernels/ace_kernel.hpp"
#include "saltus/runs/code_version.hpp"

namespace saltus::cli {

namespace {

std::string compiler_text() {
#ifdef __clang__
  const std::string name = "clang " __clang_version__;
#else
  const std::string name = "gcc " __VERSION__;
#endif
  const std::string type = SALTUS_BUILD_TYPE, sanitizers = SALTUS_SANITIZERS;
  return name + (type.empty() ? "" : ", " + type) + (sanitizers.empty() ? "" : ", sanitizers " + sanitizers);
}

std::string numbers(int major, int minor, int patch) { return fmt::format("{}.{}.{}", major, minor, patch); }

}  // namespace

std::string version_text() {
  return fmt::format(
      "saltus {}\n"
      "features      charts and 3D views in the report: {}; GPU: no\n"
      "compiler      {}\n"
      "instructions  {}, chosen on this machine; {} threads unless --threads says otherwise\n"
      "libraries     {}\n"
      "              Highway {}, oneTBB {}, Eigen {}\n"
      "              HDF5 {}, SQLite {}, zlib {}, zstd {}\n"
      "              fmt {}, fast_float {}, CLI11 {}, nlohmann-json {}, toml++ {}",
      runs::code_version(), SALTUS_WITH_CHARTS ? "yes" : "no", compiler_text(), kernels::instruction_set(), thread_count(),
      openblas_get_config(), numbers(HWY_MAJOR, HWY_MINOR, HWY_PATCH), TBB_runtime_version(),
      numbers(EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION), hdf5_version(), sqlite3_libversion(), zlibVersion(),
      ZSTD_versionString(), numbers(FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100), SALTUS_FAST_FLOAT_VERSION,
      CLI11_VERSION, numbers(NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH),
      SALTUS_TOMLPLUSPLUS_VERSION);
}

}  // namespace saltus::cli
