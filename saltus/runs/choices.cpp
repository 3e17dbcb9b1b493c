#include "saltus/runs/choices.hpp"

#include <array>

namespace saltus::runs {

std::span<const Choice> precisions() {
  static constexpr std::array table{
      Choice{"single", "32 bits a number: a position is good to 2e-6 ang"},
      Choice{"double", "64 bits a number: what was simulated, exactly"},
  };
  return table;
}

std::span<const Choice> surface_shapes() {
  static constexpr std::array table{
      Choice{"plane", "along the normal, from the plane through the surface's centre of mass"},
      Choice{"sphere", "from the surface's centre of mass"},
      Choice{"interface", "from the instantaneous interface of the surface's atoms, along the normal"},
  };
  return table;
}

std::span<const Choice> interface_sides() {
  static constexpr std::array table{Choice{"upper", "where the normal points to"}, Choice{"lower", "the other"}};
  return table;
}

std::span<const Choice> molecule_rules() {
  static constexpr std::array table{
      Choice{"bonds", "atoms joined by bonds"},
      Choice{"residues", "as the file names them"},
      Choice{"atoms", "each alone"},
  };
  return table;
}

std::span<const Choice> thermostats() {
  static constexpr std::array table{
      Choice{"csvr", "stochastic velocity rescaling (Bussi, Donadio, Parrinello 2007): dynamics nearly undisturbed"},
      Choice{"langevin", "Langevin dynamics, BAOAB splitting: every atom coupled to the bath"},
      Choice{"none", "velocity Verlet at constant energy"},
  };
  return table;
}

std::span<const Choice> ring_thermostats() {
  static constexpr std::array table{
      Choice{"pile_l", "friction 2 lambda w_k on the modes, 1/centroid_time_fs on the centroids"},
      Choice{"pile_g", "the same on the modes; the centroids together by stochastic velocity rescaling"},
      Choice{"langevin", "friction_per_fs on all modes"},
      Choice{"gle", "generalised Langevin, one pair of matrices from gle_file for all modes"},
      Choice{"piglet", "the same with a pair for each mode; not the temperature of the momenta, by design"},
      Choice{"cmd", "partially adiabatic centroid molecular dynamics: modes at one frequency, friction on them only"},
      Choice{"trpmd", "as pile_l with lambda 0.5, none on the centroids, after equilibration by pile_l"},
      Choice{"none", "ring-polymer molecular dynamics, after equilibration by pile_l"},
  };
  return table;
}

std::span<const Choice> ring_splittings() {
  static constexpr std::array table{
      Choice{"baoab", "kick, half drift, thermostat, half drift, kick: the smaller error of positions"},
      Choice{"obabo", "thermostat outside: exact momenta, larger error of positions"},
  };
  return table;
}

std::span<const Choice> ring_factorizations() {
  static constexpr std::array table{
      Choice{"primitive", "the potential on all beads: errors of second order in 1/P"},
      Choice{"takahashi_imada", "fourth order of energies and spread, twice the forces"},
      Choice{"suzuki_chin", "fourth order, of distributions of the even beads too, 3/2 of the forces with alpha 0; P even"},
  };
  return table;
}

std::span<const Choice> barostats() {
  static constexpr std::array table{
      Choice{"none", "constant volume"},
      Choice{"isotropic", "stochastic cell rescaling (Bernetti, Bussi 2020) of the volume"},
      Choice{"anisotropic", "of the lengths along x, y and z apart"},
      Choice{"flexible", "of lengths and angles (Del Tatto and others 2022)"},
  };
  return table;
}

std::span<const Choice> arithmetics() {
  static constexpr std::array table{
      Choice{"file", "as in the model's file"},
      Choice{"float32", "32 bits: fast; energies and virials are summed in 64 bits"},
      Choice{"float64", "64 bits: half as fast, for conserved energies and comparisons"},
  };
  return table;
}

std::span<const Choice> potentials() {
  static constexpr std::array table{
      Choice{"ace", "linear atomic cluster expansion with short-range repulsion"},
  };
  return table;
}

std::vector<std::string> names(std::span<const Choice> choices) {
  std::vector<std::string> result;
  for (const Choice& choice : choices) result.emplace_back(choice.name);
  return result;
}

}  // namespace saltus::runs
