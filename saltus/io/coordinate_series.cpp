#include "saltus/io/coordinate_series.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/io/byte_file.hpp"
#include "saltus/io/lines.hpp"
#include "saltus/io/npy_header.hpp"
#include "saltus/io/refuse.hpp"
#include "saltus/io/regular_file.hpp"

namespace saltus {

namespace {

constexpr std::size_t chunk_bytes = std::size_t{1} << 24, together_bytes = std::size_t{1} << 22;

std::size_t frames_in(std::size_t bytes, std::size_t particles) { return std::max<std::size_t>(1, bytes / (particles * sizeof(float))); }

int open_without_name(const std::filesystem::path& folder, std::string& name) {
  const std::filesystem::path where = folder.empty() ? std::filesystem::temp_directory_path() : folder;
  std::string path = (where / "saltus_coordinates_XXXXXX").string();
  const int descriptor = ::mkostemp(path.data(), O_CLOEXEC);
  if (descriptor < 0) throw Error(ErrorKind::file, fmt::format("{}: cannot make a temporary file: {}", where.string(), std::strerror(errno)));
  ::unlink(path.c_str());
  name = fmt::format("temporary file in {}", where.string());
  return descriptor;
}

}  // namespace

CoordinateSeries::CoordinateSeries(std::size_t particles, std::uint64_t memory_limit_bytes, std::filesystem::path folder)
    : particles_(particles), memory_limit_(memory_limit_bytes), folder_(std::move(folder)) {
  if (particles == 0) throw Error(ErrorKind::usage, "a series of coordinates without particles");
  frames_per_chunk_ = frames_in(chunk_bytes, particles);
}

CoordinateSeries::CoordinateSeries(CoordinateSeries&& other) noexcept
    : particles_(other.particles_), frames_(other.frames_), frames_in_memory_(other.frames_in_memory_), memory_limit_(other.memory_limit_), bytes_on_disk_(other.bytes_on_disk_),
      folder_(std::move(other.folder_)), name_(std::move(other.name_)), descriptor_(std::exchange(other.descriptor_, -1)), chunks_(std::move(other.chunks_)),
      frames_per_chunk_(other.frames_per_chunk_), pending_(std::move(other.pending_)), row_(std::move(other.row_)), data_at_(other.data_at_), number_bytes_(other.number_bytes_),
      swap_(other.swap_), segment_begins_(other.segment_begins_), segment_start_(std::move(other.segment_start_)), lowest_(other.lowest_), highest_(other.highest_) {}

CoordinateSeries::~CoordinateSeries() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void CoordinateSeries::append(std::span<const double> position_ang) {
  if (position_ang.size() != particles_)
    throw Error(ErrorKind::usage, fmt::format("frame {} has {} particles, the frames before {}", frames_, position_ang.size(), particles_));
  row_.resize(particles_);
  for (std::size_t p = 0; p < particles_; ++p) row_[p] = static_cast<float>(position_ang[p]);
  append_checked(row_.data());
}

void CoordinateSeries::append(std::span<const float> position_ang) {
  if (position_ang.size() != particles_)
    throw Error(ErrorKind::usage, fmt::format("frame {} has {} particles, the frames before {}", frames_, position_ang.size(), particles_));
  append_checked(position_ang.data());
}

void CoordinateSeries::append_checked(const float* row) {
  for (std::size_t p = 0; p < particles_; ++p) {
    const float z = row[p];
    if (std::isinf(z)) throw Error(ErrorKind::numeric, fmt::format("frame {}, particle {}: the coordinate is infinite or too large", frames_, p));
    if (z < lowest_) lowest_ = z;
    if (z > highest_) highest_ = z;
  }
  if (std::exchange(segment_begins_, false)) segment_start_.push_back(frames_);
  const std::uint64_t frame_bytes = particles_ * sizeof(float);
  if (frames_ == frames_in_memory_ && (frames_ + 1) * frame_bytes <= memory_limit_) {
    if (frames_ % frames_per_chunk_ == 0) {
      chunks_.emplace_back();
      chunks_.back().reserve(frames_per_chunk_ * particles_);
    }
    chunks_.back().insert(chunks_.back().end(), row, row + particles_);
    ++frames_in_memory_;
  } else {
    pending_.insert(pending_.end(), row, row + particles_);
    if (pending_.size() * sizeof(float) >= together_bytes) spill();
  }
  ++frames_;
}

void CoordinateSeries::spill() {
  if (descriptor_ < 0) descriptor_ = open_without_name(folder_, name_);
  const char* from = reinterpret_cast<const char*>(pending_.data());
  std::size_t left = pending_.size() * sizeof(float);
  std::uint64_t at = bytes_on_disk_;
  while (left > 0) {
    const ssize_t written = ::pwrite(descriptor_, from, left, static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw Error(ErrorKind::file, fmt::format("{}: cannot write: {}; TMPDIR names another folder", name_, std::strerror(errno)));
    from += written;
    at += static_cast<std::uint64_t>(written);
    left -= static_cast<std::size_t>(written);
  }
  bytes_on_disk_ = at;
  pending_.clear();
}

void CoordinateSeries::begin_segment() {
  segment_begins_ = frames_ > 0;
}

float CoordinateSeries::number_at(const char* bytes) const {
  const std::endian order = swap_ == (std::endian::native == std::endian::little) ? std::endian::big : std::endian::little;
  return number_bytes_ == 4 ? load<float>(bytes, order) : static_cast<float>(load<double>(bytes, order));
}

void CoordinateSeries::read(std::size_t first, std::size_t count, std::vector<float>& out) const {
  if (first > frames_ || count > frames_ - first)
    throw Error(ErrorKind::usage, fmt::format("frames {} to {} of a series of {}", first, first + count, frames_));
  out.resize(count * particles_);
  std::size_t done = 0;
  while (done < count && first + done < frames_in_memory_) {
    const std::size_t frame = first + done, in_chunk = frame % frames_per_chunk_;
    const std::size_t n = std::min({count - done, frames_per_chunk_ - in_chunk, frames_in_memory_ - frame});
    const float* from = chunks_[frame / frames_per_chunk_].data() + in_chunk * particles_;
    std::copy(from, from + n * particles_, out.data() + done * particles_);
    done += n;
  }
  const std::uint64_t row_bytes = particles_ * number_bytes_;
  const std::size_t on_disk = frames_ - frames_in_memory_ - pending_.size() / particles_;
  const std::size_t disk_end = frames_in_memory_ + on_disk;
  std::vector<char> bytes;
  while (done < count && first + done < disk_end) {
    const std::size_t frame = first + done, n = std::min({count - done, disk_end - frame, std::max<std::size_t>(1, chunk_bytes / row_bytes)});
    const std::uint64_t offset = data_at_ + (frame - frames_in_memory_) * row_bytes;
    const std::size_t wanted = n * row_bytes;
    const bool as_is = number_bytes_ == 4 && !swap_;
    if (!as_is) bytes.resize(wanted);
    char* to = as_is ? reinterpret_cast<char*>(out.data() + done * particles_) : bytes.data();
    if (read_at(descriptor_, name_, to, wanted, offset) < wanted) throw Error(ErrorKind::file, fmt::format("{}: became shorter while it was read", name_));
    if (!as_is)
      for (std::size_t k = 0; k < n * particles_; ++k) out[done * particles_ + k] = number_at(bytes.data() + k * number_bytes_);
    done += n;
  }
  if (done < count) {
    const std::size_t from = (first + done - disk_end) * particles_;
    std::copy(pending_.begin() + static_cast<std::ptrdiff_t>(from), pending_.begin() + static_cast<std::ptrdiff_t>(from + (count - done) * particles_), out.begin() + static_cast<std::ptrdiff_t>(done * particles_));
  }
}

CoordinateSeries CoordinateSeries::open_npy(const std::filesystem::path& path) try {
  ByteFile bytes(path);
  const NpyHeader header = read_npy_header(bytes);
  const std::string text = header.shape_text();
  if (header.type != "<f4" && header.type != ">f4" && header.type != "<f8" && header.type != ">f8")
    do_not_support("numbers of type {}; save them with astype('float32')", shown(header.type));
  if (header.shape.size() != 2 && header.shape.size() != 1) do_not_support("an array of shape ({}), expected (frames, particles) of one coordinate: save positions[:, :, 2], for instance", text);
  if (header.fortran_order && header.shape.size() == 2) do_not_support("an array in Fortran order; save numpy.ascontiguousarray of it");
  const std::uint64_t particles = header.shape.size() == 2 ? header.shape[1] : 1, frames = header.shape[0];
  if (frames == 0 || particles == 0) refuse("an array of shape ({}) holds no frame", text);
  const std::uint64_t number_bytes = header.type[2] == '4' ? 4 : 8, left = bytes.size() - header.size;
  // No product of what the header says before it is known to fit the file.
  if (particles > left / number_bytes || frames > left / number_bytes / particles)
    refuse("the file ends at byte {}, too short for its shape ({}): it is cut off", bytes.size(), text);
  if (left != frames * particles * number_bytes) refuse("the file has {} bytes more than its shape ({}) takes", left - frames * particles * number_bytes, text);
  CoordinateSeries series(static_cast<std::size_t>(particles));
  series.frames_ = static_cast<std::size_t>(frames);
  series.name_ = path.string();
  series.data_at_ = header.size;
  series.number_bytes_ = static_cast<std::size_t>(number_bytes);
  series.swap_ = (header.type[0] == '<') != (std::endian::native == std::endian::little);
  series.descriptor_ = open_regular_file(path);
  std::vector<float> rows;
  const std::size_t together = frames_in(chunk_bytes, series.particles_);
  for (std::size_t first = 0; first < series.frames_; first += together) {
    series.read(first, std::min(together, series.frames_ - first), rows);
    for (std::size_t k = 0; k < rows.size(); ++k) {
      if (!std::isfinite(rows[k]))
        throw Error(ErrorKind::format, fmt::format("frame {}, particle {}: the coordinate is {}; frames and particles count from 0", first + k / series.particles_, k % series.particles_,
                                                   std::isnan(rows[k]) ? "not a number" : "infinite or too large"));
      if (rows[k] < series.lowest_) series.lowest_ = rows[k];
      if (rows[k] > series.highest_) series.highest_ = rows[k];
    }
  }
  return series;
} catch (const Error& error) {
  const std::string place = path.string();
  if (std::string(error.what()).starts_with(place)) throw;
  throw with_place(error, place);
}

}  // namespace saltus
