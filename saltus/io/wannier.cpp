#include "saltus/io/wannier.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/comment_line.hpp"
#include "saltus/io/fields.hpp"
#include "saltus/io/frame_access.hpp"
#include "saltus/io/lines.hpp"
#include "saltus/io/refuse.hpp"

namespace saltus {

namespace {

constexpr std::int64_t row_limit = 1'000'000'000;

// The numbers of " Particles+Wannier centers. Iteration:1_5" or of "1_5".
std::vector<std::int64_t> iteration_of(std::string_view line) {
  const std::string_view text = trim(line.substr(line.find(':') == std::string_view::npos ? 0 : line.rfind(':') + 1));
  std::vector<std::int64_t> numbers;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t stop = std::min(text.find('_', at), text.size());
    const auto number = parse_int(text.substr(at, stop - at));
    if (!number || numbers.size() == 16) refuse("no iteration label as 'Iteration:1_5' in {}", shown(line));
    numbers.push_back(*number);
    at = stop + 1;
  }
  return numbers;
}

// The tags of 'step=5 time_fs=2.5 bead=3 Lattice="…" pbc="T T T"'; other keys are passed over.
void read_tags(std::string_view line, WannierFrame& frame) {
  std::array<bool, 3> periodic{true, true, true};
  std::optional<Mat3> rows;
  for (const CommentEntry& entry : parse_comment_line(line)) {
    const auto elements = array_elements(entry.value);
    if (entry.key == "step") frame.step = integer(entry.value, "step");
    if (entry.key == "time_fs") frame.time_fs = finite_number(entry.value, "time_fs");
    if (entry.key == "bead") {
      const std::int64_t bead = integer(entry.value, "bead");
      if (bead < 0 || bead > std::numeric_limits<std::int32_t>::max()) refuse("bead={} is no bead; they count from 0", bead);
      frame.bead = static_cast<std::int32_t>(bead);
    }
    if (entry.key == "pbc") {
      if (elements.size() != 3) refuse("pbc={} must have three values, such as \"T T F\"", shown(entry.value));
      for (std::size_t axis = 0; axis < 3; ++axis) {
        if (elements[axis] != "T" && elements[axis] != "F") refuse("pbc: {} is neither T nor F", shown(elements[axis]));
        periodic[axis] = elements[axis] == "T";
      }
    }
    if (entry.key == "Lattice") {
      if (elements.size() != 9) refuse("Lattice has {} numbers, expected 9", elements.size());
      rows.emplace();
      for (std::size_t k = 0; k < 9; ++k) (*rows)[static_cast<int>(k / 3)][static_cast<int>(k % 3)] = finite_number(elements[k], "Lattice");
    }
  }
  if (!frame.step) refuse("no iteration label as 'Iteration:1_5' and no step=5 in {}", shown(line));
  if (rows) frame.cell = Cell(*rows, periodic);
}

// A file of blocks: number of rows, label, rows, and perhaps a row " Total".
class Blocks {
 public:
  Blocks(const std::filesystem::path& path, bool totals) : lines_(path), name_(path.string()), totals_(totals) {}
  Blocks(std::string_view text, std::string name, bool totals) : lines_(text), name_(std::move(name)), totals_(totals) {}

  template <typename Body>
  auto with_location(Body&& body) {
    try {
      return body();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::format) throw;
      throw with_place(error, fmt::format("{}, frame {}{}", name_, places_.next() + 1, line_place(lines_)));
    }
  }

  // The number of rows and the label of the next block; false at the end.
  bool begin(std::size_t& rows, std::string& label) {
    go_to(lines_, places_.place());
    std::string_view line;
    const bool found = lines_.next(line);
    if (!found || trim(line).empty()) {
      while (found && lines_.next(line))
        if (!trim(line).empty()) refuse("blank line before a frame; blank lines may only end the file");
      if (places_.next() == 0) refuse("the file is empty");
      places_.end();
      return false;
    }
    const std::int64_t count = integer(trim(line), "the number of rows");
    if (count < 1 || count > row_limit) refuse("the number of rows {} is not between 1 and {}", count, row_limit);
    if (!lines_.next(line)) refuse("the file ends before the label; it is cut off");
    label = line;
    rows = static_cast<std::size_t>(count);
    return true;
  }
  std::string_view row(std::size_t k, std::size_t rows) {
    std::string_view line;
    if (!lines_.next(line)) refuse("the file ends after {} of {} rows; it is cut off", k, rows);
    if (!lines_.line_was_ended()) refuse("the file ends within row {}; it is cut off", k + 1);
    return line;
  }
  void end() {
    FramePlace behind = place_of(lines_);
    std::string_view line;
    if (totals_ && lines_.next(line) && trim(line).starts_with("Total")) behind = place_of(lines_);
    places_.pass(behind);
  }
  bool skip() {
    return with_location([&] {
      std::size_t rows = 0;
      std::string label;
      if (!begin(rows, label)) return false;
      for (std::size_t k = 0; k < rows; ++k) row(k, rows);
      end();
      return true;
    });
  }
  void seek(std::size_t k) {
    places_.seek(k, name_, [this] { return skip(); });
  }
  std::size_t count() {
    return places_.count([this] { return skip(); });
  }
  const std::string& name() const { return name_; }

 private:
  LineReader lines_;
  std::string name_;
  bool totals_;
  FramePlaces places_;
};

class Cp2kWannierReader final : public WannierReader {
 public:
  Cp2kWannierReader(std::unique_ptr<Blocks> centres, std::unique_ptr<Blocks> spreads)
      : centres_(std::move(centres)), spreads_(std::move(spreads)) {}

  bool read_next(WannierFrame& frame) override {
    if (!centres_->with_location([&] { return read_centres(frame); })) return false;
    if (spreads_) spreads_->with_location([&] { read_spreads(frame); });
    return true;
  }
  void seek(std::size_t k) override {
    centres_->seek(k);
    if (spreads_) spreads_->seek(k);
  }
  std::size_t count() override { return centres_->count(); }

 private:
  bool read_centres(WannierFrame& frame);
  void read_spreads(WannierFrame& frame);

  std::unique_ptr<Blocks> centres_, spreads_;
  ElementTable elements_;
  Atoms atoms_;
  std::shared_ptr<const Atoms> shared_atoms_;
};

bool Cp2kWannierReader::read_centres(WannierFrame& frame) {
  std::size_t rows = 0;
  std::string comment;
  if (!centres_->begin(rows, comment)) return false;
  frame.iteration.clear();
  frame.bead.reset();
  frame.step.reset();
  frame.time_fs.reset();
  frame.cell.reset();
  if (comment.find('=') == std::string::npos) frame.iteration = iteration_of(comment);
  else read_tags(comment, frame);
  atoms_ = {};
  frame.position_ang.clear();
  frame.centre_ang.clear();
  frame.spread_ang2.clear();
  constexpr std::string_view what[] = {"column 2", "column 3", "column 4", "column 5, the spread"};
  for (std::size_t k = 0; k < rows; ++k) {
    const std::string_view line = centres_->row(k, rows);
    std::string_view rest = line;
    const std::string_view label = next_word(rest);
    Vec3 place;
    for (int axis = 0; axis < 3; ++axis) {
      const std::string_view word = next_word(rest);
      if (word.empty()) refuse("expected a label and three numbers, found {}", shown(line));
      place[axis] = finite_number(word, what[axis]);
    }
    const std::string_view fifth = next_word(rest);
    if (!next_word(rest).empty() || (label != "X" && !fifth.empty())) refuse("expected a label and three numbers, found {}", shown(line));
    if (label == "X") {
      frame.centre_ang.push_back(place);
      // Here CP2K multiplies bohr² by Å/bohr once.
      if (!fifth.empty()) frame.spread_ang2.push_back(finite_number(fifth, what[3]) * units::ang_per_bohr);
    } else {
      const Element& element = elements_.find(label);
      atoms_.atomic_number.push_back(element.atomic_number);
      atoms_.mass_amu.push_back(element.mass_amu);
      frame.position_ang.push_back(place);
    }
  }
  if (frame.centre_ang.empty()) refuse("there is no Wannier centre (X) among the {} rows", rows);
  if (!frame.spread_ang2.empty() && frame.spread_ang2.size() != frame.centre_ang.size())
    refuse("{} of {} centres have a spread", frame.spread_ang2.size(), frame.centre_ang.size());
  if (!shared_atoms_ || !(*shared_atoms_ == atoms_)) shared_atoms_ = std::make_shared<const Atoms>(atoms_);
  frame.atoms = shared_atoms_;
  centres_->end();
  return true;
}

void Cp2kWannierReader::read_spreads(WannierFrame& frame) {
  std::size_t rows = 0;
  std::string comment;
  if (!spreads_->begin(rows, comment)) refuse("the file ends, but {} goes on", centres_->name());
  const std::vector<std::int64_t> iteration = iteration_of(comment);
  if (iteration != frame.iteration) refuse("the label {} is not that of the centres, {}", fmt::join(iteration, "_"), fmt::join(frame.iteration, "_"));
  if (rows != frame.centre_ang.size()) refuse("there are {} spreads for {} centres", rows, frame.centre_ang.size());
  frame.spread_ang2.clear();
  for (std::size_t k = 0; k < rows; ++k) {
    std::string_view rest = spreads_->row(k, rows);
    if (integer(next_word(rest), "column 1, the number of the centre") != static_cast<std::int64_t>(k) + 1) refuse("the spreads are not in order");
    frame.spread_ang2.push_back(finite_number(next_word(rest), "column 2, the spread") * units::ang_per_bohr * units::ang_per_bohr);
  }
  spreads_->end();
}

}  // namespace

std::unique_ptr<WannierReader> open_cp2k_wannier(const std::filesystem::path& centres, const std::filesystem::path& spreads) {
  return std::make_unique<Cp2kWannierReader>(std::make_unique<Blocks>(centres, false),
                                             spreads.empty() ? nullptr : std::make_unique<Blocks>(spreads, true));
}

std::unique_ptr<WannierReader> open_cp2k_wannier_text(std::string_view centres, std::string_view spreads, const std::string& name) {
  return std::make_unique<Cp2kWannierReader>(
      std::make_unique<Blocks>(centres, name, false),
      spreads.empty() ? nullptr : std::make_unique<Blocks>(spreads, name + " (spreads)", true));
}

void append_tagged_wannier(std::string& text, const WannierFrame& frame) {
  if (!frame.step) throw Error(ErrorKind::usage, "a frame of Wannier centres is written with its step, and it has none");
  const auto out = std::back_inserter(text);
  const auto append = [&](std::string_view label, const Vec3& at) { fmt::format_to(out, "{:<3} {:18.10f} {:18.10f} {:18.10f}\n", label, at.x, at.y, at.z); };
  fmt::format_to(out, "{}\n", frame.position_ang.size() + frame.centre_ang.size());
  if (frame.cell && frame.cell->has_vectors()) {
    const Mat3& rows = frame.cell->rows_ang();
    const auto& periodic = frame.cell->periodic();
    text += "Lattice=\"";
    for (int k = 0; k < 9; ++k) fmt::format_to(out, "{}{}", k > 0 ? " " : "", rows[k / 3][k % 3]);
    fmt::format_to(out, "\" pbc=\"{} {} {}\" ", periodic[0] ? 'T' : 'F', periodic[1] ? 'T' : 'F', periodic[2] ? 'T' : 'F');
  }
  fmt::format_to(out, "Properties=species:S:1:pos:R:3 step={}", *frame.step);
  if (frame.time_fs) fmt::format_to(out, " time_fs={}", *frame.time_fs);
  if (frame.bead) fmt::format_to(out, " bead={}", *frame.bead);
  text += '\n';
  for (std::size_t i = 0; i < frame.position_ang.size(); ++i) append(symbol_of(frame.atoms->atomic_number[i]), frame.position_ang[i]);
  for (const Vec3& centre : frame.centre_ang) append("X", centre);
}

}  // namespace saltus
