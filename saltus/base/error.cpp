#include "saltus/base/error.hpp"

namespace saltus {

Error with_place(const Error& error, const std::string& place) {
  return Error(error.kind(), place + ": " + error.what());
}

const char* name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage: return "usage";
    case ErrorKind::file: return "file";
    case ErrorKind::format: return "format";
    case ErrorKind::unsupported: return "unsupported";
    case ErrorKind::numeric: return "numeric";
    case ErrorKind::internal: return "internal";
  }
  return "internal";
}

}  // namespace saltus
