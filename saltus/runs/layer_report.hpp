// What molecules do in layers of their distance from a surface, from the same reading of the trajectory as first exits: density, lateral diffusion and survival,
// relaxation of the directions of their bonds to hydrogen, lifetimes of their hydrogen bonds. Estimators: analysis/layers.hpp.
//   lateral diffusion   D∥ = (<Δr∥²(t₂)> − <Δr∥²(t₁)>) / 4(t₂ − t₁) of those that stayed. t₂ is the longest lag up to 10 ps after which 5 % are still there, t₁ a fifth of it
//   relaxation          τ = ∫ C(t) dt over the lags, exponentials between them; undetermined where more than 5 % is left at the longest
// Intervals come from blocks of time.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "saltus/analysis/layers.hpp"
#include "saltus/kinetics/local_diffusion.hpp"
#include "saltus/runs/analysis_page.hpp"
#include "saltus/runs/passage_coordinates.hpp"

namespace saltus::runs {

struct LayerSettings {
  std::vector<double> edges_ang;       ///< ascending: n + 1 of n layers
  double longest_lag_fs = 50'000;      ///< less where the run or memory is short: half a block of time at most
  std::size_t blocks = 10;
  double density_bin_ang = 0.1;
};

struct LayerRow {
  Layer layer;
  double molecules = 0;                ///< mean, of all frames
  double lateral_from_fs = 0, lateral_to_fs = 0;
  kinetics::LocalEstimate lateral_ang2_fs;
  std::string lateral_note;            ///< that D∥ still changes with the lag, if so
  std::vector<Estimate> survival, mean_square_ang2;                       ///< [lags]; empty: not along a surface
  std::vector<Estimate> first, second;                                    ///< C₁, C₂ [lags]; empty: no directions
  std::vector<Estimate> bonded_since, bonded_again;                       ///< continuous and intermittent [lags]; empty: no hydrogen bonds
  kinetics::LocalEstimate first_fs, second_fs, bonded_since_fs, bonded_again_fs;
};

struct LayerReport {
  std::vector<double> lag_fs;
  std::vector<LayerRow> rows;
  std::vector<double> density_z_ang;
  std::vector<Estimate> density_per_ang3;
  bool lateral = false, orientation = false, hydrogen_bonds = false;
  std::vector<std::string> notes;      ///< what is left out, and why
};

/// Give it to read_passage_coordinates. Memory: a GiB for what lies within the longest lag.
class LayerStudy : public DistanceFollower {
 public:
  /// Throws Error{usage} for edges that do not ascend.
  explicit LayerStudy(LayerSettings settings);
  ~LayerStudy() override;
  /// Throws Error{usage} for edges that are farther apart than the period.
  void begin(const Frame& first, std::size_t frames, SurfaceDistanceSettings& distances) override;
  void add(const DistanceFrame& frame) override;
  /// Throws Error{usage} for fewer than two frames.
  LayerReport report() const;

 private:
  struct Kept;
  void set_up(const DistanceFrame& second);
  void count(const DistanceFrame& frame);

  LayerSettings settings_;
  std::vector<Layer> layers_;
  std::size_t expected_frames_ = 0, frames_ = 0;
  bool along_surface_ = true, from_surface_ = false;
  MoleculeGroups molecules_;
  std::vector<MolecularAxis> axes_;
  bool bonds_ = false;
  std::unique_ptr<Kept> first_;        // until the time between frames is known
  double first_time_fs_ = 0, last_time_fs_ = 0;
  std::vector<std::size_t> lags_;
  std::optional<LayerDensity> density_;
  std::optional<LayerMotion> motion_;
  std::optional<LayerOrientation> orientation_;
  std::optional<LayerHydrogenBonds> hydrogen_bonds_;
  std::vector<double> molecules_in_;   // [layers] over all frames
  std::vector<std::string> notes_;
};

/// {"lag_fs", "layers": [{"low_ang", "high_ang", "lateral_diffusion_ang2_per_ps": {"value", "low", "high"}, …}], "density", "notes"}
nlohmann::ordered_json layer_document(const LayerReport& report);

/// A table for people, with a line for each layer.
std::string layer_table(const LayerReport& report);

/// Adds its charts to the page of first passages, and D∥ to the chart of D(z).
void add_layers(const LayerReport& report, AnalysisPage& page);

}  // namespace saltus::runs
