#include "saltus/training/ace_fit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/io/frame_notes.hpp"
#include "saltus/io/sampling.hpp"
#include "saltus/kernels/linear_algebra.hpp"
#include "saltus/training/ace_design.hpp"

namespace saltus {

namespace {

constexpr std::size_t frames_per_block = 8;
constexpr double distance_bin_ang = 0.01;

// The gaps beside validation blocks keep the choice of the ridge honest; the final fit uses those frames too.
enum class Role : std::uint8_t { unused, train, valid, beside_valid, test };

bool is_fitted(Role role) { return role == Role::train || role == Role::valid || role == Role::beside_valid; }

struct SetPlan {
  const TrainingSet* set;
  std::vector<Role> role;  // [frames]
};

/// Normal equations [columns²], lower triangle; the last column is the right-hand side.
struct Normal {
  std::size_t columns = 0, rows = 0;
  std::vector<double> gram;
  explicit Normal(std::size_t n) : columns(n), gram(n * n, 0.0) {}
  void add(std::span<const double> x, std::size_t count) {
    kernels::add_gram(x, count, columns, 1.0, gram);
    rows += count;
  }
  /// Mean square residual of the coefficients c [columns − 1].
  double mean_square_residual(std::span<const double> c) const {
    std::vector<double> extended(c.begin(), c.end());
    extended.push_back(-1.0);
    const auto product = kernels::symmetric_times(gram, columns, extended);
    double sum = 0;
    for (std::size_t k = 0; k < columns; ++k) sum += extended[k] * product[k];
    return std::max(0.0, sum) / static_cast<double>(std::max<std::size_t>(1, rows));
  }
};

struct FirstPass {
  std::vector<SetPlan> plans;
  std::vector<std::uint8_t> elements;
  std::vector<double> reference_energy_ev;
  std::map<std::pair<std::uint8_t, std::uint8_t>, double> closest_ang;  // where the data on a pair begin
  std::size_t frames = 0;  // that the final fit uses
  std::vector<std::string> warnings;  // what the readers noted
};

void require_labels(const Frame& frame, const TrainingSet& set, std::size_t k) {
  if (!frame.energy_ev || frame.force_ev_ang.empty())
    throw Error(ErrorKind::format, fmt::format("{}, frame {}: a fit needs {}; name them with energy_key and forces_key if the file calls them otherwise",
                                               set.path.string(), k + 1, frame.energy_ev ? "forces" : "an energy"));
}

/// Splits, elements, closest distances and compositions, from one reading. Only training and validation frames are looked at.
FirstPass read_first(const std::vector<TrainingSet>& sets, const AceFitSettings& settings, const Progress& progress) {
  FirstPass first;
  std::size_t read = 0;
  std::map<std::uint8_t, int> known;
  std::vector<std::map<std::uint8_t, int>> composition;
  std::vector<double> energy;
  const auto bins = static_cast<std::size_t>(settings.basis.cutoff_ang / distance_bin_ang) + 1;
  std::map<std::pair<std::uint8_t, std::uint8_t>, std::vector<std::size_t>> distances;  // directed pairs by distance
  for (const TrainingSet& set : sets) {
    SetPlan plan{&set, {}};
    auto reader = open_trajectory(set.path, set.options);
    Frame frame;
    FrameNotes notes;
    std::vector<double> time;
    while (reader->read_next(frame)) {
      notes.add(reader->source());
      report_progress(progress, "fit: reading", static_cast<double>(++read), 0, "frames");
      time.push_back(frame.time_fs);
      for (const auto z : frame.atoms->atomic_number) known[z] = 0;
    }
    for (const std::string& note : notes.all()) first.warnings.push_back(fmt::format("{}: {}", set.path.string(), note));
    Split split;
    try {
      if (set.all_train)
        for (std::size_t k = 0; k < time.size(); ++k) split.train.push_back(k);
      else split = split_by_blocks(time, {settings.test_fraction, settings.valid_fraction, settings.valid_blocks, settings.gap_fs});
    } catch (const Error& error) {
      throw with_place(error, set.path.string());
    }
    plan.role.assign(time.size(), Role::unused);
    for (const auto k : split.train) plan.role[k] = Role::train;
    for (const auto k : split.valid) plan.role[k] = Role::valid;
    for (const auto k : split.test) plan.role[k] = Role::test;
    for (std::size_t k = 0; k < time.size() && !set.all_train; ++k)
      if (plan.role[k] == Role::unused && (split.test.empty() || time[k] <= time[split.test.front()] - settings.gap_fs))
        plan.role[k] = Role::beside_valid;
    reader = open_trajectory(set.path, set.options);
    for (std::size_t k = 0; reader->read_next(frame); ++k) {
      report_progress(progress, "fit: closest distances", static_cast<double>(k + 1), static_cast<double>(time.size()), "frames");
      if (!is_fitted(plan.role[k])) continue;
      require_labels(frame, set, k);
      ++first.frames;
      std::map<std::uint8_t, int> count;
      for (const auto z : frame.atoms->atomic_number) ++count[z];
      composition.push_back(std::move(count));
      energy.push_back(*frame.energy_ev);
      const NeighborList list = build_neighbor_list(frame.cell, frame.position_ang, settings.basis.cutoff_ang);
      for (std::size_t i = 0; i < frame.size(); ++i)
        for (std::uint32_t p = list.first[i]; p < list.first[i + 1]; ++p) {
          const auto a = frame.atoms->atomic_number[i], b = frame.atoms->atomic_number[list.neighbor[p]];
          auto& histogram = distances[{a, b}];
          histogram.resize(bins);
          ++histogram[std::min(bins - 1, static_cast<std::size_t>(norm(list.displacement_ang[p]) / distance_bin_ang))];
        }
    }
    first.plans.push_back(std::move(plan));
  }
  for (const auto& [z, unused] : known) first.elements.push_back(z);
  for (const auto& [pair, count] : distances) {
    const double enough = settings.pairs_where_data_begin * static_cast<double>(first.frames) * (pair.first == pair.second ? 2 : 1);
    std::size_t bin = 0, closer = 0;
    while (bin + 1 < bins && (static_cast<double>(closer += count[bin]) < enough || closer == 0)) ++bin;
    first.closest_ang[pair] = static_cast<double>(bin) * distance_bin_ang;
  }
  std::vector<std::vector<double>> counts;
  for (const auto& c : composition) {
    std::vector<double> row;
    for (const auto z : first.elements) row.push_back(c.contains(z) ? c.at(z) : 0);
    counts.push_back(std::move(row));
  }
  first.reference_energy_ev = reference_energies_ev(counts, energy, settings.reference_ridge);
  return first;
}

AceParameters empty_model(const FirstPass& first, const AceFitSettings& settings, std::size_t functions, std::vector<std::string>& warnings) {
  AceParameters p;
  p.basis = settings.basis;
  p.elements = first.elements;
  p.reference_energy_ev = first.reference_energy_ev;
  for (const auto a : first.elements) {
    p.coefficient_ev.emplace_back(functions, 0.0);
    for (const auto b : first.elements) {
      const double radii = covalent_radius_ang(a) + covalent_radius_ang(b);
      const auto found = first.closest_ang.find({a, b});
      const double closest = found != first.closest_ang.end() ? found->second : 0.8 * radii;
      if (found == first.closest_ang.end() && a <= b)
        warnings.push_back(fmt::format("no pair {}–{} within the cutoff in the training data: its interaction is only the repulsion", symbol_of(a), symbol_of(b)));
      p.radial.push_back(settings.radial_power > 0 ? polynomial_radial_pair(settings.basis.cutoff_ang, closest, settings.radial_power)
                                                         : default_radial_pair(settings.basis.cutoff_ang, closest));
      p.repulsion_end_ang.push_back(std::min(settings.repulsion_reach * radii, settings.basis.cutoff_ang));
    }
  }
  return p;
}

struct Accumulated {
  Normal train_force, train_energy, valid_force, valid_energy, beside_force, beside_energy;
  std::vector<std::vector<double>> covariance;  // [species] Σ B Bᵀ, lower
  std::vector<std::size_t> atoms;               // [species]
  Accumulated(std::size_t columns, std::size_t species, std::size_t functions)
      : train_force(columns), train_energy(columns), valid_force(columns), valid_energy(columns),
        beside_force(columns), beside_energy(columns),
        covariance(species, std::vector<double>(functions * functions, 0.0)), atoms(species, 0) {}
};

void accumulate(const FirstPass& first, const AcePotential& base, Accumulated& sums, const Progress& progress) {
  const std::size_t S = first.elements.size(), F = base.basis().size(), width = AceUnknowns{S, F}.count() + 1;
  std::size_t done = 0;
  for (const SetPlan& plan : first.plans) {
    auto reader = open_trajectory(plan.set->path, plan.set->options);
    std::vector<Frame> block;
    std::vector<Role> role;
    std::vector<std::vector<double>> rows, functions;
    const auto flush = [&] {
      rows.resize(block.size());
      functions.resize(block.size());
      parallel_chunks(block.size(), 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t k = begin; k < end; ++k) {
          rows[k].resize((1 + 3 * block[k].size()) * width);
          functions[k].resize(block[k].size() * F);
          ace_design_rows(base, block[k], rows[k], functions[k]);
        }
      });
      std::vector<std::vector<double>> by_species(S);
      for (std::size_t k = 0; k < block.size(); ++k) {
        const std::span<const double> all(rows[k]);
        Normal& energy = role[k] == Role::train ? sums.train_energy : role[k] == Role::valid ? sums.valid_energy : sums.beside_energy;
        Normal& force = role[k] == Role::train ? sums.train_force : role[k] == Role::valid ? sums.valid_force : sums.beside_force;
        energy.add(all.first(width), 1);
        force.add(all.subspan(width), 3 * block[k].size());
        for (std::size_t i = 0; i < block[k].size(); ++i) {
          const auto s = static_cast<std::size_t>(base.species_of(block[k].atoms->atomic_number[i]));
          by_species[s].insert(by_species[s].end(), functions[k].begin() + static_cast<std::ptrdiff_t>(i * F),
                               functions[k].begin() + static_cast<std::ptrdiff_t>((i + 1) * F));
        }
      }
      for (std::size_t s = 0; s < S; ++s) {
        const std::size_t atoms = by_species[s].size() / F;
        kernels::add_gram(by_species[s], atoms, F, 1.0, sums.covariance[s]);
        sums.atoms[s] += atoms;
      }
      done += block.size();
      report_progress(progress, "fit: normal equations", static_cast<double>(done), static_cast<double>(first.frames), "frames");
      block.clear();
      role.clear();
    };
    Frame frame;
    for (std::size_t k = 0; reader->read_next(frame); ++k) {
      if (!is_fitted(plan.role[k])) continue;
      block.push_back(frame);
      role.push_back(plan.role[k]);
      if (block.size() == frames_per_block) flush();
    }
    if (!block.empty()) flush();
  }
}

/// Weighted sum of force and energy equations.
std::vector<double> combine(std::initializer_list<const Normal*> force, std::initializer_list<const Normal*> energy, double energy_weight) {
  std::vector<double> gram((*force.begin())->gram.size(), 0.0);
  for (const Normal* n : force)
    for (std::size_t k = 0; k < gram.size(); ++k) gram[k] += n->gram[k];
  for (const Normal* n : energy)
    for (std::size_t k = 0; k < gram.size(); ++k) gram[k] += energy_weight * energy_weight * n->gram[k];
  return gram;
}

/// Minimises the weighted squares plus ridge Σ_k penalty[k] c_k². Columns are scaled to unit diagonal for the
/// factorisation. Empty when the matrix is not positive definite.
std::vector<double> solve(const std::vector<double>& gram, std::size_t columns, const std::vector<double>& penalty, double ridge) {
  const std::size_t n = columns - 1;
  std::vector<double> scale(n), matrix(n * n), right(n);
  for (std::size_t k = 0; k < n; ++k) scale[k] = 1 / std::sqrt(gram[k * columns + k] + ridge * penalty[k]);
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b < a; ++b) matrix[a * n + b] = gram[a * columns + b] * scale[a] * scale[b];
    matrix[a * n + a] = 1;
    right[a] = gram[n * columns + a] * scale[a];
  }
  if (!kernels::cholesky(matrix, n)) return {};
  kernels::cholesky_solve(matrix, n, right);
  for (std::size_t k = 0; k < n; ++k) {
    right[k] *= scale[k];
    if (!std::isfinite(right[k])) return {};
  }
  return right;
}

/// Prior on the coefficients: all functions of one centre species and order share one scale (the mean of what the data
/// put on the diagonal), so that functions that the data hardly excite stay small instead of fitting noise; times roughness^power.
std::vector<double> penalties(const AceBasis& basis, std::size_t species, const std::vector<double>& gram, double power) {
  const AceUnknowns unknowns{species, basis.size()};
  const std::size_t columns = unknowns.count() + 1;
  std::vector<double> penalty(unknowns.count(), 0.0);
  for (std::size_t s = 0; s < species; ++s) {
    penalty[unknowns.constant(s)] = 1e-3 * gram[unknowns.constant(s) * columns + unknowns.constant(s)];  // nearly free
    std::array<double, 4> sum{}, count{};
    for (std::size_t f = 0; f < basis.size(); ++f) {
      const std::size_t k = unknowns.first_function(s) + f;
      const auto order = static_cast<std::size_t>(basis.function[f].order);
      sum[order] += gram[k * columns + k];
      ++count[order];
    }
    for (std::size_t f = 0; f < basis.size(); ++f) {
      const auto order = static_cast<std::size_t>(basis.function[f].order);
      penalty[unknowns.first_function(s) + f] = std::pow(roughness(basis.function[f]), power) * std::max(sum[order] / count[order], 1e-300);
    }
  }
  return penalty;
}

/// Factor of the covariance of B, with a small ridge on its scaled diagonal, so that directions that the data hardly
/// excite do not turn rounding into extrapolation.
std::vector<double> covariance_factor(std::vector<double> sum, std::size_t atoms, std::size_t functions) {
  constexpr double relative_ridge = 1e-6;
  for (double& v : sum) v /= static_cast<double>(std::max<std::size_t>(1, atoms));
  double largest = 0;
  for (std::size_t f = 0; f < functions; ++f) largest = std::max(largest, sum[f * functions + f]);
  for (std::size_t f = 0; f < functions; ++f) sum[f * functions + f] = sum[f * functions + f] * (1 + relative_ridge) + 1e-14 * largest + 1e-300;
  if (!kernels::cholesky(sum, functions)) throw Error(ErrorKind::numeric, "fit: the covariance of the basis functions is not positive definite");
  return sum;
}

SplitPart part_of(Role role) {
  return role == Role::test ? SplitPart::test : role == Role::valid ? SplitPart::valid : SplitPart::train;
}

/// Evaluates every used frame once: errors by set and part, and the largest extrapolation measure over the training atoms.
void measure(const FirstPass& first, AceFit& fit, const Progress& progress) {
  const AcePotential potential(fit.parameters);
  const std::size_t S = first.elements.size();
  std::vector<double> largest(S, 0.0);
  std::size_t done = 0;
  for (const SetPlan& plan : first.plans) {
    std::map<Role, LabelErrorCollector> collectors;
    for (const Role role : {Role::train, Role::valid, Role::test}) collectors.emplace(role, LabelErrorCollector(7));  // prime to 3
    auto reader = open_trajectory(plan.set->path, plan.set->options);
    Workspace workspace;
    Frame frame;
    for (std::size_t k = 0; reader->read_next(frame); ++k) {
      if (plan.role[k] == Role::unused) continue;
      require_labels(frame, *plan.set, k);
      const bool fitted = is_fitted(plan.role[k]);
      const Evaluation evaluation = evaluate_one(potential, frame, {.forces = true, .extrapolation = fitted}, workspace);
      collectors.at(plan.role[k] == Role::beside_valid ? Role::train : plan.role[k]).add(frame, evaluation);
      for (std::size_t i = 0; i < evaluation.extrapolation.size(); ++i) {
        double& most = largest[static_cast<std::size_t>(potential.species_of(frame.atoms->atomic_number[i]))];
        most = std::max(most, evaluation.extrapolation[i]);
      }
      report_progress(progress, "fit: errors", static_cast<double>(++done), 0, "frames");
    }
    for (auto& [role, collector] : collectors)
      if (const LabelErrors errors = collector.finish(); errors.frames > 0)
        fit.errors.push_back({plan.set->name, part_of(role), errors, collector.energy_parity(), collector.force_parity()});
  }
  for (std::size_t s = 0; s < S; ++s) fit.parameters.extrapolation_scale[s] = largest[s] > 0 ? largest[s] : 1;
}

void describe(AceFit& fit, const std::vector<TrainingSet>& sets, const AceFitSettings& settings) {
  auto& metadata = fit.parameters.metadata;
  std::string names, hashes;
  for (const TrainingSet& set : sets) {
    names += (names.empty() ? "" : " ") + set.path.filename().string();
    hashes += (hashes.empty() ? "" : " ") + sha256_of_path(set.path);
  }
  metadata["training_sets"] = names;
  metadata["training_sets_sha256"] = hashes;
  metadata["training_labels"] = "energy forces";
  metadata["stress_labels"] = "none";
  metadata["energy_weight"] = fmt::format("{}", settings.energy_weight);
  metadata["ridge"] = fmt::format("{}", fit.chosen_ridge);
  metadata["roughness_power"] = fmt::format("{}", settings.roughness_power);
  for (const auto& e : fit.errors)
    if (e.part == SplitPart::test)
      metadata["test_error " + e.set] = fmt::format("force_rmse_ev_ang={:.6g} force_rms_ev_ang={:.6g} energy_rmse_aligned_ev_per_atom={:.6g}",
                                                    e.errors.forces.rmse_ev_ang, e.errors.forces.reference_rms_ev_ang,
                                                    e.errors.composition_aligned.rmse_ev_per_atom);
}

/// One candidate after the data were read: normal equations of all parts, and the ridges tried on them.
struct Candidate {
  FirstPass first;
  AceParameters model;  // radial functions, references; coefficients zero
  std::vector<std::string> warnings;
  AceUnknowns unknowns;
  Accumulated sums;
  std::vector<double> penalty;
  std::vector<RidgeTrial> trials;
  RidgeTrial chosen;
};

void try_ridges(Candidate& c, const AceFitSettings& settings, const Progress& progress) {
  const std::size_t columns = c.unknowns.count() + 1;
  const std::vector<double> train = combine({&c.sums.train_force}, {&c.sums.train_energy}, settings.energy_weight);
  double best = std::numeric_limits<double>::max();
  constexpr int ridges = 17;
  for (int k = 0; k < ridges; ++k) {
    const double ridge = std::pow(10.0, -11 + 0.5 * k);
    report_progress(progress, "fit: choosing the ridge", k, ridges);
    const auto x = solve(train, columns, c.penalty, ridge);
    if (x.empty()) continue;
    RidgeTrial trial{ridge, std::sqrt(c.sums.train_force.mean_square_residual(x)), std::sqrt(c.sums.valid_force.mean_square_residual(x)),
                     std::sqrt(c.sums.valid_energy.mean_square_residual(x)), 0};
    trial.valid_loss = std::hypot(trial.valid_force_rmse_ev_ang, settings.energy_weight * trial.valid_energy_rmse_ev_per_atom);
    best = std::min(best, trial.valid_loss);
    c.trials.push_back(trial);
  }
  report_progress(progress, "fit: choosing the ridge", ridges, ridges);
  if (c.trials.empty()) throw Error(ErrorKind::numeric, "fit: no regularisation gave a positive definite problem");
  // The minimum is flat, and what the data do not fix should stay smooth.
  for (const RidgeTrial& trial : c.trials)
    if (trial.valid_loss <= (1 + settings.ridge_tolerance) * best) c.chosen = trial;
}

std::unique_ptr<Candidate> prepare(const std::vector<TrainingSet>& sets, const AceFitSettings& settings, const Progress& progress) {
  FirstPass first = read_first(sets, settings, progress);
  const std::size_t S = first.elements.size(), F = make_ace_basis(settings.basis, static_cast<int>(S)).size();
  std::vector<std::string> warnings = first.warnings;
  AceParameters model = empty_model(first, settings, F, warnings);
  const AceUnknowns unknowns{S, F};
  auto candidate = std::make_unique<Candidate>(
      Candidate{std::move(first), std::move(model), std::move(warnings), unknowns, Accumulated(unknowns.count() + 1, S, F), {}, {}, {}});
  const AcePotential base(candidate->model);
  accumulate(candidate->first, base, candidate->sums, progress);
  if (candidate->sums.valid_force.rows == 0)
    throw Error(ErrorKind::usage, "no validation frames: raise valid_fraction or give longer sets");
  candidate->penalty = penalties(base.basis(), S, combine({&candidate->sums.train_force}, {&candidate->sums.train_energy}, settings.energy_weight),
                                 settings.roughness_power);
  try_ridges(*candidate, settings, progress);
  return candidate;
}

/// The same settings with those at their defaults that make no difference.
AceFitSettings without_idle(AceFitSettings settings) {
  const AceBasisSettings defaults;
  if (settings.basis.body_order < 4) {
    settings.basis.degree_four_body = defaults.degree_four_body;
    settings.basis.l_max_four_body = defaults.l_max_four_body;
  }
  if (settings.basis.body_order < 3) {
    settings.basis.degree_three_body = defaults.degree_three_body;
    settings.basis.l_max_three_body = defaults.l_max_three_body;
  }
  return settings;
}

}  // namespace

std::vector<AceFitSettings> combinations(const AceFitSettings& base, const AceFitGrid& grid) {
  constexpr std::size_t most = 64;
  std::vector<AceFitSettings> all{base};
  const auto vary = [&](const auto& values, auto assign) {
    if (values.empty()) return;
    std::vector<AceFitSettings> more;
    for (const AceFitSettings& settings : all)
      for (const auto value : values) {
        more.push_back(settings);
        assign(more.back(), value);
      }
    if (more.size() > most) throw Error(ErrorKind::usage, fmt::format("a fit tries at most {} combinations of settings", most));
    all = std::move(more);
  };
  const auto vary_basis = [&](const auto& values, int AceBasisSettings::* member) {
    vary(values, [member](AceFitSettings& settings, std::int64_t value) { settings.basis.*member = static_cast<int>(value); });
  };
  vary(grid.cutoff_ang, [](AceFitSettings& settings, double value) { settings.basis.cutoff_ang = value; });
  vary_basis(grid.body_order, &AceBasisSettings::body_order);
  vary_basis(grid.radial_two_body, &AceBasisSettings::radial_two_body);
  vary_basis(grid.degree_three_body, &AceBasisSettings::degree_three_body);
  vary_basis(grid.l_max_three_body, &AceBasisSettings::l_max_three_body);
  vary_basis(grid.degree_four_body, &AceBasisSettings::degree_four_body);
  vary_basis(grid.l_max_four_body, &AceBasisSettings::l_max_four_body);
  vary(grid.roughness_power, [](AceFitSettings& settings, double value) { settings.roughness_power = value; });
  vary(grid.repulsion_reach, [](AceFitSettings& settings, double value) { settings.repulsion_reach = value; });
  vary(grid.pairs_where_data_begin, [](AceFitSettings& settings, double value) { settings.pairs_where_data_begin = value; });
  std::vector<AceFitSettings> distinct;
  for (const AceFitSettings& settings : all)
    if (const AceFitSettings plain = without_idle(settings); std::find(distinct.begin(), distinct.end(), plain) == distinct.end())
      distinct.push_back(plain);
  return distinct;
}

AceFit fit_ace(const std::vector<TrainingSet>& sets, const std::vector<AceFitSettings>& candidates, const Progress& progress) {
  if (sets.empty()) throw Error(ErrorKind::usage, "a fit needs at least one data set");
  if (candidates.empty()) throw Error(ErrorKind::usage, "a fit needs settings");
  AceFit fit;
  std::unique_ptr<Candidate> best;
  for (const AceFitSettings& settings : candidates) {
    const std::string of = candidates.size() > 1 ? fmt::format("candidate {} of {}", fit.candidates.size() + 1, candidates.size()) : "";
    std::unique_ptr<Candidate> one = prepare(sets, settings, [&](ProgressReport report) {
      report.note = of;
      if (progress) progress(report);
    });
    fit.candidates.push_back({settings, one->unknowns.functions, one->chosen});
    if (best && one->chosen.valid_loss >= best->chosen.valid_loss) continue;
    fit.chosen_candidate = fit.candidates.size() - 1;
    best = std::move(one);
  }
  const AceFitSettings& settings = candidates[fit.chosen_candidate];
  fit.parameters = std::move(best->model);
  fit.warnings = std::move(best->warnings);
  fit.functions_per_element = best->unknowns.functions;
  fit.unknowns = best->unknowns.count();
  fit.trials = std::move(best->trials);
  fit.chosen_ridge = best->chosen.ridge;

  Accumulated& sums = best->sums;
  const auto c = solve(combine({&sums.train_force, &sums.valid_force, &sums.beside_force},
                               {&sums.train_energy, &sums.valid_energy, &sums.beside_energy}, settings.energy_weight),
                       fit.unknowns + 1, best->penalty, fit.chosen_ridge);
  if (c.empty()) throw Error(ErrorKind::numeric, "fit: the final problem is not positive definite");
  const std::size_t F = fit.functions_per_element;
  for (std::size_t s = 0; s < fit.parameters.elements.size(); ++s) {
    fit.parameters.reference_energy_ev[s] += c[best->unknowns.constant(s)];
    const auto begin = c.begin() + static_cast<std::ptrdiff_t>(best->unknowns.first_function(s));
    fit.parameters.coefficient_ev[s].assign(begin, begin + static_cast<std::ptrdiff_t>(F));
    fit.parameters.covariance_factor.push_back(covariance_factor(std::move(sums.covariance[s]), sums.atoms[s], F));
  }
  fit.parameters.extrapolation_scale.assign(fit.parameters.elements.size(), 1.0);
  measure(best->first, fit, progress);
  describe(fit, sets, settings);
  return fit;
}

}  // namespace saltus
