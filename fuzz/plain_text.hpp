// Readers of text decompress what is compressed. That is compressed_fuzz's: here it would make much work of few bytes.
#pragma once

#include <string_view>

#include "saltus/io/compressed.hpp"

namespace saltus {

inline bool is_plain(std::string_view text) { return compression_of(text) == Compression::none; }

/// What LLVMFuzzerTestOneInput returns of an input that is not to be kept.
inline constexpr int not_kept = -1;

}  // namespace saltus
