#include "saltus/engines/socket_potential.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include <unistd.h>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/engines/ipi_messages.hpp"
#include "saltus/io/restricted_cell.hpp"

namespace saltus {

namespace {

constexpr int most_attempts = 3;
constexpr std::size_t most_clients = 1024;
constexpr Clock::duration patience = std::chrono::seconds(1);  // with a client that has just answered, before its configuration goes to another; or as long as its answer took
constexpr std::string_view init_text = "{}";

Clock::duration duration_of(double seconds) { return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::min(seconds, 1e9))); }

/// The cell and positions as i-PI wants them, and the way back.
RestrictedCell cell_for_wire(const Cell& cell) {
  const std::string remedy = "give it lattice vectors that hold all atoms; they need not be periodic";
  if (!cell.has_vectors()) throw Error(ErrorKind::usage, "the i-PI socket needs a cell, and the starting frame has none: " + remedy);
  for (int axis = 0; axis < 3; ++axis)
    if (!cell.periodic()[static_cast<std::size_t>(axis)] && !(cell.height_ang(axis) > 1 + 1e-9))
      throw Error(ErrorKind::usage, fmt::format("the i-PI socket needs a cell, and the starting frame's lattice vector {} has no length: {}", "abc"[axis], remedy));
  return restricted_cell(cell.rows_ang());
}

/// The image inside the cell of an atom that is more than a quarter of it outside; others stay, so that molecules stay whole and paths without jumps. LAMMPS
/// (fix ipi, domain->pbc) moves atoms by one cell at most and puts those that are further out on the cell's face, without a word.
Vec3 near_cell(const Cell& cell, const Vec3& position_ang) {
  const Fractional fractional = cell.to_fractional(position_ang);
  const double along[3] = {fractional.a, fractional.b, fractional.c};
  Vec3 position = position_ang;
  for (int axis = 0; axis < 3; ++axis)
    if (cell.periodic()[static_cast<std::size_t>(axis)] && (along[axis] < -0.25 || along[axis] >= 1.25)) position -= std::floor(along[axis]) * cell.rows_ang()[axis];
  return position;
}

Mat3 turned_back(const Mat3& virial, const Mat3& rotation) { return rotation * virial * transpose(rotation); }

}  // namespace

SocketSettings socket_settings(const std::string& text) {
  const std::string forms = "'socket:unix:NAME' or 'socket:HOST:PORT', then any of ',wait_s=600' ',timeout_s=3600' ',prefix=/tmp/ipi_' ',stress'";
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  SocketSettings settings;
  std::string prefix = default_unix_prefix;
  bool prefixed = false;
  for (std::size_t k = 1; k < parts.size(); ++k) {
    const std::size_t equals = std::min(parts[k].find('='), parts[k].size());
    const std::string key = parts[k].substr(0, equals), value = parts[k].substr(std::min(equals + 1, parts[k].size()));
    if (key == "stress" && equals == parts[k].size()) {
      settings.stress = true;
    } else if (key == "prefix") {
      prefix = value;
      prefixed = true;
    } else if (key == "wait_s" || key == "timeout_s") {
      const auto seconds = parse_double(value);
      if (!seconds || !std::isfinite(*seconds) || *seconds <= 0) throw Error(ErrorKind::usage, fmt::format("socket:{}: {} must be a time in seconds, more than 0", text, key));
      (key == "wait_s" ? settings.wait_s : settings.timeout_s) = *seconds;
    } else {
      const std::vector<std::string> known{"wait_s", "timeout_s", "prefix", "stress"};
      throw Error(ErrorKind::usage, fmt::format("socket:{}: '{}' is not known{}; a socket is {}", text, parts[k], did_you_mean(key, known), forms));
    }
  }
  const std::string& place = parts.front();
  if (place.starts_with("unix:")) {
    settings.address = unix_address(place.substr(5), prefix);
    return settings;
  }
  const std::size_t colon = place.rfind(':');
  const auto port = colon == std::string::npos ? std::nullopt : parse_int(place.substr(colon + 1));
  if (!port || *port < 1 || *port > 65535 || prefixed) throw Error(ErrorKind::usage, fmt::format("socket:{}: a socket is {}", text, forms));
  std::string host = place.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  settings.address = tcp_address(host, static_cast<int>(*port));
  return settings;
}

/// Who is connected, what each is at, and the work of the batch under way.
class SocketPotential::Clients {
 public:
  explicit Clients(SocketSettings settings) : settings_(std::move(settings)), listener_(listen_at(settings_.address)) {}

  ~Clients() {
    say_goodbye();
    if (!settings_.address.unix_path.empty()) ::unlink(settings_.address.unix_path.c_str());
  }
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  void evaluate(const Batch& batch, Want want, std::span<Evaluation> results) {
    begin(batch, want, results);
    alone_since_ = Clock::now();
    while (done_ < work_.size()) {
      take_connections();
      for (std::size_t k = 0; k < clients_.size(); ++k) listen_to(clients_[k]);
      hand_out();
      for (Client& client : clients_) send_to(client);
      remove_dropped();
      if (done_ == work_.size()) return;
      wait(deadline());
      check_deadlines();
    }
  }

  std::size_t answering() const {
    return static_cast<std::size_t>(std::count_if(clients_.begin(), clients_.end(), [](const Client& c) { return c.has_answered && !c.dropped; }));
  }

 private:
  enum class At { asked, ready, computing };
  struct Client {
    Descriptor connection;
    std::uint64_t number = 0;
    std::string name;
    std::string incoming, outgoing;
    std::size_t sent = 0;             // of `outgoing`
    At at = At::asked;
    Clock::time_point since;
    bool has_answered = false, was_initialised = false, dropped = false;
    std::optional<std::size_t> work;  // configuration it computes; none: nobody waits for its answer any more
    std::optional<std::size_t> home;  // place in the batch that it had first
    Clock::duration took{};           // its last answer
  };
  enum class Stage { waiting, given, done };
  struct Work {
    Stage stage = Stage::waiting;
    int attempts = 0;
    RestrictedCell cell;
  };

  void begin(const Batch& batch, Want want, std::span<Evaluation> results) {
    const std::size_t count = batch.count();
    std::vector<Work> work(count);
    for (std::size_t b = 0; b < count; ++b) {
      work[b].cell = cell_for_wire(batch.cell[b]);
      for (std::size_t i = 0; i < batch.atoms->size(); ++i)
        if (!is_finite(batch.position_ang[b * batch.atoms->size() + i]))
          throw Error(ErrorKind::numeric, fmt::format("the position of atom {} ({}) is not finite", i, symbol_of(batch.atoms->atomic_number[i])));
    }
    remove_dropped();
    // What an earlier call that was broken off asked for is computed in vain.
    for (Client& client : clients_) client.work.reset();
    work_ = std::move(work);
    done_ = 0;
    last_client_.resize(std::max(last_client_.size(), count), 0);
    batch_ = &batch;
    want_ = want;
    results_ = results;
    shape_.atoms = batch.atoms->size();
  }

  void take_connections() {
    while (clients_.size() < most_clients) {
      Descriptor connection = accept_from(listener_);
      if (!connection) return;
      Client client;
      client.name = fmt::format("client {} ({})", ++connected_, peer_of(connection));
      client.connection = std::move(connection);
      client.number = connected_;
      ask(client);
      clients_.push_back(std::move(client));
    }
  }

  void ask(Client& client) {
    append_word(client.outgoing, "STATUS");
    client.at = At::asked;
    client.since = Clock::now();
  }

  void listen_to(Client& client) {
    for (bool more = true; more && !client.dropped;) {
      const Transfer transfer = receive(client.connection, client.incoming);
      more = transfer == Transfer::done;
      try {
        std::string_view rest = client.incoming;
        while (const auto message = take_client_message(rest, shape_)) {
          // Nobody speaks twice in a row: what follows at once belongs to an answer of another length.
          std::string more_bytes(rest);
          if (more_bytes.empty()) receive(client.connection, more_bytes);
          if (!more_bytes.empty()) throw Error(ErrorKind::format, fmt::format("sent {} bytes more than its message holds: '{}'", more_bytes.size(), shown_bytes(more_bytes)));
          take(client, *message);
        }
        client.incoming.erase(0, client.incoming.size() - rest.size());
      } catch (const Error& error) {
        drop(client, error);
        return;
      }
      if (transfer == Transfer::closed)
        drop(client, Error(ErrorKind::file, client.incoming.empty() ? "closed the connection" : fmt::format("closed the connection in the middle of its answer, after {} bytes", client.incoming.size())));
    }
  }

  void take(Client& client, const ClientMessage& message) {
    client.has_answered = true;
    const auto expect = [&](At at, const char* word) {
      if (client.at != at) throw Error(ErrorKind::format, fmt::format("sent {} where {} was due", word, client.at == At::computing ? "FORCEREADY" : client.at == At::asked ? "READY" : "nothing"));
    };
    if (std::holds_alternative<Needinit>(message)) {
      expect(At::asked, "NEEDINIT");
      if (client.was_initialised) throw Error(ErrorKind::format, "sent NEEDINIT again, right after INIT");
      client.was_initialised = true;
      append_init(client.outgoing, static_cast<std::int32_t>(std::min<std::uint64_t>(client.number - 1, 1u << 30)), init_text);
      ask(client);
    } else if (std::holds_alternative<Ready>(message)) {
      expect(At::asked, "READY");
      client.at = At::ready;
      client.was_initialised = false;
    } else if (std::holds_alternative<Havedata>(message)) {
      throw Error(ErrorKind::format, "sent HAVEDATA where it was given no positions");
    } else {
      expect(At::computing, "FORCEREADY");
      client.took = Clock::now() - client.since;
      if (client.work) {
        keep(*client.work, std::get<Forceready>(message));
        client.work.reset();
      }
      ask(client);
    }
  }

  void keep(std::size_t b, const Forceready& answer) {
    Work& work = work_[b];
    Evaluation& result = results_[b];
    const std::size_t n = shape_.atoms;
    if (!std::isfinite(answer.energy_ev[0])) throw Error(ErrorKind::numeric, "answered with an energy that is not finite");
    for (std::size_t i = 0; i < n; ++i)
      if (!is_finite(answer.force_ev_ang[i]))
        throw Error(ErrorKind::numeric, fmt::format("answered with a force on atom {} ({}) that is not finite", i, symbol_of(batch_->atoms->atomic_number[i])));
    for (int axis = 0; axis < 3 && want_.virial; ++axis)
      if (!is_finite(answer.virial_ev[0][axis])) throw Error(ErrorKind::numeric, "answered with a virial that is not finite");
    const Mat3 back = transpose(work.cell.rotation);
    result.energy_ev = answer.energy_ev[0];
    result.force_ev_ang.assign(want_.forces ? n : 0, Vec3{});
    for (std::size_t i = 0; i < result.force_ev_ang.size(); ++i) result.force_ev_ang[i] = work.cell.is_rotated ? answer.force_ev_ang[i] * back : answer.force_ev_ang[i];
    result.virial_ev.reset();
    if (want_.virial) {
      const Mat3 virial = whole_virial(answer.virial_ev[0]);
      result.virial_ev = work.cell.is_rotated ? turned_back(virial, work.cell.rotation) : virial;
    }
    result.atom_energy_ev.clear();
    result.extrapolation.clear();
    result.energy_spread_ev.reset();
    result.force_spread_ev_ang.clear();
    work.stage = Stage::done;
    ++done_;
  }

  // First the place that a client began with, then others that it had before, then what nobody has, then what another has who computes something else: where
  // one has taken over the place of a client that died, a newcomer gets that place, and all others keep theirs.
  void hand_out() {
    for (int round = 0; round < 4; ++round)
      for (Client& client : clients_) {
        if (client.dropped || client.at != At::ready) continue;
        for (std::size_t b = 0; b < work_.size(); ++b) {
          if (work_[b].stage != Stage::waiting) continue;
          const bool own = last_client_[b] == client.number;
          if ((own && (round > 0 || client.home == b)) || (round == 2 && !is_connected(last_client_[b])) || (round == 3 && !is_at_hand(last_client_[b]))) {
            give(client, b);
            break;
          }
        }
      }
  }

  bool is_connected(std::uint64_t number) const {
    return std::any_of(clients_.begin(), clients_.end(), [&](const Client& c) { return c.number == number && !c.dropped; });
  }

  /// Whether this client will be free at once.
  bool is_at_hand(std::uint64_t number) const {
    return std::any_of(clients_.begin(), clients_.end(), [&](const Client& c) { return c.number == number && !c.dropped && c.at == At::asked && Clock::now() < c.since + std::max(patience, c.took); });
  }

  void give(Client& client, std::size_t b) {
    const std::size_t n = shape_.atoms;
    Work& work = work_[b];
    std::vector<Vec3> positions;
    positions.reserve(n);
    for (const Vec3& r : batch_->position_ang.subspan(b * n, n)) {
      const Vec3 near = near_cell(batch_->cell[b], r);
      positions.push_back(work.cell.is_rotated ? near * work.cell.rotation : near);
    }
    append_posdata(client.outgoing, shape_, {&work.cell.rows_ang, 1}, positions);
    append_word(client.outgoing, "GETFORCE");
    client.at = At::computing;
    client.since = Clock::now();
    client.work = b;
    if (!client.home) client.home = b;
    work.stage = Stage::given;
    ++work.attempts;
    last_client_[b] = client.number;
  }

  void send_to(Client& client) {
    if (client.dropped || client.outgoing.empty()) return;
    std::string_view rest = std::string_view(client.outgoing).substr(client.sent);
    const Transfer transfer = transmit(client.connection, rest);
    client.sent = client.outgoing.size() - rest.size();
    if (rest.empty()) {
      client.outgoing.clear();
      client.sent = 0;
    }
    // What it sent before it went is read first.
    if (transfer == Transfer::closed) listen_to(client);
    if (transfer == Transfer::closed && !client.dropped) drop(client, Error(ErrorKind::file, "closed the connection"));
  }

  void drop(Client& client, const Error& why) {
    client.dropped = true;
    client.connection = Descriptor();
    const std::string place = client.work ? fmt::format(", configuration {} of {}", *client.work, work_.size()) : "";
    last_fault_ = fmt::format("{}{}: {}", client.name, place, why.what());
    const bool had_work = client.work.has_value();
    if (had_work) {
      Work& work = work_[*client.work];
      work.stage = Stage::waiting;
      const std::size_t b = *client.work;
      client.work.reset();
      if (work.attempts >= most_attempts)
        throw Error(why.kind(), fmt::format("{}: configuration {} failed with {} clients; the last: {}", text_of(settings_.address), b, work.attempts, last_fault_));
    }
    if (settings_.warn) settings_.warn(fmt::format("{}: {}; it is dropped{}", text_of(settings_.address), last_fault_, had_work ? ", its configuration goes to another" : ""));
    if (answering() == 0) alone_since_ = Clock::now();
  }

  void remove_dropped() {
    std::erase_if(clients_, [](const Client& client) { return client.dropped; });
  }

  Clock::time_point deadline() const {
    Clock::time_point earliest = Clock::time_point::max();
    if (answering() == 0) earliest = alone_since_ + duration_of(settings_.wait_s);
    for (const Client& client : clients_)
      if (!client.dropped && client.at != At::ready) earliest = std::min(earliest, client.since + duration_of(settings_.timeout_s));
    const bool some_wait = std::any_of(work_.begin(), work_.end(), [](const Work& work) { return work.stage == Stage::waiting; });
    return some_wait ? std::min<Clock::time_point>(earliest, Clock::now() + patience) : earliest;
  }

  void check_deadlines() {
    const auto now = Clock::now();
    for (Client& client : clients_)
      if (!client.dropped && client.at != At::ready && now >= client.since + duration_of(settings_.timeout_s))
        drop(client, Error(ErrorKind::file, fmt::format("did not answer within {:g} s (timeout_s)", settings_.timeout_s)));
    remove_dropped();
    if (answering() == 0 && now >= alone_since_ + duration_of(settings_.wait_s)) throw Error(ErrorKind::file, nobody());
  }

  std::string nobody() const {
    const SocketAddress& a = settings_.address;
    std::string options = a.unix_path.empty() ? fmt::format("--host {} --port {}", a.host, a.port) : "";
    if (!a.unix_path.empty()) {
      const std::string prefix = default_unix_prefix;
      options = a.unix_path.starts_with(prefix) ? "--unix " + a.unix_path.substr(prefix.size()) : fmt::format("--unix {} --prefix ''", a.unix_path);
    }
    return fmt::format("{}: no client {} {:g} s (wait_s){}; start one, for example: saltus serve MODEL --frame FRAME {}", text_of(a),
                       last_fault_.empty() ? "came within" : "was left for", settings_.wait_s, last_fault_.empty() ? "" : "; the last: " + last_fault_, options);
  }

  void wait(Clock::time_point until) {
    std::vector<pollfd> waited;
    if (clients_.size() < most_clients) waited.push_back({listener_.number(), POLLIN, 0});
    for (const Client& client : clients_)
      waited.push_back({client.connection.number(), static_cast<short>(client.outgoing.empty() ? POLLIN : POLLIN | POLLOUT), 0});
    wait_for_events(waited.data(), waited.size(), until, settings_.stop);
  }

  // EXIT to all, and what they still send is read until they close, for a second at most: bytes left unread would make the system
  // break the connection off before EXIT is read.
  void say_goodbye() {
    const auto end = Clock::now() + std::chrono::seconds(1);
    for (Client& client : clients_) append_word(client.outgoing, "EXIT");
    while (!clients_.empty() && Clock::now() < end) {
      std::vector<pollfd> waited;
      for (Client& client : clients_) {
        std::string_view rest = std::string_view(client.outgoing).substr(client.sent);
        client.dropped = transmit(client.connection, rest) == Transfer::closed;
        client.sent = client.outgoing.size() - rest.size();
        for (Transfer transfer = Transfer::done; transfer == Transfer::done && !client.dropped; client.incoming.clear()) {
          transfer = receive(client.connection, client.incoming);
          client.dropped = transfer == Transfer::closed;
        }
        if (!client.dropped) waited.push_back({client.connection.number(), static_cast<short>(rest.empty() ? POLLIN : POLLIN | POLLOUT), 0});
      }
      remove_dropped();
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(std::max<Clock::duration>(end - Clock::now(), Clock::duration::zero())).count();
      if (!clients_.empty()) ::poll(waited.data(), static_cast<nfds_t>(waited.size()), static_cast<int>(left));
    }
  }

  SocketSettings settings_;
  Descriptor listener_;
  std::vector<Client> clients_;
  std::uint64_t connected_ = 0;
  std::vector<std::uint64_t> last_client_;  // [place in the batch] number of the client that had it last; 0: nobody
  Clock::time_point alone_since_;
  std::string last_fault_;
  // Of the batch under way.
  const Batch* batch_ = nullptr;
  Want want_;
  std::span<Evaluation> results_;
  MessageShape shape_;
  std::vector<Work> work_;
  std::size_t done_ = 0;
};

SocketPotential::SocketPotential(SocketSettings settings) {
  info_.kind = "socket";
  for (int z = 1; z <= element_count; ++z) info_.elements.push_back(static_cast<std::uint8_t>(z));
  info_.trained_on_stress = settings.stress;
  info_.remote = true;
  clients_ = std::make_unique<Clients>(std::move(settings));
}

SocketPotential::~SocketPotential() = default;

void SocketPotential::evaluate(const Batch& batch, Want want, Workspace&, std::span<Evaluation> results) const {
  const std::lock_guard guard(mutex_);
  clients_->evaluate(batch, want, results);
}

std::size_t SocketPotential::clients() const {
  const std::lock_guard guard(mutex_);
  return clients_->answering();
}

}  // namespace saltus
