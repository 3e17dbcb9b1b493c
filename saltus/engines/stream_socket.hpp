// Stream sockets of the i-PI protocol: unix sockets and TCP, never blocking, waited for with deadlines and a Stop.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <poll.h>

#include "saltus/base/descriptor.hpp"
#include "saltus/base/progress.hpp"

namespace saltus {

using Clock = std::chrono::steady_clock;

inline constexpr const char* default_unix_prefix = "/tmp/ipi_";

/// A unix socket (its path) or a TCP port of a host.
struct SocketAddress {
  std::string unix_path;
  std::string host;
  int port = 0;
};

/// Throws Error{usage} for an empty name or a path longer than sockets can have.
SocketAddress unix_address(const std::string& name, const std::string& prefix = default_unix_prefix);
/// Throws Error{usage} for an empty host or a port outside 1 … 65535.
SocketAddress tcp_address(const std::string& host, int port);
/// "/tmp/ipi_water" or "localhost:31415".
std::string text_of(const SocketAddress& address);

/// Waits for events until the deadline at most, a fifth of a second at a time. Returns whether there are any.
/// Throws Interrupted once `stop` says so.
bool wait_for_events(pollfd* descriptors, std::size_t count, Clock::time_point deadline, const Stop& stop);

/// Connects, trying again (after 10 ms, then longer, up to a second) while nobody listens there, for `retry_s` seconds.
/// Throws Error{file} with the address, Interrupted.
Descriptor connect_to(const SocketAddress& address, double retry_s, const Stop& stop);

/// Listens. A unix socket that nobody listens on any more is removed first.
/// Throws Error{file} when the address is in use, is a file that is no socket, or cannot be bound.
Descriptor listen_at(const SocketAddress& address);

/// The next connection, if there is one. Throws Error{file}.
Descriptor accept_from(const Descriptor& listener);
/// Who is at the other end: "process 1234", "192.168.0.7:40312".
std::string peer_of(const Descriptor& connection);

enum class Transfer { done, would_block, closed };
/// Receives what is there, at most 64 KiB, and appends it.
Transfer receive(const Descriptor& connection, std::string& bytes);
/// Sends what can be sent, and takes it off.
Transfer transmit(const Descriptor& connection, std::string_view& bytes);

}  // namespace saltus
