#include "saltus/cli/atom_order.hpp"

#include <vector>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/text.hpp"

namespace saltus::cli {

std::string order_of_atoms(const Atoms& atoms) {
  constexpr std::size_t most_groups = 12;
  std::vector<std::string> groups;
  for (std::size_t i = 0; i < atoms.size();) {
    std::size_t end = i;
    while (end < atoms.size() && atoms.atomic_number[end] == atoms.atomic_number[i]) ++end;
    groups.push_back(std::string(symbol_of(atoms.atomic_number[i])) + (end - i > 1 ? std::to_string(end - i) : ""));
    i = end;
  }
  if (groups.size() <= most_groups) return join(groups, " ");
  const std::string last = groups.back();
  groups.resize(most_groups - 1);
  return fmt::format("{} … {} ({} atoms)", join(groups, " "), last, atoms.size());
}

}  // namespace saltus::cli
