// saltus analyze dipole
#include <algorithm>
#include <cmath>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/files.hpp"
#include "saltus/cli/analysis_kinds.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/wannier_options.hpp"
#include "saltus/runs/dipole_report.hpp"

namespace saltus::cli {

namespace {

using Json = nlohmann::ordered_json;

struct OwnOptions : WannierOptions {
  runs::DipoleSettings settings;
  double longest_lag_fs = 0, temperature_kelvin = 0;
  std::string records;
};

// One line per frame.
std::string records_text(const runs::DipoleReport& report) {
  std::string text = "step,bead,time_fs,dipole_x_debye,dipole_y_debye,dipole_z_debye\n";
  for (const runs::DipoleRecord& r : report.records)
    text += fmt::format("{},{},{},{},{},{}\n", r.step, r.bead ? fmt::format("{}", *r.bead) : "", r.time_fs ? fmt::format("{}", *r.time_fs) : "", r.dipole_debye.x, r.dipole_debye.y, r.dipole_debye.z);
  return text;
}

/// Up to where the spectrum has fallen to a thousandth of its maximum, and a quarter more.
double end_of(const runs::InfraredSpectrum& spectrum) {
  double largest = 0, end = 0;
  for (const Estimate& e : spectrum.density_cm) largest = std::max(largest, e.value);
  for (std::size_t k = 0; k < spectrum.density_cm.size(); ++k)
    if (spectrum.density_cm[k].value > 1e-3 * largest) end = spectrum.frequency_per_cm[k];
  return std::min(1.25 * end, spectrum.frequency_per_cm.back());
}

void add_spectrum(const runs::InfraredSpectrum& spectrum, AnalysisOutput& output) {
  const bool absolute = !spectrum.absorption_per_cm.empty();
  std::vector<Column> columns{{"frequency_per_cm", spectrum.frequency_per_cm}};
  add_columns(columns, "density_cm", spectrum.density_cm);
  if (absolute) add_columns(columns, "absorption_per_cm", spectrum.absorption_per_cm);
  output.document["spectrum"] = {{"spacing_fs", spectrum.spacing_fs}, {"blocks", spectrum.blocks}, {"mean_square_rate_e2_ang2_fs2", value_low_high(spectrum.mean_square_e2_ang2_fs2)}, {"infrared", rows_of(columns)}};
  output.text += fmt::format("\n{:>14} {:>19} {:>22}{}\n", "frequency, /cm", "density, 1e-3 cm", "95 %", absolute ? fmt::format(" {:>13}", "α n, 1/cm") : "");
  for (std::size_t k = 0; k < spectrum.frequency_per_cm.size(); ++k) {
    const Estimate& e = spectrum.density_cm[k];
    output.text += fmt::format("{:>14.2f} {:>19.5f} {:>22}{}\n", spectrum.frequency_per_cm[k], 1e3 * e.value, interval({1e3 * e.value, 1e3 * e.low, 1e3 * e.high}, 5),
                               absolute ? fmt::format(" {:>12.1f}", spectrum.absorption_per_cm[k].value) : "");
  }
  output.page.charts.push_back({"infrared", "Infrared spectrum, ω² times the spectrum of the dipole, integral 1, with its 95 % band.", "frequency, 1/cm", "density, cm", false,
                                {{"all atoms", spectrum.frequency_per_cm, spectrum.density_cm}}, std::nullopt, std::pair{0.0, end_of(spectrum)}});
  if (absolute)
    output.page.charts.push_back({"absorption", "Absorption coefficient times refractive index, with its 95 % band.", "frequency, 1/cm", "α n, 1/cm", false,
                                  {{"all atoms", spectrum.frequency_per_cm, spectrum.absorption_per_cm}}, std::nullopt, std::pair{0.0, end_of(spectrum)}});
  for (Column& column : columns) output.table.push_back(std::move(column));
}

AnalysisOutput output_of(const runs::DipoleReport& report, const OwnOptions& own) {
  AnalysisOutput output;
  const std::string subject = subject_of(own, report.formula, report.frames, report.steps, report.beads);
  output.document = {{"input", own.centres}, {"formula", report.formula}, {"charge", report.charge}, {"frames", report.frames}, {"steps", report.steps}, {"beads", report.beads},
                     {"blocks", report.blocks}, {"periodic", report.periodic}, {"verdict", report.verdict}, {"molecules", Json::array()}};
  output.page = {"dipole", "Dipoles from Wannier centres", subject, report.verdict, {}, {}, report.warnings};
  output.text = fmt::format("{}\n\n{:<16} {:>9} {:>12} {:>22} {:>8}\n", subject, "dipole of", "per frame", "mean, D", "95 %", "SD, D");
  runs::Chart magnitudes{"dipoles", "Magnitudes of the dipoles of molecules, with 95 % bands.", "dipole, D", "density, 1/D", false, {}, std::nullopt, std::nullopt};
  for (const runs::MoleculeGroup& group : report.molecules) {
    output.text += fmt::format("{:<16} {:>9.4g} {:>12.4f} {:>22} {:>8.4f}\n", group.name, group.per_frame, group.dipole_debye.value, interval(group.dipole_debye, 4), group.deviation_debye);
    std::vector<Column> columns{{"dipole_debye", group.magnitude_debye}};
    add_columns(columns, "density_per_debye", group.density_per_debye);
    output.document["molecules"].push_back(
        {{"name", group.name}, {"per_frame", group.per_frame}, {"dipole_debye", value_low_high(group.dipole_debye)}, {"deviation_debye", group.deviation_debye}, {"distribution", rows_of(columns)}});
    magnitudes.curves.push_back({group.name, group.magnitude_debye, group.density_per_debye});
    for (Column& column : columns) {
      column.name = column_of(group.name, column.name);
      output.table.push_back(std::move(column));
    }
    output.page.estimates.push_back({"dipole: " + group.name, group.dipole_debye, report.blocks > 0, "debye", ""});
  }
  if (!report.periodic) {
    output.text += fmt::format("{:<16} {:>9} {:>12.4f} {:>22}\n", "all atoms", 1, report.total_debye.value, interval(report.total_debye, 4));
    output.document["total_debye"] = value_low_high(report.total_debye);
    output.page.estimates.push_back({"dipole of all atoms", report.total_debye, report.blocks > 0, "debye", ""});
  }
  if (!magnitudes.curves.empty()) output.page.charts.push_back(std::move(magnitudes));
  if (report.spectrum) add_spectrum(*report.spectrum, output);
  output.text += "\n";
  for (const std::string& sentence : report.verdict) output.text += sentence + "\n";
  return output;
}

}  // namespace

std::function<AnalysisOutput()> set_up_dipole(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options) {
  const auto own = std::make_shared<OwnOptions>();
  add_wannier_options(kind, *own);
  kind.add_option("--bin-debye", own->settings.bin_debye, "bin of magnitudes, D (default 0.1)")->check(CLI::PositiveNumber);
  kind.add_option("--longest-lag-fs", own->longest_lag_fs, "of the correlation behind the spectrum, fs (default 1000)")->check(CLI::PositiveNumber);
  kind.add_option("--temperature-kelvin", own->temperature_kelvin, "for the absorption coefficient, K (default: none)")->check(CLI::PositiveNumber);
  kind.add_option("--records", own->records, "CSV file of the dipole of all atoms at each step and bead")->type_name("FILE");
  kind.footer(
      "Charges: valence electrons at the atoms, -2e at the centres; of ions about their centre of mass. The spectrum needs\n"
      "times and a dynamics: there is none of beads.\nExample:\n"
      "  saltus analyze dipole examples/short_hydrogen_bond/data/centres.xyz.gz --charge 1 \\\n"
      "    --longest-lag-fs 100 --trajectory examples/short_hydrogen_bond/data/zundel_300K.extxyz");
  return [own, options] {
    const runs::WannierInput input = input_of(*own, {options->csv, options->page, own->records});
    own->settings.blocks = static_cast<std::size_t>(own->blocks);
    own->settings.largest_excess_ang = own->largest_excess_ang;
    if (own->longest_lag_fs > 0) own->settings.longest_lag_fs = own->longest_lag_fs;
    if (own->temperature_kelvin > 0) own->settings.temperature_kelvin = own->temperature_kelvin;
    const runs::DipoleReport report = runs::analyze_dipole(input, own->settings, progress_line());
    if (!own->records.empty()) write_file_atomically(own->records, records_text(report));
    return output_of(report, *own);
  };
}

}  // namespace saltus::cli
