// Frames of Wannier centres as an analysis wants them: in order of time, with cell, step, time and bead. CP2K's files have no cell,
// and what a label says depends on the run: a step (MD), bead and step (PINT), nothing (a client of a socket).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "saltus/base/progress.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/io/wannier.hpp"

namespace saltus::runs {

struct WannierInput {
  std::vector<std::filesystem::path> centres;   ///< several: parts of one run, or one file per client of a socket
  std::vector<std::filesystem::path> spreads;   ///< none, or one per file of centres
  std::filesystem::path trajectory;             ///< of the same run, or empty; its frames may carry beads
  ReadOptions read;                             ///< of the trajectory; time_step_fs: of an MD step, for times of labelled steps too
  std::optional<Cell> cell;                     ///< none: that of the trajectory or of tagged files
  bool isolated = false;                        ///< not periodic, though there may be a cell that CP2K wrapped into
  double tolerance_ang = 1e-6;                  ///< beside the rounding of the files, for positions that are called equal
  bool leave_out_unmatched = false;             ///< centres without a frame in the trajectory are left out, not an error
  int charge = 0;                               ///< of all atoms, e
  std::map<int, int> valence_electrons;         ///< of atomic numbers whose number is not that of the usual pseudopotential
};

/// Where a frame of centres lies and what it is.
struct WannierTag {
  std::size_t file = 0, frame = 0;
  std::optional<std::int32_t> bead;  ///< from 0
  std::int64_t step = 0;             ///< of the label or the trajectory, else the number of the frame in its file
  std::optional<double> time_fs;
  std::size_t cell = 0;              ///< of WannierTags::cells
};

struct WannierTags {
  std::vector<WannierTag> frames;    ///< in order of step, then bead; each pair once
  std::vector<Cell> cells;           ///< for minimum images: periodic where there are lattice vectors at all, as CP2K wraps
  bool numbered = false;             ///< steps are numbers of frames: the labels hold none
  bool periodic = false;             ///< the system is, as far as known
  std::vector<std::string> notes;
};

/// Finds what the frames of centres are. With a trajectory each frame of centres is the one frame of it whose positions are equal modulo
/// the lattice; frames of the trajectory without centres are passed over, and of centres of equal positions (a force that was asked for
/// again) the last is kept. Without it the labels decide: bead and step of PINT, step of MD, the files of a socket's clients are the beads.
/// Throws Error{usage} where the cell is not known, beads of a socket's clients cannot be told, or labels of several kinds meet;
/// Error{format} with counts for frames of centres that equal no frame or several; what the readers throw.
WannierTags tag_wannier_frames(const WannierInput& input, const Progress& progress = {});

/// The frames of centres one after another, as tagged.
class WannierSeries {
 public:
  /// Throws what tag_wannier_frames throws.
  explicit WannierSeries(const WannierInput& input, const Progress& progress = {});

  const WannierTags& tags() const { return tags_; }
  /// Of the first frame.
  const std::shared_ptr<const Atoms>& atoms() const { return atoms_; }
  /// [atoms] valence electrons.
  const std::vector<int>& electrons() const { return electrons_; }
  /// Number of different beads; 0 where they are not told.
  std::size_t beads() const;
  /// Number of different steps.
  std::size_t steps() const;
  /// Whether every frame has a time.
  bool timed() const;

  /// The next frame, with all its tags; false at the end. Throws Error{format} with file and frame for other atoms than those of the
  /// first frame, for centres without atoms, and where the centres do not hold all valence electrons, two each.
  bool next(WannierFrame& frame);
  /// The next frame is the first again.
  void rewind() { next_ = 0; }

 private:
  WannierInput input_;
  Progress progress_;
  WannierTags tags_;
  std::vector<std::unique_ptr<WannierReader>> readers_;
  std::shared_ptr<const Atoms> atoms_;
  std::vector<int> electrons_;
  std::size_t next_ = 0;
};

}  // namespace saltus::runs
