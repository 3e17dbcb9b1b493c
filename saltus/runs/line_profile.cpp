#include "saltus/runs/line_profile.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/number_table.hpp"

namespace saltus::runs {

namespace {

using Function = kinetics::LineProfile::Function;

constexpr int images = 3;  // of a Gaussian on either side of a period

constexpr std::array terms{
    ProfileTermRow{"cosine", "A,LENGTH,Z0", "A cos(2π (z − Z0)/LENGTH)"},
    ProfileTermRow{"gauss", "A,Z0,WIDTH", "A exp(−(z − Z0)²/2 WIDTH²)"},
    ProfileTermRow{"step", "A,Z0,WIDTH", "A (1 + tanh((z − Z0)/WIDTH))/2"},
    ProfileTermRow{"walls", "A,DECAY", "A exp(−d/DECAY), d from each wall"},
    ProfileTermRow{"layers", "A,LENGTH,DECAY", "A cos(2π d/LENGTH) exp(−d/DECAY), d from each wall"},
    ProfileTermRow{"slope", "A,Z0", "A (z − Z0)"},
    ProfileTermRow{"harmonic", "A,Z0", "A (z − Z0)²/2"},
};

Function term_of(const std::string& word, const kinetics::Line& line) {
  if (const auto number = parse_double(word); number && std::isfinite(*number)) return [value = *number](double) { return value; };
  const std::string name = word.substr(0, word.find(':'));
  const auto row = std::find_if(terms.begin(), terms.end(), [&](const ProfileTermRow& r) { return name == r.name; });
  if (row == terms.end()) {
    std::vector<std::string> names;
    for (const auto& r : terms) names.emplace_back(r.name);
    throw Error(ErrorKind::usage, fmt::format("'{}' is neither a number nor one of {}{}", word, join(names), did_you_mean(name, names)));
  }
  const auto refuse = [&](const std::string& what) { throw Error(ErrorKind::usage, fmt::format("'{}': {}; expected {}:{}", word, what, row->name, row->numbers)); };
  std::vector<double> a;
  for (std::string rest = name.size() < word.size() ? word.substr(name.size() + 1) : "", part; !rest.empty();) {
    part = rest.substr(0, rest.find(','));
    rest = part.size() < rest.size() ? rest.substr(part.size() + 1) : "";
    const auto number = parse_double(part);
    if (!number || !std::isfinite(*number)) refuse(fmt::format("'{}' is no number", part));
    a.push_back(*number);
  }
  const std::string numbers = row->numbers;
  const std::size_t wanted = static_cast<std::size_t>(std::count(numbers.begin(), numbers.end(), ',')) + 1;
  if (a.size() != wanted) refuse(fmt::format("{} numbers", a.size()));
  const bool periodic = line.ends == kinetics::LineEnds::periodic;
  if (periodic && name != "cosine" && name != "gauss") throw Error(ErrorKind::usage, fmt::format("'{}' needs walls: it does not repeat itself", word));
  const auto positive = [&](double value) {
    if (!(value > 0)) refuse(fmt::format("{} is not above 0", value));
    return value;
  };
  const auto from_walls = [line](const Function& f) { return [line, f](double z) { return f(z - line.low_ang) + f(line.high_ang - z); }; };
  if (name == "cosine") {
    const double wave = 2 * std::numbers::pi / positive(a[1]);
    return [a, wave](double z) { return a[0] * std::cos(wave * (z - a[2])); };
  }
  if (name == "gauss") {
    positive(a[2]);
    const double period = periodic ? line.high_ang - line.low_ang : 0;
    return [a, period](double z) {
      double sum = 0;
      const double x = period > 0 ? z - a[1] - period * std::round((z - a[1]) / period) : z - a[1];
      for (int k = period > 0 ? -images : 0; k <= (period > 0 ? images : 0); ++k) sum += a[0] * std::exp(-0.5 * std::pow((x + k * period) / a[2], 2));
      return sum;
    };
  }
  if (name == "step") {
    positive(a[2]);
    return [a](double z) { return 0.5 * a[0] * (1 + std::tanh((z - a[1]) / a[2])); };
  }
  if (name == "walls") {
    positive(a[1]);
    return from_walls([a](double d) { return a[0] * std::exp(-d / a[1]); });
  }
  if (name == "layers") {
    positive(a[2]);
    const double wave = 2 * std::numbers::pi / positive(a[1]);
    return from_walls([a, wave](double d) { return a[0] * std::cos(wave * d) * std::exp(-d / a[2]); });
  }
  if (name == "slope") return [a](double z) { return a[0] * (z - a[1]); };
  return [a](double z) { return 0.5 * a[0] * (z - a[1]) * (z - a[1]); };
}

Function sum_of(const std::vector<std::string>& words, const kinetics::Line& line) {
  std::vector<Function> parts;
  for (const std::string& word : words) parts.push_back(term_of(word, line));
  return [parts](double z) {
    double sum = 0;
    for (const Function& part : parts) sum += part(z);
    return sum;
  };
}

}  // namespace

std::span<const ProfileTermRow> profile_terms() { return terms; }

kinetics::LineProfile line_profile(const LineProfileSettings& settings, std::string* note) {
  const kinetics::Line& line = settings.line;
  if (settings.table.empty() == settings.diffusion_ang2_per_ps.empty()) throw Error(ErrorKind::usage, "give D either as terms or by a table");
  const Function free_energy = sum_of(settings.free_energy_kt, line);
  if (settings.table.empty()) {
    const Function d = sum_of(settings.diffusion_ang2_per_ps, line);
    return {line, [d](double z) { return d(z) / units::fs_per_ps; }, free_energy};
  }

  const double length = line.high_ang - line.low_ang, period = line.ends == kinetics::LineEnds::periodic ? length : 0;
  std::vector<double> z, log_d, f;
  double closest = length, widest = 0;
  bool has_f = false;
  const NumberTable table = read_number_table(settings.table);
  if (note && !table.note.empty()) *note = settings.table + ": " + table.note;
  try {
    if (table.columns != 2 && table.columns != 3) throw Error(ErrorKind::format, fmt::format("{} columns, expected z (Å), D (Å²/ps) and, if there is one, F (kT)", table.columns));
    has_f = table.columns == 3;
    if (has_f && !settings.free_energy_kt.empty()) throw Error(ErrorKind::usage, "holds F in its third column; leave --free-energy out");
    for (std::size_t k = 0; k < table.rows; ++k) {
      const double* row = &table.value[k * table.columns];
      if (!(row[1] > 0)) throw Error(ErrorKind::format, fmt::format("row {}: D is {}, expected above 0", k + 1, row[1]));
      if (k > 0 && !(row[0] > z.back())) throw Error(ErrorKind::format, fmt::format("row {}: z is {} after {}, expected it to ascend", k + 1, row[0], z.back()));
      if (k > 0) {
        closest = std::min(closest, row[0] - z.back());
        widest = std::max(widest, row[0] - z.back());
      }
      z.push_back(row[0]);
      log_d.push_back(std::log(row[1] / units::fs_per_ps));
      f.push_back(has_f ? row[2] : 0);
    }
    if (z.size() < 2) throw Error(ErrorKind::format, "one row, expected at least two");
    const double span = z.back() - z.front();
    if (period > 0 && std::abs(span - period) < 1e-6 * period) {  // both ends of the period
      if (std::abs(log_d.front() - log_d.back()) > 1e-6 || std::abs(f.front() - f.back()) > 1e-6) throw Error(ErrorKind::format, "the first and the last row are one period apart, but differ");
      z.pop_back();
      log_d.pop_back();
      f.pop_back();
      if (z.size() < 2) throw Error(ErrorKind::format, "two rows one period apart, expected more");
    } else if (period > 0 ? span > period || period - span > 2 * widest : z.front() > line.low_ang + 1e-6 || z.back() < line.high_ang - 1e-6) {
      throw Error(ErrorKind::format, fmt::format("goes from z = {:.6g} to {:.6g} Å, expected {}", z.front(), z.back(),
                                                 period > 0 ? fmt::format("one period of {:.6g} Å", period) : fmt::format("{:.6g} to {:.6g} Å", line.low_ang, line.high_ang)));
    }
  } catch (const Error& error) {
    throw with_place(error, settings.table);
  }
  const Function d = kinetics::monotone_cubic(z, log_d, period);
  const double spacing = std::min(0.01, closest / 10);
  return {line, [d](double at) { return std::exp(d(at)); }, has_f ? kinetics::monotone_cubic(z, f, period) : free_energy, spacing};
}

}  // namespace saltus::runs
