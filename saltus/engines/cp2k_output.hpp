// What CP2K says while it runs (standard output of an MD or reference-trajectory run): which SCF cycles converged, energies,
// stress tensors, how it ended. Reference: outputs of CP2K 2023.1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/base/vec3.hpp"

namespace saltus {

/// One evaluation of energy and forces.
struct Cp2kEvaluation {
  std::optional<std::int64_t> step;     ///< of MD, where it is said
  bool converged = true;                ///< no SCF cycle of it was said not to be
  int scf_steps = 0;                    ///< of its last cycle
  double energy_hartree = 0;
  std::optional<Mat3> stress_gpa;       ///< as printed: a pressure, positive under compression
  std::optional<double> seconds;        ///< it took
};

/// Reads the output as it grows, in pieces of any size.
class Cp2kOutput {
 public:
  void take(std::string_view bytes);
  /// In the order of the output; the last is complete once the next has begun or the run has ended.
  const std::vector<Cp2kEvaluation>& evaluations() const { return evaluations_; }
  /// What it said as it gave up; empty if it did not.
  const std::string& abort_message() const { return abort_; }
  /// Whether the last start of the program came to its end.
  bool ended() const { return ended_; }
  /// Starts of the program in this output: a continued run adds to it.
  int starts() const { return starts_; }

 private:
  void line(std::string_view text);

  std::string rest_, abort_;
  std::vector<Cp2kEvaluation> evaluations_;
  bool converged_ = true, ended_ = false, in_abort_ = false;
  int scf_steps_ = 0, starts_ = 0, stress_rows_ = 0;
  double stress_unit_gpa_ = 1;
  Mat3 stress_;
  std::size_t first_of_start_ = 0;
};

}  // namespace saltus
