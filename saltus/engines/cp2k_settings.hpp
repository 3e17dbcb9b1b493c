// What a CP2K calculation is: the method, and how the program is started. Reference: the CP2K manual, FORCE_EVAL and MOTION.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace saltus {

/// Electronic structure (Quickstep, Gaussians and plane waves, GTH pseudopotentials) and the program that computes it.
struct Cp2kSettings {
  std::string functional = "pbe";           ///< lda, pbe, pbesol, revpbe, rpbe, blyp, bp, scan
  std::string dispersion = "none";          ///< none, d3, d3bj
  std::vector<std::string> basis{"DZVP-MOLOPT-SR-GTH"};  ///< NAME for all elements, or Element=NAME
  std::vector<std::string> basis_files{"BASIS_MOLOPT"};  ///< in CP2K's data folder, or paths
  std::vector<std::string> potential;       ///< Element=NAME; others by the functional and the electrons of the basis
  std::vector<std::string> potential_files{"GTH_POTENTIALS", "POTENTIAL_UZH"};
  double cutoff_ry = 900;                   ///< what Na and Mg with their 2s and 2p need under PBE; others need less
  double rel_cutoff_ry = 50;
  std::int64_t grids = 4;
  std::string smoothing = "nn10";           ///< none, nn10: of the density on the grid, for functionals of its gradient
  double eps_default = 1e-10;
  std::string solver = "ot";                ///< ot, diagonalization
  double electronic_temperature_kelvin = 0; ///< Fermi–Dirac smearing; 0 = none
  std::int64_t added_orbitals = 0;          ///< empty ones with smearing; 0 = a fifth of the occupied, 10 at least
  double eps_scf = 1e-6;
  std::int64_t max_scf = 60;                ///< steps of one cycle; those of ot are started anew up to 5 times
  std::int64_t charge = 0;
  std::int64_t multiplicity = 0;            ///< 0 = 1 or 2, as the number of electrons is even or odd
  std::string poisson = "auto";             ///< auto, periodic, wavelet, mt, multipole
  std::vector<std::int64_t> k_points{1, 1, 1};
  bool stress = false;                      ///< analytical, for virials
  std::string extrapolation = "auto";       ///< auto, aspc, use_prev_wf, use_guess: the first guess of the next step

  double max_net_force_ev_ang = 0.2;        ///< a frame whose forces sum to more is no label
  std::string program;                      ///< path or name; empty = cp2k.psmp, cp2k.popt or cp2k in PATH
  std::string data_folder;                  ///< of basis sets and potentials; empty = $CP2K_DATA_DIR, else as installed
  std::int64_t ranks = 1;                   ///< MPI processes, one thread each; 0 = all tasks of the Slurm allocation
  std::string launcher = "auto";            ///< words before the program, {ranks} filled in; auto = srun in a Slurm allocation, else mpirun
  bool check_program = true;                ///< a known molecule first: a broken installation gives wrong numbers silently
};

/// Ab initio molecular dynamics of one system.
struct Cp2kDynamicsSettings {
  std::int64_t steps = 0;
  double timestep_fs = 0.5;
  double temperature_kelvin = 300;          ///< of the first velocities, and of the thermostat
  std::string ensemble = "nvt";             ///< nvt, nve
  double thermostat_time_fs = 100;          ///< of velocity rescaling
  std::int64_t wannier_every = 0;           ///< steps between Wannier centres; 0 = none
  std::int64_t seed = 1;
};

}  // namespace saltus
