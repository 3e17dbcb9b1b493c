#include "saltus/engines/socket_client.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/engines/ipi_messages.hpp"

namespace saltus {

namespace {

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// The server's end of the line: what came and was not yet read, and what is to be sent.
class Line {
 public:
  Line(const ServeSettings& settings, const Stop& stop) : settings_(settings), stop_(stop), connection_(connect_to(settings.address, settings.retry_s, stop)) {}

  ServerMessage next(const MessageShape& shape, std::int64_t configurations) {
    for (;;) {
      std::string_view rest = incoming_;
      auto message = take_server_message(rest, shape);
      if (message) {
        incoming_.erase(0, incoming_.size() - rest.size());
        return std::move(*message);
      }
      const Transfer transfer = receive(connection_, incoming_);
      if (transfer == Transfer::closed) fail_closed(configurations);
      if (transfer == Transfer::would_block) wait(POLLIN);
    }
  }

  /// Whether EXIT has come already and is the next message.
  bool exit_follows() {
    while (receive(connection_, incoming_) == Transfer::done) {}
    return incoming_.starts_with("EXIT ");
  }

  /// False when the server reads no more.
  bool send(std::string_view bytes) {
    for (;;) {
      const Transfer transfer = transmit(connection_, bytes);
      if (transfer == Transfer::done) return true;
      if (transfer == Transfer::closed) return false;
      wait(POLLOUT);
    }
  }

 private:
  void wait(short events) {
    pollfd waited{connection_.number(), events, 0};
    while (!wait_for_events(&waited, 1, Clock::now() + std::chrono::hours(1), stop_)) {}
  }
  [[noreturn]] void fail_closed(std::int64_t configurations) const {
    const std::string begun = incoming_.empty() ? "" : fmt::format(", in the middle of a message ({} bytes of it came: '{}')", incoming_.size(), shown_bytes(incoming_));
    throw Error(ErrorKind::file, fmt::format("{}: the server closed the connection without EXIT after {} configurations{}", text_of(settings_.address), configurations, begun));
  }

  const ServeSettings& settings_;
  const Stop& stop_;
  Descriptor connection_;
  std::string incoming_;
};

/// Cells as the potential is to see them: periodic as the frame is.
Cell cell_of(const Mat3& rows_ang, const Cell& of_frame) {
  return of_frame.has_vectors() ? Cell(rows_ang, of_frame.periodic()) : of_frame;
}

struct Largest {
  double value = 0;
  std::size_t atom = 0;
};

Largest largest_of(const std::vector<double>& of_atom) {
  Largest largest;
  for (std::size_t i = 0; i < of_atom.size(); ++i)
    if (!(of_atom[i] <= largest.value)) largest = {of_atom[i], i};
  return largest;
}

/// What is said of a configuration beyond the limits; empty within.
std::string extras_of(const Evaluation& evaluation, const ServeSettings& settings) {
  std::string items;
  const auto note = [&](const char* name, const std::vector<double>& of_atom, double limit) {
    const Largest largest = largest_of(of_atom);
    if (of_atom.empty() || largest.value <= limit) return;
    items += fmt::format("{}\"{}\": {}, \"{}_atom\": {}", items.empty() ? "" : ", ", name, std::isfinite(largest.value) ? fmt::format("{:.6g}", largest.value) : "null", name, largest.atom);
  };
  note("max_extrapolation", evaluation.extrapolation, settings.max_extrapolation);
  note("max_force_spread_ev_ang", evaluation.force_spread_ev_ang, settings.max_force_spread_ev_ang);
  return items.empty() ? items : "{" + items + "}";
}

/// Throws Error{unsupported} for a limit on what the potential does not measure.
Want want_of(const Potential& potential, const ServeSettings& settings) {
  const auto measured = [](double limit, bool has, const char* what) {
    if (std::isfinite(limit) && !has) throw Error(ErrorKind::unsupported, fmt::format("this potential {}, so a limit on it cannot be kept", what));
    return std::isfinite(limit);
  };
  Want want;
  want.virial = true;
  want.extrapolation = measured(settings.max_extrapolation, potential.info().has_extrapolation, "has no extrapolation measure");
  want.spread = measured(settings.max_force_spread_ev_ang, potential.info().has_spread, "has no members whose forces could spread");
  return want;
}

/// The conversation from the first STATUS to EXIT.
class Conversation {
 public:
  Conversation(const Potential& potential, const Frame& frame, const ServeSettings& settings, const Progress& progress, const Stop& stop)
      : potential_(potential), frame_(frame), settings_(settings), progress_(progress), want_(want_of(potential, settings)), line_(settings, stop) {
    workspace_.skin_ang = settings.skin_ang;
    shape_.atoms = frame.size();
  }

  ServeSummary run() {
    bool initialised = false;
    std::optional<std::string> answer;  // computed and not yet fetched
    for (;;) {
      const ServerMessage message = next();
      std::string reply;
      if (std::holds_alternative<Exit>(message)) break;
      if (std::holds_alternative<Status>(message)) append_word(reply, answer ? "HAVEDATA" : initialised ? "READY" : "NEEDINIT");
      else if (const auto* init = std::get_if<Init>(&message)) {
        initialised = true;
        shape_.batch = batch_size_in(init->text);
        summary_.batch = shape_.batch.value_or(1);
      } else if (const auto* posdata = std::get_if<Posdata>(&message)) {
        initialised = true;
        answer = compute(*posdata);
      } else {
        if (!answer) throw at_address(Error(ErrorKind::format, "received GETFORCE before any positions"));
        // A server that ends while this computes says EXIT and reads no more; what it is sent may cost the rest of its own words.
        if (line_.exit_follows()) break;
        reply = std::move(*answer);
        answer.reset();
      }
      if (!line_.send(reply)) {
        while (!std::holds_alternative<Exit>(next())) {}
        break;
      }
    }
    summary_.connected_s = seconds_since(begin_);
    return summary_;
  }

 private:
  Error at_address(const Error& error) const { return with_place(error, text_of(settings_.address)); }

  ServerMessage next() {
    try {
      return line_.next(shape_, summary_.configurations);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::file) throw;
      throw at_address(error);
    }
  }

  std::string compute(const Posdata& posdata) {
    const std::size_t count = posdata.cell_rows_ang.size(), n = shape_.atoms;
    const auto begin = Clock::now();
    std::vector<Cell> cells;
    try {
      for (const Mat3& rows : posdata.cell_rows_ang) cells.push_back(cell_of(rows, frame_.cell));
    } catch (const Error& error) {
      throw at_address(error);
    }
    for (std::size_t i = 0; i < posdata.position_ang.size(); ++i)
      if (!is_finite(posdata.position_ang[i])) throw at_address(Error(ErrorKind::numeric, fmt::format("the position of atom {} that the server sent is not finite", i % n)));
    results_.resize(count);
    potential_.evaluate({frame_.atoms.get(), cells, posdata.position_ang}, want_, workspace_, results_);
    Forceready message;
    for (const Evaluation& e : results_) {
      message.energy_ev.push_back(e.energy_ev);
      message.force_ev_ang.insert(message.force_ev_ang.end(), e.force_ev_ang.begin(), e.force_ev_ang.end());
      message.virial_ev.push_back(e.virial_ev.value_or(Mat3{}));
      message.extras.push_back(extras_of(e, settings_));
      if (!message.extras.back().empty()) ++summary_.beyond_limits;
    }
    std::string bytes;
    append_forceready(bytes, shape_, message);
    summary_.configurations += static_cast<std::int64_t>(count);
    summary_.computing_s += seconds_since(begin);
    report_progress(progress_, "serving", static_cast<double>(summary_.configurations), 0, "forces");
    return bytes;
  }

  const Potential& potential_;
  const Frame& frame_;
  const ServeSettings& settings_;
  const Progress& progress_;
  Want want_;
  Line line_;
  Clock::time_point begin_ = Clock::now();
  MessageShape shape_;
  Workspace workspace_;
  std::vector<Evaluation> results_;
  ServeSummary summary_;
};

}  // namespace

ServeSummary serve(const Potential& potential, const Frame& frame, const ServeSettings& settings, const Progress& progress, const Stop& stop) {
  if (frame.size() == 0) throw Error(ErrorKind::usage, "the frame that says which atoms are served has none");
  return Conversation(potential, frame, settings, progress, stop).run();
}

}  // namespace saltus
