#include "saltus/analysis/analysis.hpp"

#include <algorithm>
#include <exception>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/pipeline.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {

namespace {

/// Frames that pass through the line together. Atoms are counted too, so that large frames take no more memory than small ones.
constexpr std::size_t most_frames_per_chunk = 16, atoms_per_chunk = 16384;

struct Chunk {
  std::vector<Frame> frames;
  std::size_t first = 0, count = 0;                    // place of the first in the trajectory; frames in use
  std::vector<std::unique_ptr<Record>> records;        // [frame][analysis]
  std::vector<std::exception_ptr> errors;              // [frame][analysis] of map
  std::exception_ptr read_error;                       // of the frame after the last
};

void check_same_atoms(const Frame& frame, const std::shared_ptr<const Atoms>& first, std::size_t index) {
  if (!frame.atoms || frame.atoms->size() != frame.size())
    throw Error(ErrorKind::internal, fmt::format("frame {}: positions and atoms differ in number", index + 1));
  if (frame.atoms == first || *frame.atoms == *first) return;
  throw Error(ErrorKind::unsupported,
              fmt::format("frame {} holds {} where frame 1 holds {} (or the order of the atoms differs): the analysis of "
                          "a trajectory needs the same atoms in all frames",
                          index + 1, formula(*frame.atoms), formula(*first)));
}

[[noreturn]] void rethrow_at(const std::exception_ptr& error, std::size_t index) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& known) {
    throw with_place(known, fmt::format("frame {}", index + 1));
  }
}

}  // namespace

std::size_t run_analyses(const NextFrame& next, std::span<Analysis* const> analyses) {
  const std::size_t n = analyses.size();
  std::vector<Chunk> chunks(2 * static_cast<std::size_t>(thread_count()) + 1);
  std::shared_ptr<const Atoms> first;
  std::size_t done = 0, most_frames = most_frames_per_chunk;
  bool ended = false;

  const auto read = [&](std::size_t slot) {
    Chunk& chunk = chunks[slot];
    chunk.first = done;
    chunk.count = 0;
    chunk.read_error = nullptr;
    try {
      while (!ended && chunk.count < most_frames) {
        if (chunk.frames.size() == chunk.count) chunk.frames.emplace_back();
        Frame& frame = chunk.frames[chunk.count];
        if (!next(frame)) {
          ended = true;
          break;
        }
        if (!first) {
          first = frame.atoms;
          most_frames = std::clamp<std::size_t>(atoms_per_chunk / std::max<std::size_t>(1, frame.size()), 1, most_frames);
        }
        check_same_atoms(frame, first, done);
        ++chunk.count;
        ++done;
      }
    } catch (...) {  // thrown when all frames before are through, however many threads
      chunk.read_error = std::current_exception();
      ended = true;
    }
    return chunk.count > 0 || chunk.read_error;
  };
  const auto map = [&](std::size_t slot) {
    Chunk& chunk = chunks[slot];
    chunk.records.resize(chunk.count * n);
    chunk.errors.assign(chunk.count * n, nullptr);
    for (std::size_t k = 0; k < chunk.count; ++k)
      for (std::size_t a = 0; a < n; ++a) try {
          if ((chunk.first + k) % analyses[a]->stride() == 0) chunk.records[k * n + a] = analyses[a]->map(chunk.frames[k]);
        } catch (...) {
          chunk.errors[k * n + a] = std::current_exception();
        }
  };
  const auto fold = [&](std::size_t slot) {
    Chunk& chunk = chunks[slot];
    for (std::size_t k = 0; k < chunk.count; ++k)
      for (std::size_t a = 0; a < n; ++a) {
        if (chunk.errors[k * n + a]) rethrow_at(chunk.errors[k * n + a], chunk.first + k);
        if (chunk.records[k * n + a]) analyses[a]->fold(std::move(chunk.records[k * n + a]));
      }
    if (chunk.read_error) std::rethrow_exception(chunk.read_error);
  };
  ordered_pipeline(chunks.size(), read, map, fold);
  return done;
}

std::vector<std::uint32_t> indices_of(const Atoms& atoms, int atomic_number) {
  std::vector<std::uint32_t> found;
  for (std::size_t i = 0; i < atoms.size(); ++i)
    if (atoms.atomic_number[i] == atomic_number) found.push_back(static_cast<std::uint32_t>(i));
  return found;
}

void require_velocities(const Frame& frame) {
  if (frame.velocity_ang_fs.empty())
    throw Error(ErrorKind::usage, "the frames hold no velocities; write them ('saltus md --write-velocities', CP2K's VELOCITIES)");
}

}  // namespace saltus
