// Files that a plan names, and entries that name each other.
#pragma once

#include <algorithm>
#include <filesystem>

#include "saltus/atoms/elements.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/potentials/network_settings.hpp"
#include "saltus/runs/molecular_dynamics.hpp"
#include "saltus/runs/plan.hpp"

namespace saltus::runs {

inline std::filesystem::path data_file(const Plan& plan, const DataSettings& settings) {
  return (plan.file.parent_path() / settings.file).lexically_normal();
}

inline std::filesystem::path model_file(const Plan& plan) { return (plan.file.parent_path() / plan.model->file).lexically_normal(); }

/// With the path of the thermostat's matrices as the plan's folder makes it.
inline PimdSettings with_paths(const std::filesystem::path& plan_file, PimdSettings settings) {
  if (!settings.gle_file.empty()) settings.gle_file = (plan_file.parent_path() / settings.gle_file).lexically_normal().string();
  return settings;
}

/// How its file is to be read; the plan's parser has checked that the elements are some.
inline ReadOptions read_options(const Plan& plan, const DataSettings& settings) {
  ReadOptions options;
  options.energy_key = settings.energy_key;
  options.forces_key = settings.forces_key;
  if (!settings.topology.empty()) options.topology = (plan.file.parent_path() / settings.topology).lexically_normal();
  for (const std::string& symbol : settings.elements) options.type_elements.push_back(atomic_number_of(symbol).value());
  options.lammps_units = settings.lammps_units;
  options.time_step_fs = settings.md_step_fs;
  return options;
}

/// The entry of a list of settings with this name; the plan's parser has checked that it is there.
template <class S>
const S& entry_named(const std::vector<S>& entries, const std::string& name) {
  return *std::find_if(entries.begin(), entries.end(), [&](const S& entry) { return entry.name == name; });
}

/// The starting frame of a simulation or of sampling (MdSettings, DistillSettings).
template <class S>
StartSettings start_of(const Plan& plan, const S& settings) {
  StartSettings start;
  const DataSettings& data = entry_named(plan.data, settings.initial);
  start.file = data_file(plan, data);
  start.read = read_options(plan, data);
  start.frame = static_cast<std::size_t>(settings.frame);
  for (std::size_t axis = 0; axis < 3; ++axis) start.supercell[axis] = static_cast<int>(settings.supercell[axis]);
  for (std::int64_t atom : settings.removed_atoms) start.removed_atoms.push_back(static_cast<std::size_t>(atom));
  start.vacancies = static_cast<std::size_t>(settings.vacancies);
  start.vacancy_element = settings.vacancy_element;
  start.seed = static_cast<std::uint64_t>(plan.seed + settings.seed_offset);
  return start;
}

/// How a network is evaluated (MdSettings, ModelSettings).
template <class S>
NetworkSettings network_settings(const S& settings) {
  NetworkSettings network;
  if (settings.arithmetic != "file") network.precision = settings.arithmetic == "float64" ? Dtype::f64 : Dtype::f32;
  if (!settings.head.empty()) network.head = settings.head;
  return network;
}

/// Of the potential that the stages of the plan make.
inline NetworkSettings potential_settings(const Plan& plan) {
  return plan.model && !plan.distill ? network_settings(*plan.model) : NetworkSettings{};
}

/// Of the simulation behind an analysis; 0: not known.
inline double temperature_of(const Plan& plan, const KineticsSettings& settings) {
  return settings.trajectory.empty() ? entry_named(plan.md, settings.md).temperature_kelvin : settings.temperature_kelvin;
}

}  // namespace saltus::runs
