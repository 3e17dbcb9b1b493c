#include "saltus/io/cp2k_files.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "saltus/base/text.hpp"
#include "saltus/io/refuse.hpp"

namespace saltus {

namespace {

constexpr std::int64_t atom_limit = 1'000'000'000;

// Differences of any two steps, without overflow.
std::uint64_t distance(std::int64_t from, std::int64_t to) {
  return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
}

// Goes through a bad row once more, slowly, to say what is wrong with it.
[[noreturn]] void refuse_row(std::string_view line) {
  std::string_view rest = line;
  next_word(rest);
  for (const char* what : {"column 2", "column 3", "column 4"})
    if (const std::string_view word = next_word(rest); !word.empty()) finite_number(word, what);
  refuse("expected element and three numbers, found {}", shown(line));
}

}  // namespace

std::size_t StepList::add(std::int64_t step) {
  const auto first = std::lower_bound(steps_.begin(), steps_.end(), step);
  const auto dropped = static_cast<std::size_t>(steps_.end() - first);
  if (dropped > 1 && first == steps_.begin())
    refuse("the steps start over at {} after {}: two runs in one file; split it", step, steps_.back());
  steps_.erase(first, steps_.end());
  steps_.push_back(step);
  replaced_ += dropped;
  stride_counts_ = 0;
  return dropped;
}

std::optional<std::size_t> StepList::find(std::int64_t step) const {
  const auto found = std::lower_bound(steps_.begin(), steps_.end(), step);
  if (found == steps_.end() || *found != step) return std::nullopt;
  return static_cast<std::size_t>(found - steps_.begin());
}

std::uint64_t StepList::stride() const {
  if (stride_counts_ == steps_.size()) return stride_;
  std::map<std::uint64_t, std::size_t> times;
  for (std::size_t k = 1; k < steps_.size(); ++k) ++times[distance(steps_[k - 1], steps_[k])];
  stride_ = 0;
  std::size_t most = 0;
  for (const auto& [difference, count] : times)
    if (count > most) stride_ = difference, most = count;
  stride_counts_ = steps_.size();
  return stride_;
}

bool StepList::promises(std::int64_t step) const {
  if (steps_.empty() || step < steps_.front() || step > steps_.back()) return false;
  const std::uint64_t every = stride();
  return every == 0 || distance(steps_.front(), step) % every == 0;
}

std::optional<Cp2kComment> parse_cp2k_comment(std::string_view line) {
  Cp2kComment comment;
  bool has_step = false;
  for (std::string_view rest = line; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view entry = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = trim(entry.substr(0, equals)), value = trim(entry.substr(equals + 1));
    if (key == "i") {
      comment.step = integer(value, "the step, i");
      has_step = true;
    } else if (key == "time") {
      comment.time_fs = finite_number(value, "time");
    } else if (key == "E") {
      comment.energy_hartree = finite_number(value, "the energy, E");
    }
  }
  if (!has_step) return std::nullopt;
  return comment;
}

std::size_t Cp2kXyz::read_count(bool& at_end) {
  std::string_view line;
  at_end = !lines_.next(line);
  if (at_end) return 0;
  const std::string_view text = trim(line);
  if (text.empty()) {
    while (lines_.next(line))
      if (!trim(line).empty()) refuse("blank line before a frame; blank lines may only end the file");
    at_end = true;
    return 0;
  }
  const auto value = parse_int(text);
  if (!value || *value < 1 || *value > atom_limit) refuse("expected the number of atoms, found {}", shown(text));
  return static_cast<std::size_t>(*value);
}

void Cp2kXyz::skim() {
  std::string_view line;
  try {
    for (;;) {
      const Place place{lines_.offset(), lines_.line_number()};
      bool at_end = false;
      const std::size_t count = read_count(at_end);
      if (at_end) break;
      if (!lines_.next(line)) refuse("the file ends before the comment line; it is cut off");
      const auto comment = parse_cp2k_comment(line);
      if (!comment) refuse("no step number in the comment line {}; CP2K writes ' i = 0, time = 0.000, E = -78.89'", shown(line));
      for (std::size_t k = 0; k < count; ++k) {
        if (!lines_.next(line)) refuse("the file ends after {} of {} atoms; it is cut off", k, count);
        if (!lines_.line_was_ended()) refuse("the file ends within the line of atom {}; it is cut off", k + 1);
      }
      places_.resize(places_.size() - steps_.add(comment->step));
      places_.push_back(place);
    }
    if (places_.empty()) refuse("the file is empty");
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::format) throw;
    broken_ = with_place(error, fmt::format("{}, frame {}, line {}", name_, places_.size() + steps_.replaced() + 1,
                                            std::max<std::uint64_t>(lines_.line_number(), 1)));
  }
}

Cp2kComment Cp2kXyz::read(std::size_t index, Atoms& atoms, std::vector<Vec3>& values) {
  const Place& place = places_[index];
  lines_.seek(place.offset, place.lines_before);
  try {
    bool at_end = false;
    const std::size_t count = read_count(at_end);
    std::string_view line;
    if (at_end || !lines_.next(line)) refuse("the file has become shorter while it was read");
    const auto comment = parse_cp2k_comment(line);
    if (!comment || comment->step != steps_.steps()[index]) refuse("the file has changed while it was read");
    atoms.atomic_number.clear();
    atoms.mass_amu.clear();
    values.clear();
    for (std::size_t k = 0; k < count; ++k) {
      if (!lines_.next(line)) refuse("the file has become shorter while it was read");
      std::string_view rest = line;
      const Element& element = elements_.find(next_word(rest));
      Vec3 value;
      const char *at = rest.data(), *const end = at + rest.size();
      if (!read_vector(at, end, value) || std::find_if_not(at, end, is_blank) != end) refuse_row(line);
      atoms.atomic_number.push_back(element.atomic_number);
      atoms.mass_amu.push_back(element.mass_amu);
      values.push_back(value);
    }
    return *comment;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::format) throw;
    throw with_place(error, fmt::format("{}, step {}, line {}", name_, steps_.steps()[index], lines_.line_number()));
  }
}

void Cp2kTable::read(LineReader& lines) {
  try {
    std::size_t words_per_row = 0;
    for (std::string_view line; lines.next(line);) {
      std::string_view rest = trim(line);
      if (rest.empty() || rest.front() == '#') continue;
      const std::int64_t step = integer(next_word(rest), "column 1, the step");
      std::vector<double> row;
      std::size_t words = 1;
      for (std::string_view word = next_word(rest); !word.empty(); word = next_word(rest)) {
        if (row.size() < columns_) row.push_back(finite_number(word, fmt::format("column {}", words + 1)));
        ++words;
      }
      if (row.size() < columns_) refuse("expected at least {} columns, found {}", columns_ + 1, words);
      if (words_per_row == 0) words_per_row = words;
      if (words != words_per_row) refuse("expected {} columns as in the row before, found {}", words_per_row, words);
      if (!lines.line_was_ended()) refuse("the last line has no end; the file is cut off");
      values_.resize(values_.size() - columns_ * steps_.add(step));
      values_.insert(values_.end(), row.begin(), row.end());
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::format) throw;
    broken_ = with_place(error, fmt::format("{}, line {}", name_, lines.line_number()));
  }
}

}  // namespace saltus
