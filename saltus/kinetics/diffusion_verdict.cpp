#include "saltus/kinetics/diffusion_verdict.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kinetics/distributions.hpp"

namespace saltus::kinetics {

namespace {

// What is told as a bias: differences below these are of no consequence beside the intervals, however significant.
constexpr double plateau_tolerance = 0.03;
constexpr double cv2_tolerance = 0.08;
constexpr double side_tolerance = 0.03;
constexpr double distance_tolerance = 0.03;
constexpr double misfit_tolerance = 1.5;

double error_of_ln(const Estimate& e) { return std::log(e.high / e.low) / (2 * normal_95); }

std::string number(double x, const char* format = "%.3g") {
  char text[64];
  std::snprintf(text, sizeof text, format, x);
  return text;
}

std::string percent(double share) { return number(100 * share, "%.1f") + " %"; }

CoordinateWalls walls_of(const ExitData& data) { return {data.wall_low_ang, data.wall_high_ang}; }

FrameExitModel model_of(const ExitData& data, const DiffusionProfile& profile, std::size_t window, std::size_t frames) {
  return frame_exit_model(data.window[window].window, [&](double z) { return profile.fitted.free_energy_kt(z); },
                          [&](double z) { return profile.fitted.diffusion_ang2_fs(z); }, data.frame_interval_fs, walls_of(data), frames);
}

/// Of the starts in the windows of the fit.
double censored_share(const ExitData& data, const DiffusionProfile& profile) {
  double censored = 0, starts = 0;
  for (const WindowFit& w : profile.windows)
    for (const ExitSums& s : data.window[w.window].unit) {
      censored += s.censored;
      starts += s.censored + s.exits;
    }
  return starts > 0 ? censored / starts : 0;
}

}  // namespace

const char* name(Usability usability) {
  switch (usability) {
    case Usability::usable: return "usable";
    case Usability::biased: return "biased";
    case Usability::undetermined: return "undetermined";
  }
  return "undetermined";
}

std::vector<HalfWidthProfile> profiles_over_half_width(const ExitData& data, const DiffusionProfileSettings& settings) {
  std::vector<HalfWidthProfile> result;
  for (const double half : half_widths_ang(data)) {
    try {
      const ExitData own = with_half_width(data, half);
      HalfWidthProfile one{half, fit_diffusion_profile(own, settings), 0};
      one.censored = censored_share(own, one.profile);
      result.push_back(std::move(one));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::usage) throw;
    }
  }
  return result;
}

ProfileDifference compare_profiles(const DiffusionProfile& first, const DiffusionProfile& second) {
  ProfileDifference result;
  double square = 0, most = 0;
  for (const ProfilePoint& a : first.points) {
    const auto b = std::find_if(second.points.begin(), second.points.end(), [&](const ProfilePoint& p) { return std::abs(p.z_ang - a.z_ang) < 0.01; });
    if (b == second.points.end() || a.unresolved || b->unresolved) continue;
    const double difference = std::log(a.diffusion_ang2_fs.value / b->diffusion_ang2_fs.value);
    const double error = std::hypot(error_of_ln(a.diffusion_ang2_fs), error_of_ln(b->diffusion_ang2_fs));
    ++result.points;
    result.mean += difference;
    square += error * error;
    if (error > 0 && std::abs(difference) / error > most) {
      most = std::abs(difference) / error;
      result.largest = difference;
      result.largest_z_ang = a.z_ang;
    }
  }
  if (result.points == 0) return result;
  const auto n = static_cast<double>(result.points);
  // as many independent points as the smoother of the fits has parameters
  const double independent = std::clamp(std::min(first.effective_parameters, second.effective_parameters), 1.0, n);
  result.mean /= n;
  result.mean_error = std::sqrt(square / n / independent);
  result.probability = std::min(1.0, independent * std::erfc(most / std::sqrt(2.0)));
  return result;
}

PlateauCheck check_plateau(std::span<const HalfWidthProfile> profiles) {
  PlateauCheck result;
  std::vector<const HalfWidthProfile*> compared;
  for (const HalfWidthProfile& p : profiles) {
    if (p.censored > most_censored) continue;
    compared.push_back(&p);
    result.half_width_ang.push_back(p.half_width_ang);
  }
  if (compared.size() < 2) return result;
  const auto agrees = [](const ProfileDifference& d) { return d.points > 0 && std::abs(d.mean) <= std::max(2 * d.mean_error, plateau_tolerance); };
  for (std::size_t k = 0; k + 1 < compared.size(); ++k) result.to_widest.push_back(compare_profiles(compared[k]->profile, compared.back()->profile));
  for (std::size_t k = result.to_widest.size(); k-- > 0;) {
    if (!agrees(result.to_widest[k])) break;
    result.plateau_from_ang = compared[k]->half_width_ang;
  }
  const ProfileDifference& last = result.to_widest.back();
  result.still_falls = last.points > 0 && last.mean > 0 && !agrees(last);
  return result;
}

std::vector<WindowCheck> check_windows(const ExitData& data, const DiffusionProfile& profile) {
  std::vector<WindowCheck> result(profile.windows.size());
  parallel_chunks(result.size(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t k = first; k < last; ++k) {
      const std::size_t index = profile.windows[k].window;
      const WindowExits& w = data.window[index];
      WindowCheck& check = result[k];
      check.window = index;
      check.centre_ang = w.window.centre_ang;
      check.half_width_ang = w.window.half_width_ang;
      check.above = share_above(w);
      ExitSums sum;
      for (const ExitSums& s : w.unit) {
        sum.exits += s.exits;
        sum.time += s.time;
        sum.time2 += s.time2;
      }
      const double mean = sum.time / sum.exits, mean2 = sum.time2 / sum.exits;
      check.cv2 = mean2 / (mean * mean) - 1;
      double square = 0;
      for (const ExitSums& s : w.unit) {
        const double q = (s.time2 - mean2 * s.exits) / (mean * mean) - 2 * mean2 / (mean * mean * mean) * (s.time - mean * s.exits);
        square += q * q;
      }
      check.cv2_error = std::sqrt(square) / sum.exits;
      const FrameExitModel model = model_of(data, profile, index, 0);
      check.cv2_model = model.time2_fs2 / (model.time_fs * model.time_fs) - 1;
      check.cv2_error = std::max(check.cv2_error, 2 * std::sqrt(check.cv2_model) * profile.windows[k].time_error_fs / profile.windows[k].time_fs);
      check.above_model = model.above;
      check.curvature = std::abs(free_energy_curvature(data, profile.fitted, w.window).value) * w.window.half_width_ang * w.window.half_width_ang;
    }
  });
  return result;
}

std::vector<double> model_survival(const ExitData& data, const DiffusionProfile& profile, std::size_t window, std::size_t frames) {
  return model_of(data, profile, window, std::max<std::size_t>(frames, 1)).survival;
}

SurvivalCheck check_survival(std::span<const float> exits_of_unit, std::size_t units, std::span<const double> survival, int draws, std::uint64_t seed) {
  const std::size_t times = survival.size();
  if (units < 2 || times == 0 || exits_of_unit.size() % units != 0 || exits_of_unit.size() / units < times || draws < 1) {
    throw Error(ErrorKind::usage, "survival against a model: exits of at least two units at each of the model's times are needed");
  }
  const std::size_t row = exits_of_unit.size() / units;
  const auto curve = [&](const std::vector<double>& weight) {
    std::vector<double> count(row, 0.0);
    for (std::size_t u = 0; u < units; ++u) {
      if (weight[u] == 0) continue;
      for (std::size_t t = 0; t < row; ++t) count[t] += weight[u] * static_cast<double>(exits_of_unit[u * row + t]);
    }
    double total = 0, gone = 0;
    for (const double c : count) total += c;
    std::vector<double> result;
    for (std::size_t t = 0; t < times; ++t) {
      gone += count[t];
      result.push_back(total > 0 ? 1 - gone / total : 1);
    }
    return result;
  };
  const auto distance = [](std::span<const double> a, std::span<const double> b) {
    double most = 0;
    for (std::size_t t = 0; t < a.size(); ++t) most = std::max(most, std::abs(a[t] - b[t]));
    return most;
  };
  if (std::none_of(exits_of_unit.begin(), exits_of_unit.end(), [](float c) { return c > 0; })) throw Error(ErrorKind::usage, "survival against a model: there are no exits");
  const std::vector<double> measured = curve(std::vector<double>(units, 1.0));
  SurvivalCheck result;
  result.distance = distance(measured, survival);
  std::vector<char> beyond(static_cast<std::size_t>(draws), 0);
  parallel_chunks(beyond.size(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t d = first; d < last; ++d) {
      Random random(seed, d + 1);
      std::vector<double> weight(units, 0.0);
      for (std::size_t u = 0; u < units; ++u) weight[random.below(units)] += 1;
      beyond[d] = distance(curve(weight), measured) >= result.distance;
    }
  });
  result.probability = static_cast<double>(std::count(beyond.begin(), beyond.end(), 1) + 1) / (draws + 1);
  return result;
}

DiffusionVerdict judge_diffusion(const DiffusionEvidence& evidence) {
  if (evidence.profile == nullptr || evidence.data == nullptr) throw Error(ErrorKind::usage, "verdict on diffusion: a profile and its exits are needed");
  const DiffusionProfile& profile = *evidence.profile;
  DiffusionVerdict verdict;
  const auto undetermined = [&](const std::string& why) {
    verdict.usability = Usability::undetermined;
    verdict.reasons.push_back(why);
  };
  const auto biased = [&](const std::string& why) {
    if (verdict.usability == Usability::usable) verdict.usability = Usability::biased;
    verdict.reasons.push_back(why);
  };
  const auto n = profile.points.size();
  const auto share = [&](bool ProfilePoint::*flag) {
    return n == 0 ? 0.0 : static_cast<double>(std::count_if(profile.points.begin(), profile.points.end(), [&](const ProfilePoint& p) { return p.*flag; })) / static_cast<double>(n);
  };

  if (n == 0) {
    undetermined("no window has enough exits");
    return verdict;
  }
  if (profile.draws < 2) undetermined("there are no intervals: ask for bootstrap draws");
  std::vector<double> widths;
  for (const ProfilePoint& p : profile.points) widths.push_back(std::log(p.diffusion_ang2_fs.high / p.diffusion_ang2_fs.low) / 2);
  std::nth_element(widths.begin(), widths.begin() + static_cast<std::ptrdiff_t>(n / 2), widths.end());
  if (widths[n / 2] > 0.5) undetermined("the median interval of D is ± " + percent(widths[n / 2]) + ": longer data, or wider windows");
  if (share(&ProfilePoint::unresolved) > 0.5) undetermined(percent(share(&ProfilePoint::unresolved)) + " of the points have D from the penalty alone: more windows, or knots farther apart");
  const double censored = censored_share(*evidence.data, profile);
  if (censored > 0.1) undetermined(percent(censored) + " of the starts end with the data: longer segments, or narrower windows");
  else if (censored > 0.01) verdict.remarks.push_back(percent(censored) + " of the starts end with the data; they count with the time they were followed");
  if (evidence.halves && evidence.halves->points > 0 && evidence.halves->probability < 0.01) {
    undetermined("first and second half differ by " + percent(evidence.halves->largest) + " at " + number(evidence.halves->largest_z_ang) + " Å (probability by chance " +
                 number(evidence.halves->probability, "%.1g") + "): not equilibrated, or exchange is slower than the data");
  }

  if (share(&ProfilePoint::coarse_frames) > 0) {
    biased(percent(share(&ProfilePoint::coarse_frames)) + " of the points have windows narrower than two steps between frames (L < 2σ): finer frames, or wider windows");
  }
  if (evidence.steps_beyond_half_width && *evidence.steps_beyond_half_width > 1e-3) {
    biased("particles step farther than L in " + percent(*evidence.steps_beyond_half_width) + " of the frames: finer frames, or wider windows");
  }
  if (profile.misfit > misfit_tolerance) {
    biased("F and D do not account for times and sides of exits: residuals are " + number(profile.misfit, "%.1f") + " times their errors (intervals are widened by it)");
  }
  if (evidence.plateau && !evidence.plateau->to_widest.empty()) {
    const PlateauCheck& p = *evidence.plateau;
    const auto used = std::min_element(profile.windows.begin(), profile.windows.end(), [&](const WindowFit& a, const WindowFit& b) {
      return evidence.data->window[a.window].window.half_width_ang < evidence.data->window[b.window].window.half_width_ang;
    });
    const double half = evidence.data->window[used->window].window.half_width_ang;
    const std::string widest = number(p.half_width_ang.back()), second = number(p.half_width_ang[p.half_width_ang.size() - 2]);
    const ProfileDifference& last = p.to_widest.back();
    if (p.still_falls) {
      biased("no plateau: D still falls at the widest windows, by " + percent(last.mean) + " from L = " + second + " to " + widest + " Å (error " + percent(last.mean_error) +
             "): D of long distances is smaller than what is given here; wider windows, in a larger cell if need be");
    } else if (last.points > 0) {
      verdict.remarks.push_back("D of L = " + second + " and " + widest + " Å differ by " + percent(std::abs(last.mean)) + " (error " + percent(last.mean_error) + ")");
    }
    for (std::size_t k = 0; k < p.to_widest.size(); ++k) {
      if (std::abs(p.half_width_ang[k] - half) > 1e-6) continue;
      const ProfileDifference& d = p.to_widest[k];
      if (d.points > 0 && std::abs(d.mean) > std::max(2 * d.mean_error, plateau_tolerance)) {
        biased("D of L = " + number(half) + " Å is " + percent(std::abs(d.mean)) + (d.mean > 0 ? " above" : " below") + " that of L = " + widest + " Å (error " + percent(d.mean_error) +
               "): inertia or cages" + (p.plateau_from_ang ? "; take L from " + number(*p.plateau_from_ang) + " Å" : std::string()));
      }
    }
  } else {
    verdict.remarks.push_back("one half-width only, or too short for others: whether D depends on L was not seen");
  }
  if (!evidence.windows.empty()) {
    double deviation = 0, weight = 0;
    std::size_t off = 0, sides = 0, sides_off = 0;
    double worst = 0, worst_z = 0;
    for (const WindowCheck& w : evidence.windows) {
      const double relative = w.cv2 / w.cv2_model - 1, error = w.cv2_error / w.cv2_model;
      const double wt = 1 / (error * error + 1e-6);
      deviation += wt * relative;
      weight += wt;
      off += std::abs(relative) > 2 * error;
      if (!w.above) continue;
      ++sides;
      const double difference = w.above->value - w.above_model;
      if (std::abs(difference) > std::max(3 * w.above->error, side_tolerance)) {
        ++sides_off;
        if (std::abs(difference) > std::abs(worst)) {
          worst = difference;
          worst_z = w.centre_ang;
        }
      }
    }
    deviation /= weight;
    if (std::abs(deviation) > cv2_tolerance && 3 * off > evidence.windows.size()) {
      biased("the spread of exit times, Var T/T², is " + percent(std::abs(deviation)) + (deviation > 0 ? " above" : " below") + " that of a Markov process (" + std::to_string(off) + " of " +
             std::to_string(evidence.windows.size()) + " windows by more than two errors): memory within the window");
    }
    if (sides_off > 1 && 20 * sides_off > sides) {
      biased("sides of exits disagree with F in " + std::to_string(sides_off) + " of " + std::to_string(sides) + " windows, at " + number(worst_z) + " Å by " + number(worst, "%+.3f") +
             ": F is not that of the motion, or it is not Markovian");
    }
  }
  std::size_t far = 0;
  double farthest = 0;
  for (const SurvivalCheck& s : evidence.survival) {
    if (s.distance > distance_tolerance && s.probability < 0.01) {
      ++far;
      farthest = std::max(farthest, s.distance);
    }
  }
  if (far > 0 && 10 * far > evidence.survival.size()) {
    biased("survival curves differ from the model's in " + std::to_string(far) + " of " + std::to_string(evidence.survival.size()) + " windows, by up to " + number(farthest, "%.3f"));
  }
  if (share(&ProfilePoint::curved) > 0) {
    verdict.remarks.push_back("F bends within " + percent(share(&ProfilePoint::curved)) + " of the windows (|F''| L² > 0.2): formulas for one window are biased there, this fit is not");
  }
  if (share(&ProfilePoint::one_sided) > 0) verdict.remarks.push_back(percent(share(&ProfilePoint::one_sided)) + " of the windows are left through one side only");
  if (!profile.omitted.empty()) verdict.remarks.push_back(std::to_string(profile.omitted.size()) + " windows were left out; the first: " + profile.omitted.front().reason);
  return verdict;
}

}  // namespace saltus::kinetics
