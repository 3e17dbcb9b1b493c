#include "saltus/io/segments.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/io/h5md.hpp"

namespace saltus {

namespace {

constexpr const char* h5md = ".h5md";
constexpr const char* extxyz = ".extxyz";

std::string segment_name(std::size_t number, std::string_view extension) { return fmt::format("{:06}{}", number, extension); }

// Number of a segment by its file name, 0 when it is none.
std::size_t segment_number(const std::filesystem::path& path) {
  const auto number = parse_int(path.stem().string());
  const std::string extension = path.extension().string();
  if ((extension != h5md && extension != extxyz) || !number || *number < 1) return 0;
  return path.filename() == segment_name(static_cast<std::size_t>(*number), extension) ? static_cast<std::size_t>(*number) : 0;
}

// A segment that a writer did not complete: 000007.h5md.part1234@host
bool is_leftover(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const std::size_t part = name.find(".part");
  return part != std::string::npos && segment_number(name.substr(0, part)) > 0;
}

std::unique_ptr<TrajectoryReader> open_segment(const std::filesystem::path& path, const ReadOptions& options) {
  return path.extension() == h5md ? open_h5md(path, options) : open_extxyz(path, options);
}

std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> entries;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    entries.push_back(at->path());
  if (error) throw Error(ErrorKind::file, fmt::format("{}: cannot list: {}", folder.string(), error.message()));
  return entries;
}

void flush_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool good = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int cause = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!good) throw Error(ErrorKind::file, fmt::format("{}: cannot flush to disk: {}", folder.string(), std::strerror(cause)));
}

class SegmentsReader final : public TrajectoryReader {
 public:
  SegmentsReader(const std::filesystem::path& folder, const ReadOptions& options)
      : name_(folder.string()), options_(options), paths_(segments_of(folder)) {
    options_.same_atoms = false;
  }

  bool read_next(Frame& frame) override {
    for (; segment_ < paths_.size(); go_to(segment_ + 1)) {
      if (!reader_) reader_ = open_segment(paths_[segment_], options_);
      if (!reader_->read_next(frame)) continue;
      source_ = reader_->source();
      if (shared_atoms_ && *shared_atoms_ == *frame.atoms) frame.atoms = shared_atoms_;
      else shared_atoms_ = frame.atoms;
      return true;
    }
    return false;
  }

  void seek(std::size_t k) override {
    std::size_t first = 0;
    for (std::size_t segment = 0; segment < paths_.size(); ++segment) {
      const std::size_t here = frames_in(segment);
      if (k < first + here) {
        if (segment != segment_) go_to(segment);
        if (!reader_) reader_ = open_segment(paths_[segment], options_);
        reader_->seek(k - first);
        return;
      }
      first += here;
    }
    go_to(paths_.size());
    if (k > first) throw Error(ErrorKind::usage, fmt::format("{}: there is no frame {}; it has {}", name_, k + 1, first));
  }

  std::size_t count() override {
    std::size_t total = 0;
    for (std::size_t s = 0; s < paths_.size(); ++s) total += frames_in(s);
    return total;
  }

  const FrameSource& source() const override { return source_; }

 private:
  void go_to(std::size_t segment) {
    segment_ = segment;
    reader_.reset();
  }
  std::size_t frames_in(std::size_t segment) {
    while (frames_.size() <= segment) frames_.push_back(open_segment(paths_[frames_.size()], options_)->count());
    return frames_[segment];
  }

  std::string name_;
  ReadOptions options_;
  std::vector<std::filesystem::path> paths_;
  std::vector<std::size_t> frames_;  // of the segments counted so far
  std::size_t segment_ = 0;
  std::unique_ptr<TrajectoryReader> reader_;  // of segment_; null: not opened yet
  FrameSource source_;
  std::shared_ptr<const Atoms> shared_atoms_;
};

}  // namespace

std::vector<std::filesystem::path> segments_of(const std::filesystem::path& folder) {
  std::vector<std::pair<std::size_t, std::filesystem::path>> found;
  for (const auto& path : entries_of(folder))
    if (const std::size_t number = segment_number(path)) found.emplace_back(number, path);
  std::sort(found.begin(), found.end());
  if (found.empty())
    throw Error(ErrorKind::file, fmt::format("{}: is a directory without trajectory segments (000001.h5md, …)", folder.string()));
  const std::string extension = found.front().second.extension().string();
  for (const auto& [number, path] : found)
    if (path.extension() != extension)
      throw Error(ErrorKind::format, fmt::format("{}: holds H5MD and extXYZ segments ({}, {}), which are not of one trajectory",
                                                 folder.string(), found.front().second.filename().string(), path.filename().string()));
  std::vector<std::filesystem::path> paths;
  for (std::size_t k = 0; k < found.size(); ++k) {
    if (found[k].first != k + 1)
      throw Error(ErrorKind::format, fmt::format("{}: segment {} is missing", folder.string(), segment_name(k + 1, extension)));
    paths.push_back(found[k].second);
  }
  return paths;
}

std::unique_ptr<TrajectoryReader> open_segments(const std::filesystem::path& folder, const ReadOptions& options) {
  return std::make_unique<SegmentsReader>(folder, options);
}

void drop_segments_after(const std::filesystem::path& folder, std::size_t keep) {
  if (!std::filesystem::exists(folder)) return;
  std::vector<std::pair<std::size_t, std::filesystem::path>> dropped;
  for (const auto& path : entries_of(folder)) {
    const std::size_t number = segment_number(path);
    if (number > keep || is_leftover(path)) dropped.emplace_back(number, path);
  }
  // The last first: stopped on the way, what remains is still without holes.
  std::sort(dropped.rbegin(), dropped.rend());
  for (const auto& [number, path] : dropped) {
    std::error_code error;
    std::filesystem::remove(path, error);
    if (error) throw Error(ErrorKind::file, fmt::format("{}: cannot remove: {}", path.string(), error.message()));
  }
  if (!dropped.empty()) flush_folder(folder);
}

SegmentWriter::SegmentWriter(std::filesystem::path folder, const WriteOptions& options, std::size_t keep)
    : folder_(std::move(folder)), options_(options), complete_(keep) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) throw Error(ErrorKind::file, fmt::format("{}: cannot create the folder: {}", folder_.string(), error.message()));
  drop_segments_after(folder_, keep);
  if (keep == 0) return;
  const auto there = segments_of(folder_);
  if (there.size() != keep)
    throw Error(ErrorKind::usage, fmt::format("{}: cannot continue behind segment {}: there are {}", folder_.string(), keep, there.size()));
  if (there.front().extension() != h5md)
    throw Error(ErrorKind::usage, fmt::format("{}: holds extXYZ segments of an earlier version, which can be read but not continued", folder_.string()));
}

void SegmentWriter::write(const Frame& frame) {
  if (!current_) current_ = create_h5md(folder_ / segment_name(complete_ + 1, h5md), options_);
  current_->write(frame);
}

std::size_t SegmentWriter::commit_segment() {
  if (!current_) return complete_;
  current_->commit();
  current_.reset();
  flush_folder(folder_);
  return ++complete_;
}

}  // namespace saltus
