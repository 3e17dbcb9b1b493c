// Finds the files of a CP2K run and joins them by step number; units, signs and rules stand in the header.
#include "saltus/io/cp2k.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/cp2k_files.hpp"
#include "saltus/io/refuse.hpp"

namespace saltus {

namespace {

constexpr std::size_t energy_columns = 4, cell_columns = 10, stress_columns = 10;  // behind the step; the first is the time
// Energies have 9 decimals in .ener and 10 in comment lines, times 3 in comment lines.
constexpr double energy_tolerance_hartree = 1e-8, time_tolerance_fs = 1e-3;
// Kinetic energies of the velocities and of .ener agree to the digits of the velocities unless masses are not standard.
constexpr double kinetic_tolerance = 1e-3;

struct Members {
  std::unique_ptr<Cp2kXyz> positions, forces, velocities;
  std::unique_ptr<Cp2kTable> energies, cells, stresses;
};

template <typename File>
void require_matching_steps(const Cp2kXyz& positions, const File& file) {
  for (const auto step : positions.steps().steps())
    if (file.steps().promises(step) && !file.steps().find(step)) refuse("{}: step {} is missing; {} has it", file.name(), step, positions.name());
  for (const auto step : file.steps().steps())
    if (positions.steps().promises(step) && !positions.steps().find(step))
      refuse("{}: step {} is missing; {} has it", positions.name(), step, file.name());
}

class Cp2kReader final : public TrajectoryReader {
 public:
  Cp2kReader(Members members, std::string name, std::vector<std::string> notes, const ReadOptions& options);

  bool read_next(Frame& frame) override;
  void seek(std::size_t k) override {
    if (k > frames()) throw Error(ErrorKind::usage, fmt::format("{}: there is no frame {}; it has {}", name_, k + 1, frames()));
    next_ = k;
  }
  std::size_t count() override {
    if (members_.positions->broken()) throw *members_.positions->broken();
    return frames();
  }
  const FrameSource& source() const override { return source_; }

 private:
  std::size_t frames() const { return members_.positions->steps().steps().size(); }
  template <typename File>
  std::optional<std::size_t> place_of(const File& file, std::int64_t step);
  void check_comment(const Cp2kComment& ours, const Cp2kXyz& file, const Cp2kComment& other) const;
  void check_time(const Cp2kComment& ours, const Cp2kTable& table, double time_fs) const;
  bool read_vectors(const std::unique_ptr<Cp2kXyz>& file, const Cp2kComment& comment, double factor, std::vector<Vec3>& vectors);
  void read_energy(Cp2kComment& comment, Frame& frame);
  void read_cell(const Cp2kComment& comment, Frame& frame);
  void read_virial(const Cp2kComment& comment, Frame& frame);

  Members members_;
  std::string name_;
  std::vector<std::string> set_notes_;
  double time_step_fs_ = 0;
  bool constant_cell_ = false;
  std::size_t next_ = 0;
  FrameSource source_;
  std::optional<double> kinetic_hartree_;  // of .ener, for the step being read
  Mat3 cell_rows_;
  Cell cell_;
  Atoms atoms_, others_;
  std::shared_ptr<const Atoms> shared_atoms_;
};

Cp2kReader::Cp2kReader(Members members, std::string name, std::vector<std::string> notes, const ReadOptions& options)
    : members_(std::move(members)), name_(std::move(name)), set_notes_(std::move(notes)), time_step_fs_(options.time_step_fs) {
  if (!options.energy_key.empty() || !options.forces_key.empty())
    throw Error(ErrorKind::usage, name_ + ": a CP2K run has one energy and one set of forces; they cannot be chosen by name");
  const auto check = [&](const auto& file) {
    if (!file) return;
    require_matching_steps(*members_.positions, *file);
    if (const std::size_t replaced = file->steps().replaced())
      set_notes_.push_back(fmt::format("{}: {} steps written again by a continued run; the later are used", file->name(), replaced));
  };
  check(members_.positions);
  check(members_.forces);
  check(members_.velocities);
  check(members_.energies);
  check(members_.cells);
  check(members_.stresses);
  if (!members_.cells) set_notes_.push_back("no .cell file: taken as not periodic");
  if (members_.cells && !members_.cells->steps().steps().empty()) {
    const auto vectors = [&](std::size_t k) { return members_.cells->row(k).subspan(1, 9); };
    constant_cell_ = true;
    for (std::size_t k = 1; k < members_.cells->steps().steps().size(); ++k)
      constant_cell_ = constant_cell_ && std::ranges::equal(vectors(k), vectors(0));
  }
  source_.columns = std::string("element x y z");
  source_.step = std::string("i");
}

// Where a file has a step; nothing, with a note, where it need not have it.
template <typename File>
std::optional<std::size_t> Cp2kReader::place_of(const File& file, std::int64_t step) {
  if (const auto index = file.steps().find(step)) return index;
  if (file.broken() && (file.steps().steps().empty() || step > file.steps().steps().back())) throw *file.broken();
  source_.notes.push_back(fmt::format("{} has no step {}", file.name(), step));
  return std::nullopt;
}

void Cp2kReader::check_comment(const Cp2kComment& ours, const Cp2kXyz& file, const Cp2kComment& other) const {
  if (ours.energy_hartree && other.energy_hartree && std::abs(*ours.energy_hartree - *other.energy_hartree) > energy_tolerance_hartree)
    refuse("step {}: E is {} Ha, but {} has {} Ha: files of different runs", ours.step, *ours.energy_hartree, file.name(),
           *other.energy_hartree);
}

void Cp2kReader::check_time(const Cp2kComment& ours, const Cp2kTable& table, double time_fs) const {
  if (ours.time_fs && !(std::abs(*ours.time_fs - time_fs) <= time_tolerance_fs))
    refuse("step {}: the time is {} fs, but {} has {} fs: files of different runs", ours.step, *ours.time_fs, table.name(), time_fs);
}

bool Cp2kReader::read_vectors(const std::unique_ptr<Cp2kXyz>& file, const Cp2kComment& comment, double factor,
                              std::vector<Vec3>& vectors) {
  vectors.clear();
  if (!file) return false;
  const auto index = place_of(*file, comment.step);
  if (!index) return false;
  check_comment(comment, *file, file->read(*index, others_, vectors));
  if (others_.atomic_number != atoms_.atomic_number)
    refuse("step {}: the elements or their number differ from those of {}", comment.step, file->name());
  for (Vec3& vector : vectors) {
    vector *= factor;
    if (!is_finite(vector)) refuse("step {}: {} has numbers beyond the range of doubles", comment.step, file->name());
  }
  return true;
}

void Cp2kReader::read_energy(Cp2kComment& comment, Frame& frame) {
  kinetic_hartree_.reset();
  if (members_.energies)
    if (const auto index = place_of(*members_.energies, comment.step)) {
      const auto row = members_.energies->row(*index);
      check_time(comment, *members_.energies, row[0]);
      const double potential_hartree = row[3];
      kinetic_hartree_ = row[1];
      if (comment.energy_hartree && std::abs(*comment.energy_hartree - potential_hartree) > energy_tolerance_hartree)
        refuse("step {}: E is {} Ha, but {} has {} Ha: files of different runs", comment.step, *comment.energy_hartree,
               members_.energies->name(), potential_hartree);
      if (!comment.energy_hartree) comment.energy_hartree = potential_hartree;
      if (!comment.time_fs) comment.time_fs = row[0];
    }
  frame.energy_ev.reset();
  frame.bead.reset();
  if (comment.energy_hartree) frame.energy_ev = *comment.energy_hartree * units::ev_per_hartree;
  if (frame.energy_ev && !std::isfinite(*frame.energy_ev)) refuse("step {}: the energy is beyond the range of doubles", comment.step);
}

void Cp2kReader::read_cell(const Cp2kComment& comment, Frame& frame) {
  frame.cell = Cell();
  if (!members_.cells) return;
  auto index = constant_cell_ ? members_.cells->steps().find(comment.step) : place_of(*members_.cells, comment.step);
  if (index) check_time(comment, *members_.cells, members_.cells->row(*index)[0]);
  if (!index) {
    if (members_.cells->broken()) throw *members_.cells->broken();
    if (!constant_cell_) refuse("{} has no step {}, and the cell changes", members_.cells->name(), comment.step);
    index = 0;
  }
  const auto row = members_.cells->row(*index).subspan(1);
  Mat3 rows;
  for (std::size_t k = 0; k < 9; ++k) rows[static_cast<int>(k / 3)][static_cast<int>(k % 3)] = row[k];
  if (!(rows == cell_rows_) || !cell_.has_vectors()) {
    cell_ = Cell(rows);
    cell_rows_ = rows;
  }
  frame.cell = cell_;
}

void Cp2kReader::read_virial(const Cp2kComment& comment, Frame& frame) {
  frame.virial_ev.reset();
  source_.virial.clear();
  if (!members_.stresses) return;
  const auto index = place_of(*members_.stresses, comment.step);
  if (!index) return;
  const auto row = members_.stresses->row(*index);
  check_time(comment, *members_.stresses, row[0]);
  const auto leave_out = [&](const std::string& why) { source_.notes.push_back("virial left out: " + why); };
  if (frame.velocity_ang_fs.empty())
    return leave_out("the stress of an MD run holds the kinetic part, and there are no velocities to remove it");
  if (!frame.cell.has_vectors()) return leave_out("there is no cell, so the volume is not known");
  Mat3 kinetic_ev;  // Σ m v⊗v
  for (std::size_t i = 0; i < frame.size(); ++i)
    kinetic_ev += outer(units::ev_per_amu_ang2_fs2 * atoms_.mass_amu[i] * frame.velocity_ang_fs[i], frame.velocity_ang_fs[i]);
  const double of_velocities_ev = (kinetic_ev[0].x + kinetic_ev[1].y + kinetic_ev[2].z) / 2;
  if (kinetic_hartree_) {
    const double of_table_ev = *kinetic_hartree_ * units::ev_per_hartree;
    if (!(std::abs(of_velocities_ev - of_table_ev) <= kinetic_tolerance * of_table_ev))
      return leave_out(fmt::format("the velocities with standard masses have {:.6g} eV of kinetic energy, {} says {:.6g} eV",
                                   of_velocities_ev, members_.energies->name(), of_table_ev));
  }
  Mat3 virial;
  const double factor = units::ev_ang3_per_bar * frame.cell.volume_ang3();
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) virial[i][j] = factor * row[static_cast<std::size_t>(1 + 3 * i + j)] - kinetic_ev[i][j];
  for (int i = 0; i < 3; ++i)
    if (!is_finite(virial[i])) refuse("{}, step {}: the virial is not finite", members_.stresses->name(), comment.step);
  frame.virial_ev = virial;
  source_.virial = members_.stresses->name();
  source_.notes.push_back("virial: the kinetic part of " + members_.stresses->name() + " is removed");
}

bool Cp2kReader::read_next(Frame& frame) {
  Cp2kXyz& positions = *members_.positions;
  if (next_ >= frames()) {
    if (positions.broken()) throw *positions.broken();
    return false;
  }
  const std::string place = fmt::format("{}, frame {}", positions.name(), next_ + 1);
  source_.notes = set_notes_;
  Cp2kComment comment = positions.read(next_, atoms_, frame.position_ang);
  try {
    if (!shared_atoms_ || !(*shared_atoms_ == atoms_)) shared_atoms_ = std::make_shared<const Atoms>(atoms_);
    frame.atoms = shared_atoms_;
    frame.step = comment.step;
    read_energy(comment, frame);
    const bool has_forces =
        read_vectors(members_.forces, comment, units::ev_ang_per_hartree_bohr, frame.force_ev_ang);
    const bool has_velocities =
        read_vectors(members_.velocities, comment, units::ang_fs_per_bohr_atomic_time, frame.velocity_ang_fs);
    read_cell(comment, frame);
    read_virial(comment, frame);
    const bool has_time = comment.time_fs || time_step_fs_ > 0;
    frame.time_fs = comment.time_fs ? *comment.time_fs : time_step_fs_ * static_cast<double>(comment.step);
    source_.energy = frame.energy_ev ? std::string("E") : std::string();
    source_.forces = has_forces ? members_.forces->name() : std::string();
    source_.velocities = has_velocities ? members_.velocities->name() : std::string();
    source_.time = has_time ? std::string("time") : std::string();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::format) throw;
    throw with_place(error, place);
  }
  ++next_;
  return true;
}

bool ends_with_word(std::string_view text, std::string_view word) {
  return text.size() > word.size() && text.ends_with(word);
}

// Without ".gz" or ".zst".
std::string_view without_compression(std::string_view name) {
  for (const std::string_view suffix : {".gz", ".zst"})
    if (ends_with_word(name, suffix)) return name.substr(0, name.size() - suffix.size());
  return name;
}

struct Project {
  std::string name, number;  // PROJECT and 1 of PROJECT-pos-1.xyz
  auto operator<=>(const Project&) const = default;
};

// Takes "-<digits>" off the end.
std::optional<std::string> take_number(std::string_view& name) {
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view digits = name.substr(dash + 1);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  name = name.substr(0, dash);
  return std::string(digits);
}

// The set that a file belongs to by its name.
std::optional<Project> project_of(std::string_view file, bool positions_only) {
  std::string_view name = without_compression(file);
  for (const std::string_view extension : {".xyz", ".ener", ".cell", ".stress"}) {
    if (!ends_with_word(name, extension)) continue;
    name.remove_suffix(extension.size());
    const auto number = take_number(name);
    if (!number) return std::nullopt;
    if (extension != ".xyz") return positions_only ? std::nullopt : std::optional(Project{std::string(name), *number});
    for (const std::string_view kind : {"-pos", "-frc", "-vel"})
      if (ends_with_word(name, kind) && (kind == "-pos" || !positions_only))
        return Project{std::string(name.substr(0, name.size() - kind.size())), *number};
    return std::nullopt;
  }
  return std::nullopt;
}

std::set<Project> projects_in(const std::filesystem::path& folder) {
  std::set<Project> projects;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (const auto project = project_of(at->path().filename().string(), true)) projects.insert(*project);
  if (error) throw Error(ErrorKind::file, fmt::format("{}: cannot list: {}", folder.string(), error.message()));
  return projects;
}

// `name` in `folder`, as it is or compressed; empty when it is not there.
std::filesystem::path file_in(const std::filesystem::path& folder, const std::string& name) {
  for (const char* suffix : {"", ".gz", ".zst"}) {
    std::error_code ignored;
    if (std::filesystem::exists(folder / (name + suffix), ignored)) return folder / (name + suffix);
  }
  return {};
}

}  // namespace

bool recognizes_cp2k(std::string_view bytes) {
  const std::size_t end = std::min(bytes.find('\n'), bytes.size());
  const std::string_view first = trim(bytes.substr(0, end));
  if (first.starts_with("#"))
    return (first.find("Step Nr.") != std::string_view::npos && first.find("Pot.[a.u.]") != std::string_view::npos) ||
           (first.find("Step") != std::string_view::npos &&
            (first.find("Ax [Angstrom]") != std::string_view::npos || first.find("xx [bar]") != std::string_view::npos));
  if (first.empty() || first.find_first_not_of("0123456789") != std::string_view::npos || end == bytes.size()) return false;
  const std::string_view rest = bytes.substr(end + 1);
  const std::string_view second = trim(rest.substr(0, std::min(rest.find('\n'), rest.size())));
  const std::size_t equals = second.find('=');
  if (equals == std::string_view::npos || trim(second.substr(0, equals)) != "i") return false;
  return second.find(", time =") != std::string_view::npos || second.find(", E =") != std::string_view::npos;
}

bool recognizes_cp2k_folder(const std::filesystem::path& folder) { return !projects_in(folder).empty(); }

std::unique_ptr<TrajectoryReader> open_cp2k(const std::filesystem::path& path, const ReadOptions& options) {
  std::error_code ignored;
  std::filesystem::path folder = path.parent_path();
  std::optional<Project> project;
  if (std::filesystem::is_directory(path, ignored)) {
    folder = path;
    const auto projects = projects_in(folder);
    if (projects.empty()) throw Error(ErrorKind::file, path.string() + ": there is no CP2K trajectory (PROJECT-pos-1.xyz) in this folder");
    if (projects.size() > 1) {
      std::vector<std::string> names;
      for (const auto& each : projects) names.push_back(fmt::format("{}-pos-{}.xyz", each.name, each.number));
      throw Error(ErrorKind::usage, fmt::format("{}: there are several CP2K runs in this folder; name one of {}", path.string(), join(names)));
    }
    project = *projects.begin();
  } else {
    project = project_of(path.filename().string(), false);
  }
  const std::string stem = path.filename().string();
  Members members;
  std::vector<std::string> notes;
  if (!project) {
    if (stem.find("-frc-") != std::string::npos || stem.find("-vel-") != std::string::npos)
      throw Error(ErrorKind::unsupported, path.string() + ": by its name this holds forces or velocities; give the file of positions");
    members.positions = std::make_unique<Cp2kXyz>(path);
    notes.push_back(fmt::format("'{}' is not named as CP2K names its files (PROJECT-pos-1.xyz): read as positions, alone", stem));
    return std::make_unique<Cp2kReader>(std::move(members), path.string(), std::move(notes), options);
  }
  const auto xyz = [&](const char* kind) -> std::unique_ptr<Cp2kXyz> {
    const auto file = file_in(folder, fmt::format("{}-{}-{}.xyz", project->name, kind, project->number));
    return file.empty() ? nullptr : std::make_unique<Cp2kXyz>(file);
  };
  const auto table = [&](const char* extension, std::size_t columns) -> std::unique_ptr<Cp2kTable> {
    const auto file = file_in(folder, fmt::format("{}-{}{}", project->name, project->number, extension));
    return file.empty() ? nullptr : std::make_unique<Cp2kTable>(file, columns);
  };
  members.positions = xyz("pos");
  if (!members.positions)
    throw Error(ErrorKind::file, fmt::format("{}: the positions of this run, {}-pos-{}.xyz, are not beside it", path.string(),
                                             project->name, project->number));
  members.forces = xyz("frc");
  members.velocities = xyz("vel");
  members.energies = table(".ener", energy_columns);
  members.cells = table(".cell", cell_columns);
  members.stresses = table(".stress", stress_columns);
  return std::make_unique<Cp2kReader>(std::move(members), path.string(), std::move(notes), options);
}

std::unique_ptr<TrajectoryReader> open_cp2k_texts(const Cp2kTexts& texts, const std::string& name, const ReadOptions& options) {
  Members members;
  const auto xyz = [&](const std::optional<std::string_view>& text, const char* kind) {
    return text ? std::make_unique<Cp2kXyz>(*text, fmt::format("{}-{}-1.xyz", name, kind)) : nullptr;
  };
  const auto table = [&](const std::optional<std::string_view>& text, const char* extension, std::size_t columns) {
    return text ? std::make_unique<Cp2kTable>(*text, fmt::format("{}-1{}", name, extension), columns) : nullptr;
  };
  members.positions = xyz(texts.positions, "pos");
  members.forces = xyz(texts.forces, "frc");
  members.velocities = xyz(texts.velocities, "vel");
  members.energies = table(texts.energies, ".ener", energy_columns);
  members.cells = table(texts.cells, ".cell", cell_columns);
  members.stresses = table(texts.stresses, ".stress", stress_columns);
  return std::make_unique<Cp2kReader>(std::move(members), name, std::vector<std::string>(), options);
}

}  // namespace saltus
