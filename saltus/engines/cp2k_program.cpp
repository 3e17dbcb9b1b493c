#include "saltus/engines/cp2k_program.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/units.hpp"
#include "saltus/engines/child.hpp"
#include "saltus/engines/cp2k_data.hpp"
#include "saltus/io/cp2k_files.hpp"

namespace saltus {

namespace fs = std::filesystem;

namespace {

constexpr auto pause = std::chrono::milliseconds(100);

const std::vector<std::pair<std::string, std::string>>& one_thread() {
  static const std::vector<std::pair<std::string, std::string>> variables{
      {"OMP_NUM_THREADS", "1"}, {"OPENBLAS_NUM_THREADS", "1"}, {"MKL_NUM_THREADS", "1"}, {"LC_ALL", "C"}};
  return variables;
}

/// The whole output of a short command; empty when it takes longer than half a minute.
std::string output_of(const std::vector<std::string>& words, const fs::path& data_folder) {
  const fs::path folder = fs::temp_directory_path() / fmt::format("saltus-{}-version", ::getpid());
  fs::create_directories(folder);
  std::string text;
  {
    auto environment = one_thread();
    environment.emplace_back("CP2K_DATA_DIR", data_folder.string());
    Child child({words, folder, folder / "output", environment, -1});
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!child.ended() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (child.ended()) text = read_file(folder / "output");
  }
  std::error_code error;
  fs::remove_all(folder, error);
  return text;
}

/// "… CP2K version 2023.1 …" → {"2023.1", 20231}
void understand_version(const std::string& text, Cp2kProgram& program) {
  const std::string mark = "CP2K version ";
  const auto at = text.find(mark);
  if (at == std::string::npos) return;
  const auto end = text.find_first_of(" \n\r(", at + mark.size());
  program.version_text = text.substr(at + mark.size(), end - at - mark.size());
  const auto dot = program.version_text.find('.');
  const auto year = parse_int(std::string_view(program.version_text).substr(0, dot));
  const auto release = dot == std::string::npos ? std::nullopt : parse_int(std::string_view(program.version_text).substr(dot + 1, 1));
  if (year && *year > 2000 && *year < 3000) program.version = static_cast<int>(10 * *year + release.value_or(0));
}

class GrowingFile {
 public:
  explicit GrowingFile(fs::path path) : path_(std::move(path)) {}
  /// What it has beyond what was read.
  std::string more() {
    std::ifstream file(path_, std::ios::binary);
    if (!file) return {};
    file.seekg(static_cast<std::streamoff>(read_));
    std::string text{std::istreambuf_iterator<char>(file), {}};
    read_ += text.size();
    return text;
  }

 private:
  fs::path path_;
  std::size_t read_ = 0;
};

constexpr const char* check_input = R"(&GLOBAL
  PROJECT check
  RUN_TYPE MD
  PRINT_LEVEL LOW
&END GLOBAL
&FORCE_EVAL
  METHOD QUICKSTEP
  &DFT
    BASIS_SET_FILE_NAME BASIS_MOLOPT
    POTENTIAL_FILE_NAME GTH_POTENTIALS
    &MGRID
      CUTOFF 300
      REL_CUTOFF 40
    &END MGRID
    &QS
      EPS_DEFAULT 1.0E-12
      EXTRAPOLATION USE_PREV_WF
    &END QS
    &SCF
      SCF_GUESS ATOMIC
      EPS_SCF 1.0E-7
      MAX_SCF 60
      ADDED_MOS 4
      &DIAGONALIZATION
      &END DIAGONALIZATION
      &MIXING
        METHOD BROYDEN_MIXING
      &END MIXING
      &SMEAR
        METHOD FERMI_DIRAC
        ELECTRONIC_TEMPERATURE [K] 300
      &END SMEAR
      &PRINT
        &RESTART OFF
        &END RESTART
      &END PRINT
    &END SCF
    &XC
      &XC_FUNCTIONAL PADE
      &END XC_FUNCTIONAL
    &END XC
  &END DFT
  &SUBSYS
    &CELL
      ABC 6.0 6.0 6.0
    &END CELL
    &COORD
      O 3.0 3.0 3.0
      H 3.9 3.3 3.0
      H 2.6 3.8 3.1
    &END COORD
    &KIND O
      BASIS_SET DZVP-MOLOPT-SR-GTH
      POTENTIAL GTH-PADE-q6
    &END KIND
    &KIND H
      BASIS_SET DZVP-MOLOPT-SR-GTH
      POTENTIAL GTH-PADE-q1
    &END KIND
  &END SUBSYS
&END FORCE_EVAL
&MOTION
  &MD
    ENSEMBLE REFTRAJ
    STEPS 3
    TIMESTEP 1
    &REFTRAJ
      TRAJ_FILE_NAME frames.xyz
      EVAL_ENERGY_FORCES .TRUE.
      EVAL_FORCES .TRUE.
    &END REFTRAJ
  &END MD
  &PRINT
    &FORCES ON
      &EACH
        MD 1
      &END EACH
    &END FORCES
    &RESTART OFF
    &END RESTART
  &END PRINT
&END MOTION
)";

// CP2K 2023.1 (Debian, OpenBLAS); the same with two threads and with two ranks, to 1e-14.
constexpr double check_energy_hartree = -17.169768384;
constexpr double check_step_ang = 0.01;

}  // namespace

std::vector<std::string> launcher_words(const std::string& launcher, std::int64_t ranks) {
  const char *job = std::getenv("SLURM_JOB_ID"), *tasks = std::getenv("SLURM_NTASKS");
  if (ranks == 0) ranks = job && tasks ? std::max<std::int64_t>(1, parse_int(tasks).value_or(1)) : 1;
  const std::string count = fmt::format("{}", ranks);
  std::vector<std::string> words;
  if (launcher != "auto") {
    for (std::size_t at = 0; at < launcher.size();) {
      const std::size_t begin = launcher.find_first_not_of(' ', at);
      if (begin == std::string::npos) break;
      at = std::min(launcher.find(' ', begin), launcher.size());
      std::string word = launcher.substr(begin, at - begin);
      for (std::size_t place; (place = word.find("{ranks}")) != std::string::npos;) word.replace(place, 7, count);
      words.push_back(std::move(word));
    }
    return words;
  }
  if (ranks <= 1) return {};
  if (job && !find_program("srun").empty()) return {"srun", "--exact", "--ntasks", count, "--cpus-per-task", "1"};
  if (find_program("mpirun").empty()) throw Error(ErrorKind::file, "several ranks need mpirun, which is not in PATH: set 'launcher', or ranks = 1");
  words = {"mpirun", "-np", count};
  const std::string version = output_of({"mpirun", "--version"}, {});
  if (version.find("Open MPI") != std::string::npos) {
    words.insert(words.begin() + 1, {"--bind-to", "none", "--oversubscribe"});
    if (::geteuid() == 0) words.insert(words.begin() + 1, "--allow-run-as-root");
  }
  return words;
}

Cp2kProgram find_cp2k(const Cp2kSettings& settings) {
  Cp2kProgram program;
  if (!settings.program.empty()) {
    program.path = find_program(settings.program);
    if (program.path.empty()) throw Error(ErrorKind::file, fmt::format("there is no program '{}' ('program' of the CP2K settings)", settings.program));
  } else {
    for (const char* name : {"cp2k.psmp", "cp2k.popt", "cp2k"})
      if (program.path.empty()) program.path = find_program(name);
    if (program.path.empty())
      throw Error(ErrorKind::file, "CP2K is not in PATH (cp2k.psmp, cp2k.popt, cp2k): install it (Debian, Ubuntu: apt-get install cp2k libopenblas0-pthread), or name it by 'program'");
  }
  program.path = fs::absolute(program.path);
  program.data_folder = fs::absolute(cp2k_data_folder(settings.data_folder));
  const std::string said = output_of({program.path.string(), "--version"}, program.data_folder);
  understand_version(said, program);
  if (program.version_text.empty())
    throw Error(ErrorKind::file, fmt::format("{} --version does not say that it is CP2K: {}", program.path.string(), said.empty() ? "nothing" : std::string(trim(said.substr(0, 200)))));
  program.launch = launcher_words(settings.launcher, settings.ranks);
  program.launch.push_back(program.path.string());
  return program;
}

Cp2kOutput read_cp2k_output(const fs::path& file) {
  Cp2kOutput output;
  std::error_code error;
  if (fs::exists(file, error)) output.take(read_file(file));
  return output;
}

Cp2kOutput run_cp2k(const Cp2kProgram& program, const fs::path& folder, const std::string& name, const std::function<void(const Cp2kOutput&)>& watch, const Stop& stop,
                    int lock) {
  std::vector<std::string> words = program.launch;
  for (const std::string& word : {std::string("-i"), name + ".inp", std::string("-o"), name + ".out"}) words.push_back(word);
  auto environment = one_thread();
  environment.emplace_back("CP2K_DATA_DIR", program.data_folder.string());
  GrowingFile growing(folder / (name + ".out"));
  Cp2kOutput output;
  output.take(growing.more());
  const int starts = output.starts();
  Child child({words, folder, folder / (name + ".console"), environment, lock});
  for (bool over = false; !over;) {
    over = child.ended().has_value();
    if (const std::string more = growing.more(); !more.empty()) {
      output.take(more);
      if (watch) watch(output);
    }
    if (over) break;
    if (stop && stop()) {
      child.terminate();
      throw Interrupted{"", true};
    }
    std::this_thread::sleep_for(pause);
  }
  output.take("\n");
  const int status = *child.ended();
  if (status == 0 && output.ended() && output.starts() > starts && output.abort_message().empty()) return output;
  std::string said = output.abort_message();
  if (said.empty()) {
    said = fmt::format("it ended with {}", describe_status(status));
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) said += ": perhaps for its memory";
  }
  throw Error(ErrorKind::numeric, fmt::format("CP2K gave up: {}; see {}", said, (folder / (name + ".out")).string()));
}

void check_cp2k(const Cp2kProgram& program, const fs::path& folder, const Stop& stop) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  write_file_atomically(folder / "check.inp", check_input);
  const Vec3 direction{0.6, 0.64, 0.48};  // of the first hydrogen
  std::string frames;
  for (int k = 0; k < 3; ++k) {
    const Vec3 h = Vec3{3.9, 3.3, 3.0} + (check_step_ang * (k == 1 ? -1 : k == 2 ? 1 : 0)) * direction;
    frames += fmt::format("3\n i = {}, time = 0, E = 0\nO 3.0 3.0 3.0\nH {:.12f} {:.12f} {:.12f}\nH 2.6 3.8 3.1\n", k + 1, h.x, h.y, h.z);
  }
  write_file_atomically(folder / "frames.xyz", frames);
  const Cp2kOutput output = run_cp2k(program, folder, "check", {}, stop);
  const auto& evaluations = output.evaluations();
  const auto wrong = [&](const std::string& what) {
    throw Error(ErrorKind::numeric, fmt::format("this CP2K ({}, {}) gives wrong numbers for a water molecule: {}; often a BLAS library that does not go with its "
                                                "threads: see {}", program.path.string(), program.version_text, what, (folder / "check.out").string()));
  };
  if (evaluations.size() != 3) wrong(fmt::format("{} of 3 energies", evaluations.size()));
  for (const Cp2kEvaluation& evaluation : evaluations)
    if (!evaluation.converged) wrong("the SCF does not converge");
  const double energy = evaluations[0].energy_hartree;
  if (!(std::abs(energy - check_energy_hartree) < 2e-5)) wrong(fmt::format("energy {:.6f} hartree, {:.6f} is right", energy, check_energy_hartree));
  Cp2kXyz forces(folder / "check-frc-1.xyz");
  Atoms atoms;
  std::vector<Vec3> values;
  if (forces.steps().steps().size() != 3) wrong("no forces");
  forces.read(0, atoms, values);
  const double from_force = -dot(values.at(1), direction);
  const double from_energy = (evaluations[2].energy_hartree - evaluations[1].energy_hartree) / (2 * check_step_ang / units::ang_per_bohr);
  if (!(std::abs(from_force - from_energy) < 1e-3))
    wrong(fmt::format("a force is {:.5f} hartree/bohr, its energies say {:.5f}", -from_force, -from_energy));
}

}  // namespace saltus
