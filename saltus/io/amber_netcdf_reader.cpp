// Reads AMBER NetCDF frame by frame.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <optional>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/amber_netcdf.hpp"
#include "saltus/io/cell_parameters.hpp"
#include "saltus/io/frame_access.hpp"
#include "saltus/io/frame_checks.hpp"
#include "saltus/io/lines.hpp"
#include "saltus/io/netcdf_classic.hpp"
#include "saltus/io/refuse.hpp"

namespace saltus {

namespace {

constexpr std::size_t read_ahead = std::size_t{1} << 18;

// A variable of numbers, found and checked.
struct Field {
  std::uint64_t offset = 0, values = 0, number_bytes = 4;
  double factor = 1;  // scale_factor and units
};

class AmberNetcdfReader final : public NumberedReader {
 public:
  AmberNetcdfReader(const std::filesystem::path& path, const ReadOptions& options)
      : NumberedReader(path.string()), bytes_(path), topology_(read_topology(options, path.string(), "AMBER NetCDF")) {
    open(options);
  }
  AmberNetcdfReader(std::string_view bytes, const std::string& name, Topology topology, const ReadOptions& options)
      : NumberedReader(name), bytes_(bytes), topology_(std::move(topology)) {
    open(options);
  }

 private:
  void read_header(const ReadOptions& options) override {
    if (bytes_.size() == 0) refuse("the file is empty");
    const NetcdfHeader header = read_netcdf_header(bytes_);
    const auto* conventions = find_attribute(header.attributes, "Conventions");
    if (!conventions || conventions->text.find("AMBER") == std::string::npos)
      refuse("Conventions is {}, expected AMBER or AMBERRESTART", conventions ? shown(conventions->text) : "absent");
    const auto* coordinates = header.variable("coordinates");
    if (!coordinates) refuse("there is no variable 'coordinates'");
    has_records_ = coordinates->has_records;
    record_bytes_ = header.record_bytes;
    const std::size_t rank = has_records_ ? 3 : 2;
    if (coordinates->dimensions.size() != rank || header.dimensions[coordinates->dimensions[rank - 1]].length != 3)
      refuse(
          "coordinates have {} dimensions, expected (frame, atom, 3) with frame as the record dimension, or (atom, 3)",
          coordinates->dimensions.size());
    atoms_ = header.dimensions[coordinates->dimensions[rank - 2]].length;
    require_atom_count(topology_, atoms_);

    const double ev_per_kcal_mol = units::ev_per_kcal_mol, fs_per_ps = units::fs_per_ps;
    positions_ = field(header, "coordinates", 3 * atoms_, 1, {"angstrom"});
    velocities_ = field(header, "velocities", 3 * atoms_, 1 / fs_per_ps, {"angstrom/picosecond"});
    forces_ = field(header, "forces", 3 * atoms_, ev_per_kcal_mol, {"kilocalorie/mole/angstrom"});
    lengths_ = field(header, "cell_lengths", 3, 1, {"angstrom"});
    angles_ = field(header, "cell_angles", 3, 1, {"degree"});
    if (lengths_.has_value() != angles_.has_value()) refuse("of cell_lengths and cell_angles there is only one");
    time_ = field(header, "time", 1, fs_per_ps, {"picosecond"});
    if (options.time_step_fs > 0 && !time_) time_step_fs_ = options.time_step_fs;

    source_.columns = "coordinates";
    if (velocities_) source_.columns += " velocities", source_.velocities = "velocities";
    if (forces_) source_.columns += " forces", source_.forces = "forces";
    if (time_) source_.time = "time";
    count_frames(header);
  }

  void count_frames(const NetcdfHeader& header) {
    const std::uint64_t stated = has_records_ ? header.records : 1;
    if (stated == 0) refuse("the file holds no frame");
    std::uint64_t whole = stated;
    for (const auto& part : {positions_, velocities_, forces_, lengths_, angles_, time_}) {
      if (!part) continue;
      const std::uint64_t end = part->offset + part->values * part->number_bytes;  // of the first frame
      if (!bytes_.holds(0, end))
        whole = 0;
      else if (has_records_)
        whole = std::min(whole, (bytes_.size() - end) / record_bytes_ + 1);
    }
    whole_frames_ = static_cast<std::size_t>(whole);
    if (whole < stated)
      cut_off_ =
          fmt::format("the file ends at byte {}, its header states {} frames; it is cut off", bytes_.size(), stated);
  }

  std::optional<Field> field(const NetcdfHeader& header, std::string_view name, std::uint64_t values, double factor,
                             std::initializer_list<std::string_view> known_units) {
    const auto* variable = header.variable(name);
    if (!variable) return std::nullopt;
    if (variable->type != NetcdfType::float32 && variable->type != NetcdfType::float64)
      refuse("{} are of type {}, expected float or double", name, saltus::name(variable->type));
    if (variable->has_records != has_records_ || variable->values != values)
      refuse("{} have {} values{}, expected {}{}", name, variable->values, variable->has_records ? " per frame" : "",
             values, has_records_ ? " per frame" : "");
    if (const auto* units = find_attribute(variable->attributes, "units")) {
      std::string_view text = trim(std::string_view(units->text).substr(0, units->text.find('\0')));
      if (text.ends_with('s')) text.remove_suffix(1);
      const auto* known = std::find(known_units.begin(), known_units.end(), text);
      if (known == known_units.end())
        throw Error(ErrorKind::unsupported,
                    fmt::format("{} are in {}, expected {}", name, shown(units->text), *known_units.begin()));
    }
    Field result{variable->offset, values, netcdf_bytes(variable->type), factor};
    if (const auto* scale = find_attribute(variable->attributes, "scale_factor")) {
      if (scale->number.size() != 1 || !std::isfinite(scale->number[0]) || scale->number[0] == 0)
        refuse("the scale_factor of {} is no number to scale by", name);
      result.factor *= scale->number[0];
    }
    return result;
  }

  template <typename Use>
  void each_value(const Field& field, std::size_t k, Use&& use) {
    const std::uint64_t offset = field.offset + k * (has_records_ ? record_bytes_ : 0);
    const char* at = bytes_.at(offset, field.values * field.number_bytes, read_ahead);
    if (field.number_bytes == 4)
      for (std::uint64_t i = 0; i < field.values; ++i, at += 4)
        use(i, field.factor * double{load<float>(at, std::endian::big)});
    else
      for (std::uint64_t i = 0; i < field.values; ++i, at += 8)
        use(i, field.factor * load<double>(at, std::endian::big));
  }

  void read_vectors(const std::optional<Field>& field, std::size_t k, const char* what, std::vector<Vec3>& vectors) {
    vectors.clear();
    if (!field) return;
    bytes_.at(field->offset + k * (has_records_ ? record_bytes_ : 0), field->values * field->number_bytes, read_ahead);
    vectors.resize(static_cast<std::size_t>(atoms_));
    each_value(*field, k, [&, atom = vectors.data(), axis = 0](std::uint64_t, double value) mutable {
      (*atom)[axis] = value;
      if (++axis == 3) {
        axis = 0;
        ++atom;
      }
    });
    require_finite(vectors, what);
  }

  void read_frame(std::size_t k, Frame& frame) override {
    frame.cell = Cell();
    if (lengths_) {
      CellParameters parameters;
      each_value(*lengths_, k,
                 [&](std::uint64_t i, double value) { parameters.length_ang[static_cast<std::size_t>(i)] = value; });
      each_value(*angles_, k, [&](std::uint64_t i, double value) {
        parameters.cosine[static_cast<std::size_t>(i)] = cosine_of_degrees(value);
      });
      frame.cell = cell_from_parameters(parameters);
    }
    frame.step = static_cast<std::int64_t>(k);
    frame.time_fs = static_cast<double>(k) * time_step_fs_;
    if (time_) each_value(*time_, k, [&](std::uint64_t, double value) { frame.time_fs = value; });
    if (!std::isfinite(frame.time_fs)) refuse("the time is not finite");
    read_vectors(positions_, k, "position", frame.position_ang);
    read_vectors(velocities_, k, "velocity", frame.velocity_ang_fs);
    read_vectors(forces_, k, "force", frame.force_ev_ang);
    frame.atoms = topology_.atoms;
    frame.energy_ev.reset();
    frame.bead.reset();
    frame.virial_ev.reset();
  }

  ByteFile bytes_;
  Topology topology_;
  bool has_records_ = true;
  std::uint64_t atoms_ = 0, record_bytes_ = 0;
  std::optional<Field> positions_, velocities_, forces_, lengths_, angles_, time_;
  double time_step_fs_ = 0;
};

}  // namespace

bool recognizes_amber_netcdf(std::string_view bytes) { return recognizes_netcdf_classic(bytes); }

std::unique_ptr<TrajectoryReader> open_amber_netcdf(const std::filesystem::path& path, const ReadOptions& options) {
  return std::make_unique<AmberNetcdfReader>(path, options);
}

std::unique_ptr<TrajectoryReader> open_amber_netcdf_bytes(std::string_view bytes, const std::string& name,
                                                          Topology topology, const ReadOptions& options) {
  return std::make_unique<AmberNetcdfReader>(bytes, name, std::move(topology), options);
}

}  // namespace saltus
