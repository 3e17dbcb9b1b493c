// Starting CP2K and watching it: one thread for each MPI rank, whatever the environment says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "saltus/base/progress.hpp"
#include "saltus/engines/cp2k_output.hpp"
#include "saltus/engines/cp2k_settings.hpp"

namespace saltus {

struct Cp2kProgram {
  std::filesystem::path path, data_folder;
  std::string version_text;         ///< "2023.1"
  int version = 0;                  ///< 20231; 0 = not understood
  std::vector<std::string> launch;  ///< words before `-i INPUT -o OUTPUT`
};

/// Finds the program and asks it for its version. Throws Error{file} that says how to get it, when there is none.
Cp2kProgram find_cp2k(const Cp2kSettings& settings);

/// Words that start `ranks` processes (0 = all tasks of a Slurm allocation, else one); "auto": none for one, srun in a Slurm
/// allocation, else mpirun.
std::vector<std::string> launcher_words(const std::string& launcher, std::int64_t ranks);

/// Runs NAME.inp in a folder to its end, adding to NAME.out.
///
/// watch   called with the output as it grows, some times a second
/// stop    asked as often; then the program is ended
/// lock    a descriptor that the program keeps open; -1 = none
///
/// Throws Interrupted because of `stop`; Error{numeric} with what CP2K said when it gave up.
Cp2kOutput run_cp2k(const Cp2kProgram& program, const std::filesystem::path& folder, const std::string& name, const std::function<void(const Cp2kOutput&)>& watch,
                    const Stop& stop, int lock = -1);

/// What there is of NAME.out.
Cp2kOutput read_cp2k_output(const std::filesystem::path& file);

/// A water molecule whose energy is known, and whose force is compared with its energies: some installations give wrong numbers
/// without a word (a BLAS that threads do not go with). Runs in `folder`, seconds. Throws Error{numeric} with the figures.
void check_cp2k(const Cp2kProgram& program, const std::filesystem::path& folder, const Stop& stop);

}  // namespace saltus
