#include "saltus/runs/temperature_report.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/distributions.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/kinetics/linear_trend.hpp"

namespace saltus::runs {

namespace {

using units::boltzmann_ev_per_kelvin;
using units::fs_per_ps;
using Quantity = std::function<double(const Motion&)>;

constexpr const char* axis_name[] = {"x", "y", "z"};

double kelvin(double kinetic_ev, double degrees_of_freedom) {
  return 2 * kinetic_ev / (degrees_of_freedom * boltzmann_ev_per_kelvin);
}

double element_degrees(const MotionSeries& series, const ElementGroup& group, double degrees_of_freedom) {
  const double fixed = 3 * static_cast<double>(series.atoms) - degrees_of_freedom;
  return 3 * static_cast<double>(group.atoms) - fixed * group.mass_amu / series.mass_amu;
}

bool holds_zero(const Estimate& e) { return e.low <= 0 && e.high >= 0; }

std::string interval(const Estimate& e) { return fmt::format("95 %: {:.3g} … {:.3g}", e.low, e.high); }

/// Makes estimates and sentences of one series.
class Judge {
 public:
  Judge(const MotionSeries& series, TemperatureReport& report) : series_(series), report_(report) {
    for (const Motion& block : series.blocks) block_time_ps_.push_back(block.time_fs / fs_per_ps);
  }

  /// The mean of a quantity.
  std::optional<Estimate> mean(const std::string& name, const std::string& unit, const Quantity& quantity,
                               const std::string& note = {}) {
    NamedEstimate named{name, std::nullopt, true, unit, note};
    const double value = quantity(series_.mean);
    std::vector<double> blocks;
    for (const Motion& block : series_.blocks) blocks.push_back(quantity(block));
    std::optional<Estimate> estimate;
    if (blocks.size() >= 2) {
      estimate = kinetics::jackknife_estimate(value, kinetics::leave_one_out_means(blocks));
      named.estimate = estimate;
    } else {
      named.estimate = Estimate{value, value, value};
      named.has_interval = false;
      named.note = "too few frames for an interval";
    }
    report_.estimates.push_back(named);
    return estimate;
  }

  /// The slope of a quantity, per ps.
  std::optional<Estimate> drift(const std::string& name, const std::string& unit, const Quantity& quantity,
                                const std::string& note = {}) {
    NamedEstimate named{name, std::nullopt, true, unit, note};
    if (series_.blocks.size() >= 3) {
      std::vector<double> values;
      for (const Motion& block : series_.blocks) values.push_back(quantity(block));
      named.estimate = kinetics::slope_estimate(block_time_ps_, values);
    } else {
      named.note = "undetermined: a slope needs three blocks or more";
    }
    report_.estimates.push_back(named);
    return named.estimate;
  }

 private:
  const MotionSeries& series_;
  TemperatureReport& report_;
  std::vector<double> block_time_ps_;
};

void judge_temperature(const MotionSeries& series, Judge& judge, TemperatureReport& report) {
  const double f = report.degrees_of_freedom;
  const double length_ps = report.length_fs / fs_per_ps;
  const Quantity whole = [=](const Motion& m) { return kelvin(m.kinetic_ev, f); };
  const auto temperature = judge.mean("temperature", "kelvin", whole);
  const std::string degrees =
      fmt::format("{:g} degrees of freedom ({})", f,
                  report.default_degrees_of_freedom ? "3N − 3: the total momentum is taken as fixed" : "as given");
  if (!temperature) {
    report.verdict.push_back(fmt::format(
        "The kinetic temperature is {:.1f} K, with {}; too few frames for an interval.", whole(series.mean), degrees));
    return;
  }
  const double error =
      (temperature->high - temperature->low) / (2 * kinetics::student_t(0.95, static_cast<int>(report.blocks) - 1));
  const double deviation = kelvin(std::sqrt(series.kinetic_variance_ev2), f);
  if (error > 0)
    report.independent_values = std::min(deviation * deviation / (error * error), static_cast<double>(report.frames));
  report.verdict.push_back(fmt::format(
      "The kinetic temperature is {:.1f} K (95 %: {:.1f} … {:.1f}), mean of {} frames over {:.4g} ps, with {}. "
      "Its interval comes from {} time blocks, which scatter as if the frames held {:.0f} independent values.",
      temperature->value, temperature->low, temperature->high, report.frames, length_ps, degrees, report.blocks,
      report.independent_values));
  if (report.independent_values < 3 * static_cast<double>(report.blocks))
    report.warnings.push_back(
        fmt::format("the temperature holds about {:.0f} independent values in {} blocks: neighbouring blocks may be "
                    "correlated and intervals too narrow; fewer blocks or a longer trajectory are needed",
                    report.independent_values, report.blocks));

  std::string differing;
  for (std::size_t k = 0; k < series.elements.size(); ++k) {
    const ElementGroup& group = series.elements[k];
    const double degrees_of_element = element_degrees(series, group, f);
    const Quantity of_element = [=](const Motion& m) { return kelvin(m.element_kinetic_ev[k], degrees_of_element); };
    judge.mean("temperature_" + report.elements[k], "kelvin", of_element,
               fmt::format("{} atoms, {:.6g} degrees of freedom", group.atoms, degrees_of_element));
    if (series.elements.size() < 2) continue;
    std::vector<double> difference;
    for (const Motion& block : series.blocks) difference.push_back(of_element(block) - whole(block));
    const Estimate d = kinetics::jackknife_estimate(of_element(series.mean) - whole(series.mean),
                                                    kinetics::leave_one_out_means(difference));
    if (!holds_zero(d))
      differing += fmt::format("{}{} is {:.3g} K {} than the whole ({})", differing.empty() ? "" : "; ",
                               report.elements[k], std::abs(d.value), d.value > 0 ? "hotter" : "colder", interval(d));
  }
  if (series.elements.size() > 1)
    report.verdict.push_back(differing.empty()
                                 ? "The temperatures of the elements are not told apart from that of the whole."
                                 : "The kinetic energy is not shared evenly: " + differing + ".");

  const auto drift = judge.drift("temperature_drift", "kelvin_per_ps", whole);
  if (!drift) return;
  report.verdict.push_back(holds_zero(*drift) ? fmt::format("No drift of the temperature is told from zero: {:.3g} "
                                                            "K/ps ({}), that is at most {:.3g} K over the trajectory.",
                                                            drift->value, interval(*drift),
                                                            std::max(-drift->low, drift->high) * length_ps)
                                              : fmt::format("The temperature {}: {:.3g} K/ps ({}), {:.3g} K over the "
                                                            "trajectory; its mean is not that of a steady state.",
                                                            drift->value > 0 ? "rises" : "falls", drift->value,
                                                            interval(*drift), std::abs(drift->value) * length_ps));
}

void judge_energy(const MotionSeries& series, Judge& judge, TemperatureReport& report) {
  if (!series.has_energy) {
    const std::string why =
        series.frames_with_energy == 0
            ? "no frame carries a potential energy"
            : fmt::format("only {} of {} frames carry a potential energy", series.frames_with_energy, series.frames);
    report.estimates.push_back({"potential_energy_drift", std::nullopt, true, "mev_per_atom_ps", why});
    report.estimates.push_back({"total_energy_drift", std::nullopt, true, "mev_per_atom_ps", why});
    report.verdict.push_back("The drift of the energy is not known: " + why + ".");
    return;
  }
  const double scale = units::mev_per_ev / static_cast<double>(series.atoms), start = series.mean.potential_ev;
  const Quantity potential = [=](const Motion& m) { return scale * (m.potential_ev - start); };
  const Quantity total = [=](const Motion& m) { return scale * (m.potential_ev - start + m.kinetic_ev); };
  const auto judge_one = [&](const char* name, const char* word, const Quantity& quantity, const char* note) {
    const auto drift = judge.drift(name, "mev_per_atom_ps", quantity, note);
    if (!drift) return;
    const double change = std::abs(drift->value) * report.length_fs / fs_per_ps;
    report.verdict.push_back(
        holds_zero(*drift)
            ? fmt::format("No drift of the {} is told from zero: {:.3g} meV/atom/ps ({}).", word, drift->value,
                          interval(*drift))
            : fmt::format("The {} {}: {:.3g} meV/atom/ps ({}), {:.3g} meV/atom over the trajectory.", word,
                          drift->value > 0 ? "rises" : "falls", drift->value, interval(*drift), change));
  };
  judge_one("potential_energy_drift", "potential energy", potential, "");
  judge_one("total_energy_drift", "total energy (potential and kinetic)", total,
            "a thermostat changes it; without one it is conserved");
}

void judge_centre(const MotionSeries& series, Judge& judge, TemperatureReport& report) {
  const double kelvin_per_ev = 2 / (3 * boltzmann_ev_per_kelvin);
  judge.mean(
      "centre_of_mass_temperature", "kelvin", [=](const Motion& m) { return m.centre_kinetic_ev * kelvin_per_ev; },
      "kinetic energy of the centre of mass, over three degrees of freedom");
  for (int axis = 0; axis < 3; ++axis)
    judge.mean(
        std::string("centre_of_mass_velocity_") + axis_name[axis], "ang_per_ps",
        [=](const Motion& m) { return fs_per_ps * m.centre_velocity_ang_fs[axis]; }, "total momentum over total mass");
  const double share = series.mean.kinetic_ev > 0
                           ? series.mean.centre_kinetic_ev * report.degrees_of_freedom / (3 * series.mean.kinetic_ev)
                           : 0;
  const std::string held =
      fmt::format("The centre of mass holds {:.2g} times the kinetic energy that equipartition would give it", share);
  if (share < 0.01) {
    report.verdict.push_back(held + ": the total momentum is as good as zero.");
  } else {
    report.verdict.push_back(held + ": the total momentum is not zero.");
    if (report.default_degrees_of_freedom)
      report.warnings.push_back(fmt::format(
          "the total momentum is not zero, so that 3N − 3 degrees of freedom overestimate the temperature; where a "
          "thermostat acts on it, give --degrees-of-freedom {}",
          3 * series.atoms));
  }
}

/// Drift of the centre of mass, or of the framework.
void judge_displacement(const MotionSeries& series, Judge& judge, TemperatureReport& report, const std::string& name,
                        const std::string& word, Vec3 Motion::*displacement) {
  const char* undetermined = "undetermined: steps between frames are too long for their periodic image to be known";
  if (!series.has_displacements) {
    for (const char* axis : axis_name)
      report.estimates.push_back({name + "_drift_" + axis, std::nullopt, true, "ang_per_ps", undetermined});
    report.verdict.push_back(fmt::format(
        "The drift of the {} is not known: steps between frames are too long for their periodic image to be known.",
        word));
    return;
  }
  std::string moving;
  bool known = true;
  for (int axis = 0; axis < 3; ++axis) {
    const auto drift = judge.drift(name + "_drift_" + axis_name[axis], "ang_per_ps",
                                   [=](const Motion& m) { return (m.*displacement)[axis]; });
    known = known && drift.has_value();
    if (drift && !holds_zero(*drift))
      moving += fmt::format("{}{} at {:.3g} Å/ps ({})", moving.empty() ? "" : ", ", axis_name[axis], drift->value,
                            interval(*drift));
  }
  const std::string net =
      fmt::format("The {} ends {:.3g} Å from where it began", word, norm(series.last.*displacement));
  report.verdict.push_back(net + (!known           ? "."
                                  : moving.empty() ? "; no steady drift is told from zero."
                                                   : "; it drifts along " + moving + "."));
}

TemperaturePoint point_of(const MotionSeries& series, const TemperatureReport& report, const Motion& m) {
  const double none = std::numeric_limits<double>::quiet_NaN(), f = report.degrees_of_freedom;
  TemperaturePoint point;
  point.time_fs = series.first_time_fs + m.time_fs;
  point.temperature_kelvin = kelvin(m.kinetic_ev, f);
  for (std::size_t k = 0; k < series.elements.size(); ++k)
    point.element_kelvin.push_back(kelvin(m.element_kinetic_ev[k], element_degrees(series, series.elements[k], f)));
  if (series.has_energy) {
    point.potential_ev = m.potential_ev;
    point.total_ev = m.potential_ev + m.kinetic_ev;
  }
  point.centre_ang = series.has_displacements ? m.centre_ang : Vec3{none, none, none};
  point.framework_ang = series.has_displacements ? m.framework_ang : Vec3{none, none, none};
  return point;
}

}  // namespace

TemperatureReport analyze_temperature(const TrajectoryInput& input, const TemperatureSettings& settings,
                                      const Progress& progress) {
  TrajectorySource source(input, true, progress);
  MotionSeriesAnalysis analysis({settings.framework});
  Analysis* const analyses[] = {&analysis};
  TemperatureReport report;
  read_all(source, input, analyses, report.warnings);
  const MotionSeries series = analysis.finish(settings.blocks);

  report.formula = series.formula;
  report.frames = series.frames;
  report.blocks = series.blocks.size();
  report.length_fs = series.last_time_fs - series.first_time_fs;
  if (report.blocks > 0)
    report.block_fs =
        report.length_fs * static_cast<double>(series.frames_per_block) / static_cast<double>(series.frames - 1);
  const double most = 3 * static_cast<double>(series.atoms);
  report.default_degrees_of_freedom = !settings.degrees_of_freedom;
  report.degrees_of_freedom = settings.degrees_of_freedom.value_or(most - 3);
  if (!(report.degrees_of_freedom > 0) || report.degrees_of_freedom > most)
    throw Error(ErrorKind::usage,
                fmt::format("{:g} degrees of freedom cannot be meant for {} atoms: more than 0, at most {:g}",
                            report.degrees_of_freedom, series.atoms, most));
  report.has_energy = series.has_energy;
  report.has_displacements = series.has_displacements;
  report.has_framework = settings.framework.has_value();
  for (const ElementGroup& group : series.elements) {
    report.elements.emplace_back(symbol_of(group.atomic_number));
    if (!(element_degrees(series, group, report.degrees_of_freedom) > 0))
      throw Error(ErrorKind::usage, fmt::format("{:g} degrees of freedom leave {} none", report.degrees_of_freedom,
                                                report.elements.back()));
  }

  Judge judge(series, report);
  judge_temperature(series, judge, report);
  judge_energy(series, judge, report);
  judge_centre(series, judge, report);
  judge_displacement(series, judge, report, "centre_of_mass", "centre of mass", &Motion::centre_ang);
  if (settings.framework)
    judge_displacement(series, judge, report, "framework", fmt::format("{} framework", symbol_of(*settings.framework)),
                       &Motion::framework_ang);
  report.frames_per_point = series.frames_per_point;
  for (const Motion& point : series.points) report.series.push_back(point_of(series, report, point));
  return report;
}

}  // namespace saltus::runs
