#include "saltus/engines/cp2k_input.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"

namespace saltus {

namespace {

constexpr double margin_ang = 5;

/// Sections and keywords, indented.
class Input {
 public:
  void line(const std::string& text) { text_ += std::string(2 * depth_, ' ') + text + "\n"; }
  template <class Body>
  void section(const std::string& name, const Body& body) {
    line("&" + name);
    ++depth_;
    body();
    --depth_;
    line("&END " + name.substr(0, name.find(' ')));
  }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
  std::size_t depth_ = 0;
};

bool cubic(const Cell& cell) {
  const Mat3& h = cell.rows_ang();
  const double edge = h[0].x;
  for (int i = 0; i < 3; ++i)
    for (int k = 0; k < 3; ++k)
      if (std::abs(h[i][k] - (i == k ? edge : 0)) > 1e-6 * std::abs(edge)) return false;
  return edge > 0;
}

bool several_k_points(const Cp2kSettings& settings) { return std::any_of(settings.k_points.begin(), settings.k_points.end(), [](std::int64_t k) { return k > 1; }); }

std::string poisson_of(const Cp2kSettings& settings, const Cell& cell) {
  if (settings.poisson != "auto") return settings.poisson;
  return cell.any_periodic() ? "periodic" : "wavelet";
}

void functional(Input& input, const Cp2kSettings& s) {
  if (s.functional == "pbesol" || s.functional == "revpbe") {
    input.section("XC_FUNCTIONAL", [&] { input.section("PBE", [&] { input.line(s.functional == "pbesol" ? "PARAMETRIZATION PBESOL" : "PARAMETRIZATION REVPBE"); }); });
  } else if (s.functional == "rpbe") {
    input.section("XC_FUNCTIONAL", [&] {
      input.section("GGA_X_RPBE", [] {});
      input.section("GGA_C_PBE", [] {});
    });
  } else if (s.functional == "scan") {
    input.section("XC_FUNCTIONAL", [&] {
      input.section("MGGA_X_SCAN", [] {});
      input.section("MGGA_C_SCAN", [] {});
    });
  } else {
    input.section(fmt::format("XC_FUNCTIONAL {}", s.functional == "lda" ? "PADE" : s.functional == "blyp" ? "BLYP" : s.functional == "bp" ? "BP" : "PBE"), [] {});
  }
}

/// As dftd3.dat names it.
const char* dispersion_functional(const std::string& functional) {
  if (functional == "blyp") return "BLYP";
  if (functional == "revpbe") return "revPBE";
  if (functional == "rpbe") return "RPBE";
  if (functional == "pbesol") return "PBEsol";
  if (functional == "bp") return "BP";
  if (functional == "scan") return "SCAN";
  return "PBE";
}

void exchange_and_correlation(Input& input, const Cp2kSettings& s) {
  input.section("XC", [&] {
    functional(input, s);
    if (s.smoothing == "nn10")
      input.section("XC_GRID", [&] {
        input.line("XC_SMOOTH_RHO NN10");
        input.line("XC_DERIV NN10_SMOOTH");
      });
    if (s.dispersion == "none") return;
    input.section("VDW_POTENTIAL", [&] {
      input.line("POTENTIAL_TYPE PAIR_POTENTIAL");
      input.section("PAIR_POTENTIAL", [&] {
        input.line(s.dispersion == "d3" ? "TYPE DFTD3" : "TYPE DFTD3(BJ)");
        input.line("PARAMETER_FILE_NAME dftd3.dat");
        input.line(fmt::format("REFERENCE_FUNCTIONAL {}", dispersion_functional(s.functional)));
      });
    });
  });
}

std::int64_t added_orbitals(const Cp2kSystem& system, const Cp2kSettings& s) {
  if (s.added_orbitals > 0 || s.electronic_temperature_kelvin <= 0) return s.added_orbitals;
  return std::max<std::int64_t>(10, system.electrons / 2 / 5);
}

void self_consistency(Input& input, const Cp2kSystem& system, const Cp2kSettings& s, int version) {
  input.section("SCF", [&] {
    input.line("SCF_GUESS RESTART");  // of the file that there is, else atomic
    input.line(fmt::format("EPS_SCF {:g}", s.eps_scf));
    input.line(fmt::format("MAX_SCF {}", s.max_scf));
    if (version >= 20241) input.line("IGNORE_CONVERGENCE_FAILURE");  // seen in the output, and such a frame is no label
    if (const auto added = added_orbitals(system, s)) input.line(fmt::format("ADDED_MOS {}", added));
    if (s.solver == "ot") {
      input.section("OT", [&] {
        input.line("MINIMIZER DIIS");
        input.line("PRECONDITIONER FULL_SINGLE_INVERSE");
      });
      input.section("OUTER_SCF", [&] {
        input.line(fmt::format("EPS_SCF {:g}", s.eps_scf));
        input.line("MAX_SCF 5");
      });
    } else {
      input.section("DIAGONALIZATION", [&] { input.line("ALGORITHM STANDARD"); });
      input.section("MIXING", [&] {
        input.line("METHOD BROYDEN_MIXING");
        input.line("ALPHA 0.4");
        input.line("NBROYDEN 12");
      });
      if (s.electronic_temperature_kelvin > 0)
        input.section("SMEAR", [&] {
          input.line("METHOD FERMI_DIRAC");
          input.line(fmt::format("ELECTRONIC_TEMPERATURE [K] {:g}", s.electronic_temperature_kelvin));
        });
    }
    input.section("PRINT", [&] {
      input.section("RESTART", [&] {
        input.line("BACKUP_COPIES 1");
        input.section("EACH", [&] {
          input.line("QS_SCF 0");
          input.line("MD 20");
        });
      });
      input.section("RESTART_HISTORY OFF", [] {});
    });
  });
}

void wannier_centres(Input& input, std::int64_t every) {
  input.section("LOCALIZE", [&] {
    input.line("METHOD CRAZY");
    input.line("MAX_ITER 2000");
    input.line("EPS_LOCALIZATION 1.0E-4");
    input.section("PRINT", [&] {
      const auto each = [&] {
        input.section("EACH", [&] {
          input.line(fmt::format("MD {}", every));
          input.line("QS_SCF 0");
        });
      };
      input.section("WANNIER_CENTERS ON", [&] {
        input.line("IONS+CENTERS .TRUE.");
        input.line("FILENAME =HOMO_centers.xyz");
        each();
      });
      input.section("WANNIER_SPREADS ON", [&] {
        input.line("FILENAME =wannier_spreads.out");
        each();
      });
    });
  });
}

void force_evaluation(Input& input, const Cp2kSystem& system, const Cp2kSettings& s, std::span<const Vec3> velocity_ang_fs, std::int64_t wannier_every, bool tell_stress,
                      int version) {
  const std::int64_t multiplicity = multiplicity_of(s, system.electrons);
  input.section("FORCE_EVAL", [&] {
    input.line("METHOD QUICKSTEP");
    if (s.stress) input.line("STRESS_TENSOR ANALYTICAL");
    input.section("DFT", [&] {
      std::set<std::string> files;
      for (const Cp2kKind& kind : system.kinds) files.insert(kind.basis_file.filename().string());
      for (const std::string& file : files) input.line("BASIS_SET_FILE_NAME " + file);
      input.line(fmt::format("CHARGE {}", s.charge));
      input.line(fmt::format("MULTIPLICITY {}", multiplicity));
      if (multiplicity > 1) input.line("UKS");
      input.section("MGRID", [&] {
        input.line(fmt::format("NGRIDS {}", s.grids));
        input.line(fmt::format("CUTOFF {:g}", s.cutoff_ry));
        input.line(fmt::format("REL_CUTOFF {:g}", s.rel_cutoff_ry));
      });
      input.section("QS", [&] {
        input.line("METHOD GPW");
        input.line(fmt::format("EPS_DEFAULT {:g}", s.eps_default));
        std::string guess = s.extrapolation;
        if (guess == "auto") guess = several_k_points(s) ? "use_guess" : "aspc";
        input.line(guess == "aspc" ? "EXTRAPOLATION ASPC" : guess == "use_prev_wf" ? "EXTRAPOLATION USE_PREV_WF" : "EXTRAPOLATION USE_GUESS");
        if (guess == "aspc") input.line(fmt::format("EXTRAPOLATION_ORDER {}", s.solver == "ot" ? 3 : 2));
      });
      if (several_k_points(s))
        input.section("KPOINTS", [&] {
          input.line(fmt::format("SCHEME MONKHORST-PACK {} {} {}", s.k_points[0], s.k_points[1], s.k_points[2]));
          input.line("FULL_GRID .FALSE.");
          input.line("SYMMETRY .FALSE.");
        });
      input.section("POISSON", [&] {
        const std::string solver = poisson_of(s, system.cell);
        input.line(system.cell.any_periodic() ? "PERIODIC XYZ" : "PERIODIC NONE");
        input.line(solver == "periodic" ? "PSOLVER PERIODIC" : solver == "wavelet" ? "PSOLVER WAVELET" : solver == "mt" ? "PSOLVER MT" : "PSOLVER MULTIPOLE");
      });
      self_consistency(input, system, s, version);
      exchange_and_correlation(input, s);
      if (wannier_every > 0) wannier_centres(input, wannier_every);
    });
    if (tell_stress) input.section("PRINT", [&] { input.section("STRESS_TENSOR ON", [] {}); });
    input.section("SUBSYS", [&] {
      input.section("CELL", [&] {
        const Mat3& h = system.cell.rows_ang();
        for (int k = 0; k < 3; ++k) input.line(fmt::format("{} {:.12f} {:.12f} {:.12f}", "ABC"[k], h[k].x, h[k].y, h[k].z));
        input.line(system.cell.any_periodic() ? "PERIODIC XYZ" : "PERIODIC NONE");
      });
      input.section("COORD", [&] {
        for (std::size_t i = 0; i < system.symbol.size(); ++i) {
          const Vec3& r = system.position_ang[i];
          input.line(fmt::format("{:<2} {:.12f} {:.12f} {:.12f}", system.symbol[i], r.x, r.y, r.z));
        }
      });
      if (!velocity_ang_fs.empty())
        input.section("VELOCITY", [&] {
          for (const Vec3& v : velocity_ang_fs) {
            const Vec3 atomic = (1 / units::ang_fs_per_bohr_atomic_time) * v;
            input.line(fmt::format("{:.16e} {:.16e} {:.16e}", atomic.x, atomic.y, atomic.z));
          }
        });
      for (const Cp2kKind& kind : system.kinds)
        input.section("KIND " + kind.element, [&] {
          input.line("BASIS_SET " + kind.basis);
          input.line("POTENTIAL " + kind.potential);
          input.line("POTENTIAL_FILE_NAME " + kind.potential_file.filename().string());
        });
    });
  });
}

void global(Input& input, const std::string& project, const std::string& run, std::int64_t seed) {
  input.section("GLOBAL", [&] {
    input.line("PROJECT " + project);
    input.line("RUN_TYPE " + run);
    input.line("PRINT_LEVEL LOW");
    input.line(fmt::format("SEED {}", seed));
  });
}

void each_step(Input& input, const std::string& name, const std::vector<std::string>& lines = {}) {
  input.section(name, [&] {
    for (const std::string& line : lines) input.line(line);
    input.section("EACH", [&] { input.line("MD 1"); });
  });
}

}  // namespace

Vec3 to_middle_of_box_ang(std::span<const Vec3> position_ang, const Cell& box) {
  Vec3 low = position_ang[0], high = low;
  for (const Vec3& r : position_ang)
    for (int k = 0; k < 3; ++k) {
      low[k] = std::min(low[k], r[k]);
      high[k] = std::max(high[k], r[k]);
    }
  const Mat3& h = box.rows_ang();
  return 0.5 * (h[0] + h[1] + h[2]) - 0.5 * (low + high);
}

std::int64_t multiplicity_of(const Cp2kSettings& settings, int electrons) { return settings.multiplicity > 0 ? settings.multiplicity : electrons % 2 == 0 ? 1 : 2; }

Cp2kSystem cp2k_system(const Frame& frame, const Cp2kSettings& settings, const std::filesystem::path& base_folder) {
  const auto refuse = [](const std::string& why) { throw Error(ErrorKind::usage, "CP2K: " + why); };
  if (frame.size() == 0) refuse("the frame has no atoms");
  for (const Vec3& r : frame.position_ang)
    if (!std::isfinite(norm2(r))) throw Error(ErrorKind::numeric, "CP2K: a position is not finite");
  Cp2kSystem system;
  system.position_ang = frame.position_ang;
  std::vector<std::string> elements;
  for (const std::uint8_t z : frame.atoms->atomic_number) {
    system.symbol.emplace_back(symbol_of(z));
    if (std::find(elements.begin(), elements.end(), system.symbol.back()) == elements.end()) elements.push_back(system.symbol.back());
  }
  system.kinds = cp2k_kinds(settings, elements, base_folder);
  for (const std::string& symbol : system.symbol)
    system.electrons += std::find_if(system.kinds.begin(), system.kinds.end(), [&](const Cp2kKind& kind) { return kind.element == symbol; })->electrons;
  system.electrons -= static_cast<int>(settings.charge);
  if (system.electrons <= 0) refuse(fmt::format("with a charge of {} there are no electrons", settings.charge));
  const std::int64_t multiplicity = multiplicity_of(settings, system.electrons);
  if ((system.electrons + multiplicity) % 2 == 0 || multiplicity > system.electrons + 1)
    refuse(fmt::format("{} electrons cannot have the multiplicity {}: see 'charge' and 'multiplicity'", system.electrons, multiplicity));

  const auto& periodic = frame.cell.periodic();
  if (frame.cell.any_periodic() && !(periodic[0] && periodic[1] && periodic[2])) refuse("a frame is periodic along all three axes or along none; this one is so along some");
  system.cell = frame.cell;
  if (!frame.cell.any_periodic()) {
    if (!frame.cell.has_vectors()) {
      double extent = 0;
      for (const Vec3& a : frame.position_ang)
        for (const Vec3& b : frame.position_ang)
          for (int k = 0; k < 3; ++k) extent = std::max(extent, a[k] - b[k]);
      const double edge = std::ceil(extent + 2 * margin_ang);
      system.cell = Cell(Mat3{{Vec3{edge, 0, 0}, Vec3{0, edge, 0}, Vec3{0, 0, edge}}}, {false, false, false});
    }
    const Vec3 shift = to_middle_of_box_ang(system.position_ang, system.cell);
    for (Vec3& r : system.position_ang) {
      r += shift;
      const Fractional f = system.cell.to_fractional(r);
      for (const double x : {f.a, f.b, f.c})
        if (x < 0 || x > 1) refuse("the atoms do not fit into the frame's box");
    }
  }
  const std::string poisson = poisson_of(settings, system.cell);
  if (system.cell.any_periodic() != (poisson == "periodic"))
    refuse(fmt::format("the Poisson solver '{}' does not go with a frame that is {}periodic", poisson, system.cell.any_periodic() ? "" : "not "));
  if (poisson == "wavelet" && !cubic(system.cell)) refuse("the wavelet Poisson solver needs a cubic box along x, y, z; give the frame such a box, or none, or set 'poisson'");
  if (several_k_points(settings) && settings.solver == "ot") refuse("'k_points' need solver = \"diagonalization\"");
  if (several_k_points(settings) && !system.cell.any_periodic()) refuse("'k_points' need a periodic frame");
  if (settings.electronic_temperature_kelvin > 0 && settings.solver == "ot") refuse("smearing ('electronic_temperature_kelvin') needs solver = \"diagonalization\"");
  if (settings.dispersion != "none" && settings.functional == "lda") refuse("there is no dispersion correction for lda");
  return system;
}

std::string cp2k_dynamics_input(const Cp2kSystem& system, const Cp2kSettings& settings, const Cp2kDynamicsSettings& dynamics, std::span<const Vec3> velocity_ang_fs,
                                bool restart, int version) {
  Input input;
  global(input, "aimd", "MD", dynamics.seed);
  force_evaluation(input, system, settings, velocity_ang_fs, dynamics.wannier_every, false, version);
  input.section("MOTION", [&] {
    input.section("MD", [&] {
      input.line(dynamics.ensemble == "nvt" ? "ENSEMBLE NVT" : "ENSEMBLE NVE");
      input.line(fmt::format("STEPS {}", dynamics.steps));
      input.line(fmt::format("TIMESTEP {:g}", dynamics.timestep_fs));
      input.line(fmt::format("TEMPERATURE {:g}", dynamics.temperature_kelvin));
      if (!system.cell.any_periodic()) input.line("ANGVEL_ZERO .TRUE.");
      if (dynamics.ensemble == "nvt")
        input.section("THERMOSTAT", [&] {
          input.line("TYPE CSVR");
          input.section("CSVR", [&] { input.line(fmt::format("TIMECON {:g}", dynamics.thermostat_time_fs)); });
        });
    });
    input.section("PRINT", [&] {
      each_step(input, "TRAJECTORY", {"FORMAT XYZ", "UNIT ANGSTROM"});
      each_step(input, "VELOCITIES ON");
      each_step(input, "FORCES ON");
      if (settings.stress) each_step(input, "STRESS ON");
      if (system.cell.any_periodic()) each_step(input, "CELL ON");
      each_step(input, "RESTART", {"BACKUP_COPIES 1"});
      input.section("RESTART_HISTORY OFF", [] {});
    });
  });
  if (restart) input.section("EXT_RESTART", [&] { input.line("RESTART_FILE_NAME aimd-1.restart"); });
  return std::move(input).text();
}

std::string cp2k_label_input(const Cp2kSystem& system, const Cp2kSettings& settings, std::size_t frames, int version) {
  Input input;
  global(input, "label", "MD", 1);
  Cp2kSettings own = settings;
  if (own.extrapolation == "auto") own.extrapolation = several_k_points(settings) ? "use_guess" : "use_prev_wf";  // frames are far from each other
  force_evaluation(input, system, own, {}, 0, settings.stress, version);
  input.section("MOTION", [&] {
    input.section("MD", [&] {
      input.line("ENSEMBLE REFTRAJ");
      input.line(fmt::format("STEPS {}", frames));
      input.line("TIMESTEP 1");
      input.section("REFTRAJ", [&] {
        input.line("TRAJ_FILE_NAME frames.xyz");
        input.line("EVAL_ENERGY_FORCES .TRUE.");
        input.line("EVAL_FORCES .TRUE.");
        input.line("FIRST_SNAPSHOT 1");
        input.line(fmt::format("LAST_SNAPSHOT {}", frames));
        if (system.cell.any_periodic()) {
          input.line("CELL_FILE_NAME frames.cell");
          input.line("VARIABLE_VOLUME .TRUE.");
        }
      });
    });
    input.section("PRINT", [&] {
      each_step(input, "TRAJECTORY", {"FORMAT XYZ", "UNIT ANGSTROM"});
      each_step(input, "FORCES ON");
      input.section("RESTART OFF", [] {});
      input.section("RESTART_HISTORY OFF", [] {});
    });
  });
  return std::move(input).text();
}

}  // namespace saltus
