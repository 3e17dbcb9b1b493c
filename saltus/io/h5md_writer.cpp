// Writes H5MD; what is written, and how, stands in the header. Frames are gathered to blocks, one chunk of each dataset: a file
// that ends within its first block has contiguous datasets, so that short segments carry no empty chunks.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>

#include <unistd.h>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/io/frame_checks.hpp"
#include "saltus/io/h5md.hpp"
#include "saltus/io/h5md_file.hpp"
#include "saltus/io/h5md_units.hpp"

namespace saltus {

namespace {

using namespace h5md;

constexpr std::size_t block_bytes = std::size_t{1} << 16;  // of positions
constexpr std::size_t most_frames_in_block = 4096;
constexpr hsize_t scalar_chunk = 1024, most_atoms_in_chunk = hsize_t{1} << 20;
constexpr const char* group = "/particles/all";
// Of forces in single precision: MDAnalysis opens no file whose forces are in eV/Å. The factor between the two rounds, which
// floats do anyway; doubles shall read back as they were.
constexpr const char* single_force_unit = "kJ mol-1 Angstrom-1";

// Rows of one dataset on their way to the file.
struct Column {
  std::string path;       // of the element, or of the dataset itself where `bare`
  hid_t type = -1;
  std::vector<hsize_t> row;  // shape of a row
  bool bare = false;      // step, time: no element around it
  bool compressed = false;
  const char* unit = nullptr;
  double factor = 1;      // from Å, fs, eV to `unit`
  Handle dataset;
  std::vector<char> block;
  std::size_t element_size = 8;

  bool used() const { return type >= 0; }
  std::size_t row_bytes() const {
    std::size_t bytes = element_size;
    for (const hsize_t extent : row) bytes *= static_cast<std::size_t>(extent);
    return bytes;
  }
  template <typename T>
  void append(T value) {
    const auto* bytes = reinterpret_cast<const char*>(&value);
    block.insert(block.end(), bytes, bytes + sizeof value);
  }
};

class H5mdWriter final : public TrajectoryWriter {
 public:
  H5mdWriter(const std::filesystem::path& path, const WriteOptions& write_options)
      : TrajectoryWriter(write_options), name_(path.string()), pending_(path) {
    if (write_options.single_precision) force_.factor = 1 / factor_from_unit(single_force_unit, Quantity::force);
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored))
      throw Error(ErrorKind::file, fmt::format("{}: cannot write: {}", name_, std::strerror(EISDIR)));
    const Session session;
    const Handle creation(H5Pcreate(H5P_FILE_CREATE)), access(H5Pcreate(H5P_FILE_ACCESS));
    H5Pset_obj_track_times(creation.get(), 0);
    H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG);
    H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110);
#if H5_VERSION_GE(1, 10, 7)
    H5Pset_file_locking(access.get(), 0, 1);
#endif
    file_ = Handle(H5Fcreate(pending_.temporary().c_str(), H5F_ACC_TRUNC, creation.get(), access.get()));
    if (!file_) fail();
  }
  ~H5mdWriter() override {
    const Session session;
    close_datasets();
    file_ = Handle();
  }

  void write(const Frame& frame) override;
  void commit() override;

 private:
  [[noreturn]] void fail() const { throw Error(ErrorKind::file, fmt::format("{}: cannot write{}", name_, cause())); }
  hid_t good(hid_t id) const {
    if (id < 0) fail();
    return id;
  }
  void check(herr_t status) const {
    if (status < 0) fail();
  }
  void begin(const Frame& frame);
  void require_same(const Frame& frame) const;
  void use(Column& column, const char* path, hid_t type, std::vector<hsize_t> row, const char* unit);
  void append_vectors(Column& column, const char* path, bool present, const std::vector<Vec3>& values, const char* unit);
  void append_doubles(Column& column, bool present, std::initializer_list<double> values);
  void flush(bool last);
  void flush(Column& column, hsize_t rows, bool last);
  void close_datasets();
  Handle make_group(const char* path) const;
  void write_text(const Handle& object, const char* name, const std::vector<std::string>& texts, bool scalar) const;
  void write_integers(const Handle& object, const char* name, const std::vector<std::int64_t>& values, bool scalar) const;
  void write_atoms(const Atoms& atoms) const;
  auto columns() { return std::array{&step_, &time_, &position_, &image_, &edges_, &velocity_, &force_, &energy_, &virial_, &bead_}; }

  std::string name_;
  PendingFile pending_;
  Handle file_;
  std::shared_ptr<const Atoms> atoms_;
  bool has_vectors_ = false, single_ = true, with_time_ = true;
  std::array<bool, 3> periodic_{};
  Column step_, time_, position_, image_, edges_, velocity_, force_, energy_, virial_, bead_;
  std::size_t frames_ = 0, flushed_ = 0, frames_in_block_ = 1;
};

Handle H5mdWriter::make_group(const char* path) const {
  const Handle creation(H5Pcreate(H5P_GROUP_CREATE)), links(H5Pcreate(H5P_LINK_CREATE));
  H5Pset_obj_track_times(creation.get(), 0);
  return Handle(good(H5Gcreate2(file_.get(), path, links.get(), creation.get(), H5P_DEFAULT)));
}

// Strings of variable length: what h5py gives to Python as str.
void H5mdWriter::write_text(const Handle& object, const char* name, const std::vector<std::string>& texts, bool scalar) const {
  const Handle type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  const hsize_t count = texts.size();
  const Handle space(scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &count, nullptr));
  std::vector<const char*> pointers;
  for (const auto& text : texts) pointers.push_back(text.c_str());
  const Handle attribute(good(H5Acreate2(object.get(), name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT)));
  check(H5Awrite(attribute.get(), type.get(), pointers.data()));
}

void H5mdWriter::write_integers(const Handle& object, const char* name, const std::vector<std::int64_t>& values, bool scalar) const {
  const hsize_t count = values.size();
  const Handle space(scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &count, nullptr));
  const Handle attribute(good(H5Acreate2(object.get(), name, H5T_STD_I32LE, space.get(), H5P_DEFAULT, H5P_DEFAULT)));
  check(H5Awrite(attribute.get(), H5T_NATIVE_INT64, values.data()));
}

void H5mdWriter::write_atoms(const Atoms& atoms) const {
  const Handle creation(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_obj_track_times(creation.get(), 0);
  const hsize_t count = atoms.size();
  const Handle space(H5Screate_simple(1, &count, nullptr));

  std::array<bool, element_count + 1> present{};
  for (const std::uint8_t z : atoms.atomic_number) present[z] = true;
  const Handle symbols(H5Tenum_create(H5T_STD_U8LE));
  for (int z = 1; z <= element_count; ++z) {
    const auto value = static_cast<std::uint8_t>(z);
    if (present[value]) check(H5Tenum_insert(symbols.get(), std::string(symbol_of(z)).c_str(), &value));
  }
  const std::string species = std::string(group) + "/species", mass = std::string(group) + "/mass";
  const Handle species_set(good(H5Dcreate2(file_.get(), species.c_str(), symbols.get(), space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT)));
  check(H5Dwrite(species_set.get(), symbols.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, atoms.atomic_number.data()));
  const Handle mass_set(good(H5Dcreate2(file_.get(), mass.c_str(), H5T_IEEE_F64LE, space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT)));
  check(H5Dwrite(mass_set.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, atoms.mass_amu.data()));
  write_text(mass_set, "unit", {unit_of(Quantity::mass)}, true);
}

void H5mdWriter::use(Column& column, const char* path, hid_t type, std::vector<hsize_t> row, const char* unit) {
  column.path = path;
  column.type = type;
  column.row = std::move(row);
  column.unit = unit;
  column.element_size = H5Tget_size(type);
}

void H5mdWriter::begin(const Frame& frame) {
  const std::size_t n = frame.size();
  atoms_ = frame.atoms;
  has_vectors_ = frame.cell.has_vectors();
  periodic_ = frame.cell.periodic();
  single_ = options.single_precision;
  with_time_ = options.step_and_time;
  const std::size_t frame_bytes = 3 * n * (single_ ? 4 : 8);
  frames_in_block_ = std::clamp<std::size_t>(block_bytes / frame_bytes, 1, most_frames_in_block);

  const Handle h5md = make_group("/h5md"), author = make_group("/h5md/author"), creator = make_group("/h5md/creator");
  write_integers(h5md, "version", {1, 1}, false);
  write_text(author, "name", {"unknown"}, true);
  write_text(creator, "name", {"saltus"}, true);
  write_text(creator, "version", {SALTUS_VERSION}, true);
  make_group("/h5md/modules");
  const Handle units = make_group("/h5md/modules/units");
  write_integers(units, "version", {1, 0}, false);
  write_text(units, "system", {"SI"}, true);
  make_group("/particles");
  make_group(group);
  const Handle box = make_group("/particles/all/box");
  write_integers(box, "dimension", {3}, true);
  std::vector<std::string> boundary;
  for (const bool periodic : periodic_) boundary.emplace_back(periodic ? "periodic" : "none");
  write_text(box, "boundary", boundary, false);
  write_atoms(*atoms_);
  make_group("/observables");

  const hid_t real = single_ ? H5T_IEEE_F32LE : H5T_IEEE_F64LE;
  use(position_, "/particles/all/position", real, {n, 3}, unit_of(Quantity::length));
  use(step_, "/particles/all/position/step", H5T_STD_I64LE, {}, nullptr);
  step_.bare = true;
  if (with_time_) {
    use(time_, "/particles/all/position/time", H5T_IEEE_F64LE, {}, unit_of(Quantity::time));
    time_.bare = true;
  }
  if (single_ && frame.cell.any_periodic()) {
    use(image_, "/particles/all/image", H5T_STD_I32LE, {n, 3}, nullptr);
    image_.compressed = true;  // hardly an image changes from frame to frame
  }
  if (has_vectors_) use(edges_, "/particles/all/box/edges", H5T_IEEE_F64LE, {3, 3}, unit_of(Quantity::length));
  if (frame.bead) use(bead_, "/observables/bead", H5T_STD_I32LE, {}, nullptr);
  make_group(position_.path.c_str());
}

void H5mdWriter::require_same(const Frame& frame) const {
  const auto refuse_frame = [](const char* what) {
    throw Error(ErrorKind::usage, fmt::format("{}, which an H5MD file cannot hold; write extXYZ, or one file for each", what));
  };
  if (frame.atoms != atoms_ && !(*frame.atoms == *atoms_)) refuse_frame("the atoms differ from those of the first frame");
  if (frame.cell.has_vectors() != has_vectors_) refuse_frame("only some frames have a cell");
  if (frame.cell.periodic() != periodic_) refuse_frame("the periodic axes differ from those of the first frame");
  if (frame.bead.has_value() != bead_.used()) refuse_frame("only some frames are beads of a ring polymer");
}

// Room for what the frames before this one lacked is made when a quantity first appears.
void H5mdWriter::append_doubles(Column& column, bool present, std::initializer_list<double> values) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const std::size_t before = (frames_ - flushed_) * column.row_bytes() / sizeof(double);
  if (column.block.size() < before * sizeof(double))
    for (std::size_t k = column.block.size() / sizeof(double); k < before; ++k) column.append(none);
  for (const double value : values) column.append(present ? value : none);
}

void H5mdWriter::append_vectors(Column& column, const char* path, bool present, const std::vector<Vec3>& values, const char* unit) {
  if (present && !column.used()) use(column, path, single_ ? H5T_IEEE_F32LE : H5T_IEEE_F64LE, {atoms_->size(), 3}, unit);
  if (!column.used()) return;
  const auto append = [&](double value) {
    if (single_) column.append(static_cast<float>(column.factor * value));
    else column.append(value);
  };
  const std::size_t before = (frames_ - flushed_) * column.row_bytes();
  while (column.block.size() < before) append(std::numeric_limits<double>::quiet_NaN());
  if (present)
    for (const Vec3& v : values) append(v.x), append(v.y), append(v.z);
  else
    for (std::size_t k = 0; k < 3 * atoms_->size(); ++k) append(std::numeric_limits<double>::quiet_NaN());
}

void H5mdWriter::write(const Frame& frame) {
  const Session session;
  try {
    const std::size_t n = frame.size();
    const bool forces = options.forces && !frame.force_ev_ang.empty();
    const bool velocities = options.velocities && !frame.velocity_ang_fs.empty();
    require_writable(frame, {.velocities = velocities, .forces = forces});
    const double largest_number = options.single_precision ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
    const double largest = largest_number / std::max(1.0, force_.factor);
    bool finite = std::isfinite(frame.time_fs) && (!frame.energy_ev || std::isfinite(*frame.energy_ev));
    for (const auto* vectors : {&frame.position_ang, forces ? &frame.force_ev_ang : nullptr, velocities ? &frame.velocity_ang_fs : nullptr})
      for (std::size_t i = 0; vectors && i < n && finite; ++i) {
        const Vec3& v = (*vectors)[i];
        finite = std::abs(v.x) <= largest && std::abs(v.y) <= largest && std::abs(v.z) <= largest;
      }
    for (int i = 0; frame.virial_ev && i < 3; ++i) finite = finite && is_finite((*frame.virial_ev)[i]);
    if (!finite) throw Error(ErrorKind::numeric, "a number to be written is not finite");
    if (!atoms_) begin(frame);
    else require_same(frame);

    std::vector<Int3> images;
    if (image_.used()) {
      images.resize(n);
      for (std::size_t i = 0; i < n; ++i) {
        const Fractional f = frame.cell.to_fractional(frame.position_ang[i]);
        if (std::abs(f.a) > 2e9 || std::abs(f.b) > 2e9 || std::abs(f.c) > 2e9)
          throw Error(ErrorKind::numeric, fmt::format("atom {} is more than 2e9 cells away", i + 1));
        const Vec3 wrapped = frame.cell.wrap(frame.position_ang[i], &images[i]);
        for (const double x : {wrapped.x, wrapped.y, wrapped.z}) position_.append(static_cast<float>(x));
      }
      for (const Int3& image : images)
        for (const int x : image) image_.append(static_cast<std::int32_t>(x));
    } else {
      append_vectors(position_, nullptr, true, frame.position_ang, nullptr);
    }
    step_.append(with_time_ ? frame.step : static_cast<std::int64_t>(frames_));
    if (with_time_) time_.append(frame.time_fs);
    const Mat3& rows = frame.cell.rows_ang();
    if (has_vectors_)
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) edges_.append(rows[i][j]);
    append_vectors(velocity_, "/particles/all/velocity", velocities, frame.velocity_ang_fs, unit_of(Quantity::velocity));
    append_vectors(force_, "/particles/all/force", forces, frame.force_ev_ang, single_ ? single_force_unit : unit_of(Quantity::force));
    if (frame.energy_ev && !energy_.used())
      use(energy_, "/observables/potential_energy", H5T_IEEE_F64LE, {}, unit_of(Quantity::energy));
    if (energy_.used()) append_doubles(energy_, frame.energy_ev.has_value(), {frame.energy_ev.value_or(0)});
    if (frame.virial_ev && !virial_.used()) use(virial_, "/observables/virial", H5T_IEEE_F64LE, {3, 3}, unit_of(Quantity::energy));
    if (virial_.used()) {
      const Mat3 v = frame.virial_ev.value_or(Mat3{});
      append_doubles(virial_, frame.virial_ev.has_value(), {v[0].x, v[0].y, v[0].z, v[1].x, v[1].y, v[1].z, v[2].x, v[2].y, v[2].z});
    }
    if (frame.bead) bead_.append(*frame.bead);
    ++frames_;
    if (frames_ - flushed_ == frames_in_block_) flush(false);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::file) throw;
    throw with_place(error, fmt::format("{}, frame {}", name_, frames_ + 1));
  }
}

void H5mdWriter::flush(bool last) {
  const hsize_t rows = frames_ - flushed_;
  for (Column* column : columns())
    if (column->used()) flush(*column, rows, last);
  flushed_ = frames_;
}

void H5mdWriter::flush(Column& column, hsize_t rows, bool last) {
  std::vector<hsize_t> shape{flushed_ + rows}, limit{H5S_UNLIMITED};
  shape.insert(shape.end(), column.row.begin(), column.row.end());
  limit.insert(limit.end(), column.row.begin(), column.row.end());
  const int rank = static_cast<int>(shape.size());
  hsize_t first = flushed_;
  const bool fresh = !column.dataset;
  if (fresh) {
    const bool whole = last && flushed_ == 0;
    const Handle creation(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_obj_track_times(creation.get(), 0);
    if (!whole || column.compressed) {
      std::vector<hsize_t> chunk = shape;
      chunk[0] = whole ? rows : column.row.empty() ? std::max<hsize_t>(scalar_chunk, frames_in_block_) : frames_in_block_;
      if (rank == 3) chunk[1] = std::min(chunk[1], most_atoms_in_chunk);
      H5Pset_chunk(creation.get(), rank, chunk.data());
    }
    if (column.compressed) {
      H5Pset_shuffle(creation.get());
      H5Pset_deflate(creation.get(), 1);
    }
    const Handle space(H5Screate_simple(rank, shape.data(), whole ? nullptr : limit.data()));
    std::string path = column.path;
    if (!column.bare) {
      if (column.path != position_.path) make_group(path.c_str());
      path += "/value";
    }
    column.dataset = Handle(good(H5Dcreate2(file_.get(), path.c_str(), column.type, space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT)));
    if (column.unit) write_text(column.dataset, "unit", {column.unit}, true);
    if (!column.bare) {
      // A quantity belongs to the steps of the positions; theirs are written before all others.
      for (const Column* clock : {&step_, &time_}) {
        if (!clock->used() || column.path == position_.path) continue;
        const std::string link = column.path + (clock == &step_ ? "/step" : "/time");
        check(H5Lcreate_hard(file_.get(), clock->path.c_str(), file_.get(), link.c_str(), H5P_DEFAULT, H5P_DEFAULT));
      }
      first = 0;
    }
  } else {
    check(H5Dset_extent(column.dataset.get(), shape.data()));
  }
  const auto write_rows = [&](hsize_t from, hsize_t count, const std::vector<char>& bytes) {
    const Handle space(good(H5Dget_space(column.dataset.get())));
    std::vector<hsize_t> start(shape.size(), 0), extent = shape;
    start[0] = from;
    extent[0] = count;
    const Handle memory(H5Screate_simple(rank, extent.data(), nullptr));
    check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr));
    check(H5Dwrite(column.dataset.get(), column.type, memory.get(), space.get(), H5P_DEFAULT, bytes.data()));
  };
  if (fresh && !column.bare && flushed_ > 0) {
    // The frames flushed before lacked this quantity.
    std::vector<char> none;
    const std::size_t numbers = frames_in_block_ * column.row_bytes() / column.element_size;
    for (std::size_t k = 0; k < numbers; ++k) {
      const float single = std::numeric_limits<float>::quiet_NaN();
      const double twice = std::numeric_limits<double>::quiet_NaN();
      const char* bytes = column.element_size == 4 ? reinterpret_cast<const char*>(&single) : reinterpret_cast<const char*>(&twice);
      none.insert(none.end(), bytes, bytes + column.element_size);
    }
    for (; first < flushed_; first += frames_in_block_) write_rows(first, std::min<hsize_t>(frames_in_block_, flushed_ - first), none);
  }
  write_rows(flushed_, rows, column.block);
  column.block.clear();
}

void H5mdWriter::close_datasets() {
  for (Column* column : columns()) column->dataset = Handle();
}

void H5mdWriter::commit() {
  const Session session;
  if (frames_ == 0) throw Error(ErrorKind::usage, name_ + ": no frames to write");
  if (frames_ > flushed_) flush(true);
  close_datasets();
  check(H5Fflush(file_.get(), H5F_SCOPE_GLOBAL));
  check(H5Fclose(file_.release()));
  pending_.commit();
}

}  // namespace

std::unique_ptr<TrajectoryWriter> create_h5md(const std::filesystem::path& path, const WriteOptions& options) {
  return std::make_unique<H5mdWriter>(path, options);
}

}  // namespace saltus
