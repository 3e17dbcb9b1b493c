#include "saltus/training/torch/frames.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <string_view>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/io/frame_notes.hpp"
#include "saltus/io/sampling.hpp"

namespace saltus::training {

namespace {

/// The configuration alone: elements, cell, positions.
std::string configuration_hash(const Frame& frame) {
  Sha256 hash;
  const auto add = [&](const auto* data, std::size_t count) { hash.update({reinterpret_cast<const char*>(data), count * sizeof *data}); };
  add(frame.atoms->atomic_number.data(), frame.size());
  const Mat3 rows = frame.cell.rows_ang();
  add(rows.row.data(), rows.row.size());
  add(frame.position_ang.data(), frame.size());
  return hash.finish();
}

/// Leaves out frames whose configuration is known, and remembers the others.
std::size_t drop_known(std::vector<Frame>& frames, std::map<std::string, int>& known) {
  std::size_t kept = 0;
  for (Frame& frame : frames)
    if (known.emplace(configuration_hash(frame), 0).second) {
      if (&frames[kept] != &frame) frames[kept] = std::move(frame);
      ++kept;
    }
  const std::size_t dropped = frames.size() - kept;
  frames.resize(kept);
  return dropped;
}

/// Parts are runs of consecutive frames, whose neighbours tell nearly the same.
bool is_left_out(const FinetuneInput& input, std::size_t k, std::size_t frames) {
  return input.left_out > 0 && k * static_cast<std::size_t>(input.parts) / frames + 1 == static_cast<std::size_t>(input.left_out);
}

}  // namespace

LabelledFrames read_labelled(const FinetuneInput& input, const Progress& progress) {
  const FinetuneSettings& s = input.settings;
  LabelledFrames result;
  for (const FinetuneSet& set : input.sets) {
    const std::string path = set.path.string();
    const auto reader = open_trajectory(set.path, set.read);
    std::vector<Frame> frames;
    std::vector<double> time_fs;
    FrameNotes notes;
    Frame frame;
    while (reader->read_next(frame)) {
      notes.add(reader->source());
      if (!frame.energy_ev || frame.force_ev_ang.empty())
        throw Error(ErrorKind::format, fmt::format("{}, frame {}: fine-tuning needs {}; name them by --energy-key and --forces-key if the file calls them otherwise", path,
                                                   frames.size() + 1, frame.energy_ev ? "forces" : "an energy"));
      frame.velocity_ang_fs.clear();
      time_fs.push_back(frame.time_fs);
      frames.push_back(frame);
      report_progress(progress, "finetune: reading", static_cast<double>(frames.size()), 0, "frames");
    }
    for (const std::string& note : notes.all()) result.warnings.push_back(fmt::format("{}: {}", path, note));
    result.hashes += fmt::format("{}{}", result.hashes.empty() ? "" : " ", sha256_of_path(set.path));
    if (set.all_train) {
      for (std::size_t k = 0; k < frames.size(); ++k)
        if (!is_left_out(input, k, frames.size())) result.train.push_back(std::move(frames[k]));
      continue;
    }
    double gap_fs = s.gap_fs;
    if (time_fs.size() > 1 && std::adjacent_find(time_fs.begin(), time_fs.end(), std::not_equal_to<>()) == time_fs.end()) {
      std::iota(time_fs.begin(), time_fs.end(), 0.0);
      gap_fs = 0;
      result.warnings.push_back(fmt::format("{}: its frames have no times: they are split in their order, with no gaps between the parts", path));
    }
    Split split;
    try {
      split = split_by_blocks(time_fs, {s.test_fraction, s.valid_fraction, static_cast<int>(s.valid_blocks), gap_fs});
    } catch (const Error& error) {
      throw with_place(error, path);
    }
    for (std::size_t k = 0; k < split.train.size(); k += static_cast<std::size_t>(s.train_every))
      if (!is_left_out(input, k, split.train.size())) result.train.push_back(frames[split.train[k]]);
    for (const auto k : split.valid) result.valid.push_back(frames[k]);
    result.test.emplace_back();
    for (const auto k : split.test) result.test.back().push_back(frames[k]);
    result.set.push_back(set.name.empty() ? set.path.stem().string() : set.name);
  }
  std::map<std::string, int> known;
  for (const auto& frames : result.test)
    for (const Frame& frame : frames) known.emplace(configuration_hash(frame), 0);
  const std::size_t valid = drop_known(result.valid, known), train = drop_known(result.train, known);
  if (valid + train > 0)
    result.warnings.push_back(fmt::format("{} frames are there twice and were left out: {} of training, {} of validation", valid + train, train, valid));
  if (result.train.empty()) throw Error(ErrorKind::usage, "no training frames are left");
  if (result.valid.empty()) throw Error(ErrorKind::usage, "no validation frames: raise valid_fraction or give longer sets");
  for (const Frame& frame : result.train) result.stress = result.stress || frame.virial_ev;
  return result;
}

std::vector<Frame> read_replay(const FinetuneInput& input, LabelledFrames& labelled, const Progress& progress) {
  std::vector<Frame> frames;
  for (const FinetuneSet& set : input.replay) {
    const auto reader = open_trajectory(set.path, set.read);
    FrameNotes notes;
    Frame frame;
    while (reader->read_next(frame)) {
      notes.add(reader->source());
      if (!frame.energy_ev || frame.force_ev_ang.empty()) {
        frame.energy_ev.reset();
        frame.force_ev_ang.clear();
        frame.virial_ev.reset();
      }
      frames.push_back(frame);
      report_progress(progress, "finetune: reading replay", static_cast<double>(frames.size()), 0, "frames");
    }
    for (const std::string& note : notes.all()) labelled.warnings.push_back(fmt::format("{}: {}", set.path.string(), note));
    labelled.hashes += fmt::format(" {}", sha256_of_path(set.path));
  }
  return frames;
}

}  // namespace saltus::training
