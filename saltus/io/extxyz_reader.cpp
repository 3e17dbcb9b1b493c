// Reads extXYZ frame by frame; what is refused, and by which rule labels are found, stands in the header.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/comment_line.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/io/extxyz_columns.hpp"
#include "saltus/io/fields.hpp"
#include "saltus/io/frame_access.hpp"
#include "saltus/io/lines.hpp"
#include "saltus/io/refuse.hpp"

namespace saltus {

namespace {

constexpr std::string_view energy_names[] = {"REF_energy",  "REF_Energy", "ref_energy", "REF_TotEnergy",    "dft_energy",
                                             "DFT_energy",  "energy",     "Energy",     "potential_energy", "total_energy",
                                             "TotEnergy",   "free_energy"};
constexpr std::string_view virial_names[] = {"REF_virial", "ref_virial", "dft_virial", "virial", "virials"};
constexpr std::string_view stress_names[] = {"REF_stress", "REF_Stress", "ref_stress", "dft_stress", "stress"};

constexpr std::string_view default_columns = "species:S:1:pos:R:3";
constexpr std::int64_t atom_limit = 1'000'000'000;

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

class ExtxyzReader final : public SequentialReader {
 public:
  ExtxyzReader(const std::filesystem::path& path, const ReadOptions& options)
      : SequentialReader(path.string()), lines_(path), options_(options) {}
  ExtxyzReader(std::string_view text, const std::string& name, const ReadOptions& options)
      : SequentialReader(name), lines_(text), options_(options) {}

 private:
  bool read_at(Place& place, Frame& frame) override;
  bool skip_at(Place& place) override;
  std::string place_within_frame() const override { return line_place(lines_); }
  bool read_atom_count(std::size_t& count);
  void read_comment(std::string_view line, Frame& frame);
  void read_cell(const std::vector<CommentEntry>& entries, Frame& frame);
  void read_virial(const std::vector<CommentEntry>& entries, Frame& frame);
  void read_atoms(std::size_t count, Frame& frame);
  template <typename Labels, typename Value>
  void take_label(Labels& labels, std::size_t i, const Value& value);
  [[noreturn]] void refuse_atom_line(std::string_view line);

  LineReader lines_;
  ReadOptions options_;
  std::optional<ExtxyzColumns> layout_;
  bool plain_ = false;  // plain xyz: further columns are passed over
  std::string cell_text_;
  Cell cell_;
  ElementTable elements_;
  Atoms atoms_;  // of the frame being read
  AtomLabels labels_;
  bool labels_changed_ = false;  // since shared_atoms_ was made
  std::shared_ptr<const Atoms> shared_atoms_;
};

// False at the end of the file, behind blank lines if any.
bool ExtxyzReader::read_atom_count(std::size_t& count) {
  std::string_view line;
  if (!lines_.next(line)) {
    if (frame_number() == 0) refuse("the file is empty");
    return false;
  }
  std::string_view text = trim(line);
  if (text.empty()) {
    while (lines_.next(line))
      if (!trim(line).empty()) refuse("blank line before a frame; blank lines may only end the file");
    if (frame_number() == 0) refuse("the file holds nothing but blank lines");
    return false;
  }
  const auto value = parse_int(text);
  if (!value) {
    if (text.find_first_not_of("0123456789") == std::string_view::npos) refuse("the number of atoms {} is too large", shown(text));
    refuse("expected the number of atoms, found {}{}", shown(text),
           frame_number() == 0 ? "; is this an xyz file?" : "; does the frame before have more lines than its number of atoms?");
  }
  if (*value < 1) refuse("the number of atoms must be at least 1, found {}", *value);
  if (*value > atom_limit) refuse("the number of atoms {} is too large", *value);
  count = static_cast<std::size_t>(*value);
  return true;
}

bool ExtxyzReader::read_at(Place& place, Frame& frame) {
  go_to(lines_, place);
  std::size_t count = 0;
  if (!read_atom_count(count)) return false;
  std::string_view line;
  if (!lines_.next(line)) refuse("the file ends before the comment line; it is cut off");
  read_comment(line, frame);
  read_atoms(count, frame);
  source_.notes.clear();
  note_open_end(lines_, source_);
  place = place_of(lines_);
  return true;
}

bool ExtxyzReader::skip_at(Place& place) {
  go_to(lines_, place);
  std::size_t count = 0;
  if (!read_atom_count(count)) return false;
  std::string_view line;
  for (std::size_t k = 0; k <= count; ++k)
    if (!lines_.next(line)) refuse("the file ends after {} of {} atoms; it is cut off", k > 0 ? k - 1 : 0, count);
  place = place_of(lines_);
  return true;
}

// The entry name=value, null when absent; refuses a name given twice and an empty value.
const CommentEntry* find_entry(const std::vector<CommentEntry>& entries, std::string_view key) {
  const CommentEntry* found = nullptr;
  for (const auto& entry : entries) {
    if (entry.key != key || !entry.has_value) continue;
    if (found) refuse("{} is given twice in the comment line", shown(key));
    found = &entry;
  }
  if (found && found->value.empty()) refuse("{} has no value in the comment line", shown(key));
  return found;
}

const CommentEntry* find_first_entry(const std::vector<CommentEntry>& entries, std::span<const std::string_view> keys) {
  for (const auto key : keys)
    if (const auto* entry = find_entry(entries, key)) return entry;
  return nullptr;
}

double scalar(const CommentEntry& entry) {
  const auto elements = array_elements(entry.value);
  if (elements.size() != 1) refuse("{}: {} is not a number", entry.key, shown(entry.value));
  return finite_number(elements[0], entry.key);
}

std::vector<double> numbers(const CommentEntry& entry) {
  std::vector<double> values;
  for (const auto element : array_elements(entry.value)) {
    if (values.size() == 9) refuse("{}: more than 9 numbers in {}", entry.key, shown(entry.value));
    values.push_back(finite_number(element, entry.key));
  }
  return values;
}

Mat3 matrix_from(const std::vector<double>& v) {
  return {{Vec3{v[0], v[1], v[2]}, Vec3{v[3], v[4], v[5]}, Vec3{v[6], v[7], v[8]}}};
}

void ExtxyzReader::read_cell(const std::vector<CommentEntry>& entries, Frame& frame) {
  const auto* lattice = find_entry(entries, "Lattice");
  const auto* pbc = find_entry(entries, "pbc");
  const std::string text = (lattice ? lattice->value : std::string()) + '|' + (pbc ? pbc->value : std::string());
  if (text != cell_text_) {
    std::array<bool, 3> periodic{lattice != nullptr, lattice != nullptr, lattice != nullptr};
    if (pbc) {
      const auto words = array_elements(pbc->value);
      if (words.size() != 3) refuse("pbc={} must have three values, such as \"T T F\"", shown(pbc->value));
      for (std::size_t axis = 0; axis < 3; ++axis) {
        const std::string word = lower_case(words[axis]);
        periodic[axis] = word == "t" || word == "true" || word == "1";
        if (!periodic[axis] && word != "f" && word != "false" && word != "0")
          refuse("pbc: {} is neither T nor F", shown(words[axis]));
      }
    }
    const bool any = periodic[0] || periodic[1] || periodic[2];
    if (any && !lattice) refuse("pbc={} but no Lattice; add Lattice=\"ax ay az bx by bz cx cy cz\"", shown(pbc->value));
    cell_ = Cell();
    if (lattice) {
      const auto v = numbers(*lattice);
      if (v.size() != 9 && v.size() != 3) refuse("Lattice has {} numbers, expected 9 (or 3: the diagonal)", v.size());
      Mat3 rows = v.size() == 9 ? matrix_from(v) : Mat3{{Vec3{v[0], 0, 0}, Vec3{0, v[1], 0}, Vec3{0, 0, v[2]}}};
      const bool given = norm2(rows[0]) + norm2(rows[1]) + norm2(rows[2]) > 0;
      if (given || any) cell_ = Cell(rows, periodic);
    }
    cell_text_ = text;
  }
  frame.cell = cell_;
}

void ExtxyzReader::read_virial(const std::vector<CommentEntry>& entries, Frame& frame) {
  const auto* virial = find_first_entry(entries, virial_names);
  const auto* stress = find_first_entry(entries, stress_names);
  frame.virial_ev.reset();
  source_.virial.clear();
  if (virial) {
    const auto v = numbers(*virial);
    if (v.size() != 9) refuse("{} has {} numbers, expected 9", virial->key, v.size());
    frame.virial_ev = matrix_from(v);
    source_.virial = virial->key;
  }
  if (!stress) return;
  const auto s = numbers(*stress);
  if (s.size() != 9 && s.size() != 6) refuse("{} has {} numbers, expected 9 or 6 (xx yy zz yz xz xy)", stress->key, s.size());
  if (!frame.cell.has_vectors()) refuse("{} without Lattice: the volume is not known", stress->key);
  Mat3 value = s.size() == 9 ? matrix_from(s) : Mat3{{Vec3{s[0], s[5], s[4]}, Vec3{s[5], s[1], s[3]}, Vec3{s[4], s[3], s[2]}}};
  const double volume_ang3 = frame.cell.volume_ang3();
  double largest = 0, difference = 0;
  for (int i = 0; i < 3; ++i) {
    value[i] *= -volume_ang3;
    for (int j = 0; virial && j < 3; ++j) {
      largest = std::max({largest, std::abs(value[i][j]), std::abs((*frame.virial_ev)[i][j])});
      difference = std::max(difference, std::abs(value[i][j] - (*frame.virial_ev)[i][j]));
    }
  }
  if (!virial) {
    frame.virial_ev = value;
    source_.virial = stress->key;
  } else if (difference > 1e-3 * largest + 1e-3) {  // printed with few digits they agree no better
    refuse("{} and {} disagree: virial must be -stress * volume (eV, eV/Å³), they differ by {:.3g} eV", virial->key,
           stress->key, difference);
  }
}

void ExtxyzReader::read_comment(std::string_view line, Frame& frame) {
  std::vector<CommentEntry> entries;
  try {
    entries = parse_comment_line(line);
  } catch (const Error&) {
    // Free text need not be key=value pairs, but a line that names the cell or the columns is meant as such.
    if (line.find("Lattice") != std::string_view::npos || line.find("Properties") != std::string_view::npos) throw;
    entries.clear();
  }
  for (const auto& entry : entries) {
    if (!entry.has_value) continue;
    for (const std::string_view key : {"Lattice", "Properties", "pbc"})
      if (entry.key != key && lower_case(entry.key) == lower_case(key))
        refuse("key {} (did you mean '{}'?)", shown(entry.key), key);
  }
  const auto* properties = find_entry(entries, "Properties");
  const CommentEntry* energy = nullptr;
  if (options_.energy_key.empty()) {
    energy = find_first_entry(entries, energy_names);
  } else {
    energy = find_entry(entries, options_.energy_key);
    if (!energy) {
      std::vector<std::string> keys;
      for (const auto& entry : entries) keys.push_back(entry.key);
      refuse("no key {} for the energy{}; there are: {}", shown(options_.energy_key), did_you_mean(options_.energy_key, keys),
             keys.size() > 40 ? "too many to list" : join(keys));
    }
  }
  plain_ = !properties && !find_entry(entries, "Lattice") && !find_entry(entries, "pbc") && !energy;
  if (plain_) entries.clear();

  const std::string columns = properties ? properties->value : std::string(default_columns);
  if (!layout_ || layout_->text != columns) {
    layout_.reset();
    layout_ = extxyz_columns_from(columns, options_.forces_key, source_);
  } else {
    keep_unused_columns(source_);
  }
  source_.keys.clear();
  for (const auto& entry : entries) {
    source_.keys.push_back(entry.key);
    const bool other_energy = contains(energy_names, entry.key) && !(energy && energy->key == entry.key);
    if (other_energy) source_.not_used.push_back(entry.key);
  }

  source_.energy = energy ? energy->key : std::string();
  frame.energy_ev.reset();
  if (energy) frame.energy_ev = scalar(*energy);
  read_cell(entries, frame);
  read_virial(entries, frame);

  frame.step = 0;
  frame.time_fs = 0;
  source_.step.clear();
  source_.time.clear();
  if (const auto* step = find_entry(entries, "step")) {
    const auto elements = array_elements(step->value);
    const auto value = elements.size() == 1 ? parse_int(elements[0]) : std::nullopt;
    if (!value) refuse("step: {} is not an integer", shown(step->value));
    frame.step = *value;
    source_.step = step->key;
  }
  static constexpr std::string_view time_names[] = {"time_fs", "Time"};
  if (const auto* time = find_first_entry(entries, time_names)) {
    frame.time_fs = scalar(*time);
    source_.time = time->key;
  }
  frame.bead.reset();
  if (const auto* bead = find_entry(entries, "bead")) {
    const auto value = parse_int(bead->value);
    if (!value || *value < 0 || *value > std::numeric_limits<std::int32_t>::max()) refuse("bead: {} is no number of a bead, counted from 0", shown(bead->value));
    frame.bead = static_cast<std::int32_t>(*value);
  }
}

// The word at `at`, which moves behind it.
std::string_view word_at(const char*& at, const char* end) {
  const char* const start = at;
  while (at != end && !is_blank(*at)) ++at;
  return {start, static_cast<std::size_t>(at - start)};
}

template <typename Labels, typename Value>
void ExtxyzReader::take_label(Labels& labels, std::size_t i, const Value& value) {
  if (i < labels.size() && labels[i] == value) return;
  labels.resize(std::max(labels.size(), i + 1));
  labels[i] = value;
  labels_changed_ = true;
}

void ExtxyzReader::read_atoms(std::size_t count, Frame& frame) {
  const ExtxyzColumns& layout = *layout_;
  const double velocity_factor =
      source_.velocities == "velocities" || source_.velocities == "momenta" ? 1 / std::sqrt(units::ev_per_amu_ang2_fs2) : 1;
  const bool momenta = source_.velocities == "momenta";
  frame.position_ang.clear();
  frame.force_ev_ang.clear();
  frame.velocity_ang_fs.clear();
  atoms_.atomic_number.clear();
  atoms_.mass_amu.clear();

  std::string_view line;
  for (std::size_t i = 0; i < count; ++i) {
    if (!lines_.next(line)) refuse("the file ends after {} of {} atoms; it is cut off", i, count);
    const char* at = line.data();
    const char* const end = at + line.size();
    Element element;
    Vec3 position, force, velocity;
    double mass_amu = 0;
    bool good = true;
    for (const ExtxyzColumn& column : layout.columns) {
      while (at != end && is_blank(*at)) ++at;
      if (at == end) {
        good = false;
        break;
      }
      switch (column.use) {
        case ExtxyzColumn::position: good = read_vector(at, end, position); break;
        case ExtxyzColumn::forces: good = read_vector(at, end, force); break;
        case ExtxyzColumn::velocity: good = read_vector(at, end, velocity); break;
        case ExtxyzColumn::mass: good = read_number(at, end, mass_amu) && mass_amu > 0; break;
        case ExtxyzColumn::label: {
          const char* const start = at;
          while (at != end && !is_blank(*at)) ++at;
          const Element& found = elements_.find({start, static_cast<std::size_t>(at - start)});
          if (element.atomic_number != 0 && element.atomic_number != found.atomic_number) refuse_atom_line(line);
          element = found;
          break;
        }
        case ExtxyzColumn::atomic_number: {
          const char* const start = at;
          while (at != end && !is_blank(*at)) ++at;
          const auto z = parse_int({start, static_cast<std::size_t>(at - start)});
          good = z && *z >= 1 && *z <= element_count;
          if (!good || (element.atomic_number != 0 && element.atomic_number != *z)) refuse_atom_line(line);
          if (element.atomic_number == 0)
            element = {static_cast<std::uint8_t>(*z), standard_mass_amu(static_cast<int>(*z))};
          break;
        }
        case ExtxyzColumn::atom_name: take_label(labels_.atom_name, i, word_at(at, end)); break;
        case ExtxyzColumn::residue_name: take_label(labels_.residue_name, i, word_at(at, end)); break;
        case ExtxyzColumn::residue: {
          const auto number = parse_int(word_at(at, end));
          good = number && *number == static_cast<std::int32_t>(*number);
          if (good) take_label(labels_.residue, i, static_cast<std::int32_t>(*number));
          break;
        }
        case ExtxyzColumn::passed_over:
          for (int k = 0; k < column.count && good; ++k) {
            while (at != end && is_blank(*at)) ++at;
            good = at != end;
            while (at != end && !is_blank(*at)) ++at;
          }
          break;
      }
      if (!good) break;
    }
    if (good && !plain_) {
      while (at != end && is_blank(*at)) ++at;
      good = at == end;
    }
    if (!good) refuse_atom_line(line);

    if (layout.has_mass) element.mass_amu = mass_amu;
    atoms_.atomic_number.push_back(element.atomic_number);
    atoms_.mass_amu.push_back(element.mass_amu);
    frame.position_ang.push_back(position);
    if (layout.has_forces) frame.force_ev_ang.push_back(force);
    if (layout.has_velocity)
      frame.velocity_ang_fs.push_back((momenta ? velocity_factor / element.mass_amu : velocity_factor) * velocity);
  }
  const auto cut = [&](auto& labels, bool there) { labels.resize(there ? count : 0); };
  cut(labels_.atom_name, layout.has_atom_name);
  cut(labels_.residue_name, layout.has_residue_name);
  cut(labels_.residue, layout.has_residue);
  if (!shared_atoms_ || !(*shared_atoms_ == atoms_) || labels_changed_) {
    const bool any = layout.has_atom_name || layout.has_residue_name || layout.has_residue;
    atoms_.labels = any ? std::make_shared<const AtomLabels>(labels_) : nullptr;
    shared_atoms_ = std::make_shared<const Atoms>(atoms_);
    labels_changed_ = false;
  }
  frame.atoms = shared_atoms_;
}

// Goes through a bad line once more, slowly, to say what is wrong with it.
void ExtxyzReader::refuse_atom_line(std::string_view line) {
  std::vector<std::string_view> words;
  constexpr std::string_view blanks = " \t";
  for (std::size_t at = line.find_first_not_of(blanks); at != std::string_view::npos;) {
    const std::size_t stop = std::min(line.find_first_of(blanks, at), line.size());
    words.push_back(line.substr(at, stop - at));
    at = line.find_first_not_of(blanks, stop);
  }
  const auto expected = static_cast<std::size_t>(layout_->total);
  if (words.size() < expected || (words.size() > expected && !plain_))
    refuse("expected {} columns ({}), found {}", expected, layout_->text, words.size());
  std::size_t first = 0;
  for (const ExtxyzColumn& column : layout_->columns) {
    for (std::size_t k = first; k < first + static_cast<std::size_t>(column.count); ++k) {
      const std::string what = fmt::format("column {} ({})", k + 1, column.name);
      switch (column.use) {
        case ExtxyzColumn::position: case ExtxyzColumn::forces: case ExtxyzColumn::velocity: finite_number(words[k], what); break;
        case ExtxyzColumn::mass:
          if (finite_number(words[k], what) <= 0) refuse("{}: a mass must be positive, found {}", what, shown(words[k]));
          break;
        case ExtxyzColumn::label: element_from(words[k]); break;
        case ExtxyzColumn::atomic_number: {
          const auto z = parse_int(words[k]);
          if (!z || *z < 1 || *z > element_count) refuse("{}: {} is no atomic number", what, shown(words[k]));
          break;
        }
        case ExtxyzColumn::residue: {
          const auto number = parse_int(words[k]);
          if (!number || *number != static_cast<std::int32_t>(*number)) refuse("{}: {} is no number of a residue", what, shown(words[k]));
          break;
        }
        case ExtxyzColumn::atom_name: case ExtxyzColumn::residue_name: case ExtxyzColumn::passed_over: break;
      }
    }
    first += static_cast<std::size_t>(column.count);
  }
  refuse("symbol and atomic number name different elements");
}

}  // namespace

std::span<const std::string_view> extxyz_energy_names() { return energy_names; }

bool recognizes_extxyz(std::string_view bytes) {
  const std::string_view first_line = trim(bytes.substr(0, bytes.find('\n')));
  return !first_line.empty() && first_line.find_first_not_of("0123456789") == std::string_view::npos;
}

std::unique_ptr<TrajectoryReader> open_extxyz(const std::filesystem::path& path, const ReadOptions& options) {
  return std::make_unique<ExtxyzReader>(path, options);
}

std::unique_ptr<TrajectoryReader> open_extxyz_text(std::string_view text, const std::string& name, const ReadOptions& options) {
  return std::make_unique<ExtxyzReader>(text, name, options);
}

}  // namespace saltus
