#include "saltus/training/torch/finetune.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <mutex>
#include <numeric>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/version.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/training/learning_rate.hpp"
#include "saltus/training/torch/frames.hpp"
#include "saltus/training/torch/loss.hpp"
#include "saltus/training/torch/optimizer.hpp"
#include "saltus/training/torch/passes.hpp"
#include "saltus/training/torch/trained_weights.hpp"
#include "saltus/training/torch/training_state.hpp"

namespace saltus::training {

namespace {

using Clock = std::chrono::steady_clock;

/// Of consecutive held-out frames of a set, for intervals.
constexpr std::size_t most_blocks = 10;
/// Streams of the random numbers.
constexpr std::uint64_t lora_stream = 1, order_stream = 1'000'000, replay_stream = 2'000'000;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

std::size_t head_index(const PublishedModel& model, const std::string& head) {
  std::vector<std::string> heads;
  if (const auto* sevennet = std::get_if<SevenNetModel>(&model.architecture)) heads = sevennet->modalities;
  if (const auto* mace = std::get_if<MaceModel>(&model.architecture)) heads = mace->heads;
  if (head.empty() && heads.size() <= 1) return 0;
  const auto found = std::find(heads.begin(), heads.end(), head);
  if (found == heads.end())
    throw Error(ErrorKind::usage, head.empty() ? fmt::format("the model has several heads: name one of {} by --head", join(heads))
                                               : fmt::format("the model has no head '{}'{}", head, did_you_mean(head, heads)));
  return static_cast<std::size_t>(found - heads.begin());
}

Placement placement_of(const FinetuneSettings& s, const PublishedModel& model) {
  const bool is_double = s.precision == "double" || (s.precision == "model" && model.dtype == Dtype::f64);
  try {
    const Placement placement{is_double ? at::kDouble : at::kFloat, at::Device(s.device)};
    if (!placement.device.is_cpu() && !placement.device.is_cuda()) throw Error(ErrorKind::usage, fmt::format("device '{}': cpu, cuda or cuda:N", s.device));
    if (placement.device.is_cuda() && !at::hasCUDA()) throw Error(ErrorKind::unsupported, fmt::format("device '{}': this libtorch ({}) has no CUDA, or no GPU is there", s.device, libtorch_version()));
    return placement;
  } catch (const c10::Error&) {
    throw Error(ErrorKind::usage, fmt::format("device '{}': cpu, cuda or cuda:N", s.device));
  }
}

class Trainer {
 public:
  Trainer(const FinetuneInput& input, const Progress& progress, const Stop& stop)
      : input_(input), s_(input.settings), progress_(progress), stop_(stop), model_(read_published_model(input.model)), head_(head_index(model_, input.head)),
        placement_(placement_of(s_, model_)), species_(species_index(model_.atomic_number)), labelled_(read_labelled(input, progress)),
        replay_(read_replay(input, labelled_, progress)), weights_(model_, placement_, s_, !replay_.empty(), lora_stream),
        network_(make_network(model_, placement_, head_, s_.fused)) {
    check_elements();
    result_.family = family(model_);
    result_.train_frames = labelled_.train.size();
    result_.valid_frames = labelled_.valid.size();
    for (const auto& test : labelled_.test) result_.test_frames += test.size();
    result_.replay_frames = replay_.size();
    result_.stress_labels = labelled_.stress && s_.stress_weight > 0;
    result_.warnings = labelled_.warnings;
    if (s_.stress_weight > 0 && !labelled_.stress) result_.warnings.push_back("no stress labels: the stress of the model is not trained");
  }

  FinetuneResult run(const std::function<void(const EpochRow&)>& on_epoch) {
    const std::filesystem::path checkpoint = checkpoint_path();
    const bool resumed = std::filesystem::exists(checkpoint);
    result_.before = held_out(weights_.start(), "finetune: the model as it is");
    label_replay();
    reference_energies();
    result_.trained_numbers = weights_.trained_numbers();
    result_.numbers = model_.parameters;
    TrainingState state = fresh_state();
    if (resumed) {
      state = load_state(checkpoint, fingerprint(), std::move(state));
      result_.warnings.push_back(fmt::format("{} epochs and {} steps were done before: it went on from its checkpoint", state.epoch, state.step));
    }
    for (const EpochRow& row : state.rows) result_.epochs.push_back(row);
    train(state, on_epoch);
    save_state(checkpoint, fingerprint(), state);  // a stop from here on costs no training
    result_.best_epoch = state.best_epoch;
    if (state.best_epoch == 0) result_.warnings.push_back("no epoch was better on the validation part than the model as it came, which is what is saved (its reference energies moved): lower the learning rate, or train longer");
    result_.after = held_out(state.best, "finetune: the model as it became");
    write(state);
    std::filesystem::remove(checkpoint);
    return std::move(result_);
  }

 private:
  void check_elements() const {
    const auto check = [&](const std::vector<Frame>& frames) {
      for (const Frame& frame : frames)
        for (const auto z : frame.atoms->atomic_number)
          if (species_[z] < 0) throw Error(ErrorKind::unsupported, fmt::format("{}: the model does not know the element {}", input_.model.string(), symbol_of(z)));
    };
    check(labelled_.train);
    check(labelled_.valid);
    check(replay_);
    for (const auto& test : labelled_.test) check(test);
  }

  std::filesystem::path checkpoint_path() const { return std::filesystem::path(input_.out).concat(".checkpoint"); }

  /// What a checkpoint must agree in.
  std::string fingerprint() const {
    return sha256(fmt::format("{}\n{}\n{}\n{}\n{}\n{}", model_.source_hash, sha256_of_path(input_.model), labelled_.hashes, input_.head, input_.settings_text, placement_.type == at::kDouble));
  }

  /// A GPU takes one pass after another.
  std::size_t passes_per_thread(std::size_t passes) const { return placement_.device.is_cpu() ? 1 : std::max<std::size_t>(1, passes); }

  std::shared_ptr<const Graph> graph_of(const std::vector<const Frame*>& frames) const {
    return std::make_shared<const Graph>(make_graph(frames, species_, model_.cutoff_ang, placement_));
  }

  /// Evaluations by the network with these weights, in the order of the samples; threads take passes.
  std::vector<Evaluation> evaluate(const std::vector<Sample>& samples, const Tensors& trained, bool forces, const char* task) const {
    const Tensors all = weights_.effective(trained, false);
    const Network::Weights of = weights_of(all);
    const auto passes = passes_of(samples, atoms_per_pass(placement_));
    std::vector<std::vector<Evaluation>> found(passes.size());
    std::atomic<std::size_t> done = 0;
    std::mutex reporting;
    parallel_chunks(passes.size(), passes_per_thread(passes.size()), [&](std::size_t begin, std::size_t end) {
      for (std::size_t p = begin; p < end; ++p) {
        const at::NoGradGuard no_grad;
        const auto frames = frames_of(passes[p]);
        const auto graph = graph_of(frames);
        found[p] = evaluations(predict(*network_, graph, of, forces, false), frames, forces);
        const std::lock_guard guard(reporting);
        if (stop_ && stop_()) throw Interrupted{"", true};
        if (task) report_progress(progress_, task, static_cast<double>(done += frames.size()), static_cast<double>(samples.size()), "frames");
      }
    });
    std::vector<Evaluation> result;
    for (auto& part : found)
      for (auto& evaluation : part) result.push_back(std::move(evaluation));
    return result;
  }

  std::vector<HeldOutErrors> held_out(const Tensors& trained, const char* task) const {
    std::vector<HeldOutErrors> result;
    std::vector<std::pair<const Frame*, Evaluation>> all;
    std::vector<std::size_t> block_of;
    const auto add = [&](const std::string& set, std::size_t begin) {
      HeldOutErrors errors{set, {}, {}};
      LabelErrorCollector whole;
      std::size_t first = block_of[begin], last = block_of.back();
      std::vector<LabelErrorCollector> without(last - first + 1);
      for (std::size_t k = begin; k < all.size(); ++k) {
        whole.add(*all[k].first, all[k].second);
        for (std::size_t b = first; b <= last; ++b)
          if (b != block_of[k]) without[b - first].add(*all[k].first, all[k].second);
      }
      errors.all = whole.finish();
      if (without.size() > 1)
        for (const auto& collector : without) errors.without.push_back(collector.finish());
      result.push_back(std::move(errors));
    };
    std::size_t blocks = 0;
    for (std::size_t set = 0; set < labelled_.test.size(); ++set) {
      const auto samples = samples_of(labelled_.test[set]);
      if (samples.empty()) continue;
      const auto found = evaluate(samples, trained, true, task);
      const std::size_t begin = all.size(), parts = std::min(most_blocks, samples.size());
      for (std::size_t k = 0; k < samples.size(); ++k) {
        all.emplace_back(samples[k].frame, found[k]);
        block_of.push_back(blocks + k * parts / samples.size());
      }
      blocks += parts;
      add(labelled_.set[set], begin);
    }
    if (labelled_.test.size() > 1 && !all.empty()) add("", 0);
    return result;
  }

  /// Replay frames without labels get the model's.
  void label_replay() {
    if (replay_.empty()) return;
    std::vector<Sample> bare;
    std::vector<std::size_t> place;
    for (std::size_t k = 0; k < replay_.size(); ++k)
      if (!replay_[k].energy_ev) {
        bare.push_back({&replay_[k], false});
        place.push_back(k);
      }
    const auto found = evaluate(bare, weights_.start(), true, "finetune: labels of the replay");
    for (std::size_t k = 0; k < bare.size(); ++k) {
      Frame& frame = replay_[place[k]];
      frame.energy_ev = found[k].energy_ev;
      frame.force_ev_ang = found[k].force_ev_ang;
      if (frame.cell.volume_ang3() > 0) frame.virial_ev = found[k].virial_ev;
    }
    if (!bare.empty()) result_.warnings.push_back(fmt::format("{} replay frames have no labels: the model as it came gives them", bare.size()));
    if (bare.size() < replay_.size()) {
      // Labels of another method: a head with reference energies of its own.
      std::vector<Frame> labelled;
      std::vector<bool> is_bare(replay_.size(), false);
      for (const auto k : place) is_bare[k] = true;
      for (std::size_t k = 0; k < replay_.size(); ++k)
        if (!is_bare[k]) labelled.push_back(replay_[k]);
      if (!bare.empty()) throw Error(ErrorKind::usage, "some replay frames have labels and some have none: give sets of one kind");
      replay_offset_ev_ = energy_shift(labelled, "finetune: reference energies of the replay");
    }
  }

  /// What is to be added to the model's energies, per species.
  std::vector<double> energy_shift(const std::vector<Frame>& frames, const char* task) const {
    const auto found = evaluate(samples_of(frames), weights_.start(), false, task);
    std::vector<std::size_t> present;
    std::vector<bool> there(model_.atomic_number.size(), false);
    for (const Frame& frame : frames)
      for (const auto z : frame.atoms->atomic_number) there[static_cast<std::size_t>(species_[z])] = true;
    for (std::size_t s = 0; s < there.size(); ++s)
      if (there[s]) present.push_back(s);
    std::vector<std::vector<double>> counts;
    std::vector<double> difference;
    for (std::size_t k = 0; k < frames.size(); ++k) {
      std::vector<double> row(present.size(), 0.0);
      for (const auto z : frames[k].atoms->atomic_number)
        ++row[static_cast<std::size_t>(std::find(present.begin(), present.end(), static_cast<std::size_t>(species_[z])) - present.begin())];
      counts.push_back(std::move(row));
      difference.push_back(*frames[k].energy_ev - found[k].energy_ev);
    }
    const auto shift = reference_energies_ev(counts, difference, s_.reference_ridge);
    std::vector<double> result(there.size(), 0.0);
    for (std::size_t k = 0; k < present.size(); ++k) result[present[k]] = shift[k];
    return result;
  }

  void reference_energies() {
    if (!s_.reference_energies) return;
    const auto shift = energy_shift(labelled_.train, "finetune: reference energies");
    weights_.shift_reference_energies(shift, static_cast<std::int64_t>(head_));
    for (std::size_t s = 0; s < shift.size(); ++s)
      if (shift[s] != 0) {
        result_.element.emplace_back(symbol_of(model_.atomic_number[s]));
        result_.reference_shift_ev.push_back(shift[s]);
      }
  }

  TrainingState fresh_state() const {
    TrainingState state;
    state.trained = copy(weights_.start());
    state.adam = Adam(s_, state.trained);
    if (s_.ema_decay > 0) state.averages = copy(state.trained);
    state.best = copy(state.trained);
    return state;
  }

  struct Gradient {
    double loss = 0;
    Tensors gradients;
  };

  /// Loss and gradients of a batch: passes on threads, summed in order.
  Gradient gradient_of(const std::vector<Sample>& batch, const Tensors& trained, double energy_weight) const {
    Counts counts;
    for (const Sample& sample : batch) {
      const Counts c = count_labels(*sample.frame);
      counts.configurations += c.configurations;
      counts.force_components += c.force_components;
      counts.stress_components += c.stress_components;
    }
    const auto passes = passes_of(batch, atoms_per_pass(placement_));
    std::vector<Gradient> found(passes.size());
    std::vector<std::string> names;
    for (const auto& [name, tensor] : trained) names.push_back(name);
    parallel_chunks(passes.size(), passes_per_thread(passes.size()), [&](std::size_t begin, std::size_t end) {
      for (std::size_t p = begin; p < end; ++p) {
        const bool replay = passes[p].front().replay;
        const auto frames = frames_of(passes[p]);
        const std::vector<double> weight(frames.size(), replay ? s_.replay_weight : 1);
        const at::AutoGradMode with_gradients(true);
        Tensors leaves;
        torch::autograd::variable_list inputs;
        for (const auto& [name, tensor] : trained) {
          leaves[name] = tensor.detach().set_requires_grad(true);
          inputs.push_back(leaves[name]);
        }
        const Tensors all = weights_.effective(leaves, replay);
        const auto graph = graph_of(frames);
        const Targets targets = make_targets(frames, weight, replay ? replay_offset_ev_ : std::vector<double>{}, species_, placement_);
        const Labels labels = predict(*network_, graph, weights_of(all), true, true);
        const at::Tensor loss = loss_of(labels, targets, *graph, counts, s_, energy_weight);
        const auto gradients = torch::autograd::grad({loss}, inputs, {}, {}, false, true);
        found[p].loss = loss.item<double>();
        for (std::size_t k = 0; k < names.size(); ++k)
          if (gradients[k].defined()) found[p].gradients[names[k]] = gradients[k];
      }
    });
    Gradient sum;
    for (const Gradient& part : found) {
      sum.loss += part.loss;
      for (const auto& [name, gradient] : part.gradients) {
        at::Tensor& total = sum.gradients[name];
        total = total.defined() ? total + gradient : gradient;
      }
    }
    return sum;
  }

  /// The loss of the validation frames and their errors.
  std::pair<double, LabelErrors> validate(const Tensors& trained, double energy_weight) const {
    const auto samples = samples_of(labelled_.valid);
    const Tensors all = weights_.effective(trained, false);
    const auto passes = passes_of(samples, atoms_per_pass(placement_));
    Counts counts;
    for (const Sample& sample : samples) {
      const Counts c = count_labels(*sample.frame);
      counts.configurations += c.configurations;
      counts.force_components += c.force_components;
      counts.stress_components += c.stress_components;
    }
    std::vector<double> loss(passes.size(), 0);
    std::vector<std::vector<Evaluation>> found(passes.size());
    parallel_chunks(passes.size(), passes_per_thread(passes.size()), [&](std::size_t begin, std::size_t end) {
      for (std::size_t p = begin; p < end; ++p) {
        const at::NoGradGuard no_grad;
        const auto frames = frames_of(passes[p]);
        const auto graph = graph_of(frames);
        const Labels labels = predict(*network_, graph, weights_of(all), true, false);
        const Targets targets = make_targets(frames, std::vector<double>(frames.size(), 1), {}, species_, placement_);
        loss[p] = loss_of(labels, targets, *graph, counts, s_, energy_weight).item<double>();
        found[p] = evaluations(labels, frames, true);
      }
    });
    LabelErrorCollector errors;
    std::size_t k = 0;
    for (const auto& part : found)
      for (const Evaluation& evaluation : part) errors.add(*samples[k++].frame, evaluation);
    return {std::accumulate(loss.begin(), loss.end(), 0.0), errors.finish()};
  }

  std::vector<Sample> batch_of(const std::vector<std::size_t>& order, const std::vector<std::size_t>& replay_order, std::int64_t step) const {
    std::vector<Sample> batch;
    const auto size = static_cast<std::size_t>(s_.batch);
    const std::size_t first = static_cast<std::size_t>(step) * size, last = std::min(order.size(), first + size);
    for (std::size_t k = first; k < last; ++k) batch.push_back({&labelled_.train[order[k]], false});
    if (replay_.empty()) return batch;
    const auto at = [&](std::size_t k) { return static_cast<std::size_t>(std::floor(static_cast<double>(k) * s_.replay_ratio)); };
    for (std::size_t k = at(first); k < at(last); ++k) batch.push_back({&replay_[replay_order[k % replay_order.size()]], true});
    return batch;
  }

  void train(TrainingState& state, const std::function<void(const EpochRow&)>& on_epoch) {
    const auto steps = static_cast<std::int64_t>((labelled_.train.size() + static_cast<std::size_t>(s_.batch) - 1) / static_cast<std::size_t>(s_.batch));
    Clock::time_point begun = Clock::now(), saved = begun;
    const double before = state.seconds;
    const auto seconds = [&] { return before + seconds_since(begun); };
    const auto seed = static_cast<std::uint64_t>(s_.seed);
    const std::int64_t stage_two = first_epoch_of_stage_two(s_);
    result_.ended = "epochs";
    while (state.epoch < s_.epochs) {
      if (s_.patience > 0 && state.epochs_since_best >= s_.patience) {
        result_.ended = "patience";
        break;
      }
      const bool second = state.epoch >= stage_two;
      const double energy_weight = second ? s_.stage_two_energy_weight : s_.energy_weight;
      const auto order = shuffled(labelled_.train.size(), seed, order_stream + static_cast<std::uint64_t>(state.epoch));
      const auto replay_order = shuffled(replay_.size(), seed, replay_stream + static_cast<std::uint64_t>(state.epoch));
      // The weights that the training, or its second stage, begins with are what an epoch must be better than.
      if (state.step == 0 && (state.epoch == 0 || state.epoch == stage_two)) {
        state.best_loss = validate(state.best, energy_weight).first;
        if (second) state.plateau.best = std::numeric_limits<double>::infinity();  // another loss
      }
      double rate = 0;
      for (; state.step < steps; ++state.step) {
        if (stop_ && stop_()) {
          state.seconds = seconds();
          save_state(checkpoint_path(), fingerprint(), state);
          throw Interrupted{fmt::format("epoch {} of {}, step {} of {}", state.epoch + 1, s_.epochs, state.step, steps), true};
        }
        if (seconds_since(saved) > 60 * s_.checkpoint_minutes) {
          state.seconds = seconds();
          save_state(checkpoint_path(), fingerprint(), state);
          saved = Clock::now();
        }
        rate = learning_rate(s_, state.plateau, state.epoch, state.step, steps);
        Gradient gradient = gradient_of(batch_of(order, replay_order, state.step), state.trained, energy_weight);
        if (!std::isfinite(gradient.loss))
          throw Error(ErrorKind::numeric, fmt::format("epoch {}, step {}: the loss is not finite; lower the learning rate, or clip the gradient (clip_norm)", state.epoch + 1, state.step + 1));
        state.norm_sum += clip_gradients(gradient.gradients, s_.clip_norm);
        state.adam.step(state.trained, gradient.gradients, rate);
        if (s_.ema_decay > 0) average(state.averages, state.trained, s_.ema_decay, state.adam.steps());
        state.loss_sum += gradient.loss;
        report_progress(progress_, fmt::format("finetune: epoch {} of {}", state.epoch + 1, s_.epochs), static_cast<double>(state.step + 1), static_cast<double>(steps), "steps");
      }
      const Tensors& validated = s_.ema_decay > 0 ? state.averages : state.trained;
      const auto [valid_loss, errors] = validate(validated, energy_weight);
      if (!std::isfinite(valid_loss)) throw Error(ErrorKind::numeric, fmt::format("epoch {}: the validation loss is not finite; lower the learning rate", state.epoch + 1));
      EpochRow row;
      row.best = valid_loss < state.best_loss;
      if (row.best) {
        state.best_loss = valid_loss;
        state.best = copy(validated);
        state.best_epoch = state.epoch + 1;
        state.epochs_since_best = 0;
      } else {
        ++state.epochs_since_best;
      }
      update(state.plateau, s_, valid_loss);
      row.epoch = ++state.epoch;
      row.epochs = s_.epochs;
      row.learning_rate = rate;
      row.train_loss = state.loss_sum / static_cast<double>(steps);
      row.valid_loss = valid_loss;
      row.valid_energy_rmse_aligned_ev_per_atom = errors.composition_aligned.rmse_ev_per_atom;
      row.valid_force_rmse_ev_ang = errors.forces.rmse_ev_ang;
      row.valid_stress_rmse_ev_ang3 = errors.stress.frames > 0 ? errors.stress.rmse_ev_ang3 : 0;
      row.gradient_norm = state.norm_sum / static_cast<double>(steps);
      row.seconds = seconds();
      row.seconds_left = row.seconds / static_cast<double>(row.epoch) * static_cast<double>(s_.epochs - row.epoch);
      state.step = 0;
      state.loss_sum = state.norm_sum = 0;
      state.rows.push_back(row);
      result_.epochs.push_back(row);
      if (on_epoch) on_epoch(row);
    }
  }

  void write(const TrainingState& state) {
    std::string names;
    for (const FinetuneSet& set : input_.sets) names += fmt::format("{}{}", names.empty() ? "" : " ", set.path.filename().string());
    Tensors tensors = weights_.effective(state.best, false);
    PublishedModel child = with_tensors(model_, tensors);
    TensorFile file = to_container(child);
    auto& metadata = file.metadata;
    metadata["finetuned_from"] = input_.model.filename().string();
    metadata["finetuned_from_sha256"] = sha256_of_path(input_.model);
    metadata["finetuned_on"] = names;
    metadata["finetuned_on_sha256"] = labelled_.hashes;
    if (input_.left_out > 0) metadata["finetuned_without_part"] = fmt::format("{}/{}", input_.left_out, input_.parts);
    metadata["finetuned_epoch"] = fmt::format("{}", state.best_epoch);
    metadata["finetuned_labels"] = result_.stress_labels ? "energy forces stress" : "energy forces";
    metadata["finetuned_seed"] = fmt::format("{}", s_.seed);
    metadata["finetuned_with"] = fmt::format("libtorch {}", libtorch_version());
    metadata["finetune_settings"] = input_.settings_text;
    std::string shifts;
    for (std::size_t k = 0; k < result_.element.size(); ++k) shifts += fmt::format("{}{}={}", k ? " " : "", result_.element[k], shortest(result_.reference_shift_ev[k]));
    metadata["finetune_reference_shift_ev"] = shifts;
    for (const HeldOutErrors& e : result_.after)
      if (!e.set.empty())
        metadata["test_error " + e.set] = fmt::format("force_rmse_ev_ang={:.6g} force_rms_ev_ang={:.6g} energy_rmse_aligned_ev_per_atom={:.6g}", e.all.forces.rmse_ev_ang,
                                                      e.all.forces.reference_rms_ev_ang, e.all.composition_aligned.rmse_ev_per_atom);
    write_file_atomically(learning_curve_file(input_.out), learning_curve(state.rows));
    write_safetensors(input_.out, file);
  }

  const FinetuneInput& input_;
  const FinetuneSettings& s_;
  Progress progress_;
  Stop stop_;
  PublishedModel model_;
  std::size_t head_ = 0;
  Placement placement_;
  SpeciesIndex species_;
  LabelledFrames labelled_;
  std::vector<Frame> replay_;
  TrainedWeights weights_;
  std::unique_ptr<Network> network_;
  std::vector<double> replay_offset_ev_;
  FinetuneResult result_;
};

}  // namespace

FinetuneResult finetune(const FinetuneInput& input, const Progress& progress, const Stop& stop, const std::function<void(const EpochRow&)>& on_epoch) {
  if (input.sets.empty()) throw Error(ErrorKind::usage, "fine-tuning needs at least one labelled data set");
  // Threads take configurations; inside one there is one thread, so that sums do not depend on their number.
  at::set_num_threads(1);
  try {
    return Trainer(input, progress, stop).run(on_epoch);
  } catch (const c10::OutOfMemoryError& error) {
    throw Error(ErrorKind::unsupported, fmt::format("not enough memory on {}: give a smaller batch", input.settings.device));
  } catch (const c10::Error& error) {
    throw Error(ErrorKind::internal, fmt::format("libtorch: {}", error.what_without_backtrace()));
  }
}

std::filesystem::path learning_curve_file(const std::filesystem::path& model) { return std::filesystem::path(model).replace_extension().concat("_learning.csv"); }

std::string libtorch_version() { return fmt::format("{}.{}.{}{}", TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR, TORCH_VERSION_PATCH, at::hasCUDA() ? ", CUDA" : ""); }

}  // namespace saltus::training
