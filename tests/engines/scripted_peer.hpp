// The other end of a socket, as a test wants it: blocking, with plain system calls, so that it may run in a forked process too.
#pragma once

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace saltus::test {

/// A name for a unix socket that no other test uses, and its path.
class SocketName {
 public:
  SocketName() : name_("saltus_test_" + std::to_string(::getpid()) + "_" + std::to_string(++count())) {}
  ~SocketName() { std::filesystem::remove(path()); }
  SocketName(const SocketName&) = delete;
  SocketName& operator=(const SocketName&) = delete;
  const std::string& name() const { return name_; }
  std::string path() const { return "/tmp/ipi_" + name_; }

 private:
  static int& count() {
    static int value = 0;
    return value;
  }
  std::string name_;
};

class Peer {
 public:
  explicit Peer(int descriptor) : descriptor_(descriptor) {
    const timeval limit{30, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  Peer(Peer&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { close(); }
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("the other end is closed to writing");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// Fewer only where the other end closed.
  std::string read(std::size_t count) {
    std::string bytes(count, '\0');
    std::size_t got = 0;
    while (got < count) {
      const ssize_t part = ::recv(descriptor_, bytes.data() + got, count - got, 0);
      if (part <= 0) break;
      got += static_cast<std::size_t>(part);
    }
    bytes.resize(got);
    return bytes;
  }
  std::string word() {
    std::string bytes = read(12);
    while (!bytes.empty() && bytes.back() == ' ') bytes.pop_back();
    return bytes;
  }

 private:
  int descriptor_;
};

inline sockaddr_un unix_name(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  return name;
}

/// Connects as soon as somebody listens there, for ten seconds at most.
inline Peer connect_unix(const std::string& path) {
  const sockaddr_un name = unix_name(path);
  for (int k = 0; k < 2000; ++k) {
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0) return Peer(descriptor);
    ::close(descriptor);
    ::usleep(5000);
  }
  throw std::runtime_error(path + ": nobody listens");
}

class Listener {
 public:
  explicit Listener(const std::string& path) : descriptor_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    const sockaddr_un name = unix_name(path);
    if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 || ::listen(descriptor_, 5) != 0) throw std::runtime_error("cannot listen");
  }
  /// Of TCP, at a port that is free.
  Listener() : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 || ::listen(descriptor_, 5) != 0 ||
        ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&name), &size) != 0)
      throw std::runtime_error("cannot listen");
    port_ = ntohs(name.sin_port);
  }
  ~Listener() { ::close(descriptor_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  int port() const { return port_; }
  Peer accept() { return Peer(::accept(descriptor_, nullptr, nullptr)); }

 private:
  int descriptor_;
  int port_ = 0;
};

/// A process that does this; killed at the end.
class Process {
 public:
  explicit Process(const std::function<void()>& action) : id_(::fork()) {
    if (id_ != 0) return;
    try {
      action();
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  ~Process() {
    if (id_ > 0) {
      ::kill(id_, SIGKILL);
      ::waitpid(id_, nullptr, 0);
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  void signal(int number) { ::kill(id_, number); }
  /// Its exit code, or minus the signal that ended it.
  int wait() {
    int status = 0;
    ::waitpid(id_, &status, 0);
    id_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t id_;
};

}  // namespace saltus::test
