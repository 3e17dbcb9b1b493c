#include "saltus/training/torch/training_state.hpp"

#include <array>
#include <sstream>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/models/safetensors.hpp"
#include "saltus/training/torch/network.hpp"

namespace saltus::training {

namespace {

constexpr const char* header =
    "epoch,epochs,learning_rate,train_loss,valid_loss,valid_energy_rmse_aligned_ev_per_atom,valid_force_rmse_ev_ang,valid_stress_rmse_ev_ang3,gradient_norm,seconds,seconds_left,best";

constexpr double EpochRow::*numbers[] = {&EpochRow::learning_rate, &EpochRow::train_loss, &EpochRow::valid_loss, &EpochRow::valid_energy_rmse_aligned_ev_per_atom,
                                         &EpochRow::valid_force_rmse_ev_ang, &EpochRow::valid_stress_rmse_ev_ang3, &EpochRow::gradient_norm, &EpochRow::seconds,
                                         &EpochRow::seconds_left};

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream(line);
  for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
  return cells;
}

std::vector<EpochRow> rows_of(const std::string& text, const std::string& place) {
  std::vector<EpochRow> rows;
  std::istringstream stream(text);
  std::string line;
  std::getline(stream, line);
  while (std::getline(stream, line)) {
    const auto cells = cells_of(line);
    EpochRow row;
    const auto bad = [&] { return Error(ErrorKind::format, fmt::format("{}: its learning curve is damaged", place)); };
    if (line.empty()) continue;
    if (cells.size() != std::size(numbers) + 3) throw bad();
    const auto epoch = parse_int(cells[0]), epochs = parse_int(cells[1]);
    if (!epoch || !epochs) throw bad();
    row.epoch = *epoch;
    row.epochs = *epochs;
    for (std::size_t k = 0; k < std::size(numbers); ++k) {
      const auto value = parse_double(cells[2 + k]);
      if (!value) throw bad();
      row.*numbers[k] = *value;
    }
    row.best = cells.back() == "1";
    rows.push_back(row);
  }
  return rows;
}

void put_all(TensorFile& file, const std::string& prefix, const Tensors& tensors) {
  for (const auto& [name, tensor] : tensors) file.tensors[prefix + name] = stored(tensor);
}

void take_all(const TensorFile& file, const std::string& prefix, Tensors& tensors) {
  const at::NoGradGuard no_grad;
  for (auto& [name, tensor] : tensors) {
    const std::vector<std::size_t> shape(tensor.sizes().begin(), tensor.sizes().end());
    tensor = loaded(find_tensor(file, prefix + name, shape)).to(tensor.options());
  }
}

}  // namespace

std::string learning_curve(const std::vector<EpochRow>& rows) {
  std::string text = fmt::format("{}\n", header);
  for (const EpochRow& row : rows) {
    text += fmt::format("{},{}", row.epoch, row.epochs);
    for (const auto member : numbers) text += fmt::format(",{}", shortest(row.*member));
    text += row.best ? ",1\n" : ",0\n";
  }
  return text;
}

void save_state(const std::filesystem::path& path, const std::string& fingerprint, const TrainingState& state) {
  TensorFile file;
  put_all(file, "trained/", state.trained);
  put_all(file, "averages/", state.averages);
  put_all(file, "best/", state.best);
  put_all(file, "adam/", state.adam.state());
  put(file, "counters", {6}, std::vector<std::int64_t>{state.epoch, state.step, state.adam.steps(), state.best_epoch, state.epochs_since_best, state.plateau.bad_epochs});
  put(file, "reductions", {1}, std::vector<std::int64_t>{state.plateau.reductions});
  put(file, "sums", {5}, std::vector<double>{state.loss_sum, state.norm_sum, state.plateau.best, state.best_loss, state.seconds});
  file.metadata = {{"kind", "saltus fine-tuning checkpoint"}, {"fingerprint", fingerprint}, {"learning_curve", learning_curve(state.rows)}};
  write_safetensors(path, file);
}

TrainingState load_state(const std::filesystem::path& path, const std::string& fingerprint, TrainingState state) {
  const TensorFile file = read_safetensors(path);
  if (get_metadata(file, "fingerprint") != fingerprint)
    throw Error(ErrorKind::usage, fmt::format("{} belongs to a training with another model, other data or other settings: repeat that command to go on with it, or remove the file", path.string()));
  take_all(file, "trained/", state.trained);
  take_all(file, "averages/", state.averages);
  take_all(file, "best/", state.best);
  const auto counters = get_integers(file, "counters", {6});
  const auto sums = get_doubles(file, "sums", {5});
  Tensors adam = state.adam.state();
  take_all(file, "adam/", adam);
  state.adam.set_state(adam, counters[2]);
  state.epoch = counters[0];
  state.step = counters[1];
  state.best_epoch = counters[3];
  state.epochs_since_best = counters[4];
  state.plateau = {sums[2], counters[5], get_integers(file, "reductions", {1})[0]};
  state.loss_sum = sums[0];
  state.norm_sum = sums[1];
  state.best_loss = sums[3];
  state.seconds = sums[4];
  state.rows = rows_of(get_metadata(file, "learning_curve"), path.string());
  return state;
}

}  // namespace saltus::training
