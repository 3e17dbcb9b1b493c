// Wannier centres as CP2K prints them (LOCALIZE/PRINT/WANNIER_CENTERS): xyz whose rows X are centres, with the atoms before
// them (IONS+CENTERS) or without. Reference: CP2K's qs_loc_methods, and files of CP2K 2023.1.
//
// Tagged files   The same rows as extXYZ: step, time_fs, bead (from 0) and Lattice in the comment line instead of CP2K's label.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/atoms/frame.hpp"

namespace saltus {

/// Atoms and centres of one step. Both are wrapped into the cell, but not into the same one (atoms as in the coordinates,
/// centres in [−L/2, L/2]), and the order of the centres is not kept from step to step: go by minimum image.
struct WannierFrame {
  std::shared_ptr<const Atoms> atoms;   ///< shared by frames of equal atoms; of size 0 where the file has only centres
  std::vector<Vec3> position_ang;       ///< [atoms]
  std::vector<Vec3> centre_ang;         ///< [centres]
  std::vector<double> spread_ang2;      ///< [centres] −Σ w ln|z|² (Berry), or empty
  std::vector<std::int64_t> iteration;  ///< the numbers of the label: 1_<step> in MD, <bead>_<step + 1> in PINT, 1 behind a socket; empty in tagged files
  std::optional<std::int32_t> bead;     ///< this and what follows: of tagged files; bead from 0
  std::optional<std::int64_t> step;
  std::optional<double> time_fs;
  std::optional<Cell> cell;
};

class WannierReader {
 public:
  virtual ~WannierReader() = default;
  /// False at the end. Throws Error{format} with file, frame and line; after an error only seek() may follow.
  virtual bool read_next(WannierFrame& frame) = 0;
  /// The next frame read is `k`, counted from 0. Throws Error{usage} when there is none.
  virtual void seek(std::size_t k) = 0;
  /// Number of frames; the first call may skim through the file. The place of reading stays.
  virtual std::size_t count() = 0;
};

/// centres  the file of centres, Å
/// spreads  the file of spreads that belongs to it (WANNIER_SPREADS, bohr²), or empty; its labels and counts must agree
std::unique_ptr<WannierReader> open_cp2k_wannier(const std::filesystem::path& centres, const std::filesystem::path& spreads = {});
/// The same from texts in memory; `name` stands in error messages for the files.
std::unique_ptr<WannierReader> open_cp2k_wannier_text(std::string_view centres, std::string_view spreads, const std::string& name);

/// Appends a frame as a tagged file holds it: atoms, centres, and of the tags those that the frame has. Spreads are left out.
/// Throws Error{usage} for a frame without a step.
void append_tagged_wannier(std::string& text, const WannierFrame& frame);

}  // namespace saltus
