// Cost of an ORB model: CPU milliseconds per atom and step, one thread, energies with forces and virial of 64 atoms of rock salt slightly distorted.
// Usage: bench_orb MODEL float32|float64 POSITIONS ROUNDS   (POSITIONS: 64 lines of Z x y z, edge of the cube 11.26 Å); called by orb.py
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include <fmt/format.h>

#include "bench/best_seconds.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/potentials/load.hpp"
#include "saltus/potentials/potential.hpp"

int main(int count, char** words) {
  using namespace saltus;
  if (count != 5) return 2;
  set_thread_count(1);
  const auto potential = load_potential(words[1], {.precision = std::string(words[2]) == "float32" ? Dtype::f32 : Dtype::f64});
  Frame frame;
  std::vector<std::uint8_t> z;
  std::ifstream file(words[3]);
  int element = 0;
  for (Vec3 r; file >> element >> r.x >> r.y >> r.z;) {
    z.push_back(static_cast<std::uint8_t>(element));
    frame.position_ang.push_back(r);
  }
  constexpr double edge = 11.26;
  frame.cell = Cell(Mat3{{Vec3{edge, 0, 0}, Vec3{0, edge, 0}, Vec3{0, 0, edge}}});
  frame.atoms = std::make_shared<const Atoms>(atoms_of(z));
  Workspace workspace;
  workspace.skin_ang = 0.5;
  const Want want{.forces = true, .virial = true};
  Evaluation result = evaluate_one(*potential, frame, want, workspace);
  const double best = best_seconds(std::atoi(words[4]), [&] {
    potential->evaluate({frame.atoms.get(), {&frame.cell, 1}, frame.position_ang}, want, workspace, {&result, 1});
  });
  double largest = 0;
  for (const Vec3& f : result.force_ev_ang) largest = std::max(largest, norm(f));
  fmt::print("{} {:.9g} {:.9g}\n", 1e3 * best / static_cast<double>(frame.size()), result.energy_ev, largest);
}
