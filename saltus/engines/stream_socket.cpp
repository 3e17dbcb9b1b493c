#include "saltus/engines/stream_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

using namespace std::chrono_literals;

constexpr auto longest_wait = 200ms;
constexpr int queued_connections = 512;
constexpr int stream_flags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

[[noreturn]] void fail(const SocketAddress& address, const std::string& what, int code) {
  throw Error(ErrorKind::file, fmt::format("{}: {}: {}", text_of(address), what, std::strerror(code)));
}

void set(const Descriptor& socket, int level, int option) {
  const int on = 1;
  ::setsockopt(socket.number(), level, option, &on, sizeof on);
}

sockaddr_un unix_name(const SocketAddress& address) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, address.unix_path.c_str(), address.unix_path.size() + 1);
  return name;
}

using Names = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Names tcp_names(const SocketAddress& address) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  const int code = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (code != 0) throw Error(ErrorKind::file, fmt::format("{}: the host cannot be found: {}", text_of(address), ::gai_strerror(code)));
  return {found, &::freeaddrinfo};
}

/// 0, or why not.
int connect_once(Descriptor& connection, int family, const sockaddr* name, socklen_t size, Clock::time_point deadline, const Stop& stop) {
  connection = Descriptor(::socket(family, stream_flags, 0));
  if (!connection) return errno;
  if (::connect(connection.number(), name, size) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd waited{connection.number(), POLLOUT, 0};
  if (!wait_for_events(&waited, 1, deadline, stop)) return ETIMEDOUT;
  int code = 0;
  socklen_t code_size = sizeof code;
  ::getsockopt(connection.number(), SOL_SOCKET, SO_ERROR, &code, &code_size);
  return code;
}

int connect_once(Descriptor& connection, const SocketAddress& address, Clock::time_point deadline, const Stop& stop) {
  if (!address.unix_path.empty()) {
    const sockaddr_un name = unix_name(address);
    return connect_once(connection, AF_UNIX, reinterpret_cast<const sockaddr*>(&name), sizeof name, deadline, stop);
  }
  int code = 0;
  const Names names = tcp_names(address);
  for (const addrinfo* name = names.get(); name; name = name->ai_next) {
    code = connect_once(connection, name->ai_family, name->ai_addr, name->ai_addrlen, deadline, stop);
    if (code == 0) {
      set(connection, IPPROTO_TCP, TCP_NODELAY);
      set(connection, SOL_SOCKET, SO_KEEPALIVE);
      return 0;
    }
  }
  return code;
}

bool may_come_yet(int code) {
  return code == ENOENT || code == ECONNREFUSED || code == EAGAIN || code == ETIMEDOUT || code == EHOSTUNREACH || code == ENETUNREACH || code == ECONNRESET;
}

void bind_unix(const Descriptor& listener, const SocketAddress& address) {
  const sockaddr_un name = unix_name(address);
  const auto bind_it = [&] { return ::bind(listener.number(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0; };
  if (bind_it()) return;
  if (errno != EADDRINUSE) fail(address, "cannot make the socket", errno);
  struct stat status{};
  if (::lstat(address.unix_path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode))
    throw Error(ErrorKind::file, fmt::format("{}: is there, and is no socket; remove it or take another name", text_of(address)));
  Descriptor trial;
  const int code = connect_once(trial, address, Clock::now(), {});
  if (code != ECONNREFUSED && code != ENOENT)
    throw Error(ErrorKind::file, fmt::format("{}: another program listens there; end it or take another name", text_of(address)));
  ::unlink(address.unix_path.c_str());
  if (!bind_it()) fail(address, "cannot make the socket", errno);
}

Descriptor bind_tcp(const SocketAddress& address) {
  const Names names = tcp_names(address);
  int code = 0;
  for (const addrinfo* name = names.get(); name; name = name->ai_next) {
    Descriptor listener(::socket(name->ai_family, stream_flags, 0));
    if (listener) {
      set(listener, SOL_SOCKET, SO_REUSEADDR);  // connections of an earlier run that are still closing do not hold the port
      if (::bind(listener.number(), name->ai_addr, name->ai_addrlen) == 0) return listener;
    }
    code = errno;
  }
  if (code == EADDRINUSE) throw Error(ErrorKind::file, fmt::format("{}: the port is in use; end the program that listens there or take another port", text_of(address)));
  fail(address, "cannot listen", code);
}

}  // namespace

SocketAddress unix_address(const std::string& name, const std::string& prefix) {
  SocketAddress address{prefix + name, {}, 0};
  if (name.empty()) throw Error(ErrorKind::usage, "the unix socket has no name");
  if (address.unix_path.find('\0') != std::string::npos) throw Error(ErrorKind::usage, "the name of the unix socket holds a zero byte");
  if (address.unix_path.size() >= sizeof(sockaddr_un::sun_path))
    throw Error(ErrorKind::usage, fmt::format("{}: a unix socket's path has at most {} bytes, this one {}", address.unix_path, sizeof(sockaddr_un::sun_path) - 1, address.unix_path.size()));
  return address;
}

SocketAddress tcp_address(const std::string& host, int port) {
  if (host.empty()) throw Error(ErrorKind::usage, "the host of the socket is not named");
  if (port < 1 || port > 65535) throw Error(ErrorKind::usage, fmt::format("port {}: ports are 1 to 65535", port));
  return {{}, host, port};
}

std::string text_of(const SocketAddress& address) {
  return address.unix_path.empty() ? fmt::format("{}:{}", address.host, address.port) : address.unix_path;
}

bool wait_for_events(pollfd* descriptors, std::size_t count, Clock::time_point deadline, const Stop& stop) {
  for (;;) {
    if (stop && stop()) throw Interrupted{};
    const auto left = std::clamp<std::chrono::nanoseconds>(deadline - Clock::now(), 0ns, longest_wait);
    // Rounded up: a wait of less than a millisecond is no busy loop.
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    const int ready = ::poll(descriptors, static_cast<nfds_t>(count), static_cast<int>(milliseconds));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) throw Error(ErrorKind::internal, fmt::format("waiting for sockets: {}", std::strerror(errno)));
    if (Clock::now() >= deadline) return false;
  }
}

Descriptor connect_to(const SocketAddress& address, double retry_s, const Stop& stop) {
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(retry_s));
  for (auto pause = 10ms;; pause = std::min<std::chrono::milliseconds>(2 * pause, 1s)) {
    Descriptor connection;
    const int code = connect_once(connection, address, std::max(deadline, Clock::now() + 1s), stop);
    if (code == 0) return connection;
    if (!may_come_yet(code)) fail(address, "cannot connect", code);
    if (Clock::now() + pause > deadline) fail(address, fmt::format("no server was there within {:g} s; start it, or wait longer for it", retry_s), code);
    wait_for_events(nullptr, 0, Clock::now() + pause, stop);
  }
}

Descriptor listen_at(const SocketAddress& address) {
  Descriptor listener;
  if (address.unix_path.empty()) {
    listener = bind_tcp(address);
  } else {
    listener = Descriptor(::socket(AF_UNIX, stream_flags, 0));
    if (!listener) fail(address, "cannot make the socket", errno);
    bind_unix(listener, address);
  }
  if (::listen(listener.number(), queued_connections) != 0) {
    if (errno == EADDRINUSE) throw Error(ErrorKind::file, fmt::format("{}: the port is in use; end the program that listens there or take another port", text_of(address)));
    fail(address, "cannot listen", errno);
  }
  return listener;
}

Descriptor accept_from(const Descriptor& listener) {
  Descriptor connection(::accept4(listener.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (connection) {
    set(connection, IPPROTO_TCP, TCP_NODELAY);
    set(connection, SOL_SOCKET, SO_KEEPALIVE);
  } else if (errno == EMFILE || errno == ENFILE) {
    throw Error(ErrorKind::file, fmt::format("no further client can be taken: {}", std::strerror(errno)));
  }
  return connection;
}

std::string peer_of(const Descriptor& connection) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  sockaddr_storage name{};
  socklen_t name_size = sizeof name;
  if (::getpeername(connection.number(), reinterpret_cast<sockaddr*>(&name), &name_size) != 0) return "gone";
  if (name.ss_family == AF_UNIX)
    return ::getsockopt(connection.number(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 ? fmt::format("process {}", credentials.pid) : "unix socket";
  char host[NI_MAXHOST] = {}, port[NI_MAXSERV] = {};
  if (::getnameinfo(reinterpret_cast<sockaddr*>(&name), name_size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) return "unknown";
  return fmt::format("{}:{}", host, port);
}

Transfer receive(const Descriptor& connection, std::string& bytes) {
  char buffer[1 << 16];
  for (;;) {
    const ssize_t got = ::recv(connection.number(), buffer, sizeof buffer, 0);
    if (got > 0) {
      bytes.append(buffer, static_cast<std::size_t>(got));
      return Transfer::done;
    }
    if (got == 0) return Transfer::closed;
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == EWOULDBLOCK ? Transfer::would_block : Transfer::closed;
  }
}

Transfer transmit(const Descriptor& connection, std::string_view& bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == EWOULDBLOCK ? Transfer::would_block : Transfer::closed;
  }
  return Transfer::done;
}

}  // namespace saltus
