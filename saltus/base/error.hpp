// What ends a command: an error with a kind (the exit code) and a message that names place and remedy.
#pragma once

#include <stdexcept>
#include <string>

namespace saltus {

/// Cause of a failure. The value is the exit code of the program.
enum class ErrorKind {
  usage = 2,        ///< the caller asked for something that cannot be meant
  file = 3,         ///< a file cannot be opened, read or written
  format = 4,       ///< a file's content is not what its format says
  unsupported = 5,  ///< understood, but not something Saltus can do
  numeric = 6,      ///< a computation failed: not finite, not positive definite, exploding
  internal = 7,     ///< a fault of Saltus itself
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }
  int exit_code() const { return static_cast<int>(kind_); }

 private:
  ErrorKind kind_;
};

/// The same error with the place put before its message: "run.xyz, frame 1042: …".
Error with_place(const Error& error, const std::string& place);

/// "usage", "file", …
const char* name(ErrorKind kind);

}  // namespace saltus
