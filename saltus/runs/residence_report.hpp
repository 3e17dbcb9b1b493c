// How long molecules stay in regions of the coordinate: kinetics/residence_time.hpp for each region and each length of excursions that are forgiven.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "saltus/kinetics/residence_time.hpp"
#include "saltus/runs/analysis_page.hpp"
#include "saltus/runs/passage_coordinates.hpp"

namespace saltus::runs {

struct RegionSettings {
  std::vector<std::pair<double, double>> regions_ang;  ///< low <= z < high
  std::vector<double> escapes_fs{0, 2000};             ///< excursions of at most so long count as if they had not been
  std::uint64_t seed = 1;
};

struct RegionResidence {
  double low_ang = 0, high_ang = 0;
  double escape_fs = 0;                                ///< a whole number of frames, at most what was asked for
  kinetics::ResidenceCorrelation correlation;
};

/// Throws Error{usage} for regions without width and escapes below 0: before a long reading.
void check(const RegionSettings& settings);

/// Regions in turn, within each the escapes; those that are the same number of frames only once, and none as long as the longest lag. That is a quarter of the frames, 20000 at most. Throws Error{usage}
/// where no escape is left, and what check and residence_correlation throw.
std::vector<RegionResidence> residence_in_regions(const PassageCoordinates& coordinates, const RegionSettings& settings, const Progress& progress = {});

/// [{"low_ang", "high_ang", "escape_ps", "residence_time_ps": {"value", "low", "high"}, "molecules", "visits", "time_ps", "continuous", …}]
nlohmann::ordered_json residence_document(const std::vector<RegionResidence>& regions);

/// A table for people.
std::string residence_table(const std::vector<RegionResidence>& regions);

void add_residence(const std::vector<RegionResidence>& regions, AnalysisPage& page);

}  // namespace saltus::runs
