// Reads LAMMPS text dumps frame by frame; the rules stand in the header.
#include "saltus/io/lammps_dump.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/fields.hpp"
#include "saltus/io/frame_access.hpp"
#include "saltus/io/lines.hpp"
#include "saltus/io/refuse.hpp"

namespace saltus {

namespace {

constexpr std::int64_t atom_limit = 1'000'000'000;

// What one unit of a LAMMPS style is here.
struct UnitStyle {
  std::string_view name;
  double length_ang, time_fs, velocity_ang_fs, force_ev_ang, mass_amu;
};

UnitStyle unit_style(const std::string& name) {
  if (name == "metal") return {"metal", 1, 1e3, 1e-3, 1, 1};
  if (name == "real") return {"real", 1, 1, 1, units::ev_per_kcal_mol, 1};
  if (name == "electron")  // velocities are sqrt(Ha/amu), which LAMMPS calls bohr per atomic time
    return {"electron", units::ang_per_bohr, 1, std::sqrt(units::ev_per_hartree / units::ev_per_amu_ang2_fs2),
            units::ev_ang_per_hartree_bohr, 1};
  if (name == "si") return {"si", 1e10, 1e15, 1e-5, 1e-10 / 1.602176634e-19, 1 / 1.66053906660e-27};
  throw Error(ErrorKind::unsupported, fmt::format("LAMMPS units {}; known are metal, real, electron, si", shown(name)));
}

enum class Role { passed_over, id, type, molecule, element, mass, image, position, velocity, force };

struct Column {
  Role role = Role::passed_over;
  int axis = 0;
};

// How the positions are written.
struct PositionForm {
  const char* names[3];
  bool scaled, wrapped;
};
constexpr PositionForm position_forms[] = {{{"xu", "yu", "zu"}, false, false},
                                           {{"xsu", "ysu", "zsu"}, true, false},
                                           {{"x", "y", "z"}, false, true},
                                           {{"xs", "ys", "zs"}, true, true}};

struct Layout {
  std::string text;  // of the line ITEM: ATOMS
  std::vector<std::string> names;
  std::vector<Column> columns;
  PositionForm form{};
  bool has_id = false, has_type = false, has_molecule = false, has_element = false, has_mass = false, has_image = false, has_velocity = false, has_force = false;
};

Layout layout_from(std::string_view text) {
  Layout layout;
  layout.text = text;
  for (std::string_view name = next_word(text); !name.empty(); name = next_word(text)) {
    if (layout.names.size() == 10'000) refuse("ITEM: ATOMS names more than 10000 columns");
    layout.names.emplace_back(name);
  }
  layout.columns.resize(layout.names.size());
  if (layout.names.empty()) refuse("ITEM: ATOMS names no columns; dumps of LAMMPS before 2009 do not say what they hold");
  const auto use = [&](std::string_view name, Role role, int axis) {
    const auto found = std::find(layout.names.begin(), layout.names.end(), name);
    if (found == layout.names.end()) return false;
    if (std::find(found + 1, layout.names.end(), name) != layout.names.end()) refuse("column {} is given twice", shown(name));
    layout.columns[static_cast<std::size_t>(found - layout.names.begin())] = {role, axis};
    return true;
  };
  const auto use_vector = [&](const char* const (&names)[3], Role role) {
    for (const char* name : names)
      if (std::find(layout.names.begin(), layout.names.end(), name) == layout.names.end()) return false;
    for (int axis = 0; axis < 3; ++axis) use(names[axis], role, axis);
    return true;
  };
  layout.has_id = use("id", Role::id, 0);
  layout.has_type = use("type", Role::type, 0);
  layout.has_molecule = use("mol", Role::molecule, 0);
  layout.has_element = use("element", Role::element, 0);
  layout.has_mass = use("mass", Role::mass, 0);
  bool has_position = false;
  for (const auto& form : position_forms) {
    if (!use_vector(form.names, Role::position)) continue;
    layout.form = form;
    has_position = true;
    break;
  }
  if (!has_position) refuse("no positions among the columns {}; expected x y z, xs ys zs, xu yu zu or xsu ysu zsu", shown(layout.text));
  if (layout.form.wrapped) layout.has_image = use_vector({"ix", "iy", "iz"}, Role::image);
  layout.has_velocity = use_vector({"vx", "vy", "vz"}, Role::velocity);
  layout.has_force = use_vector({"fx", "fy", "fz"}, Role::force);
  return layout;
}

struct Header {
  std::size_t count = 0;
  std::int64_t step = 0;
  std::optional<double> time;
  Mat3 rows;
  Vec3 origin;
  std::array<bool, 3> periodic{};
  bool says_periodicity = true;
};

struct Row {
  std::int64_t id = 0, type = 0, molecule = 0;
  Element element;
  Vec3 position, velocity, force;
  Int3 image{};
};

class LammpsDumpReader final : public SequentialReader {
 public:
  template <typename Source>
  LammpsDumpReader(const Source& source, std::string name, const ReadOptions& options)
      : SequentialReader(std::move(name)), lines_(source), options_(options) {
    if (!options_.lammps_units.empty()) unit_style(options_.lammps_units);
    for (const auto z : options_.type_elements)
      if (z < 1 || z > element_count) throw Error(ErrorKind::usage, fmt::format("{} is no atomic number", z));
    if (options_.type_elements.empty() && !options_.topology.empty()) {
      Frame frame;
      if (!open_trajectory(options_.topology)->read_next(frame))
        throw Error(ErrorKind::file, options_.topology.string() + ": there is no frame that names the atoms");
      topology_ = frame.atoms;
    }
  }

 private:
  bool read_at(Place& place, Frame& frame) override;
  bool skip_at(Place& place) override;
  std::string place_within_frame() const override { return line_place(lines_); }
  std::string_view next_line(const char* what);
  bool read_header(Header& header, bool skimming);
  void read_box(std::string_view flags, Header& header);
  Element element_of(std::int64_t type, std::string_view label);
  void read_row(std::string_view line, std::size_t index, const UnitStyle& style, Row& row);
  std::string_view next_row(std::size_t k, std::size_t count);
  std::shared_ptr<const AtomLabels> labels() const;

  LineReader lines_;
  ReadOptions options_;
  std::shared_ptr<const Atoms> topology_;
  std::string file_units_;
  Layout layout_;
  std::vector<Row> rows_;
  std::vector<std::pair<std::int64_t, std::size_t>> order_;  // id and place in rows_, by id
  ElementTable elements_;
  bool several_types_ = false, several_elements_ = false;
  Cell cell_;
  Atoms atoms_;
  std::shared_ptr<const Atoms> shared_atoms_;
};

std::string_view LammpsDumpReader::next_line(const char* what) {
  std::string_view line;
  if (!lines_.next(line)) refuse("the file ends before {}; it is cut off", what);
  return line;
}

// The line of atom k of `count`, counted from 0.
std::string_view LammpsDumpReader::next_row(std::size_t k, std::size_t count) {
  std::string_view line;
  if (!lines_.next(line)) refuse("the file ends after {} of {} atoms; it is cut off", k, count);
  if (!lines_.line_was_ended()) refuse("the file ends within the line of atom {}; it is cut off", k + 1);
  return line;
}

void LammpsDumpReader::read_box(std::string_view flags, Header& header) {
  std::vector<std::string_view> words;
  for (std::string_view word = next_word(flags); !word.empty() && words.size() < 9; word = next_word(flags)) words.push_back(word);
  const bool tilted = words.size() >= 3 && words[0] == "xy" && words[1] == "xz" && words[2] == "yz";
  const bool general = words.size() >= 2 && words[0] == "abc" && words[1] == "origin";
  words.erase(words.begin(), words.begin() + (tilted ? 3 : general ? 2 : 0));
  header.says_periodicity = !words.empty();
  if (!words.empty() && words.size() != 3) refuse("expected three boundary flags as 'pp pp pp', found {}", words.size());
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (words.empty()) {
      header.periodic[axis] = true;
      continue;
    }
    if (words[axis].size() != 2 || words[axis].find_first_not_of("pfsm") != std::string_view::npos)
      refuse("{} is no boundary flag; they are made of p, f, s, m", shown(words[axis]));
    header.periodic[axis] = words[axis] == "pp";
  }
  double bound[3][4] = {};
  const std::size_t columns = general ? 4 : tilted ? 3 : 2;
  for (auto& row : bound) {
    std::string_view line = next_line("the box bounds");
    for (std::size_t k = 0; k < columns; ++k) row[k] = finite_number(next_word(line), "box bounds");
    if (!next_word(line).empty()) refuse("expected {} numbers in a line of the box bounds", columns);
  }
  if (general) {
    for (int i = 0; i < 3; ++i) {
      header.rows[i] = {bound[i][0], bound[i][1], bound[i][2]};
      header.origin[i] = bound[i][3];
    }
    return;
  }
  // The bounds enclose the tilted box: the corners are moved by the tilts.
  const double xy = bound[0][2], xz = bound[1][2], yz = bound[2][2];
  const double xlo = bound[0][0] - std::min({0.0, xy, xz, xy + xz}), xhi = bound[0][1] - std::max({0.0, xy, xz, xy + xz});
  const double ylo = bound[1][0] - std::min(0.0, yz), yhi = bound[1][1] - std::max(0.0, yz);
  const double zlo = bound[2][0], zhi = bound[2][1];
  if (!(xhi > xlo) || !(yhi > ylo) || !(zhi > zlo)) refuse("the box has no volume: {} {} {} Å long", xhi - xlo, yhi - ylo, zhi - zlo);
  header.rows = {{Vec3{xhi - xlo, 0, 0}, Vec3{xy, yhi - ylo, 0}, Vec3{xz, yz, zhi - zlo}}};
  header.origin = {xlo, ylo, zlo};
}

// All up to the first atom; false at the end of the file.
bool LammpsDumpReader::read_header(Header& header, bool skimming) {
  bool has_step = false, has_count = false, has_box = false;
  std::string_view line;
  if (!lines_.next(line) || trim(line).empty()) {
    while (lines_.next(line))
      if (!trim(line).empty()) refuse("blank line before a frame; blank lines may only end the file");
    if (frame_number() == 0) refuse("the file is empty");
    return false;
  }
  const auto once = [](bool& seen, const char* item) {
    if (seen) refuse("ITEM: {} comes twice in one frame", item);
    seen = true;
  };
  for (;; line = next_line("ITEM: ATOMS")) {
    std::string_view item = trim(line);
    if (!item.starts_with("ITEM: ")) refuse("expected 'ITEM: …', found {}{}", shown(line), frame_number() > 0 ? "; does the frame before have more lines than atoms?" : "");
    item = trim(item.substr(6));
    if (item == "TIMESTEP") {
      once(has_step, "TIMESTEP");
      header.step = integer(trim(next_line("the step")), "ITEM: TIMESTEP");
    } else if (item == "NUMBER OF ATOMS") {
      once(has_count, "NUMBER OF ATOMS");
      const std::int64_t count = integer(trim(next_line("the number of atoms")), "ITEM: NUMBER OF ATOMS");
      if (count < 1 || count > atom_limit) refuse("the number of atoms {} is not between 1 and {}", count, atom_limit);
      header.count = static_cast<std::size_t>(count);
    } else if (item.starts_with("BOX BOUNDS")) {
      once(has_box, "BOX BOUNDS");
      read_box(item.substr(10), header);
    } else if (item == "UNITS") {
      const std::string style(trim(next_line("the units")));
      if (!file_units_.empty() && style != file_units_) refuse("the units change from {} to {}", file_units_, shown(style));
      unit_style(style);
      if (!options_.lammps_units.empty() && options_.lammps_units != style)
        throw Error(ErrorKind::usage, fmt::format("the file is in {} units, asked for were {}", style, options_.lammps_units));
      file_units_ = style;
    } else if (item == "TIME") {
      header.time = finite_number(trim(next_line("the time")), "ITEM: TIME");
    } else if (item == "ATOMS" || item.starts_with("ATOMS ")) {
      if (!has_step || !has_count || !has_box) refuse("ITEM: ATOMS before {}", !has_step ? "ITEM: TIMESTEP" : !has_count ? "ITEM: NUMBER OF ATOMS" : "ITEM: BOX BOUNDS");
      if (!skimming) {
        const std::string_view columns = trim(item.substr(5));
        if (layout_.names.empty() || columns != layout_.text) layout_ = layout_from(columns);
      }
      return true;
    } else {
      refuse("unknown {}; expected TIMESTEP, NUMBER OF ATOMS, BOX BOUNDS, UNITS, TIME or ATOMS", shown(line));
    }
  }
}

Element LammpsDumpReader::element_of(std::int64_t type, std::string_view label) {
  if (!options_.type_elements.empty()) {
    if (!layout_.has_type) throw Error(ErrorKind::usage, "elements are given for atom types, but the dump has no column type");
    if (type < 1) refuse("the atom type {} is not positive", type);
    if (static_cast<std::uint64_t>(type) > options_.type_elements.size())
      throw Error(ErrorKind::usage, fmt::format("there is an atom of type {}, but elements are given for {} types", type, options_.type_elements.size()));
    const std::uint8_t z = options_.type_elements[static_cast<std::size_t>(type) - 1];
    return {z, standard_mass_amu(z)};
  }
  if (topology_) return {};  // filled in by order, when sorted
  if (!layout_.has_element)
    throw Error(ErrorKind::usage, "the dump does not name elements; give the elements of the atom types, or a topology file of the same atoms");
  return elements_.find(label);
}

void LammpsDumpReader::read_row(std::string_view line, std::size_t index, const UnitStyle& style, Row& row) {
  row.id = static_cast<std::int64_t>(index) + 1;
  std::string_view label;
  double mass_amu = 0;
  std::string_view rest = line;
  for (std::size_t k = 0; k < layout_.columns.size(); ++k) {
    const std::string& name = layout_.names[k];
    const std::string_view word = next_word(rest);
    if (word.empty()) refuse("expected {} columns ({}), found {}", layout_.columns.size(), layout_.text, k);
    const int axis = layout_.columns[k].axis;
    const auto scaled = [&](double factor) {
      const char* at = word.data();
      double value = 0;
      if (!read_number(at, at + word.size(), value)) value = finite_number(word, name);
      value *= factor;
      if (!std::isfinite(value)) refuse("{}: {} is beyond the range of doubles", name, shown(word));
      return value;
    };
    switch (layout_.columns[k].role) {
      case Role::passed_over: break;
      case Role::id: row.id = integer(word, name); break;
      case Role::type: row.type = integer(word, name); break;
      case Role::molecule: row.molecule = integer(word, name); break;
      case Role::element: label = word; break;
      case Role::mass:
        mass_amu = scaled(style.mass_amu);
        if (!(mass_amu > 0)) refuse("a mass must be positive, found {}", shown(word));
        break;
      case Role::image: {
        const std::int64_t image = integer(word, name);
        if (std::abs(image) > 1'000'000'000) refuse("{}: the image {} is out of range", name, image);
        row.image[static_cast<std::size_t>(axis)] = static_cast<int>(image);
        break;
      }
      case Role::position: row.position[axis] = scaled(layout_.form.scaled ? 1 : style.length_ang); break;
      case Role::velocity: row.velocity[axis] = scaled(style.velocity_ang_fs); break;
      case Role::force: row.force[axis] = scaled(style.force_ev_ang); break;
    }
  }
  if (!next_word(rest).empty()) refuse("expected {} columns ({}), found more", layout_.columns.size(), layout_.text);
  row.element = element_of(row.type, label);
  if (layout_.has_mass) row.element.mass_amu = mass_amu;
  if (index > 0) {
    several_types_ = several_types_ || row.type != rows_.front().type;
    several_elements_ = several_elements_ || row.element.atomic_number != rows_.front().element.atomic_number;
  }
}

// Those of the topology, else numbers of molecules as those of residues; null where there are none.
std::shared_ptr<const AtomLabels> LammpsDumpReader::labels() const {
  if (topology_ && topology_->labels) return topology_->labels;
  if (!layout_.has_molecule) return nullptr;
  auto labels = std::make_shared<AtomLabels>();
  for (const auto& [id, k] : order_) {
    if (rows_[k].molecule != static_cast<std::int32_t>(rows_[k].molecule)) return nullptr;
    labels->residue.push_back(static_cast<std::int32_t>(rows_[k].molecule));
  }
  return labels;
}

bool LammpsDumpReader::read_at(Place& place, Frame& frame) {
  go_to(lines_, place);
  Header header;
  if (!read_header(header, false)) return false;
  const bool units_known = !file_units_.empty() || !options_.lammps_units.empty();
  const UnitStyle style = unit_style(!file_units_.empty() ? file_units_ : units_known ? options_.lammps_units : "metal");
  rows_.clear();
  several_types_ = several_elements_ = false;
  for (std::size_t k = 0; k < header.count; ++k) read_row(next_row(k, header.count), k, style, rows_.emplace_back());
  order_.clear();
  for (std::size_t k = 0; k < rows_.size(); ++k) order_.emplace_back(rows_[k].id, k);
  if (!std::is_sorted(order_.begin(), order_.end())) std::sort(order_.begin(), order_.end());
  for (std::size_t k = 1; k < order_.size(); ++k)
    if (order_[k].first == order_[k - 1].first) refuse("two atoms have the id {}", order_[k].first);
  if (topology_ && topology_->size() != rows_.size())
    refuse("there are {} atoms, but the topology {} has {}", rows_.size(), options_.topology.string(), topology_->size());

  for (int i = 0; i < 3; ++i) header.rows[i] *= style.length_ang;
  header.origin *= style.length_ang;
  if (!cell_.has_vectors() || !(cell_.rows_ang() == header.rows) || cell_.periodic() != header.periodic)
    cell_ = Cell(header.rows, header.periodic);
  frame.cell = cell_;
  atoms_ = {};
  frame.position_ang.clear();
  frame.velocity_ang_fs.clear();
  frame.force_ev_ang.clear();
  for (std::size_t k = 0; k < rows_.size(); ++k) {
    const Row& row = rows_[order_[k].second];
    Vec3 position = layout_.form.scaled ? row.position * header.rows : row.position - header.origin;
    if (layout_.has_image) position += frame.cell.translation_ang(row.image);
    if (!is_finite(position)) refuse("the position of atom {} is beyond the range of doubles", row.id);
    frame.position_ang.push_back(position);
    if (layout_.has_velocity) frame.velocity_ang_fs.push_back(row.velocity);
    if (layout_.has_force) frame.force_ev_ang.push_back(row.force);
    atoms_.atomic_number.push_back(topology_ ? topology_->atomic_number[k] : row.element.atomic_number);
    atoms_.mass_amu.push_back(topology_ && !layout_.has_mass ? topology_->mass_amu[k] : row.element.mass_amu);
  }
  if (!shared_atoms_ || !(*shared_atoms_ == atoms_)) {
    atoms_.labels = labels();
    shared_atoms_ = std::make_shared<const Atoms>(atoms_);
  }
  frame.atoms = shared_atoms_;
  frame.energy_ev.reset();
  frame.bead.reset();
  frame.virial_ev.reset();
  frame.step = header.step;
  const bool time_by_step = !header.time && options_.time_step_fs > 0;
  frame.time_fs = header.time ? *header.time * style.time_fs : time_by_step ? static_cast<double>(header.step) * options_.time_step_fs : 0;
  if (!std::isfinite(frame.time_fs)) refuse("the time is beyond the range of doubles");

  source_ = {};
  source_.columns = layout_.text;
  source_.keys = layout_.names;
  if (layout_.has_force) source_.forces = std::string("fx fy fz");
  if (layout_.has_velocity) source_.velocities = std::string("vx vy vz");
  if (layout_.has_mass) source_.masses = std::string("mass");
  if (header.time) source_.time = std::string("TIME");
  else if (time_by_step) source_.time = std::string("TIMESTEP");
  source_.step = std::string("TIMESTEP");
  if (!units_known) source_.notes.push_back("the dump does not name its units: taken as metal");
  if (!layout_.has_id) source_.notes.push_back("the dump has no ids: the order of atoms is that of the file");
  if (!header.says_periodicity) source_.notes.push_back("the dump does not say which axes are periodic: taken as all");
  if (options_.type_elements.empty() && !topology_ && several_types_ && !several_elements_)
    source_.notes.push_back(fmt::format("all atom types are written as {}; without dump_modify element LAMMPS writes C for every type",
                                        symbol_of(atoms_.atomic_number[0])));
  place = place_of(lines_);
  return true;
}

bool LammpsDumpReader::skip_at(Place& place) {
  go_to(lines_, place);
  Header header;
  if (!read_header(header, true)) return false;
  for (std::size_t k = 0; k < header.count; ++k) next_row(k, header.count);
  place = place_of(lines_);
  return true;
}

}  // namespace

bool recognizes_lammps_dump(std::string_view bytes) {
  const std::string_view first = trim(bytes.substr(0, bytes.find('\n')));
  return first == "ITEM: TIMESTEP" || first == "ITEM: UNITS" || first == "ITEM: TIME";
}

std::unique_ptr<TrajectoryReader> open_lammps_dump(const std::filesystem::path& path, const ReadOptions& options) {
  return std::make_unique<LammpsDumpReader>(path, path.string(), options);
}

std::unique_ptr<TrajectoryReader> open_lammps_dump_text(std::string_view text, const std::string& name, const ReadOptions& options) {
  return std::make_unique<LammpsDumpReader>(text, name, options);
}

}  // namespace saltus
