// A text file of frames, one after another, that appears whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include "saltus/io/trajectory.hpp"

namespace saltus {

/// Appends frame `number`, counted from 1. Throws without naming file and frame.
using AppendFrame = void (*)(std::string& text, const Frame& frame, const WriteOptions& options, std::size_t number);

/// Throws Error{file} when the file cannot be made; its write() names file and frame in what `append` throws.
std::unique_ptr<TrajectoryWriter> create_text_writer(const std::filesystem::path& path, const WriteOptions& options,
                                                     AppendFrame append);

}  // namespace saltus
