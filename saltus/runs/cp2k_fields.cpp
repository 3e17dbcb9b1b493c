#include "saltus/runs/cp2k_fields.hpp"

#include <array>

#include "saltus/runs/setting_words.hpp"

namespace saltus::runs {

namespace {

using S = Cp2kSettings;

constexpr Choice functionals[] = {{"lda", "Perdew–Zunger, Padé form"}, {"pbe", "Perdew, Burke, Ernzerhof 1996"}, {"pbesol", "PBE for solids"}, {"revpbe", "Zhang, Yang 1998"},
                                  {"rpbe", "Hammer, Hansen, Nørskov 1999"}, {"blyp", "Becke 1988; Lee, Yang, Parr"}, {"bp", "Becke 1988; Perdew 1986"}, {"scan", "SCAN meta-GGA, which wants a high cutoff"}};
constexpr Choice dispersions[] = {{"none", "no correction"}, {"d3", "Grimme D3, zero damping"}, {"d3bj", "Grimme D3, Becke–Johnson damping"}};
constexpr Choice smoothings[] = {{"none", "the density as it is"}, {"nn10", "NN10 smoothing: less grid noise of gradient functionals at modest cutoffs"}};
constexpr Choice solvers[] = {{"ot", "orbital transformation: insulators and molecules"}, {"diagonalization", "with Broyden mixing: metals, smearing, k points"}};
constexpr Choice poissons[] = {{"auto", "periodic for periodic frames, else wavelet"}, {"periodic", "plane waves"}, {"wavelet", "isolated, in a cubic box"},
                               {"mt", "Martyna–Tuckerman: isolated, the box twice as wide as the density"}, {"multipole", "isolated, density fitted by multipoles"}};
constexpr Choice extrapolations[] = {{"auto", "aspc for MD, use_prev_wf for labels"}, {"aspc", "always stable predictor corrector"}, {"use_prev_wf", "the last orbitals"}, {"use_guess", "from scratch each time"}};
constexpr Choice presets[] = {{"insulator", "PBE, OT, NN10 smoothing, 900 Ry: solids with a gap"}, {"metal", "PBE, diagonalization, smearing at 1000 K: metals and alloys"},
                              {"molecule", "BLYP-D3, OT, NN10 smoothing: molecules and ions in a box"}, {"molecular_crystal", "BLYP-D3, OT, NN10 smoothing, stress: crystals of molecules, water"}};

}  // namespace

std::span<const Choice> cp2k_presets() { return presets; }

Cp2kSettings cp2k_preset(const std::string& name) {
  Cp2kSettings s;
  if (name == "insulator") return s;
  if (name == "metal") {
    s.solver = "diagonalization";
    s.electronic_temperature_kelvin = 1000;
    s.cutoff_ry = 300;
    s.smoothing = "none";
    return s;
  }
  if (name == "molecule" || name == "molecular_crystal") {
    s.functional = "blyp";
    s.dispersion = "d3";
    s.cutoff_ry = 400;
    s.stress = name == "molecular_crystal";
    return s;
  }
  std::vector<std::string> known;
  for (const Choice& choice : presets) known.emplace_back(choice.name);
  throw Error(ErrorKind::usage, fmt::format("there is no preset '{}'{}; there are: {}", name, did_you_mean(name, known), join(known)));
}

std::span<const Field<Cp2kSettings>> cp2k_fields() {
  static const std::array table{
      Field<S>{.key = "functional", .member = &S::functional, .unit = "", .help = "exchange and correlation", .choices = functionals},
      Field<S>{.key = "dispersion", .member = &S::dispersion, .unit = "", .help = "correction", .choices = dispersions},
      Field<S>{.key = "basis", .member = &S::basis, .unit = "", .help = "basis set of all elements, NAME, and of single ones, Element=NAME"},
      Field<S>{.key = "basis_files", .member = &S::basis_files, .unit = "", .help = "where they are: names in CP2K's data folder, or paths"},
      Field<S>{.key = "potential", .member = &S::potential, .unit = "", .help = "pseudopotentials, Element=NAME; else by functional and basis set"},
      Field<S>{.key = "potential_files", .member = &S::potential_files, .unit = "", .help = "where they are"},
      Field<S>{.key = "cutoff_ry", .member = &S::cutoff_ry, .unit = "ry", .help = "of the plane waves of the density", .minimum = 20, .maximum = 10000},
      Field<S>{.key = "rel_cutoff_ry", .member = &S::rel_cutoff_ry, .unit = "ry", .help = "which grid a Gaussian goes to", .minimum = 5, .maximum = 1000},
      Field<S>{.key = "grids", .member = &S::grids, .unit = "", .help = "number of grids", .minimum = 1, .maximum = 20},
      Field<S>{.key = "smoothing", .member = &S::smoothing, .unit = "", .help = "of the density for the functional", .choices = smoothings},
      Field<S>{.key = "eps_default", .member = &S::eps_default, .unit = "", .help = "accuracy of everything that has no own", .minimum = 1e-16, .maximum = 1e-4},
      Field<S>{.key = "solver", .member = &S::solver, .unit = "", .help = "of the SCF", .choices = solvers},
      Field<S>{.key = "electronic_temperature_kelvin", .member = &S::electronic_temperature_kelvin, .unit = "kelvin", .help = "Fermi-Dirac smearing; 0 = none", .minimum = 0, .maximum = 100000},
      Field<S>{.key = "added_orbitals", .member = &S::added_orbitals, .unit = "", .help = "empty ones; 0 = with smearing a fifth of the occupied, 10 at least", .minimum = 0, .maximum = 100000},
      Field<S>{.key = "eps_scf", .member = &S::eps_scf, .unit = "", .help = "convergence of the SCF", .minimum = 1e-12, .maximum = 1e-2},
      Field<S>{.key = "max_scf", .member = &S::max_scf, .unit = "", .help = "steps of a cycle; ot is started anew 5 times", .minimum = 1, .maximum = 10000},
      Field<S>{.key = "charge", .member = &S::charge, .unit = "", .help = "of the system, in elementary charges", .minimum = -1000, .maximum = 1000},
      Field<S>{.key = "multiplicity", .member = &S::multiplicity, .unit = "", .help = "2S+1; 0 = the lowest", .minimum = 0, .maximum = 1000},
      Field<S>{.key = "poisson", .member = &S::poisson, .unit = "", .help = "solver of the electrostatics", .choices = poissons},
      Field<S>{.key = "k_points", .member = &S::k_points, .unit = "", .help = "Monkhorst-Pack grid", .minimum = 1, .maximum = 100, .size = 3},
      Field<S>{.key = "stress", .member = &S::stress, .unit = "", .help = "compute it too, analytically: the virial of a label"},
      Field<S>{.key = "extrapolation", .member = &S::extrapolation, .unit = "", .help = "first guess of the next step", .choices = extrapolations},
      Field<S>{.key = "max_net_force_ev_ang", .member = &S::max_net_force_ev_ang, .unit = "ev_ang", .help = "a frame whose forces sum to more is no label", .minimum = 1e-6, .maximum = 1e6},
      Field<S>{.key = "program", .member = &S::program, .unit = "", .help = "name or path; empty = cp2k.psmp, cp2k.popt or cp2k in PATH"},
      Field<S>{.key = "data_folder", .member = &S::data_folder, .unit = "", .help = "basis sets and potentials; empty = CP2K_DATA_DIR, else as installed"},
      Field<S>{.key = "ranks", .member = &S::ranks, .unit = "", .help = "MPI processes of one calculation, one thread each; 0 = all tasks of a Slurm job", .minimum = 0, .maximum = 100000},
      Field<S>{.key = "launcher", .member = &S::launcher, .unit = "", .help = "words before the program, {ranks} filled in; auto = srun or mpirun"},
      Field<S>{.key = "check_program", .member = &S::check_program, .unit = "", .help = "compute a known molecule before anything else"},
  };
  return table;
}

void set_cp2k_settings(const std::vector<std::string>& words, Cp2kSettings& settings) {
  for (const std::string& word : words) {
    const std::string line = toml_of_word(word, cp2k_fields(), "saltus explain --settings");
    try {
      read_cp2k_settings(line, word, settings);
    } catch (const Error& error) {
      throw Error(ErrorKind::usage, error.what());
    }
  }
}

std::string cp2k_settings_json(const Cp2kSettings& settings) { return settings_json_text(settings, cp2k_fields()); }

std::string cp2k_settings_text(const Cp2kSettings& settings) { return settings_toml_text(settings, cp2k_fields()); }

}  // namespace saltus::runs
