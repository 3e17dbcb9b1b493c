#include "saltus/io/frame_access.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

FramePlace place_of(const LineReader& lines) { return {lines.offset(), lines.line_number()}; }

void go_to(LineReader& lines, const FramePlace& place) {
  if (lines.offset() != place.offset || lines.line_number() != place.line) lines.seek(place.offset, place.line);
}

std::string line_place(const LineReader& lines) {
  return fmt::format(", line {}", std::max<std::uint64_t>(lines.line_number(), 1));
}

void note_open_end(const LineReader& lines, FrameSource& source) {
  if (!lines.line_was_ended())
    source.notes.push_back(fmt::format("line {}, the last, has no end: the file may be cut off within its last number", lines.line_number()));
}

void FramePlaces::seek(std::size_t k, const std::string& name, const std::function<bool()>& skip) {
  next_ = std::min(k, start_.size() - 1);
  while (next_ < k)
    if (!skip()) throw Error(ErrorKind::usage, fmt::format("{}: there is no frame {}; it has {}", name, k + 1, next_));
}

std::size_t FramePlaces::count(const std::function<bool()>& skip) {
  if (!all_known_) {
    const std::size_t before = next_;
    next_ = start_.size() - 1;
    while (skip()) {
    }
    next_ = before;
  }
  return start_.size() - 1;
}

bool SequentialReader::advance(Frame* frame) {
  Place place = places_.place();
  try {
    if (!(frame ? read_at(place, *frame) : skip_at(place))) {
      if (places_.next() == 0) throw Error(ErrorKind::format, "the file holds no frame");
      places_.end();
      return false;
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::file) throw;
    throw with_place(error, fmt::format("{}, frame {}{}", name_, places_.next() + 1, place_within_frame()));
  }
  places_.pass(place);
  return true;
}

bool SequentialReader::read_next(Frame& frame) { return advance(&frame); }

void SequentialReader::seek(std::size_t k) {
  places_.seek(k, name_, [this] { return advance(nullptr); });
}

std::size_t SequentialReader::count() {
  return places_.count([this] { return advance(nullptr); });
}

void NumberedReader::open(const ReadOptions& options) {
  try {
    read_header(options);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::file) throw;
    throw with_place(error, name_);
  }
}

bool NumberedReader::read_next(Frame& frame) {
  if (next_ == whole_frames_) {
    if (!cut_off_.empty()) throw Error(ErrorKind::format, fmt::format("{}, frame {}: {}", name_, next_ + 1, cut_off_));
    return false;
  }
  try {
    read_frame(next_, frame);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::file) throw;
    throw with_place(error, fmt::format("{}, frame {}", name_, next_ + 1));
  }
  ++next_;
  return true;
}

void NumberedReader::seek(std::size_t k) {
  if (k > whole_frames_)
    throw Error(ErrorKind::usage, fmt::format("{}: there is no frame {}; it has {}", name_, k + 1, whole_frames_));
  next_ = k;
}

std::size_t NumberedReader::count() {
  if (!cut_off_.empty())
    throw Error(ErrorKind::format, fmt::format("{}, frame {}: {}", name_, whole_frames_ + 1, cut_off_));
  return whole_frames_;
}

}  // namespace saltus
