// A reported number: value with its 95 % interval, or the reason why there is none.
#pragma once

#include <optional>
#include <string>

namespace saltus {

struct Estimate {
  double value = 0;
  double low = 0;   ///< lower end of the 95 % interval
  double high = 0;  ///< upper end
};

/// A named number of a run, as the registry and the report hold it.
struct NamedEstimate {
  std::string name;                  ///< e.g. "diffusion_msd"
  std::optional<Estimate> estimate;  ///< none: undetermined, see note
  bool has_interval = true;          ///< false: an exact or single-valued figure (low = high = value are not shown)
  std::string unit;                  ///< e.g. "ang2_per_ps"; empty = dimensionless
  std::string note;                  ///< why undetermined or without interval; else empty or a remark
};

}  // namespace saltus
