// Reads H5MD frame by frame; what is looked for, and what is refused, stands in the header.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/io/h5md.hpp"
#include "saltus/io/h5md_atoms.hpp"
#include "saltus/io/h5md_element.hpp"
#include "saltus/io/h5md_file.hpp"
#include "saltus/io/h5md_units.hpp"
#include "saltus/io/lines.hpp"

namespace saltus {

namespace {

using namespace h5md;

constexpr std::string_view signature{"\x89HDF\r\n\x1a\n", 8};
constexpr hsize_t atom_limit = 1'000'000'000;

class H5mdReader final : public TrajectoryReader {
 public:
  H5mdReader(const std::string& name, const ReadOptions& options) : name_(name), options_(options) {}
  ~H5mdReader() override {
    const Session session;
    contents_.reset();
  }

  void open(const auto& open_it) {
    const Session session;
    try {
      contents_ = std::make_unique<Contents>();
      contents_->file = open_it();
      find_contents();
    } catch (const Error& error) {
      release_then_throw(error);
    }
  }
  bool read_next(Frame& frame) override;
  void seek(std::size_t k) override {
    if (k > frames_) throw Error(ErrorKind::usage, fmt::format("{}: there is no frame {}; it has {}", name_, k + 1, frames_));
    next_ = k;
  }
  std::size_t count() override { return frames_; }
  const FrameSource& source() const override { return source_; }

 private:
  struct Contents {
    Handle file;
    Element position, image, velocity, force, edges, energy, virial, bead;
  };

  [[noreturn]] void release_then_throw(const Error& error) {
    contents_.reset();
    throw with_place(error, name_);
  }
  void find_contents();
  std::string particle_group();
  Element element(const std::string& path, bool integers, std::optional<Quantity> quantity) const {
    return find_element(contents_->file, path, integers, quantity);
  }
  void require_per_atom(const Element& element) const;
  void find_observables(const std::string& group);
  void read_cell(hsize_t frame, std::int64_t step, Frame& out);
  bool read_vectors(Element& element, hsize_t frame, std::int64_t step, std::vector<Vec3>& out);
  void note_columns();

  std::string name_;
  ReadOptions options_;
  std::unique_ptr<Contents> contents_;
  FrameSource source_;
  std::shared_ptr<const Atoms> atoms_;
  std::size_t frames_ = 0, next_ = 0, atom_count_ = 0;
  std::array<bool, 3> periodic_{};
  std::vector<double> row_;  // scratch
  std::vector<std::int64_t> image_row_;
  std::array<double, 9> cell_row_{};
  Cell cell_;
  bool cell_known_ = false;
};

std::string H5mdReader::particle_group() {
  const Handle particles = find_object(contents_->file, "/particles");
  if (!is_group(particles)) refuse("/particles", "is not there: the file has no particles");
  std::vector<std::string> found;
  for (const auto& group : names_in(particles, "/particles"))
    if (is_group(find_object(contents_->file, "/particles/" + group + "/position"))) found.push_back(group);
  if (found.empty()) refuse("/particles", "no group in it has positions that change with time (position/value)");
  if (found.size() == 1) return found[0];
  if (std::find(found.begin(), found.end(), "all") != found.end()) return "all";
  std::string listed;
  for (std::size_t k = 0; k < std::min<std::size_t>(found.size(), 8); ++k) listed += (k > 0 ? ", " : "") + shown(found[k]);
  refuse("/particles", fmt::format("several groups have positions ({}) and none is named 'all'; keep the one that is meant", listed));
}

void H5mdReader::require_per_atom(const Element& element) const {
  if (!element) return;
  const auto& shape = element.value.shape();
  if (element.fixed || shape.size() != 3 || shape[1] != atom_count_ || shape[2] != 3)
    refuse(element.value.path(), fmt::format("has the shape {}, expected [frames, {}, 3]", shape_text(element.value), atom_count_));
}

void H5mdReader::find_observables(const std::string& group) {
  const auto& file = contents_->file;
  std::vector<std::string> places;
  for (const std::string& place : {"/observables/" + group, std::string("/observables")})
    if (is_group(find_object(file, place)) && !find_object(file, place + "/value")) places.push_back(place);
  const auto scalars = [&](const std::string& path) {
    Element found = element(path, false, Quantity::energy);
    if (found.fixed || found.value.row_size() != 1)
      refuse(found.value.path(), fmt::format("has the shape {}, expected one energy per frame", shape_text(found.value)));
    return found;
  };
  static constexpr const char* energy_names[] = {"potential_energy", "energy"};
  for (const auto& place : places) {
    if (!options_.energy_key.empty()) {
      if (!contents_->energy && find_object(file, place + '/' + options_.energy_key))
        contents_->energy = scalars(place + '/' + options_.energy_key);
      continue;
    }
    for (const char* name : energy_names) {
      const std::string path = place + '/' + name;
      if (!is_group(find_object(file, path))) continue;
      if (contents_->energy) source_.not_used.push_back(path);
      else contents_->energy = scalars(path);
    }
  }
  if (!options_.energy_key.empty() && !contents_->energy) {
    std::vector<std::string> names;
    for (const auto& place : places)
      for (const auto& name : names_in(find_object(file, place), place)) names.push_back(name);
    refuse("/observables", fmt::format("no {} for the energy{}; there are: {}", shown(options_.energy_key),
                                       did_you_mean(options_.energy_key, names), names.size() > 40 ? "too many to list" : join(names)));
  }
  for (const auto& place : places) {
    if (contents_->virial || !is_group(find_object(file, place + "/virial"))) continue;
    Element found = element(place + "/virial", false, Quantity::energy);
    const auto& shape = found.value.shape();
    if (shape.size() != 3 || shape[1] != 3 || shape[2] != 3)
      refuse(found.value.path(), fmt::format("has the shape {}, expected [frames, 3, 3]", shape_text(found.value)));
    contents_->virial = std::move(found);
  }
  for (const auto& place : places) {
    if (contents_->bead || !is_group(find_object(file, place + "/bead"))) continue;
    Element found = element(place + "/bead", true, std::nullopt);
    if (found.value.row_size() != 1) refuse(found.value.path(), fmt::format("has the shape {}, expected one bead per frame", shape_text(found.value)));
    contents_->bead = std::move(found);
  }
}

void H5mdReader::find_contents() {
  const Handle h5md = find_object(contents_->file, "/h5md");
  if (!is_group(h5md)) refuse("/h5md", "is not there: an HDF5 file, but not an H5MD file");
  const auto version = integers_attribute(h5md, "/h5md", "version");
  if (version.size() != 2 || version[0] != 1) refuse("/h5md", "attribute version is not that of H5MD 1");

  const std::string name = particle_group(), group = "/particles/" + name;
  contents_->position = element(group + "/position", false, Quantity::length);
  const auto& shape = contents_->position.value.shape();
  if (shape.size() != 3 || shape[1] < 1 || shape[1] > atom_limit || shape[2] != 3)
    refuse(contents_->position.value.path(),
           fmt::format("has the shape {}, expected [frames, atoms, 3]", shape_text(contents_->position.value)));
  frames_ = static_cast<std::size_t>(shape[0]);
  atom_count_ = static_cast<std::size_t>(shape[1]);
  if (frames_ == 0) refuse(contents_->position.value.path(), "has no frames");
  contents_->image = element(group + "/image", true, std::nullopt);
  contents_->velocity = element(group + "/velocity", false, Quantity::velocity);
  contents_->force = element(group + "/force", false, Quantity::force);
  for (Element* e : {&contents_->image, &contents_->velocity, &contents_->force}) require_per_atom(*e);

  const Handle box = find_object(contents_->file, group + "/box");
  if (!is_group(box)) refuse(group + "/box", "is not there");
  const std::string box_path = group + "/box";
  const auto dimension = integers_attribute(box, box_path, "dimension");
  if (dimension.size() != 1 || dimension[0] != 3) refuse(box_path, "attribute dimension is not 3");
  auto boundary = texts_attribute(box, box_path, "boundary");
  if (boundary.size() == 1) boundary.resize(3, boundary[0]);
  if (boundary.size() != 3) refuse(box_path, "attribute boundary is not three words");
  for (std::size_t axis = 0; axis < 3; ++axis) {
    periodic_[axis] = boundary[axis] == "periodic";
    if (!periodic_[axis] && boundary[axis] != "none")
      refuse(box_path, fmt::format("attribute boundary: {} is neither 'periodic' nor 'none'", shown(boundary[axis])));
  }
  contents_->edges = element(group + "/box/edges", false, Quantity::length);
  if (contents_->edges) {
    const auto& edges = contents_->edges.value.shape();
    const auto inner = std::span(edges).subspan(contents_->edges.fixed ? 0 : 1);
    if (!((inner.size() == 1 && inner[0] == 3) || (inner.size() == 2 && inner[0] == 3 && inner[1] == 3)))
      refuse(contents_->edges.value.path(), fmt::format("has the shape {}, expected [3] or [3, 3]{}", shape_text(contents_->edges.value),
                                                        contents_->edges.fixed ? "" : " per frame"));
  } else if (periodic_[0] || periodic_[1] || periodic_[2]) {
    refuse(box_path, "is periodic but has no edges");
  }
  if (contents_->image && !contents_->edges) refuse(contents_->image.path, "images without box/edges have no meaning");
  find_observables(name);
  contents_->position.aligned = true;  // its records are the frames
  for (Element* e : {&contents_->image, &contents_->velocity, &contents_->force, &contents_->edges, &contents_->energy, &contents_->virial, &contents_->bead})
    align(*e, contents_->position);
  atoms_ = std::make_shared<const Atoms>(read_atoms(contents_->file, group, atom_count_, options_, source_));
  note_columns();
}

void H5mdReader::note_columns() {
  for (const Element* e : {&contents_->position, &contents_->image, &contents_->velocity, &contents_->force, &contents_->edges,
                           &contents_->energy, &contents_->virial, &contents_->bead}) {
    if (!*e) continue;
    if (!source_.columns.empty()) source_.columns += ", ";
    source_.columns += e->path.substr(e->path.starts_with("/particles/") ? e->path.find('/', 11) + 1 : 1);
    if (e->unit == "none") source_.columns += " (no unit given: Å, fs, eV)";
    else if (!e->unit.empty()) source_.columns += " (" + e->unit + ")";
    source_.keys.push_back(e->path);
  }
  source_.energy = contents_->energy ? contents_->energy.path : "";
  source_.virial = contents_->virial ? contents_->virial.path : "";
  source_.step = contents_->position.path + "/step";
  if (contents_->position.time) source_.time = contents_->position.path + "/time";
}

void H5mdReader::read_cell(hsize_t frame, std::int64_t step, Frame& out) {
  Element& edges = contents_->edges;
  if (!edges) {
    out.cell = Cell();
    return;
  }
  const auto k = record_of(edges, frame, step);
  if (!k) refuse(edges.path, fmt::format("has no record of step {}", step));
  std::array<double, 9> values{};
  const bool diagonal = edges.value.shape().back() == 3 && edges.value.shape().size() == (edges.fixed ? 1u : 2u);
  const std::size_t size = diagonal ? 3 : 9;
  if (edges.fixed) {
    const std::size_t row = edges.value.row_size();
    for (std::size_t r = 0; r < 3; ++r) edges.value.read_row(r, std::span(values).subspan(r * row, row));
  } else {
    edges.value.read_row(*k, std::span(values).first(size));
  }
  if (diagonal) values = {values[0], 0, 0, 0, values[1], 0, 0, 0, values[2]};
  if (!cell_known_ || values != cell_row_) {
    Mat3 rows;
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) rows[i][j] = edges.factor * values[static_cast<std::size_t>(3 * i + j)];
    const bool given = norm2(rows[0]) + norm2(rows[1]) + norm2(rows[2]) > 0;
    try {
      cell_ = given || periodic_[0] || periodic_[1] || periodic_[2] ? Cell(rows, periodic_) : Cell();
    } catch (const Error& error) {
      throw with_place(error, edges.value.path());
    }
    cell_row_ = values;
    cell_known_ = true;
  }
  out.cell = cell_;
}

bool H5mdReader::read_vectors(Element& element, hsize_t frame, std::int64_t step, std::vector<Vec3>& out) {
  out.clear();
  if (!element) return false;
  const auto k = record_of(element, frame, step);
  if (!k) return false;
  row_.resize(3 * atom_count_);
  element.value.read_row(*k, row_);
  std::size_t missing = 0;
  for (const double x : row_) {
    missing += std::isnan(x);
    if (std::isinf(x)) refuse(element.value.path(), "a number is not finite");
  }
  if (missing == row_.size()) return false;
  if (missing > 0) refuse(element.value.path(), "a number is not finite");
  out.resize(atom_count_);
  for (std::size_t i = 0; i < atom_count_; ++i) {
    out[i] = element.factor * Vec3{row_[3 * i], row_[3 * i + 1], row_[3 * i + 2]};
    if (!is_finite(out[i])) refuse(element.value.path(), "a number is too large");
  }
  return true;
}

bool H5mdReader::read_next(Frame& frame) {
  if (next_ == frames_) return false;
  const Session session;
  try {
    const hsize_t k = next_;
    Contents& in = *contents_;
    const std::int64_t step = step_at(in.position.step, k);
    frame.step = step;
    frame.time_fs = 0;
    if (in.position.time.records) {
      in.position.time.records.read_row(k, std::span(&frame.time_fs, 1));
    } else if (in.position.time) {
      frame.time_fs = in.position.time.offset + in.position.time.increment * static_cast<double>(k);
    } else {
      frame.time_fs = static_cast<double>(step) * options_.time_step_fs;
    }
    frame.time_fs *= in.position.time_factor;
    if (!std::isfinite(frame.time_fs)) refuse(in.position.path + "/time", "the time is not finite");
    read_cell(k, step, frame);
    if (!read_vectors(in.position, k, step, frame.position_ang)) refuse(in.position.value.path(), "a number is not finite");
    if (in.image) {
      const auto at = record_of(in.image, k, step);
      if (!at) refuse(in.image.path, fmt::format("has no record of step {}", step));
      image_row_.resize(3 * atom_count_);
      in.image.value.read_row(*at, image_row_);
      const Mat3& rows = frame.cell.rows_ang();
      for (std::size_t i = 0; i < atom_count_; ++i) {
        const std::int64_t* n = &image_row_[3 * i];
        if ((n[0] | n[1] | n[2]) == 0) continue;
        frame.position_ang[i] += Vec3{static_cast<double>(n[0]), static_cast<double>(n[1]), static_cast<double>(n[2])} * rows;
        if (!is_finite(frame.position_ang[i])) refuse(in.image.value.path(), "a number is too large");
      }
    }
    read_vectors(in.velocity, k, step, frame.velocity_ang_fs);
    read_vectors(in.force, k, step, frame.force_ev_ang);
    source_.velocities = frame.velocity_ang_fs.empty() ? "" : in.velocity.path;
    source_.forces = frame.force_ev_ang.empty() ? "" : in.force.path;
    frame.energy_ev.reset();
    frame.virial_ev.reset();
    if (in.energy) {
      if (const auto at = record_of(in.energy, k, step)) {
        double value = 0;
        in.energy.value.read_row(*at, std::span(&value, 1));
        value *= in.energy.factor;
        if (std::isinf(value)) refuse(in.energy.value.path(), "the energy is not finite");
        if (!std::isnan(value)) frame.energy_ev = value;
      }
    }
    if (in.virial) {
      if (const auto at = record_of(in.virial, k, step)) {
        std::array<double, 9> v{};
        in.virial.value.read_row(*at, v);
        const auto missing = std::count_if(v.begin(), v.end(), [](double x) { return std::isnan(x); });
        Mat3 virial;
        bool finite = missing == 0;
        for (int i = 0; i < 3; ++i) {
          virial[i] = in.virial.factor * Vec3{v[static_cast<std::size_t>(3 * i)], v[static_cast<std::size_t>(3 * i + 1)], v[static_cast<std::size_t>(3 * i + 2)]};
          finite = finite && is_finite(virial[i]);
        }
        if (!finite && missing != 9) refuse(in.virial.value.path(), "a number is not finite");
        if (finite) frame.virial_ev = virial;
      }
    }
    frame.bead.reset();
    if (in.bead) {
      if (const auto at = record_of(in.bead, k, step)) {
        std::int64_t bead = 0;
        in.bead.value.read_row(*at, std::span(&bead, 1));
        if (bead < 0 || bead > std::numeric_limits<std::int32_t>::max()) refuse(in.bead.value.path(), fmt::format("{} is no number of a bead, counted from 0", bead));
        frame.bead = static_cast<std::int32_t>(bead);
      }
    }
    frame.atoms = atoms_;
    ++next_;
    return true;
  } catch (const Error& error) {
    throw with_place(error, fmt::format("{}, frame {}", name_, next_ + 1));
  }
}

}  // namespace

std::string hdf5_version() {
  unsigned major = 0, minor = 0, patch = 0;
  H5get_libversion(&major, &minor, &patch);
  return fmt::format("{}.{}.{}", major, minor, patch);
}

bool recognizes_h5md(std::string_view first_bytes) {
  for (const std::size_t at : {0, 512, 1024, 2048})
    if (first_bytes.size() >= at + signature.size() && first_bytes.substr(at, signature.size()) == signature) return true;
  return false;
}

std::unique_ptr<TrajectoryReader> open_h5md(const std::filesystem::path& path, const ReadOptions& options) {
  if (first_bytes(path, 1).empty()) throw Error(ErrorKind::format, path.string() + ": the file is empty");  // Error{file} for what is no file
  auto reader = std::make_unique<H5mdReader>(path.string(), options);
  reader->open([&] { return open_file(path.string()); });
  return reader;
}

std::unique_ptr<TrajectoryReader> open_h5md_bytes(std::string_view bytes, const std::string& name, const ReadOptions& options) {
  auto reader = std::make_unique<H5mdReader>(name, options);
  reader->open([&] { return open_bytes(bytes); });
  return reader;
}

}  // namespace saltus
