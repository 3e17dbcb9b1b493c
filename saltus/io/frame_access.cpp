#include "saltus/io/frame_access.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

bool SequentialReader::advance(Frame* frame) {
  Place place = start_[next_];
  try {
    if (!(frame ? read_at(place, *frame) : skip_at(place))) {
      if (next_ == 0) throw Error(ErrorKind::format, "the file holds no frame");
      all_known_ = true;
      return false;
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::file) throw;
    throw with_place(error, fmt::format("{}, frame {}{}", name_, next_ + 1, place_within_frame()));
  }
  ++next_;
  if (next_ == start_.size()) start_.push_back(place);
  return true;
}

bool SequentialReader::read_next(Frame& frame) { return advance(&frame); }

void SequentialReader::seek(std::size_t k) {
  next_ = std::min(k, start_.size() - 1);
  while (next_ < k)
    if (!advance(nullptr))
      throw Error(ErrorKind::usage, fmt::format("{}: there is no frame {}; it has {}", name_, k + 1, next_));
}

std::size_t SequentialReader::count() {
  if (!all_known_) {
    const std::size_t before = next_;
    next_ = start_.size() - 1;
    while (advance(nullptr)) {
    }
    next_ = before;
  }
  return start_.size() - 1;
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

void require_finite(const std::vector<Vec3>& vectors, const char* what) {
  for (std::size_t i = 0; i < vectors.size(); ++i)
    if (!is_finite(vectors[i]))
      throw Error(ErrorKind::format, fmt::format("the {} of atom {} is not finite", what, i + 1));
}

}  // namespace saltus
