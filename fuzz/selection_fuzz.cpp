// Any bytes as a selection of atoms: refused with Error{usage}, or some atoms of a small frame, each once.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "saltus/analysis/atom_selection.hpp"
#include "saltus/analysis/surface_normal.hpp"
#include "saltus/base/error.hpp"

namespace {

saltus::Frame sample() {
  saltus::Frame frame;
  frame.cell = saltus::Cell(saltus::Mat3{{saltus::Vec3{20, 0, 0}, saltus::Vec3{0, 20, 0}, saltus::Vec3{0, 0, 20}}});
  saltus::Atoms atoms = saltus::atoms_of({8, 1, 1, 11});
  atoms.labels = std::make_shared<const saltus::AtomLabels>(saltus::AtomLabels{{"OW", "HW1", "HW2", "NA"}, {"SOL", "SOL", "SOL", "NA"}, {1, 1, 1, 2}});
  frame.atoms = std::make_shared<const saltus::Atoms>(atoms);
  frame.position_ang = {{0, 0, 0}, {0.97, 0, 0}, {19.8, 0.9, 0}, {10, 10, 10}};
  return frame;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const saltus::Frame frame = sample();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto atoms = saltus::select_atoms(text, frame);
    if (atoms.empty() || atoms.back() >= frame.size() || !std::is_sorted(atoms.begin(), atoms.end()) || std::adjacent_find(atoms.begin(), atoms.end()) != atoms.end())
      std::abort();
  } catch (const saltus::Error& error) {
    if (error.kind() != saltus::ErrorKind::usage) std::abort();
  }
  try {
    (void)saltus::surface_normal_from(text);
  } catch (const saltus::Error& error) {
    if (error.kind() != saltus::ErrorKind::usage) std::abort();
  }
  return 0;
}
