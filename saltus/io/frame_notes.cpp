#include "saltus/io/frame_notes.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace saltus {

namespace {

constexpr std::size_t most_texts = 10;

}  // namespace

void FrameNotes::add(const FrameSource& source) {
  for (const std::string& note : source.notes) {
    if (std::find(texts.begin(), texts.end(), note) != texts.end()) continue;
    if (texts.size() < most_texts) texts.push_back(note);
    else ++left_out;
  }
}

std::vector<std::string> FrameNotes::all() const {
  std::vector<std::string> lines = texts;
  if (left_out > 0) lines.push_back(fmt::format("and {} more such notes", left_out));
  return lines;
}

}  // namespace saltus
