// Errors of a potential against reference labels, with energies raw, mean-aligned and composition-aligned side by side:
// total energies of two methods differ by constants per element, which must not pass for an error or an improvement.
// Stress = −virial / volume.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "saltus/atoms/frame.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

struct ForceErrors {
  std::size_t components = 0;
  double rmse_ev_ang = 0;
  double mae_ev_ang = 0;
  double reference_rms_ev_ang = 0;   ///< root mean square of the reference force components
  double cosine = 0;                 ///< mean over atoms of the cosine between both forces; atoms without force are left out
  double relative() const { return reference_rms_ev_ang > 0 ? rmse_ev_ang / reference_rms_ev_ang : 0; }
};

/// Of the six independent components.
struct StressErrors {
  std::size_t frames = 0;
  double rmse_ev_ang3 = 0;
  double mae_ev_ang3 = 0;
  double reference_rms_ev_ang3 = 0;
};

struct EnergyErrors {
  double rmse_ev_per_atom = 0;
  double mae_ev_per_atom = 0;
};

struct LabelErrors {
  std::size_t frames = 0;
  std::size_t energies = 0;          ///< frames with an energy
  EnergyErrors raw;
  EnergyErrors mean_aligned;         ///< after subtracting the mean error per atom of these frames
  EnergyErrors composition_aligned;  ///< after the best shift per element (minimum norm where compositions are degenerate)
  ForceErrors forces;
  std::map<std::uint8_t, ForceErrors> forces_of_element;
  StressErrors stress;
};

/// One point of a parity plot.
struct ParityPoint {
  double reference = 0, predicted = 0;
};

/// Collects labelled frames and what a potential says of them; memory: two numbers a frame and the thinned parity points.
class LabelErrorCollector {
 public:
  /// `parity_stride`: one in so many force components is kept for the parity plot (0 = none).
  explicit LabelErrorCollector(std::size_t parity_stride = 0) : parity_stride_(parity_stride) {}
  /// Frames without energy, forces or virial count for the others only; the virial where both have one and the cell a volume.
  void add(const Frame& frame, const Evaluation& evaluation);
  LabelErrors finish() const;
  const std::vector<ParityPoint>& force_parity() const { return force_parity_; }   ///< eV/Å
  std::vector<ParityPoint> energy_parity() const;                                  ///< eV per atom

 private:
  struct FrameEnergy {
    double reference_ev, predicted_ev;
    std::map<std::uint8_t, int> count;
    std::size_t atoms;
  };
  struct Sums {
    std::size_t components = 0, cosines = 0;
    double square = 0, absolute = 0, reference_square = 0, cosine = 0;
    void add(double reference, double error);
  };
  std::size_t parity_stride_, seen_ = 0, frames_ = 0;
  std::vector<FrameEnergy> energies_;
  std::map<std::uint8_t, Sums> forces_;
  Sums stress_;
  std::vector<ParityPoint> force_parity_;
};

/// Least squares of energies over composition with a ridge: minimises Σ_k (E_k − Σ_z n_kz e_z)² + ridge·t Σ_z (e_z − ē)²,
/// ē the mean energy per atom, t the mean diagonal of the normal matrix; degenerate compositions share alike.
/// counts [frames][elements], ridge > 0.
std::vector<double> reference_energies_ev(const std::vector<std::vector<double>>& counts, const std::vector<double>& energy_ev,
                                          double ridge);

}  // namespace saltus
