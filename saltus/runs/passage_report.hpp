// First exits of molecules from windows of a coordinate, D(z) and F(z) from them, and at which scale diffusion describes the motion.
// Estimators: kinetics/diffusion_profile.hpp (all windows at once, with F), kinetics/local_diffusion.hpp (each alone), kinetics/position_markov_model.hpp (beside them).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "saltus/base/progress.hpp"
#include "saltus/kinetics/diffusion_profile.hpp"
#include "saltus/kinetics/diffusion_verdict.hpp"
#include "saltus/kinetics/exit_survival.hpp"
#include "saltus/kinetics/local_diffusion.hpp"
#include "saltus/kinetics/position_markov_model.hpp"
#include "saltus/runs/passage_coordinates.hpp"

namespace saltus::runs {

struct PassageSettings {
  std::vector<double> half_widths_ang;                   ///< of windows; D(z) is of the first, the others say whether it depends on the width. Empty: 1, 1.5, 2 and 3, as
                                                         ///< far as they fit into a quarter of the period, of what lies between the walls, or of where the molecules are
  double start_half_width_ang = 0.1;
  double spacing_ang = 1;                                ///< of windows; less where fewer than 20 would fit
  std::vector<double> centres_ang;                       ///< of windows; empty: as the spacing says
  std::optional<std::pair<double, double>> range_ang;    ///< of windows; none: the period, between the walls, or where the molecules are
  std::optional<double> wall_low_ang, wall_high_ang;     ///< reflecting
  double histogram_bin_ang = 0.1;
  double knot_spacing_ang = 1;
  std::optional<double> penalty_sigma;                   ///< none: from the data
  std::size_t time_blocks = 0;                           ///< what intervals come from: so many blocks of time; 0: the molecules, or 20 blocks where there are fewer than 20
  int bootstrap = 100;
  std::uint64_t seed = 1;
};

/// One window of the first half-width.
struct PassageWindow {
  std::size_t window = 0;                                ///< of the data
  std::optional<std::size_t> point;                      ///< of the profile
  kinetics::LocalDiffusion local;
  std::optional<kinetics::MilneDiffusion> milne;
  kinetics::SurvivalCurve survival;
  std::vector<double> model_survival;                    ///< at the same times, by the fitted F and D; empty: no point
  std::vector<std::string> flags;                        ///< of both estimates
};

struct PassageReport {
  std::string subject;
  std::size_t frames = 0, particles = 0;
  double frame_interval_fs = 0, period_ang = 0;
  std::vector<double> half_widths_ang;                   ///< D(z) is of the first
  bool time_blocks = false;                              ///< what intervals come from; else the molecules
  kinetics::ExitData data;                               ///< of all half-widths
  kinetics::DiffusionProfile profile;
  std::vector<PassageWindow> windows;                    ///< ascending in z
  kinetics::BinnedDiffusionProfile markov;
  std::vector<kinetics::KramersMoyalPoint> kramers_moyal;
  std::vector<kinetics::WindowCheck> checks;             ///< of the windows of the fit
  std::vector<kinetics::HalfWidthProfile> over_half_width;
  std::optional<kinetics::PlateauCheck> plateau;
  std::optional<kinetics::ProfileDifference> halves;     ///< of the time
  std::vector<kinetics::SurvivalCheck> survival_checks;
  kinetics::DiffusionVerdict verdict;
  std::vector<std::string> warnings;
};

/// Throws Error{usage} for windows that do not fit, fewer than two frames, or no window that can be used, saying why.
PassageReport study_passage(PassageCoordinates coordinates, const PassageSettings& settings, const Progress& progress = {});

}  // namespace saltus::runs
