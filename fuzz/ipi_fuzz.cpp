// Any bytes as what a server or a client of the i-PI protocol sends. The first byte says which side, how many atoms, and whether in batches; the second
// how the rest is cut. Refused with Error, or the same messages from a stream cut anywhere as from all of it at once, and never more taken than is there.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/base/error.hpp"
#include "saltus/engines/ipi_messages.hpp"

namespace {

using namespace saltus;

struct Seen {
  std::vector<std::size_t> kinds, ends;  // of each message: which, and where it ended
  bool refused = false;
};

void read_text(const ServerMessage& message) {
  if (const auto* init = std::get_if<Init>(&message)) batch_size_in(init->text);
}

void read_text(const ClientMessage&) {}

template <class Take>
Seen read_in_pieces(std::string_view stream, std::size_t piece, const MessageShape& shape, Take take) {
  Seen seen;
  std::string pending;
  std::size_t taken = 0;
  for (std::size_t begin = 0; begin < stream.size() && !seen.refused; begin += piece) {
    pending += stream.substr(begin, piece);
    std::string_view rest = pending;
    try {
      for (;;) {
        const std::size_t before = rest.size();
        const auto message = take(rest, shape);
        if (message && rest.size() >= before) std::abort();
        if (!message && rest.size() != before) std::abort();
        if (!message) break;
        taken += before - rest.size();
        seen.kinds.push_back(message->index());
        seen.ends.push_back(taken);
        read_text(*message);
      }
    } catch (const saltus::Error& error) {
      if (shown_bytes(rest).size() > 4 * 24) std::abort();
      if (error.kind() != saltus::ErrorKind::format && error.kind() != saltus::ErrorKind::usage && error.kind() != saltus::ErrorKind::unsupported) std::abort();
      seen.refused = true;
    }
    pending.erase(0, pending.size() - rest.size());
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 2, size - 2);
  MessageShape shape;
  shape.atoms = data[0] & 7u;
  if (data[0] & 8u) shape.batch = 1 + ((data[0] >> 4) & 7u);
  const std::size_t piece = 1 + data[1];
  const auto compare = [&](auto take) {
    const Seen whole = read_in_pieces(stream, stream.size() + 1, shape, take), cut = read_in_pieces(stream, piece, shape, take);
    if (whole.kinds != cut.kinds || whole.ends != cut.ends || whole.refused != cut.refused) std::abort();
  };
  if (data[0] & 128u) compare(take_client_message);
  else compare(take_server_message);
  return 0;
}
