// The elements of a model as text: symbols separated by blanks, in the order of the tensors' rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saltus {

/// "H C O". Atomic numbers from 1 to 118.
std::string symbols_of_numbers(const std::vector<std::uint8_t>& atomic_number);
/// Nothing when a word is no symbol, an element is there twice, or there is none.
std::optional<std::vector<std::uint8_t>> numbers_of_symbols(std::string_view symbols);

}  // namespace saltus
