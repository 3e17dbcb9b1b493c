#include "saltus/models/irreps.hpp"

#include "saltus/base/text.hpp"

namespace saltus {

namespace {

constexpr std::int64_t largest_degree = 20, most_channels = 1'000'000;
constexpr std::size_t most_blocks = 256;

std::optional<std::int64_t> digits(std::string_view text, std::int64_t most) {
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  const auto value = parse_int(text);
  return value && *value <= most ? value : std::nullopt;
}

}  // namespace

std::string text(Irrep irrep) { return std::to_string(irrep.degree) + (irrep.parity > 0 ? "e" : "o"); }

std::string text(const Irreps& irreps) {
  std::vector<std::string> words;
  for (const IrrepBlock& block : irreps) words.push_back(std::to_string(block.channels) + "x" + text(block.irrep));
  return join(words, "+");
}

std::optional<Irreps> parse_irreps(std::string_view sum) {
  Irreps irreps;
  if (trim(sum).empty()) return irreps;
  while (true) {
    const std::size_t plus = sum.find('+');
    std::string_view word = trim(sum.substr(0, plus));
    IrrepBlock block{1, {}};
    if (const std::size_t times = word.find('x'); times != std::string_view::npos) {
      const auto channels = digits(trim(word.substr(0, times)), most_channels);
      if (!channels) return std::nullopt;
      block.channels = static_cast<std::size_t>(*channels);
      word = trim(word.substr(times + 1));
    }
    if (word.size() < 2 || (word.back() != 'e' && word.back() != 'o')) return std::nullopt;
    const auto degree = digits(word.substr(0, word.size() - 1), largest_degree);
    if (!degree) return std::nullopt;
    block.irrep = {static_cast<int>(*degree), word.back() == 'e' ? 1 : -1};
    if (irreps.size() == most_blocks) return std::nullopt;
    irreps.push_back(block);
    if (plus == std::string_view::npos) return irreps;
    sum.remove_prefix(plus + 1);
  }
}

std::size_t dimension(const Irreps& irreps) {
  std::size_t sum = 0;
  for (const IrrepBlock& block : irreps) sum += block.channels * static_cast<std::size_t>(2 * block.irrep.degree + 1);
  return sum;
}

std::size_t channels(const Irreps& irreps, Irrep irrep) {
  std::size_t sum = 0;
  for (const IrrepBlock& block : irreps)
    if (block.irrep == irrep) sum += block.channels;
  return sum;
}

Irreps simplified(const Irreps& irreps) {
  Irreps joined;
  for (const IrrepBlock& block : irreps) {
    if (block.channels == 0) continue;
    if (!joined.empty() && joined.back().irrep == block.irrep) joined.back().channels += block.channels;
    else joined.push_back(block);
  }
  return joined;
}

}  // namespace saltus
