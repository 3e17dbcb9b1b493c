// saltus sample IN OUT: equidistant or random frames, or a split by blocks of time.
#include "saltus/cli/commands.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/io/sampling.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus::cli {

namespace {

struct Options : InputOutput {
  std::size_t every = 0, count = 0, random = 0;
  std::uint64_t seed = 0;
  bool split = false;
  SplitOptions split_options;
  double time_step_fs = 0;
};

struct Part {
  std::string name;  // empty: the only one
  std::filesystem::path path;
  std::vector<std::size_t> frames;
};

std::vector<double> times_fs(TrajectoryReader& reader, const Options& options) {
  std::vector<double> times;
  for (Frame frame; reader.read_next(frame);) {
    if (options.time_step_fs > 0) frame.time_fs = options.time_step_fs * static_cast<double>(times.size());
    else if (reader.source().time.empty())
      throw Error(ErrorKind::usage, fmt::format("{}: frame {} carries no time; give the time between frames by --time-step-fs",
                                                options.input, times.size() + 1));
    times.push_back(frame.time_fs);
  }
  return times;
}

std::vector<Part> choose(TrajectoryReader& reader, const Options& options, std::size_t& total) {
  const std::filesystem::path output(options.output);
  if (options.split) {
    const std::vector<double> times = times_fs(reader, options);
    total = times.size();
    Split split;
    try {
      split = split_by_blocks(times, options.split_options);
    } catch (const Error& error) {
      throw with_place(error, options.input);
    }
    const auto beside = [&](const char* name) {
      return output.parent_path() / (output.stem().string() + "_" + name + output.extension().string());
    };
    std::vector<Part> parts;
    parts.push_back({"train", beside("train"), split.train});
    if (!split.valid.empty()) parts.push_back({"valid", beside("valid"), split.valid});
    if (!split.test.empty()) parts.push_back({"test", beside("test"), split.test});
    return parts;
  }
  total = reader.count();
  if (options.every > 0) return {{"", output, every_kth_frame(total, options.every)}};
  if (options.count > 0) return {{"", output, evenly_spread_frames(total, options.count)}};
  Random random(options.seed, 0);
  return {{"", output, random_frames(total, options.random, random)}};
}

int sample(const Options& options) {
  const int ways = (options.every > 0) + (options.count > 0) + (options.random > 0) + options.split;
  if (ways != 1) throw Error(ErrorKind::usage, "sample needs one of --every, --count, --random and --split");
  const auto reader = open_trajectory(options.input, options.read);
  std::size_t total = 0;
  const std::vector<Part> parts = choose(*reader, options, total);

  listen_for_signals();
  const Progress progress = interruptible(progress_line(), stop_requested);
  std::size_t chosen = 0, taken = 0;
  for (const auto& part : parts) chosen += part.frames.size();
  std::vector<std::unique_ptr<TrajectoryWriter>> writers;
  for (const auto& part : parts) {
    refuse_overwriting(options.input, part.path);
    writers.push_back(create_trajectory(part.path, options.write));
  }
  Frame frame;
  FrameNotes notes;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    std::size_t at = 0;
    reader->seek(0);
    for (const std::size_t k : parts[p].frames) {
      if (k != at) reader->seek(k);
      if (!reader->read_next(frame))
        throw Error(ErrorKind::file, fmt::format("{}: the file changed while it was read", options.input));
      pass_on(*reader, frame, *writers[p], notes);
      report_progress(progress, "sample", static_cast<double>(++taken), static_cast<double>(chosen), "frames");
      at = k + 1;
    }
  }
  for (const auto& writer : writers) writer->commit();
  show_notes(options.input, notes);

  nlohmann::ordered_json document{{"input", options.input}, {"input_frames", total}};
  for (const auto& part : parts) {
    document["parts"].push_back({{"name", part.name.empty() ? "sample" : part.name}, {"file", part.path.string()},
                                 {"frames", part.frames.size()}, {"first_frame", part.frames.front() + 1}, {"last_frame", part.frames.back() + 1}});
    if (!options.json) fmt::print("{}: {} of {} frames\n", part.path.string(), part.frames.size(), total);
  }
  document["left_out_frames"] = total - taken;
  if (!notes.texts.empty()) document["notes"] = notes.all();
  if (options.json) print_json(document);
  else if (options.split) fmt::print("left out within {} fs of a boundary: {} frames\n", options.split_options.gap_fs, total - taken);
  return 0;
}

}  // namespace

std::function<int()> set_up_sample(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_input_output(app, *options);
  app.add_option("--every", options->every, "one frame in N, from the first")->check(CLI::PositiveNumber);
  app.add_option("--count", options->count, "N frames spread evenly")->check(CLI::PositiveNumber);
  app.add_option("--random", options->random, "N different frames at random, in the order of the input")->check(CLI::PositiveNumber);
  app.add_option("--seed", options->seed, "seed of --random (default 0)");
  app.add_flag("--split", options->split, "OUT_train, OUT_valid and OUT_test by blocks of time: the last are the test,\n"
                                          "validation blocks lie spread before it");
  app.add_option("--test", options->split_options.test_fraction, "fraction for the test (default 0.2)");
  app.add_option("--valid", options->split_options.valid_fraction, "fraction for validation (default 0.15)");
  app.add_option("--valid-blocks", options->split_options.valid_blocks, "number of validation blocks (default 2)");
  app.add_option("--gap-fs", options->split_options.gap_fs, "least time between frames of different parts, fs (default 50)");
  app.add_option("--time-step-fs", options->time_step_fs, "time between frames, fs (default: as the file says)")->check(CLI::PositiveNumber);
  add_frame_options(app, *options);
  app.footer("Example:\n  saltus sample examples/li15si4/li15si4_900K.extxyz li15si4.extxyz --split --gap-fs 50");
  return [options] { return sample(*options); };
}

}  // namespace saltus::cli
