// A potential served over the i-PI socket: the client, which computes what a server (i-PI, ASE, Saltus) asks for.
#pragma once

#include <cstdint>
#include <limits>

#include "saltus/base/progress.hpp"
#include "saltus/engines/stream_socket.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

struct ServeSettings {
  SocketAddress address;
  double retry_s = 60;   ///< how long to try while the server is not there yet
  double skin_ang = 1;   ///< of the neighbour lists
  /// Measured where finite. A configuration beyond is answered all the same, with extras {"max_extrapolation": 3.1, "atom": 7}.
  double max_extrapolation = std::numeric_limits<double>::infinity();
  double max_force_spread_ev_ang = std::numeric_limits<double>::infinity();
};

struct ServeSummary {
  std::int64_t configurations = 0;
  std::int64_t beyond_limits = 0;   ///< configurations with an atom beyond a limit
  std::size_t batch = 1;            ///< configurations of one message
  double computing_s = 0;
  double connected_s = 0;
};

/// Serves until the server says EXIT. Species, order of atoms and periodicity are those of `frame`: they are not on the wire, nor is
/// the wire's cell used along axes that are not periodic if the frame has no lattice vectors. The first answer to STATUS is NEEDINIT,
/// so that a server that batches can say so.
///
/// Throws Error{file} when no server is there in time, or when it goes without EXIT; Error{format} for what is no message of a
/// server; Error{usage} for another number of atoms; Error{unsupported} for a limit on what the potential does not measure; what the
/// potential throws; Interrupted.
ServeSummary serve(const Potential& potential, const Frame& frame, const ServeSettings& settings, const Progress& progress = {}, const Stop& stop = {});

}  // namespace saltus
