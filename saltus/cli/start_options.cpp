#include "saltus/cli/start_options.hpp"

#include <CLI/CLI.hpp>

#include "saltus/base/error.hpp"

namespace saltus::cli {

void add_start_options(CLI::App& app, StartOptions& options, bool required) {
  app.add_option("--init", options.settings.file, "trajectory or data set with the starting frame")->type_name("FILE")->required(required);
  app.add_option("--frame", options.settings.frame, "which frame of it, from 0 (default 0)");
  app.add_option("--supercell", options.supercell, "repeats along a b c (default 1 1 1)")->expected(3)->check(CLI::Range(1, 64));
  app.add_option("--remove", options.settings.removed_atoms, "atoms to take out, from 0, after repeating: 31,32")->delimiter(',');
  app.add_option("--vacancies", options.settings.vacancies, "atoms to take out at random, after --remove (default 0)");
  app.add_option("--vacancy-element", options.settings.vacancy_element, "element of the vacancies, e.g. Li");
}

runs::StartSettings start_of(const StartOptions& options, std::uint64_t seed) {
  runs::StartSettings settings = options.settings;
  settings.supercell = {options.supercell[0], options.supercell[1], options.supercell[2]};
  settings.seed = seed;
  if (settings.vacancies > 0 && settings.vacancy_element.empty()) throw Error(ErrorKind::usage, "--vacancies needs --vacancy-element, e.g. Li");
  return settings;
}

}  // namespace saltus::cli
