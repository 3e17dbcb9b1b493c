// Reads GRO frame by frame.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <unordered_map>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/atom_names.hpp"
#include "saltus/io/frame_access.hpp"
#include "saltus/io/gro.hpp"
#include "saltus/io/lines.hpp"
#include "saltus/io/refuse.hpp"
#include "saltus/io/xdr_box.hpp"

namespace saltus {

namespace {

constexpr std::size_t first_number = 20;               // column of the first coordinate
constexpr std::size_t names_width = 15;                // residue number, residue name and atom name, five columns each
constexpr std::size_t narrowest = 6, widest = 40;      // columns of a number
constexpr double ang_fs_per_nm_ps = units::ang_per_nm / units::fs_per_ps;

// Width of the number columns of an atom line; 0 when it is none.
std::size_t number_width(std::string_view line) {
  if (line.size() < first_number) return 0;
  const std::size_t first = line.find('.', first_number);
  if (first == std::string_view::npos) return 0;
  const std::size_t second = line.find('.', first + 1);
  if (second == std::string_view::npos) return 0;
  const std::size_t width = second - first;
  return width >= narrowest && width <= widest && line.size() >= first_number + 3 * width ? width : 0;
}

std::optional<double> finite_number(std::string_view text) {
  const auto value = parse_double(trim(text));
  return value && std::isfinite(*value) ? value : std::nullopt;
}

// The number behind "key=" in the title, where the key starts a word; the last one counts.
std::optional<std::string_view> title_value(std::string_view title, std::string_view key) {
  for (std::size_t at = title.rfind(key); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : title.rfind(key, at - 1)) {
    if (at > 0 && title[at - 1] != ' ' && title[at - 1] != '\t' && title[at - 1] != ',') continue;
    std::string_view value = trim(title.substr(at + key.size()));
    return value.substr(0, value.find_first_of(" \t,"));
  }
  return std::nullopt;
}

class GroReader final : public SequentialReader {
 public:
  GroReader(const std::filesystem::path& path, const ReadOptions& options)
      : SequentialReader(path.string()), lines_(path) {
    if (!options.topology.empty()) topology_ = read_topology(options, path.string(), "GRO");
  }
  GroReader(std::string_view text, const std::string& name, std::optional<Topology> topology)
      : SequentialReader(name), lines_(text), topology_(std::move(topology)) {}

 private:
  std::string place_within_frame() const override { return line_place(lines_); }

  // Title and number of atoms; false at the end of the file, behind blank lines if any.
  bool read_start(std::size_t& atoms) {
    std::string_view line;
    if (!lines_.next(line)) return false;
    title_ = line;
    std::size_t blank_lines = trim(line).empty() ? 1 : 0;
    bool more = lines_.next(line);
    if (blank_lines > 0)
      for (; more && trim(line).empty(); more = lines_.next(line)) ++blank_lines;
    if (!more && blank_lines > 0) return false;
    if (!more) refuse("the file ends behind the title; it is cut off");
    if (blank_lines > 1) refuse("blank lines before a frame; they may only end the file");
    const auto value = parse_int(trim(line));
    if (!value) refuse("expected the number of atoms, found {}", shown(trim(line)));
    if (*value < 1) refuse("the number of atoms must be at least 1, found {}", *value);
    atoms = static_cast<std::size_t>(*value);
    return true;
  }

  bool skip_at(Place& place) override {
    go_to(lines_, place);
    std::size_t atoms = 0;
    if (!read_start(atoms)) return false;
    std::string_view line;
    for (std::size_t i = 0; i < atoms; ++i)
      if (!lines_.next(line)) refuse("the file ends after {} of {} atoms; it is cut off", i, atoms);
    if (!lines_.next(line)) refuse("the file ends before the box; it is cut off");
    place = place_of(lines_);
    return true;
  }

  bool read_at(Place& place, Frame& frame) override {
    go_to(lines_, place);
    std::size_t atoms = 0;
    if (!read_start(atoms)) return false;
    if (topology_) require_atom_count(*topology_, atoms);
    read_title(frame);
    read_atoms(atoms, frame);
    read_box(frame);
    frame.force_ev_ang.clear();
    frame.energy_ev.reset();
    frame.bead.reset();
    frame.virial_ev.reset();
    source_.notes.clear();
    note_open_end(lines_, source_);
    place = place_of(lines_);
    return true;
  }

  void read_title(Frame& frame) {
    frame.step = 0;
    frame.time_fs = 0;
    source_.time.clear();
    source_.step.clear();
    // A title is free text: what is no number behind "t=" is not a time.
    if (const auto text = title_value(title_, "t="))
      if (const auto time_ps = finite_number(*text)) {
        frame.time_fs = *time_ps * units::fs_per_ps;
        source_.time = std::string("t");
      }
    if (const auto text = title_value(title_, "step="))
      if (const auto step = parse_int(*text)) {
        frame.step = *step;
        source_.step = "step";
      }
  }

  void read_atoms(std::size_t atoms, Frame& frame) {
    frame.position_ang.clear();
    frame.velocity_ang_fs.clear();
    std::size_t width = 0;
    bool velocities = false;
    std::string_view line;
    for (std::size_t i = 0; i < atoms; ++i) {
      if (!lines_.next(line)) refuse("the file ends after {} of {} atoms; it is cut off", i, atoms);
      if (i == 0) {
        width = number_width(line);
        if (width == 0)
          refuse("{} is no atom line: expected names in 20 columns and a position in equal columns", shown(line));
        velocities = trim(line.substr(first_number + 3 * width)) != "";
      }
      if (line.size() < first_number + 3 * width)
        refuse("the line of atom {} has {} columns, expected at least {}", i + 1, line.size(),
               first_number + 3 * width);
      Vec3 position, velocity;
      for (int axis = 0; axis < 3; ++axis)
        position[axis] = number(line, first_number + static_cast<std::size_t>(axis) * width, width);
      frame.position_ang.push_back(units::ang_per_nm * position);
      if ((trim(line.substr(first_number + 3 * width)) != "") != velocities)
        refuse("atom {} has {} velocity, other than atom 1", i + 1, velocities ? "no" : "a");
      if (velocities) {
        for (int axis = 0; axis < 3; ++axis)
          velocity[axis] = number(line, first_number + static_cast<std::size_t>(axis + 3) * width, width);
        frame.velocity_ang_fs.push_back(ang_fs_per_nm_ps * velocity);
      }
      if (!topology_) take_element(i, line.substr(0, names_width));
    }
    source_.columns = velocities ? "positions velocities" : "positions";
    source_.velocities = velocities ? "velocities" : "";
    if (topology_) {
      shared_atoms_ = topology_->atoms;
    } else if (names_changed_ || elements_.size() != atoms) {
      elements_.resize(atoms);
      names_.resize(atoms * names_width);
      Atoms named = atoms_of(elements_);
      named.labels = labels();
      shared_atoms_ = std::make_shared<const Atoms>(std::move(named));
      names_changed_ = false;
    }
    frame.atoms = shared_atoms_;
  }

  double number(std::string_view line, std::size_t column, std::size_t width) {
    const std::string_view text = column < line.size() ? line.substr(column, width) : std::string_view{};
    const auto value = finite_number(text);
    if (!value) refuse("columns {} to {}: {} is not a finite number", column + 1, column + width, shown(text));
    return *value;
  }

  // Element of atom i by its names; those that are as in the frame before are not looked up.
  void take_element(std::size_t i, std::string_view names) {
    const std::size_t at = i * names_width;
    if (at < names_.size() && std::string_view(names_).substr(at, names_width) == names) return;
    const std::string_view name = names.substr(10), residue = names.substr(5, 5);
    auto known = element_of_names_.find(std::string(names.substr(5)));
    if (known == element_of_names_.end())
      known = element_of_names_.emplace(names.substr(5), element_of_atom_name(trim(name), trim(residue))).first;
    if (at == names_.size()) {
      names_.append(names);
      elements_.push_back(known->second);
    } else {
      std::copy(names.begin(), names.end(), names_.begin() + static_cast<std::ptrdiff_t>(at));
      elements_[i] = known->second;
    }
    names_changed_ = true;
  }

  // What names_ holds; residue numbers only where each is one.
  std::shared_ptr<const AtomLabels> labels() const {
    auto labels = std::make_shared<AtomLabels>();
    for (std::string_view rest = names_; !rest.empty(); rest.remove_prefix(names_width)) {
      labels->residue_name.emplace_back(trim(rest.substr(5, 5)));
      labels->atom_name.emplace_back(trim(rest.substr(10, 5)));
      const auto number = parse_int(trim(rest.substr(0, 5)));
      if (number && labels->residue.size() + 1 == labels->atom_name.size()) labels->residue.push_back(static_cast<std::int32_t>(*number));
    }
    if (labels->residue.size() < labels->atom_name.size()) labels->residue.clear();
    return labels;
  }

  void read_box(Frame& frame) {
    std::string_view line;
    if (!lines_.next(line)) refuse("the file ends before the box; it is cut off");
    std::vector<double> values;
    for (std::string_view rest = trim(line); !rest.empty();) {
      const std::string_view word = rest.substr(0, rest.find_first_of(" \t"));
      const auto value = finite_number(word);
      if (!value) refuse("the box: {} is not a finite number", shown(word));
      if (values.size() == 9) refuse("the box has more than 9 numbers");
      values.push_back(*value);
      rest = trim(rest.substr(word.size()));
    }
    if (values.size() != 3 && values.size() != 9) refuse("the box has {} numbers, expected 3 or 9", values.size());
    values.resize(9);
    frame.cell = cell_from_rows_nm({{Vec3{values[0], values[3], values[4]}, Vec3{values[5], values[1], values[6]},
                                     Vec3{values[7], values[8], values[2]}}});
  }

  LineReader lines_;
  std::optional<Topology> topology_;
  std::string title_;
  std::string names_;  // of residues and atoms with the numbers of residues, and what they mean
  std::vector<std::uint8_t> elements_;
  bool names_changed_ = false;  // since shared_atoms_ was made of them
  std::unordered_map<std::string, std::uint8_t> element_of_names_;
  std::shared_ptr<const Atoms> shared_atoms_;
};

}  // namespace

bool recognizes_gro(std::string_view bytes) {
  const auto next_line = [&] {
    const std::size_t end = bytes.find('\n');
    const std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    return line;
  };
  next_line();
  const auto atoms = parse_int(trim(next_line()));
  if (!atoms || *atoms < 1) return false;
  const std::string_view line = next_line();
  const std::size_t width = number_width(line);
  if (width == 0 || !parse_int(trim(line.substr(15, 5)))) return false;
  for (std::size_t axis = 0; axis < 3; ++axis)
    if (!parse_double(trim(line.substr(first_number + axis * width, width)))) return false;
  return true;
}

std::unique_ptr<TrajectoryReader> open_gro(const std::filesystem::path& path, const ReadOptions& options) {
  return std::make_unique<GroReader>(path, options);
}

std::unique_ptr<TrajectoryReader> open_gro_text(std::string_view text, const std::string& name,
                                                std::optional<Topology> topology) {
  return std::make_unique<GroReader>(text, name, std::move(topology));
}

}  // namespace saltus
