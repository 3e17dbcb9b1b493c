// Energies and forces of other programs over the i-PI socket: the server, as a Potential.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "saltus/engines/stream_socket.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

struct SocketSettings {
  SocketAddress address;
  double wait_s = 600;      ///< for a client to be there: the first, or another when none is left
  double timeout_s = 3600;  ///< of one answer; a client that takes longer is dropped
  bool stress = false;      ///< the clients' virials can be trusted; CP2K needs STRESS_TENSOR ANALYTICAL
  Stop stop;                ///< asked while waiting; then evaluate() throws Interrupted
  std::function<void(const std::string&)> warn;  ///< a client was dropped, and why; may be empty
};

/// "unix:NAME" or "HOST:PORT", then any of ",wait_s=600" ",timeout_s=3600" ",prefix=/tmp/ipi_" ",stress".
/// Throws Error{usage} with what there is.
SocketSettings socket_settings(const std::string& text);

/// Listens as long as it lives; clients may come and go at any time and get EXIT at the end. Knows every element. A configuration of a
/// batch goes to the client that had its place in the batch before, the first it ever had above all, if that is free, so that wave functions
/// are used again; one that is idle takes what is left of others. A client that breaks off, is late, or answers something else than forces on these atoms, all
/// finite, is dropped with a warning, and another takes its configuration, up to three for one configuration.
///
/// A cell is turned as i-PI wants it, a along x and b in the xy plane, and forces and virial are turned back. Of an atom more than a quarter of the cell
/// outside along a periodic axis the image inside is sent. Connections are the shared
/// state of this object: one call of evaluate() at a time uses them, others wait.
class SocketPotential final : public Potential {
 public:
  /// Throws Error{file} when the address cannot be listened at.
  explicit SocketPotential(SocketSettings settings);
  ~SocketPotential() override;

  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return 0; }
  /// Throws Error{file} when no client is there for wait_s, or three failed at one configuration (Error{format} and Error{numeric}
  /// where they answered); Error{usage} for a configuration without a cell, or a left-handed one; Interrupted.
  void evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const override;

  /// Clients that are connected and have answered.
  std::size_t clients() const;

 private:
  class Clients;
  PotentialInfo info_;
  std::unique_ptr<Clients> clients_;
  mutable std::mutex mutex_;  // of clients_
};

}  // namespace saltus
