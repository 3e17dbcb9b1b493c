// Mean first exit times mapped over the cell: of molecules that are in a cell of a grid at the start, the mean time until their coordinate has changed by the half-width,
// upwards or downwards. The window is thus centred on where each starts; for diffusion on a flat free energy T = L²/2D, D that of the place, L the half-width and, as
// frames are watched only, 0.58 sqrt(2 D dt) more.
//
//   T(cell) = (Σ times to exit + Σ times of starts that the run ended upon) / exits
//
// Every frame is a start, but for molecules with 1000 starts under way. Places are those of the file, in the cell of the frame: a surface that drifts or slides blurs them.
// Intervals: jackknife of blocks of time, by the start. Memory: (12 bytes · blocks) per cell of the grid, 12 bytes per start under way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "saltus/analysis/density.hpp"
#include "saltus/io/cube.hpp"
#include "saltus/runs/analysis_page.hpp"
#include "saltus/runs/passage_coordinates.hpp"

namespace saltus::runs {

struct ExitMapSettings {
  double half_width_ang = 1;
  double spacing_ang = 1;            ///< of the grid, at most
  std::size_t least_exits = 20;      ///< cells with fewer, or with exits in a single block, have no value
  std::size_t blocks = 8;
};

struct ExitMap {
  double half_width_ang = 0;
  Frame first;
  Grid grid;                         ///< over the cell of the first frame
  std::vector<double> exits;         ///< [cells]
  std::vector<double> time_fs;       ///< [cells] T; 0: no value
  std::vector<double> half_interval_fs;  ///< [cells] of 95 %
  std::array<std::vector<Estimate>, 3> along_fs;  ///< mean of the slabs across each lattice vector, by the number of exits; NaN: no value
  double censored = 0;               ///< starts that the run ended upon
};

/// Give it to read_passage_coordinates.
class ExitMapStudy : public DistanceFollower {
 public:
  /// Throws Error{usage} for widths that are not positive.
  explicit ExitMapStudy(ExitMapSettings settings);
  /// Throws Error{usage} for a frame without lattice vectors, or more than a million cells of the grid.
  void begin(const Frame& first, std::size_t frames, SurfaceDistanceSettings& distances) override;
  /// Throws Error{usage} where a molecule has more than one distance, or the half-width is not less than half the period.
  void add(const DistanceFrame& frame) override;
  /// Throws Error{usage} for fewer than two frames.
  ExitMap map() const;

 private:
  struct Start {
    std::uint32_t frame, cell;
    float z_ang;
  };

  ExitMapSettings settings_;
  Frame first_;
  Grid grid_;
  std::size_t expected_frames_ = 0, frames_ = 0;
  double first_time_fs_ = 0, last_time_fs_ = 0;
  std::vector<std::vector<Start>> open_;     // [molecules]
  std::vector<std::uint32_t> exits_;         // [blocks][cells]
  std::vector<double> frames_sum_;           // [blocks][cells] Σ frames to exit
};

/// Writes T in ps; beside it NAME-exits.cube and NAME-interval.cube, half of the 95 % interval in ps. Throws what write_cube throws.
void write_exit_map(const ExitMap& map, const std::filesystem::path& path);

/// Paths of the three files.
std::array<std::filesystem::path, 3> exit_map_files(const std::filesystem::path& path);

/// {"grid", "half_width_ang", "exits", "censored", "cells_with_value", "smallest_ps", "largest_ps", "files", "along": [[{"position_ang", "mean_exit_time_ps"}]]}
nlohmann::ordered_json exit_map_document(const ExitMap& map, const std::filesystem::path& path);

/// Two sentences for people.
std::string exit_map_text(const ExitMap& map, const std::filesystem::path& path);

void add_exit_map(const ExitMap& map, AnalysisPage& page);

}  // namespace saltus::runs
