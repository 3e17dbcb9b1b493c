// The i-PI protocol on the wire: messages to bytes, and bytes as they come to messages. Host byte order, int32 and float64, atomic
// units; a header is 12 ASCII characters padded with blanks. No sockets here: nothing is assumed about how bytes are cut.
//   server: STATUS | INIT bead nbytes text | POSDATA h h⁻¹ n positions | GETFORCE | EXIT
//   client: READY | NEEDINIT | HAVEDATA | FORCEREADY energy n forces virial nbytes extras
// The lattice vectors are the columns of h, which is written row by row; the virial is −dE/d(strain), transposed alike.
// Reference: Kapil et al., Comput. Phys. Commun. 236, 214 (2019).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "saltus/base/vec3.hpp"

namespace saltus {

inline constexpr std::size_t header_bytes = 12;
inline constexpr std::size_t most_init_bytes = std::size_t{1} << 20;
inline constexpr std::size_t most_extras_bytes = std::size_t{1} << 24;
inline constexpr std::size_t most_configurations = 4096;  ///< of one batched message

/// What is agreed before a message is read.
struct MessageShape {
  std::size_t atoms = 0;
  /// Configurations of a message where the server said so ("batch_size" in INIT): n comes first then, and each quantity follows
  /// for all configurations. None: one configuration, in the plain order.
  std::optional<std::size_t> batch;
};

struct Status {};
struct Init {
  std::int32_t bead = 0;
  std::string text;
};
struct Posdata {
  std::vector<Mat3> cell_rows_ang;  ///< [B] lattice vectors as rows
  std::vector<Vec3> position_ang;   ///< [B*n]
};
struct Getforce {};
struct Exit {};
using ServerMessage = std::variant<Status, Init, Posdata, Getforce, Exit>;

struct Ready {};
struct Needinit {};
struct Havedata {};
struct Forceready {
  std::vector<double> energy_ev;      ///< [B]
  std::vector<Vec3> force_ev_ang;     ///< [B*n]
  std::vector<Mat3> virial_ev;        ///< [B]
  std::vector<std::string> extras;    ///< [B]
};
using ClientMessage = std::variant<Ready, Needinit, Havedata, Forceready>;

/// The first message of `bytes`, which is taken off them; nothing, and nothing taken, while more must come.
/// Throws Error{format} for what no server sends, Error{usage} for another number of atoms, as soon as the bytes that say so are there.
std::optional<ServerMessage> take_server_message(std::string_view& bytes, const MessageShape& shape);
/// The same of a client. Throws Error{format}.
std::optional<ClientMessage> take_client_message(std::string_view& bytes, const MessageShape& shape);

/// Any of the words without data: "STATUS", "GETFORCE", "EXIT", "READY", "NEEDINIT", "HAVEDATA".
void append_word(std::string& bytes, std::string_view word);
void append_init(std::string& bytes, std::int32_t bead, std::string_view text);
/// `position_ang` is [B*n], `cell_rows_ang` [B]; B is one in the plain order (no shape.batch).
void append_posdata(std::string& bytes, const MessageShape& shape, std::span<const Mat3> cell_rows_ang, std::span<const Vec3> position_ang);
void append_forceready(std::string& bytes, const MessageShape& shape, const Forceready& message);

/// "batch_size:N" in the text of INIT. Throws Error{format} for a size that is none, Error{unsupported} for more than most_configurations.
std::optional<std::size_t> batch_size_in(std::string_view init_text);

/// The virial of a client that sends one triangle of it and zeros in the other, as LAMMPS does: virials of energies that do not change with rotation are
/// symmetric. Others as they are.
Mat3 whole_virial(const Mat3& virial_ev);

/// Bytes for a message to people: printable ones as they are, at most 24.
std::string shown_bytes(std::string_view bytes);

}  // namespace saltus
