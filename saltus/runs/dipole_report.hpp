// Dipoles of molecules and of the whole from Wannier centres, and the infrared spectrum of the whole, with intervals.
//   spectrum   I(ν) ∝ ω² ∫ C_MM(t) cos ωt dt = ∫ <Ṁ(0)·Ṁ(t)> cos ωt dt, normalised to 1; Ṁ from differences of neighbouring frames, whose
//              response (sin x / x)², x = ωΔt/2, is divided out
//   absorption α(ω) n(ω) = 1/(6 ε0 c V kB T) ∫_{−∞}^{∞} <Ṁ(0)·Ṁ(t)> cos ωt dt of a periodic cell: classical correlation under the harmonic
//              quantum correction, which this form contains. Reference: Ramírez et al., J. Chem. Phys. 121, 3973 (2004).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/runs/wannier_series.hpp"

namespace saltus::runs {

struct DipoleSettings {
  std::size_t blocks = 10;                     ///< time blocks behind the intervals
  double largest_excess_ang = 0.3;             ///< of a centre that is a bond
  double bin_debye = 0.1;                      ///< of magnitudes
  std::optional<double> longest_lag_fs;        ///< of the correlation behind the spectrum; none: 1000, and no spectrum where none can be
  std::optional<double> temperature_kelvin;    ///< for the absorption coefficient
};

/// Molecules of one composition and charge. A dipole of charged ones refers to their centre of mass.
struct MoleculeGroup {
  std::string name;                        ///< "H2O", "H3O+"
  double per_frame = 0;
  Estimate dipole_debye;                   ///< mean magnitude
  double deviation_debye = 0;
  std::vector<double> magnitude_debye;     ///< [bins up to the largest] middle
  std::vector<Estimate> density_per_debye;
};

struct DipoleRecord {
  std::optional<std::int32_t> bead;
  std::int64_t step = 0;
  std::optional<double> time_fs;
  Vec3 dipole_debye;                       ///< of all atoms about their centre of mass, continuous in time for each bead
};

struct InfraredSpectrum {
  double spacing_fs = 0;
  std::size_t blocks = 0;
  std::vector<double> frequency_per_cm;
  std::vector<Estimate> density_cm;             ///< integral over frequency 1
  Estimate mean_square_e2_ang2_fs2;             ///< <Ṁ²>
  std::vector<Estimate> absorption_per_cm;      ///< α n; empty without a temperature or a periodic cell
};

struct DipoleReport {
  std::string formula;
  std::size_t frames = 0, steps = 0, beads = 0, blocks = 0;
  int charge = 0;
  bool periodic = false;                   ///< the total dipole is known up to e times lattice vectors
  std::vector<MoleculeGroup> molecules;
  Estimate total_debye;                    ///< mean magnitude; its value means nothing where periodic
  std::vector<DipoleRecord> records;       ///< in order of step, bead
  std::optional<InfraredSpectrum> spectrum;
  std::vector<std::string> verdict, warnings;
};

/// Throws what WannierSeries throws; Error{usage} when a longest lag is given and there can be no spectrum: no times, or beads, whose thermostat
/// leaves no dynamics.
DipoleReport analyze_dipole(const WannierInput& input, const DipoleSettings& settings, const Progress& progress = {});

}  // namespace saltus::runs
