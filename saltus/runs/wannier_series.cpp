#include "saltus/runs/wannier_series.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "saltus/analysis/geometry_matching.hpp"
#include "saltus/analysis/wannier_centres.hpp"
#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/io/frame_notes.hpp"

namespace saltus::runs {

namespace {

enum class Label { tagged, md_step, bead_and_step, none };

// What one frame of a file says by itself.
struct Labelled {
  std::vector<std::int64_t> iteration;
  WannierTag tag;
  std::optional<Cell> cell;
};

std::string place_of(const WannierInput& input, const WannierTag& tag) { return fmt::format("{}, frame {}", input.centres[tag.file].string(), tag.frame + 1); }

// CP2K wraps along all lattice vectors, in non-periodic calculations too.
Cell wrapping_cell(const Cell& cell) { return cell.has_vectors() ? Cell(cell.rows_ang()) : Cell(); }

// The distance that rounding of decimal places, as far as they can be told, or of single precision moves an atom at most.
double rounding_ang(const std::vector<Vec3>& positions) {
  double largest = 0;
  for (const Vec3& r : positions)
    for (int axis = 0; axis < 3; ++axis) largest = std::max(largest, std::abs(r[axis]));
  double rounding = 6e-8 * largest;
  for (const double unit : {1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8}) {
    const bool whole = std::all_of(positions.begin(), positions.end(), [&](const Vec3& r) {
      for (int axis = 0; axis < 3; ++axis)
        if (std::abs(r[axis] / unit - std::round(r[axis] / unit)) > 1e-4 + 1e-15 * std::abs(r[axis]) / unit) return false;
      return true;
    });
    if (whole) {
      rounding = std::max(rounding, 0.5 * unit);
      break;
    }
  }
  return std::sqrt(3.0) * rounding;
}

std::vector<Labelled> read_labels(const WannierInput& input, std::vector<std::vector<Vec3>>* positions, std::shared_ptr<const Atoms>& atoms, const Progress& progress) {
  std::vector<Labelled> labels;
  for (std::size_t file = 0; file < input.centres.size(); ++file) {
    const auto reader = open_cp2k_wannier(input.centres[file]);
    WannierFrame frame;
    for (std::size_t k = 0; reader->read_next(frame); ++k) {
      if (!atoms) atoms = frame.atoms;
      Labelled label{frame.iteration, {file, k, frame.bead, frame.step.value_or(0), frame.time_fs, 0}, frame.cell};
      if (positions) {
        if (frame.position_ang.empty())
          throw Error(ErrorKind::format, place_of(input, label.tag) + ": there are no atoms beside the centres; ask CP2K for IONS+CENTERS");
        try {
          require_same_atoms(*atoms, *frame.atoms);
        } catch (const Error& error) {
          throw with_place(error, place_of(input, label.tag));
        }
        positions->push_back(frame.position_ang);
      }
      labels.push_back(std::move(label));
      report_progress(progress, "labels of centres", static_cast<double>(labels.size()), 0, "frames");
    }
  }
  return labels;
}

Label kind_of(const WannierInput& input, const std::vector<Labelled>& labels) {
  std::set<std::size_t> lengths;
  bool beads = false;
  for (const Labelled& label : labels) {
    lengths.insert(label.iteration.size());
    if (label.iteration.size() == 2 && label.iteration[0] != 1) beads = true;
    if (lengths.size() > 1)
      throw Error(ErrorKind::usage, place_of(input, label.tag) + ": its label is of another kind than those before; these are not frames of one run");
    if (label.iteration.size() > 2)
      throw Error(ErrorKind::unsupported, fmt::format("{}: the label {} is neither of MD (1_<step>), PINT (<bead>_<n>) nor of a socket's client (1)",
                                                      place_of(input, label.tag), fmt::join(label.iteration, "_")));
  }
  if (*lengths.begin() == 0) return Label::tagged;
  if (*lengths.begin() == 1) return Label::none;
  return beads ? Label::bead_and_step : Label::md_step;
}

// Tags by the labels alone.
void tag_by_labels(const WannierInput& input, std::vector<Labelled>& labels, Label kind, WannierTags& tags) {
  std::vector<std::size_t> frames(input.centres.size());
  for (const Labelled& label : labels) ++frames[label.tag.file];
  const bool clients = kind == Label::none && input.centres.size() > 1;
  if (clients && *std::min_element(frames.begin(), frames.end()) != *std::max_element(frames.begin(), frames.end()))
    throw Error(ErrorKind::usage, fmt::format("the labels name no bead, and the files of the clients hold {} frames: which frames belong together is not known; "
                                              "give --trajectory, whose frames carry beads", fmt::join(frames, ", ")));
  for (Labelled& label : labels) {
    WannierTag& tag = label.tag;
    if (kind == Label::md_step) tag.step = label.iteration[1];
    if (kind == Label::bead_and_step) {
      if (label.iteration[0] < 1 || label.iteration[0] > 1'000'000)
        throw Error(ErrorKind::format, fmt::format("{}: {} is no bead; they count from 1", place_of(input, tag), label.iteration[0]));
      tag.bead = static_cast<std::int32_t>(label.iteration[0] - 1);
      tag.step = label.iteration[1] - 1;
    }
    if (kind == Label::none) tag.step = static_cast<std::int64_t>(tag.frame);
    if (clients) tag.bead = static_cast<std::int32_t>(tag.file);
    if (!tag.time_fs && kind != Label::none && input.read.time_step_fs > 0) tag.time_fs = static_cast<double>(tag.step) * input.read.time_step_fs;
  }
  tags.numbered = kind == Label::none;
  if (tags.numbered)
    tags.notes.push_back(clients ? "the labels name no bead and no step: each file is taken for one bead, and its frames in their order"
                                 : "the labels name no bead and no step: the frames are taken in their order");
}

// Tags by the frames of the trajectory whose positions are those beside the centres.
void tag_by_positions(const WannierInput& input, std::vector<Labelled>& labels, Label kind, std::vector<std::vector<Vec3>> positions,
                      const Atoms& atoms, WannierTags& tags, const Progress& progress) {
  const auto reader = open_trajectory(input.trajectory, input.read);
  const std::string name = input.trajectory.string();
  struct Found {
    std::optional<std::int32_t> bead;
    std::int64_t step;
    std::optional<double> time_fs;
    std::size_t cell;
    bool operator<(const Found& other) const { return std::tie(step, bead) < std::tie(other.step, other.bead); }
  };
  std::vector<std::set<Found>> found(labels.size());
  std::unique_ptr<GeometryMatcher> matcher;
  FrameNotes notes;
  Frame frame;
  const auto total = static_cast<double>(reader->count());
  for (std::int64_t k = 0; reader->read_next(frame); ++k) {
    const FrameSource& source = reader->source();
    notes.add(source);
    if (frame.atoms->atomic_number != atoms.atomic_number)  // masses may differ: isotopes are H in a file of centres
      throw Error(ErrorKind::format, fmt::format("{}, frame {}: its atoms, {}, are not those of {}, {}, or not in their order; the two are not of one run", name, k + 1,
                                                 formula(*frame.atoms), input.centres[0].string(), formula(atoms)));
    if (frame.cell.any_periodic()) tags.periodic = true;
    if (!input.cell && !frame.cell.has_vectors())
      throw Error(ErrorKind::usage, fmt::format("{}, frame {} has no cell: give --cell-ang, or --isolated where CP2K did not wrap", name, k + 1));
    const Cell cell = input.cell ? *input.cell : wrapping_cell(frame.cell);
    if (!matcher) matcher = std::make_unique<GeometryMatcher>(cell, std::move(positions), input.tolerance_ang + rounding_ang(frame.position_ang));
    report_progress(progress, "matching centres", static_cast<double>(k + 1), total, "frames");
    const auto equal = matcher->find(cell, frame.position_ang);
    if (equal.empty()) continue;
    if (tags.cells.empty() || !(tags.cells.back() == cell)) tags.cells.push_back(cell);
    for (const std::size_t index : equal) {
      Found here{frame.bead, frame.step, std::nullopt, tags.cells.size() - 1};
      if (source.step.empty()) here.step = kind == Label::md_step ? labels[index].iteration[1] : kind == Label::bead_and_step ? labels[index].iteration[1] - 1 : k;
      if (!here.bead && kind == Label::bead_and_step) here.bead = static_cast<std::int32_t>(labels[index].iteration[0] - 1);
      if (!source.time.empty()) here.time_fs = frame.time_fs;
      else if (input.read.time_step_fs > 0) here.time_fs = static_cast<double>(here.step) * input.read.time_step_fs;
      found[index].insert(here);
    }
  }
  for (const std::string& note : notes.all()) tags.notes.push_back(note);

  std::size_t missing = 0, ambiguous = 0, first_missing = 0, first_ambiguous = 0;
  std::map<std::set<Found>, std::vector<std::size_t>> together;  // frames of centres that equal the same frames
  for (std::size_t k = 0; k < labels.size(); ++k) {
    if (!found[k].empty()) together[found[k]].push_back(k);
    else if (missing++ == 0) first_missing = k;
  }
  std::vector<Labelled> kept;
  for (const auto& [frames, centres] : together) {
    // Beads that start from one geometry are told apart by their order only, which changes nothing.
    if (frames.size() > 1 && frames.size() != centres.size()) {
      if (ambiguous == 0) first_ambiguous = centres[0];
      ambiguous += centres.size();
      continue;
    }
    auto target = frames.begin();
    for (const std::size_t k : centres) {
      Labelled label = labels[k];
      label.tag.bead = target->bead;
      label.tag.step = target->step;
      label.tag.time_fs = target->time_fs;
      label.tag.cell = target->cell;
      kept.push_back(std::move(label));
      if (frames.size() > 1) ++target;
    }
  }
  if (ambiguous > 0)
    throw Error(ErrorKind::format, fmt::format("{} of {} frames of centres equal several frames of {}, the first: {}", ambiguous, labels.size(), name,
                                               place_of(input, labels[first_ambiguous].tag)));
  if (missing > 0) {
    const std::string text = fmt::format("{} of {} frames of centres equal no frame of {} within {:.2g} Å, the first: {}", missing, labels.size(), name,
                                         input.tolerance_ang + rounding_ang(frame.position_ang), place_of(input, labels[first_missing].tag));
    if (!input.leave_out_unmatched || kept.empty())
      throw Error(ErrorKind::format, text + "; are they of one run, is the cell right? --leave-out-unmatched goes on without them, --tolerance-ang allows for rounding");
    tags.notes.push_back(text + "; they are left out");
  }
  labels = std::move(kept);
}

// Cells of frames that were not matched.
void add_cells(const WannierInput& input, std::vector<Labelled>& labels, WannierTags& tags) {
  for (Labelled& label : labels) {
    if (!input.cell && !label.cell)
      throw Error(ErrorKind::usage, place_of(input, label.tag) + ": the file has no cell: give --trajectory, --cell-ang, or --isolated where CP2K did not wrap");
    if (label.cell && label.cell->any_periodic()) tags.periodic = true;
    const Cell cell = input.cell ? *input.cell : wrapping_cell(*label.cell);
    if (tags.cells.empty() || !(tags.cells.back() == cell)) tags.cells.push_back(cell);
    label.tag.cell = tags.cells.size() - 1;
  }
}

}  // namespace

WannierTags tag_wannier_frames(const WannierInput& input, const Progress& progress) {
  if (input.centres.empty()) throw Error(ErrorKind::usage, "no file of Wannier centres is given");
  WannierTags tags;
  const bool match = !input.trajectory.empty();
  std::vector<std::vector<Vec3>> positions;
  std::shared_ptr<const Atoms> atoms;
  std::vector<Labelled> labels = read_labels(input, match ? &positions : nullptr, atoms, progress);
  const Label kind = kind_of(input, labels);
  if (match) {
    tag_by_positions(input, labels, kind, std::move(positions), *atoms, tags, progress);
  } else {
    tag_by_labels(input, labels, kind, tags);
    add_cells(input, labels, tags);
  }
  if (input.cell) tags.periodic = input.cell->any_periodic();
  if (input.isolated) tags.periodic = false;
  const auto key = [](const WannierTag& tag) { return std::tuple(tag.step, tag.bead); };
  std::stable_sort(labels.begin(), labels.end(), [&](const Labelled& a, const Labelled& b) {
    return std::tuple(key(a.tag), a.tag.file, a.tag.frame) < std::tuple(key(b.tag), b.tag.file, b.tag.frame);
  });
  for (const Labelled& label : labels) {
    if (!tags.frames.empty() && key(tags.frames.back()) == key(label.tag)) tags.frames.back() = label.tag;
    else tags.frames.push_back(label.tag);
  }
  if (const std::size_t again = labels.size() - tags.frames.size(); again > 0)
    tags.notes.push_back(fmt::format("{} frames of centres are of a step {}that comes again, as forces that were asked for again leave them; the last of each is kept", again,
                                     tags.frames.front().bead ? "and bead " : ""));
  return tags;
}

WannierSeries::WannierSeries(const WannierInput& input, const Progress& progress) : input_(input), progress_(progress) {
  if (!input.spreads.empty() && input.spreads.size() != input.centres.size())
    throw Error(ErrorKind::usage, fmt::format("{} files of spreads for {} of centres; give one for each", input.spreads.size(), input.centres.size()));
  tags_ = tag_wannier_frames(input, progress);
  for (std::size_t k = 0; k < input.centres.size(); ++k)
    readers_.push_back(open_cp2k_wannier(input.centres[k], input.spreads.empty() ? std::filesystem::path() : input.spreads[k]));
  const WannierTag& first = tags_.frames.front();
  WannierFrame frame;
  readers_[first.file]->seek(first.frame);
  readers_[first.file]->read_next(frame);
  readers_[first.file]->seek(0);
  atoms_ = frame.atoms;
  if (atoms_->size() == 0) throw Error(ErrorKind::format, place_of(input, first) + ": there are no atoms beside the centres; ask CP2K for IONS+CENTERS");
  for (const int z : atoms_->atomic_number) {
    const auto given = input.valence_electrons.find(z);
    const auto usual = given == input.valence_electrons.end() ? gth_valence_electrons(z) : std::optional(given->second);
    if (!usual) throw Error(ErrorKind::usage, fmt::format("the valence electrons of {0} are not known: give --valence {0}=NUMBER", symbol_of(z)));
    electrons_.push_back(*usual);
  }
}

std::size_t WannierSeries::beads() const {
  std::set<std::int32_t> beads;
  for (const WannierTag& tag : tags_.frames)
    if (tag.bead) beads.insert(*tag.bead);
  return beads.size();
}

std::size_t WannierSeries::steps() const {
  std::size_t steps = 0;
  for (std::size_t k = 0; k < tags_.frames.size(); ++k)
    if (k == 0 || tags_.frames[k].step != tags_.frames[k - 1].step) ++steps;
  return steps;
}

bool WannierSeries::timed() const {
  return std::all_of(tags_.frames.begin(), tags_.frames.end(), [](const WannierTag& tag) { return tag.time_fs.has_value(); });
}

bool WannierSeries::next(WannierFrame& frame) {
  if (next_ == tags_.frames.size()) return false;
  const WannierTag& tag = tags_.frames[next_++];
  readers_[tag.file]->seek(tag.frame);
  readers_[tag.file]->read_next(frame);
  frame.bead = tag.bead;
  frame.step = tag.step;
  frame.time_fs = tag.time_fs;
  frame.cell = tags_.cells[tag.cell];
  try {
    require_same_atoms(*atoms_, *frame.atoms);
    int electrons = -input_.charge;
    for (const int count : electrons_) electrons += count;
    const int held = 2 * static_cast<int>(frame.centre_ang.size());
    if (electrons != held)
      throw Error(ErrorKind::format, fmt::format("{} centres hold {} electrons, but {} of charge {} has {} outside the cores: give --charge {}, or --valence where a pseudopotential "
                                                 "is not the usual one", frame.centre_ang.size(), held, formula(*atoms_), input_.charge, electrons, input_.charge + electrons - held));
  } catch (const Error& error) {
    throw with_place(error, place_of(input_, tag));
  }
  report_progress(progress_, "Wannier centres", static_cast<double>(next_), static_cast<double>(tags_.frames.size()), "frames");
  return true;
}

}  // namespace saltus::runs
