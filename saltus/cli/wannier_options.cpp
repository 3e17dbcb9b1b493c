#include "saltus/cli/wannier_options.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/cli/trajectory_options.hpp"

namespace saltus::cli {

void add_wannier_options(CLI::App& kind, WannierOptions& options) {
  kind.add_option("CENTRES", options.centres, "file of atoms and centres (CP2K, IONS+CENTERS), or tagged; of clients: one each")->type_name("FILE")->required();
  kind.add_option("--trajectory", options.trajectory, "of the same run: cells, times and beads of the frames of equal positions")->type_name("FILE");
  kind.add_option("--cell-ang", options.cell_ang, "cell, Å: 3 lengths or 9 numbers, vectors in rows (default: of the trajectory)")->delimiter(',');
  kind.add_flag("--isolated", options.isolated, "not periodic; --cell-ang is then the box that CP2K wrapped into, if it did");
  kind.add_option("--charge", options.input.charge, "of all atoms, e (default 0)");
  kind.add_option("--valence", options.valence, "electrons outside the core, such as Mg=2 (default: as usual for GTH)")->delimiter(',');
  kind.add_option("--md-step-fs", options.input.read.time_step_fs, "of one MD step, fs, for the times of labelled steps")->check(CLI::PositiveNumber);
  kind.add_option("--tolerance-ang", options.input.tolerance_ang, "of equal positions, Å, beside rounding (default 1e-6)")->check(CLI::PositiveNumber);
  kind.add_flag("--leave-out-unmatched", options.input.leave_out_unmatched, "go on without centres that have no frame");
  kind.add_option("--bond-excess-ang", options.largest_excess_ang, "of a bond centre, d(A,X) + d(X,B) - d(A,B), Å (default 0.3)")->check(CLI::PositiveNumber);
  kind.add_option("--blocks", options.blocks, "time blocks behind the 95 % intervals (default 10)")->check(CLI::Range(2, 1000));
}

runs::WannierInput input_of(const WannierOptions& options, const std::vector<std::string>& written) {
  runs::WannierInput input = options.input;
  input.centres.assign(options.centres.begin(), options.centres.end());
  input.spreads.assign(options.spreads.begin(), options.spreads.end());
  input.trajectory = options.trajectory;
  for (const auto* files : {&options.centres, &options.spreads})
    for (const std::string& file : *files)
      for (const std::string& out : written)
        if (!out.empty()) refuse_overwriting(file, out);
  for (const std::string& out : written)
    if (!out.empty() && !options.trajectory.empty()) refuse_overwriting(options.trajectory, out);
  input.isolated = options.isolated;
  if (options.isolated && options.trajectory.empty()) input.cell = Cell();
  if (const auto& numbers = options.cell_ang; !numbers.empty()) {
    if (numbers.size() != 3 && numbers.size() != 9) throw Error(ErrorKind::usage, fmt::format("--cell-ang: {} numbers, expected 3 lengths or 9 components", numbers.size()));
    Mat3 rows;
    for (std::size_t k = 0; k < numbers.size(); ++k) {
      const std::size_t row = numbers.size() == 3 ? k : k / 3;
      rows[static_cast<int>(row)][static_cast<int>(numbers.size() == 3 ? k : k % 3)] = numbers[k];
    }
    try {
      input.cell = Cell(rows);
    } catch (const Error& error) {
      throw Error(ErrorKind::usage, std::string("--cell-ang: ") + error.what());
    }
  }
  for (const std::string& text : options.valence) {
    const std::size_t at = text.find('=');
    const auto electrons = at == std::string::npos ? std::nullopt : parse_int(text.substr(at + 1));
    if (!electrons || *electrons < 1 || *electrons > 118) throw Error(ErrorKind::usage, fmt::format("--valence: '{}' is not like Mg=2", text));
    input.valence_electrons[element_named(text.substr(0, at))] = static_cast<int>(*electrons);
  }
  return input;
}

std::string subject_of(const WannierOptions& options, const std::string& formula, std::size_t frames, std::size_t steps, std::size_t beads) {
  const std::string files = options.centres.size() == 1 ? options.centres[0] : fmt::format("{} and {} more", options.centres[0], options.centres.size() - 1);
  return fmt::format("{}: {}, {} frames{}", files, formula, frames, beads > 0 ? fmt::format(" of {} beads, {} steps", beads, steps) : "");
}

std::string column_of(std::string group, const std::string& column) {
  std::replace(group.begin(), group.end(), ' ', '_');
  for (const std::string end : {"low_", "high_"})
    if (column.starts_with(end)) return end + group + "_" + column.substr(end.size());
  return group + "_" + column;
}

}  // namespace saltus::cli
