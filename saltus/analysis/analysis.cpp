#include "saltus/analysis/analysis.hpp"

#include <exception>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {

namespace {

constexpr std::size_t frames_per_chunk = 64;

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
  std::vector<Frame> frames(frames_per_chunk);
  std::vector<std::unique_ptr<Record>> records(frames_per_chunk);
  std::vector<std::exception_ptr> errors(frames_per_chunk);  // the one of the first frame is thrown, however many threads
  std::shared_ptr<const Atoms> first;
  std::size_t done = 0;
  while (true) {
    std::size_t count = 0;
    while (count < frames_per_chunk && next(frames[count])) {
      if (!first) first = frames[count].atoms;
      check_same_atoms(frames[count], first, done + count);
      ++count;
    }
    for (Analysis* analysis : analyses) {
      const std::size_t stride = analysis->stride();
      parallel_chunks(count, 1, [&](std::size_t k, std::size_t) {
        if ((done + k) % stride) return;
        try {
          records[k] = analysis->map(frames[k]);
        } catch (...) {
          errors[k] = std::current_exception();
        }
      });
      for (std::size_t k = 0; k < count; ++k) {
        if ((done + k) % stride) continue;
        if (errors[k]) rethrow_at(errors[k], done + k);
        analysis->fold(std::move(records[k]));
      }
    }
    done += count;
    if (count < frames_per_chunk) return done;
  }
}

std::vector<std::uint32_t> indices_of(const Atoms& atoms, int atomic_number) {
  std::vector<std::uint32_t> found;
  for (std::size_t i = 0; i < atoms.size(); ++i)
    if (atoms.atomic_number[i] == atomic_number) found.push_back(static_cast<std::uint32_t>(i));
  return found;
}

}  // namespace saltus
