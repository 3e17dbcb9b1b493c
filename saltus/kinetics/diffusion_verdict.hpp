// Whether a diffusion profile may be believed: D over the half-width, spread of exit times and sides of exits against what the fitted F and D predict,
// halves of the data against each other, survival curves against the model's. Markovian motion passes; inertia, cages and slow exchange do not.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saltus/kinetics/diffusion_profile.hpp"

namespace saltus::kinetics {

/// The same data in windows of one half-width.
struct HalfWidthProfile {
  double half_width_ang = 0;
  DiffusionProfile profile;
  double censored = 0;                   ///< share of the starts in its windows that ended with the data
};

/// Of starts, beyond which the times of unfinished ones, taken as exponential, shift D by more than what a plateau is told by.
inline constexpr double most_censored = 0.05;

/// A fit for each half-width that occurs and has a window that can be used, ascending.
std::vector<HalfWidthProfile> profiles_over_half_width(const ExitData& data, const DiffusionProfileSettings& settings = {});

/// Mean over points that two profiles share of ln D_first − ln D_second: +0.1 is 10 % more in the first.
struct ProfileDifference {
  std::size_t points = 0;
  double mean = 0, mean_error = 0;       ///< error of the mean, its points taken as correlated over a window
  double largest = 0, largest_z_ang = 0; ///< by its significance
  double probability = 1;                ///< that the largest is by chance, all points looked at
};

/// Errors are those of independent data: right for halves, too large (so mild) for two half-widths on one set. Points within 0.01 Å are the same.
ProfileDifference compare_profiles(const DiffusionProfile& first, const DiffusionProfile& second);

/// D(L): where it stops falling. Half-widths with more than `most_censored` are not looked at.
struct PlateauCheck {
  std::vector<double> half_width_ang;
  std::vector<ProfileDifference> to_widest;      ///< [half-widths − 1]: each less the widest
  std::optional<double> plateau_from_ang;        ///< smallest half-width from which on all agree with the widest within 2 errors or 3 %; none with one half-width
  bool still_falls = false;                      ///< the widest gives less than the one before, beyond both
};
PlateauCheck check_plateau(std::span<const HalfWidthProfile> profiles);

/// Of one window: what was measured beside what a Markov process in the fitted F and D does at these frames.
struct WindowCheck {
  std::size_t window = 0;
  double centre_ang = 0, half_width_ang = 0;
  /// Var T/<T>², 2/3 for free motion from the centre seen at all times. Few long stays carry it, and data without them do not show that they may come:
  /// the error is at least that of as many exponential times as the error of <T> stands for.
  double cv2 = 0, cv2_error = 0, cv2_model = 0;
  std::optional<MeanWithError> above;
  double above_model = 0;
  double curvature = 0;                          ///< |F''| L²
};

/// Of the windows of the fit. Cost: a chain of some 200 cells for each.
std::vector<WindowCheck> check_windows(const ExitData& data, const DiffusionProfile& profile);

/// Survival of a window in the fitted F and D, at frames 0 … frames.
std::vector<double> model_survival(const ExitData& data, const DiffusionProfile& profile, std::size_t window, std::size_t frames);

/// Kolmogorov–Smirnov distance between measured survival and the model's.
struct SurvivalCheck {
  double centre_ang = 0;
  double distance = 0;
  double probability = 1;  ///< of a distance as large by chance: share of bootstrap samples of units as far from the data themselves
};

/// exits_of_unit  [units, times] counts of exits at 0, 1, … frames after the start;  survival  [times] of the model. Times beyond the last are not compared.
/// Throws Error{usage} when sizes do not fit or nothing was counted.
SurvivalCheck check_survival(std::span<const float> exits_of_unit, std::size_t units, std::span<const double> survival, int draws = 200, std::uint64_t seed = 1);

enum class Usability { usable, biased, undetermined };
const char* name(Usability usability);

struct DiffusionEvidence {
  const DiffusionProfile* profile = nullptr;     ///< needed
  const ExitData* data = nullptr;                ///< needed
  std::span<const WindowCheck> windows = {};
  std::optional<PlateauCheck> plateau = {};
  std::optional<ProfileDifference> halves = {};  ///< first half of the time less the second
  std::span<const SurvivalCheck> survival = {};
  std::optional<double> steps_beyond_half_width = {};  ///< measured share of frames that step farther than L
};

struct DiffusionVerdict {
  Usability usability = Usability::usable;
  std::vector<std::string> reasons;              ///< of the verdict, with numbers; empty when usable
  std::vector<std::string> remarks;              ///< what to know beside it
};

DiffusionVerdict judge_diffusion(const DiffusionEvidence& evidence);

}  // namespace saltus::kinetics
