// States of carriers in time as files: what sites and simulate write and msm reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace saltus::cli {

/// Writes `site` ([frame][carrier]) to `path`, a line per frame and a column per carrier, and `image` ([frame][carrier][3]) beside it
/// (X.images.npy beside X.npy, X.images.txt beside X.txt): .npy binary, any other name text. Throws Error{file}.
void write_states(const std::string& path, std::span<const std::int32_t> site, std::span<const std::int32_t> image, std::size_t carriers);

/// states.npy → states.images.npy
std::string images_path(const std::string& states);

}  // namespace saltus::cli
