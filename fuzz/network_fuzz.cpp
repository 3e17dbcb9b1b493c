// Any bytes as NETWORK.json: refused with an Error of kind format or unsupported, or a network whose text reads back to itself;
// then its transport, which may also refuse what is singular.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "saltus/base/error.hpp"
#include "saltus/runs/network_report.hpp"
#include "saltus/runs/network_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace saltus;
  kinetics::SiteNetwork network;
  try {
    network = runs::parse_network({reinterpret_cast<const char*>(data), size}, "fuzz");
    const std::string text = runs::network_text(network);
    if (runs::network_text(runs::parse_network(text, "again")) != text) std::abort();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::format && error.kind() != ErrorKind::unsupported) std::abort();
    return 0;
  }
  try {
    const runs::NetworkReport report = runs::analyze_network(network, "fuzz", {{1}, {}, {}});
    for (const double p : report.connected.network.pi)
      if (!(p >= 0) || p > 1) std::abort();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) std::abort();
  }
  return 0;
}
