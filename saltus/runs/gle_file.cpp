#include "saltus/runs/gle_file.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/units.hpp"

namespace saltus::runs {

namespace {

constexpr std::size_t largest_size = 64, most_modes = 4096;

struct Unit {
  std::string_view name;
  double factor = 1;  ///< to 1/fs or K
};

constexpr double kelvin_per_ev = 1 / units::boltzmann_ev_per_kelvin;

std::span<const Unit> drift_units() {
  constexpr double per_ps = 1 / units::fs_per_ps, per_second = 1e-15, per_atomic_time = 1 / units::fs_per_atomic_time;
  static constexpr Unit table[] = {{"ps^-1", per_ps}, {"picosecond^-1", per_ps}, {"picoseconds^-1", per_ps}, {"fs^-1", 1}, {"femtosecond^-1", 1}, {"femtoseconds^-1", 1},
                                   {"s^-1", per_second}, {"second^-1", per_second}, {"seconds^-1", per_second}, {"atomic_unit", per_atomic_time},
                                   {"atomic_time^-1", per_atomic_time}, {"atomic time units^-1", per_atomic_time}, {"au_t^-1", per_atomic_time}};
  return table;
}

std::span<const Unit> covariance_units() {
  constexpr double per_hartree = units::ev_per_hartree * kelvin_per_ev;
  static constexpr Unit table[] = {{"K", 1}, {"kelvin", 1}, {"K_e", 1}, {"K_temp", 1}, {"eV", kelvin_per_ev}, {"electronvolt", kelvin_per_ev}, {"meV", 1e-3 * kelvin_per_ev},
                                   {"millielectronvolt", 1e-3 * kelvin_per_ev}, {"atomic_unit", per_hartree}, {"atomic energy units", per_hartree}, {"hartree", per_hartree}};
  return table;
}

/// The matrices of one letter.
struct Reading {
  char letter;
  std::span<const Unit> units;
  std::optional<double> factor;
  std::vector<double> number;
  std::size_t size = 0;        ///< columns; 0 until known
  bool begun = false;
};

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  GleFile parse() {
    if (tag_at(0, a_) != std::string_view::npos) read_tags();
    else read_lines();
    line_ = 0;
    if (!a_.begun) fail("no matrix A: expected <A …> as i-PI has it, a line '# A MATRIX: (UNIT)', or A_LIST of CP2K");
    const std::size_t pairs = pairs_of(a_);
    if (c_.begun && (pairs_of(c_) != pairs || c_.size != a_.size))
      fail(fmt::format("A is {0} times {1}×{1}, C {2} times {3}×{3}: they must be alike", pairs, a_.size, pairs_of(c_), c_.size));
    return {{a_.size, scaled(a_), c_.begun ? scaled(c_) : std::vector<double>{}}, temperature_};
  }

 private:
  [[noreturn]] void fail(const std::string& what, ErrorKind kind = ErrorKind::format) const {
    throw Error(kind, line_ > 0 ? fmt::format("{}:{}: {}", name_, line_, what) : fmt::format("{}: {}", name_, what));
  }

  void set_unit(Reading& m, std::string_view unit, double scale = 1) {
    const auto found = std::find_if(m.units.begin(), m.units.end(), [&](const Unit& u) { return u.name == unit; });
    if (found == m.units.end()) {
      std::vector<std::string> names;
      for (const Unit& u : m.units) names.emplace_back(u.name);
      fail(fmt::format("the unit of {} is '{}', but must be one of: {}", m.letter, unit, join(names)));
    }
    m.factor = found->factor * scale;
  }

  double number_of(std::string_view word) const {
    const auto number = parse_double(word);
    if (!number || !std::isfinite(*number)) fail(fmt::format("'{}' is no finite number", word));
    return *number;
  }

  std::vector<double> numbers_of(std::string_view line) const {
    std::vector<double> numbers;
    while (true) {
      const auto first = line.find_first_not_of(" \t\r\n,[]");
      if (first == std::string_view::npos) return numbers;
      const auto last = std::min(line.find_first_of(" \t\r\n,[]", first), line.size());
      numbers.push_back(number_of(line.substr(first, last - first)));
      line.remove_prefix(last);
    }
  }

  void require_size(std::size_t size, std::size_t modes = 1) const {
    if (size > largest_size || modes > most_modes)
      fail(fmt::format("matrices of {} velocities for {} modes; at most {} and {} are read", size, modes, largest_size, most_modes), ErrorKind::unsupported);
  }

  void add_row(Reading& m, std::string_view line) {
    const std::vector<double> row = numbers_of(line);
    if (m.size == 0) require_size(m.size = row.size());
    if (row.size() != m.size || row.empty()) fail(fmt::format("{} numbers in a row of {}, whose first row has {}", row.size(), m.letter, m.size));
    m.number.insert(m.number.end(), row.begin(), row.end());
    require_size(m.size, (m.number.size() + m.size * m.size - 1) / (m.size * m.size));
  }

  std::size_t pairs_of(const Reading& m) const {
    const std::size_t square = m.size * m.size;
    if (square == 0) fail(fmt::format("{} has no numbers", m.letter));
    if (m.number.size() % square != 0) fail(fmt::format("{} has {} rows of {} numbers, which are no square matrices", m.letter, m.number.size() / m.size, m.size));
    return m.number.size() / square;
  }

  std::vector<double> scaled(const Reading& m) const {
    if (!m.factor) fail(fmt::format("{} has no unit", m.letter));
    std::vector<double> numbers = m.number;
    for (double& x : numbers) x *= *m.factor;
    return numbers;
  }

  // ---- lines: raw export and CP2K

  void read_lines() {
    Reading* open = nullptr;
    std::string_view rest = text_;
    while (!rest.empty()) {
      const auto end = std::min(rest.find('\n'), rest.size());
      const std::string_view line = trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      ++line_;
      if (line.empty() || read_cp2k_line(line)) continue;
      if (line.front() == '#') {
        if (Reading* begun = read_comment(trim(line.substr(1)), open)) open = begun;
      } else if (open) {
        add_row(*open, line);
      } else if (!cp2k_) {
        fail("expected a line '# A MATRIX: (UNIT)' before the numbers");
      }
    }
  }

  bool read_cp2k_line(std::string_view line) {
    if (line.front() == '&') return cp2k_ = true;
    const std::string_view word = line.substr(0, line.find_first_of(" \t"));
    Reading* m = word.starts_with("A_") ? &a_ : word.starts_with("C_") ? &c_ : nullptr;
    if (!m || (word.substr(2) != "SCALE" && word.substr(2) != "LIST")) return false;
    cp2k_ = true;
    const std::string_view value = trim(line.substr(word.size()));
    if (word.substr(2) == "LIST") {
      m->begun = true;
      add_row(*m, value);
    } else {
      const auto close = value.find(']');
      if (!value.starts_with('[') || close == std::string_view::npos) fail(fmt::format("{} needs its unit in brackets: {} [{}] 1", word, word, m->units.front().name));
      if (m->factor) fail(fmt::format("a second {}: leave the matrices of one thermostat", word));
      set_unit(*m, trim(value.substr(1, close - 1)), number_of(trim(value.substr(close + 1))));
    }
    return true;
  }

  /// The matrix that the comment begins, if any.
  Reading* read_comment(std::string_view comment, Reading* open) {
    constexpr std::string_view mode = "Matrix for normal mode";
    for (Reading* m : {&a_, &c_}) {
      if (!comment.starts_with(fmt::format("{} MATRIX", m->letter))) continue;
      if (m->begun) fail(fmt::format("a second matrix {}: leave those of one thermostat", m->letter));
      const auto first = comment.find('('), last = comment.rfind(')');
      if (first == std::string_view::npos || last == std::string_view::npos || last < first)
        fail(fmt::format("the unit of {0} is missing: # {0} MATRIX: ({1})", m->letter, m->units.front().name));
      set_unit(*m, trim(comment.substr(first + 1, last - first - 1)));
      m->begun = true;
      return m;
    }
    if (comment.starts_with(mode) && open) {
      const auto number = parse_int(trim(comment.substr(std::min(comment.find(':') + 1, comment.size()))));
      if (!number || *number < 0 || open->number.size() != static_cast<std::size_t>(*number) * open->size * open->size)
        fail(fmt::format("'{}' comes after {} rows of {} numbers of {}", comment, open->size ? open->number.size() / open->size : 0, open->size, open->letter));
    }
    if (comment.starts_with("T=")) {
      const std::string_view value = trim(comment.substr(2));
      const auto end = std::min(value.find_first_of(" \tK"), value.size());
      if (trim(value.substr(end)) != "K") fail(fmt::format("'{}': expected a temperature in K", comment));
      temperature_ = number_of(value.substr(0, end));
    }
    return nullptr;
  }

  // ---- tags of i-PI

  /// Where the tag of a letter begins, from `from` on, comments left out.
  std::size_t tag_at(std::size_t from, const Reading& m) const {
    while ((from = text_.find('<', from)) != std::string_view::npos) {
      const std::string_view rest = text_.substr(from);
      if (rest.starts_with("<!--")) {
        const auto end = rest.find("-->");
        if (end == std::string_view::npos) return end;
        from += end + 3;
      } else if (rest.size() > 2 && rest[1] == m.letter && std::string_view(" \t\r\n>").find(rest[2]) != std::string_view::npos) {
        return from;
      } else {
        ++from;
      }
    }
    return from;
  }

  /// The value of an attribute, or nothing.
  std::optional<std::string_view> attribute_of(std::string_view tag, std::string_view key) const {
    const auto at = tag.find(key);
    if (at == std::string_view::npos) return std::nullopt;
    std::string_view value = trim(tag.substr(at + key.size()));
    if (!value.starts_with('=')) fail(fmt::format("'{}' needs a value: {}='…'", key, key));
    value = trim(value.substr(1));
    const auto end = value.empty() || (value[0] != '\'' && value[0] != '"') ? std::string_view::npos : value.find(value[0], 1);
    if (end == std::string_view::npos) fail(fmt::format("the value of '{}' must stand in quotes", key));
    return trim(value.substr(1, end - 1));
  }

  void read_tags() {
    for (Reading* m : {&a_, &c_}) {
      const std::size_t at = tag_at(0, *m);
      if (at == std::string_view::npos) continue;
      line_ = static_cast<std::size_t>(std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at), '\n')) + 1;
      m->begun = true;
      const std::size_t close = text_.find('>', at), end = text_.find(fmt::format("</{}>", m->letter), at);
      if (close == std::string_view::npos || end == std::string_view::npos || end < close) fail(fmt::format("<{0}> is not closed by </{0}>", m->letter));
      if (tag_at(end, *m) != std::string_view::npos) fail(fmt::format("several <{}>: leave the matrices of one thermostat", m->letter));
      const std::string_view tag = text_.substr(at + 2, close - at - 2);
      const std::string_view unit = attribute_of(tag, "units").value_or("atomic_unit");
      set_unit(*m, unit.empty() || unit == "automatic" ? "atomic_unit" : unit);
      const std::optional<std::string_view> shape = attribute_of(tag, "shape");
      if (!shape || !shape->starts_with('(') || !shape->ends_with(')')) fail(fmt::format("<{0}> needs its shape: <{0} shape='(9,9)'>, of one pair for each of 6 modes '(6,9,9)'", m->letter));
      std::vector<std::size_t> lengths;
      for (const double length : numbers_of(shape->substr(1, shape->size() - 2))) {
        if (!(length >= 1 && length <= 4096 && length == std::floor(length))) fail(fmt::format("a shape of '{}'", *shape));
        lengths.push_back(static_cast<std::size_t>(length));
      }
      if (lengths.size() == 2) lengths.insert(lengths.begin(), 1);
      if (lengths.size() != 3 || lengths[1] != lengths[2]) fail(fmt::format("a shape of '{}' is no square matrix, nor one for each mode", *shape));
      require_size(lengths[1], lengths[0]);
      m->size = lengths[1];
      m->number = numbers_of(text_.substr(close + 1, end - close - 1));
      if (m->number.size() != lengths[0] * lengths[1] * lengths[2]) fail(fmt::format("{} numbers in <{}>, whose shape is '{}'", m->number.size(), m->letter, *shape));
    }
  }

  std::string_view text_;
  std::string name_;
  std::size_t line_ = 0;
  Reading a_{'A', drift_units(), {}, {}}, c_{'C', covariance_units(), {}, {}};
  std::optional<double> temperature_;
  bool cp2k_ = false;
};

}  // namespace

GleFile parse_gle_file(std::string_view text, const std::string& name) { return Parser(text, name).parse(); }

RingGle read_ring_gle(const std::filesystem::path& file, bool per_mode, std::size_t beads, double temperature_kelvin) {
  GleFile read = parse_gle_file(read_file(file), file.string());
  GleMatrices& m = read.matrices;
  const double kelvin = static_cast<double>(beads) * temperature_kelvin;
  const auto refuse = [&](const std::string& what) { throw Error(ErrorKind::usage, fmt::format("{}: {}", file.string(), what)); };
  const auto differs = [](double a, double b) { return !(std::abs(a - b) <= 0.01 * std::abs(b)); };
  if (m.pairs() != (per_mode ? beads : 1))
    refuse(per_mode ? fmt::format("piglet needs matrices for each of the {} beads, but there {} {}{}", beads, m.pairs() == 1 ? "is" : "are", m.pairs(), m.pairs() == 1 ? "; one pair for all modes is the thermostat gle" : "")
                    : fmt::format("gle needs one pair of matrices for all modes, but there are {}; one for each mode is the thermostat piglet", m.pairs()));
  if (read.temperature_kelvin && differs(*read.temperature_kelvin, temperature_kelvin))
    refuse(fmt::format("these matrices are made for {:g} K, but the temperature is {:g} K", *read.temperature_kelvin, temperature_kelvin));
  if (m.covariance_kelvin.empty()) {
    m.covariance_kelvin.resize(m.drift_per_fs.size());
    for (std::size_t pair = 0; pair < m.pairs(); ++pair)
      for (std::size_t i = 0; i < m.size; ++i) m.covariance_kelvin[(pair * m.size + i) * m.size + i] = kelvin;
  }
  if (per_mode && differs(m.covariance_kelvin[0], kelvin))
    refuse(fmt::format("C holds the centroid at {:g} K, but {} beads at {:g} K have it at {:g} K: these matrices are for another temperature, another number of beads, or have another unit",
                       m.covariance_kelvin[0], beads, temperature_kelvin, kelvin));
  try {
    require_gle(m, beads);
  } catch (const Error& error) {
    throw with_place(error, file.string());
  }
  return {std::move(m)};
}

std::string identity_of(const RingGle& gle) {
  std::string numbers;
  for (const auto* all : {&gle.matrices.drift_per_fs, &gle.matrices.covariance_kelvin})
    for (const double x : *all) numbers += shortest(x) + ' ';
  return fmt::format("{} of {}x{}, {}", gle.matrices.pairs(), gle.matrices.size, gle.matrices.size, sha256(numbers));
}

bool is_canonical(const RingGle& gle, std::size_t beads, double temperature_kelvin) {
  const GleMatrices& m = gle.matrices;
  const double kelvin = static_cast<double>(beads) * temperature_kelvin;
  for (std::size_t e = 0; e < m.covariance_kelvin.size(); ++e) {
    const bool diagonal = e / m.size % m.size == e % m.size;
    if (!(std::abs(m.covariance_kelvin[e] - (diagonal ? kelvin : 0)) <= 1e-6 * kelvin)) return false;
  }
  return true;
}

void erase_what_does_not_hold(const RingGle& gle, std::size_t beads, double temperature_kelvin, std::vector<NamedEstimate>& estimates) {
  if (is_canonical(gle, beads, temperature_kelvin)) return;
  std::erase_if(estimates, [&](const NamedEstimate& e) { return e.name.starts_with("kinetic_energy_primitive") || (beads == 1 && e.name.starts_with("kinetic_energy_virial")); });
}

}  // namespace saltus::runs
