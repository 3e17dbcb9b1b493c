// Whole trainings of a small model: stopping and going on, threads, low-rank changes, reference energies, replay, and what is written.
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <unistd.h>

#include <gtest/gtest.h>

#include "models.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/training/torch/finetune.hpp"
#include "saltus/training/torch/trained_weights.hpp"

namespace {

namespace fs = std::filesystem;
using namespace saltus;
using namespace saltus::training;

class Finetune : public testing::Test {
 protected:
  fs::path folder;

  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "saltus_finetune_XXXXXX").string();
    folder = ::mkdtemp(name.data());
    // The clusters without the three isolated atoms, labelled by xtb with all energies a fifth larger: other numbers than the model was trained to say.
    ReadOptions read;
    read.energy_key = "energy_xtb";
    read.forces_key = "forces_xtb";
    const auto frames = read_frames(mace_frames, read);
    const auto writer = create_trajectory(folder / "set.extxyz");
    for (std::size_t k = 3; k < frames.size(); ++k) {
      Frame frame = frames[k];
      *frame.energy_ev *= 1.2;
      for (Vec3& f : frame.force_ev_ang) f = 1.2 * f;
      frame.time_fs = 10.0 * static_cast<double>(k);
      writer->write(frame);
    }
    writer->commit();
  }
  void TearDown() override {
    fs::remove_all(folder);
    set_thread_count(0);
  }

  FinetuneInput input(const std::string& out) const {
    FinetuneInput in;
    in.model = mace_swa;
    in.out = folder / out;
    in.sets = {{folder / "set.extxyz", {}}};
    in.settings = published_recipe("mace");
    in.settings.epochs = 3;
    in.settings.batch = 3;
    in.settings.gap_fs = 0;
    in.settings.learning_rate = 1e-3;
    in.settings_text = "as here";
    return in;
  }
  static FinetuneResult train(const FinetuneInput& in) { return finetune(in, {}, {}, {}); }
  std::string bytes(const std::string& out) const { return read_file(folder / out); }
};

TEST_F(Finetune, LowersTheLossAndTheErrors) {
  FinetuneInput in = input("a.safetensors");
  in.settings.epochs = 12;
  const FinetuneResult result = train(in);
  ASSERT_EQ(result.epochs.size(), 12u);
  EXPECT_LT(result.epochs.back().train_loss, 0.9 * result.epochs.front().train_loss);
  ASSERT_EQ(result.before.size(), 1u);
  ASSERT_EQ(result.after.size(), 1u);
  // The energies are a fifth larger: reference energies take most of that up before training.
  EXPECT_GT(result.before[0].all.raw.rmse_ev_per_atom, 0.3);
  EXPECT_LT(result.after[0].all.raw.rmse_ev_per_atom, 0.1);
  EXPECT_EQ(result.train_frames + result.valid_frames + result.test_frames, 17u);
  EXPECT_EQ(result.reference_shift_ev.size(), 3u);
  // The file says what it is made of and reads back as a model of the same shape.
  const PublishedModel child = read_published_model(in.out), parent = read_published_model(in.model);
  EXPECT_EQ(child.architecture, parent.architecture);
  EXPECT_EQ(child.source_hash, parent.source_hash);
  const TensorFile file = read_safetensors(in.out);
  for (const char* key : {"finetuned_from", "finetuned_from_sha256", "finetuned_on_sha256", "finetune_settings", "finetuned_seed"}) EXPECT_TRUE(file.metadata.contains(key)) << key;
  // Frozen and constant tensors are the parent's to the bit, trained ones are not.
  EXPECT_EQ(child.tensors.tensors.at("products.0.0e.u.2"), parent.tensors.tensors.at("products.0.0e.u.2"));
  EXPECT_EQ(child.tensors.tensors.at("scale"), parent.tensors.tensors.at("scale"));
  EXPECT_NE(child.tensors.tensors.at("products.0.0e.weight.2"), parent.tensors.tensors.at("products.0.0e.weight.2"));
  EXPECT_TRUE(fs::exists(folder / "a_learning.csv"));
  EXPECT_FALSE(fs::exists(folder / "a.safetensors.checkpoint"));
}

TEST_F(Finetune, KeepsTheModelWhereNoEpochIsBetter) {
  FinetuneInput in = input("a.safetensors");
  in.settings.reference_energies = false;
  in.settings.energy_weight = 0;
  in.settings.learning_rate = 1;
  in.settings.clip_norm = 0;
  in.settings.epochs = 2;
  const FinetuneResult result = train(in);
  EXPECT_EQ(result.best_epoch, 0);
  EXPECT_EQ(result.after.front().all.forces.rmse_ev_ang, result.before.front().all.forces.rmse_ev_ang);
  EXPECT_NE(result.warnings.back().find("no epoch was better"), std::string::npos);
}

TEST_F(Finetune, TakesFramesOfAtomsAlone) {
  FinetuneInput in = input("a.safetensors");
  ReadOptions read;
  read.energy_key = "energy_xtb";
  read.forces_key = "forces_xtb";
  in.sets = {{mace_frames, read}};  // the first three frames are single atoms
  in.settings.batch = 1;
  in.settings.epochs = 1;
  EXPECT_EQ(train(in).train_frames, 13u);
}

/// Sums on a GPU run in another order and without the fused convolution: in double precision that is all that differs.
TEST_F(Finetune, AGpuTrainsAsTheProcessorDoes) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU that this libtorch can use";
  FinetuneInput in = input("cpu.safetensors");
  in.settings.precision = "double";
  const FinetuneResult on_cpu = train(in);
  in.out = folder / "gpu.safetensors";
  in.settings.device = "cuda";
  const FinetuneResult on_gpu = train(in);
  EXPECT_NEAR(on_gpu.before[0].all.forces.rmse_ev_ang, on_cpu.before[0].all.forces.rmse_ev_ang, 1e-10);
  ASSERT_EQ(on_gpu.epochs.size(), on_cpu.epochs.size());
  for (std::size_t k = 0; k < on_cpu.epochs.size(); ++k) {
    EXPECT_NEAR(on_gpu.epochs[k].train_loss, on_cpu.epochs[k].train_loss, 1e-7 * on_cpu.epochs[k].train_loss);
    EXPECT_NEAR(on_gpu.epochs[k].valid_force_rmse_ev_ang, on_cpu.epochs[k].valid_force_rmse_ev_ang, 1e-7);
  }
}

TEST_F(Finetune, GoesOnToTheSameBits) {
  set_thread_count(1);
  train(input("whole.safetensors"));
  for (const int step : {0, 3, 7}) {
    // The checkpoint of each stop holds a part of an epoch, or one that is over.
    const FinetuneInput in = input("parts.safetensors");
    std::string task;
    int steps = 0;
    const Progress count = [&](const ProgressReport& report) {
      task = report.task;
      steps += task.starts_with("finetune: epoch");
    };
    EXPECT_THROW(finetune(in, count, [&] { return task.starts_with("finetune: epoch") && steps > step; }, {}), Interrupted);
    EXPECT_TRUE(fs::exists(folder / "parts.safetensors.checkpoint"));
    train(in);
    EXPECT_EQ(bytes("parts.safetensors"), bytes("whole.safetensors")) << step;
  }
}

TEST_F(Finetune, DoesNotDependOnTheNumberOfThreads) {
  set_thread_count(1);
  train(input("one.safetensors"));
  set_thread_count(3);
  train(input("three.safetensors"));
  EXPECT_EQ(bytes("one.safetensors"), bytes("three.safetensors"));
}

TEST_F(Finetune, ACheckpointGoesWithItsSettings) {
  set_thread_count(1);
  FinetuneInput in = input("a.safetensors");
  int epochs = 0;
  EXPECT_THROW(finetune(in, {}, [&] { return epochs > 0; }, [&](const EpochRow&) { ++epochs; }), Interrupted);
  ASSERT_TRUE(fs::exists(folder / "a.safetensors.checkpoint"));
  in.settings_text = "others";
  EXPECT_THROW(train(in), Error);
  std::string damaged = bytes("a.safetensors.checkpoint");
  damaged.resize(damaged.size() / 2);
  write_file_atomically(folder / "a.safetensors.checkpoint", damaged);
  in.settings_text = "as here";
  EXPECT_THROW(train(in), Error);
}

TEST_F(Finetune, LowRankChangesAreMergedIntoTheWeights) {
  FinetuneInput in = input("lora.safetensors");
  in.settings.lora_rank = 2;
  const FinetuneResult result = train(in);
  const PublishedModel child = read_published_model(in.out), parent = read_published_model(in.model);
  EXPECT_LT(result.trained_numbers, result.numbers / 2);
  // What changed is a matrix of rank two: all larger minors vanish, which the third singular value tells.
  const at::Tensor change = loaded(child.tensors.tensors.at("interactions.1.linear.1o")) - loaded(parent.tensors.tensors.at("interactions.1.linear.1o"));
  const auto gram = change.matmul(change.t());
  const double square = gram.trace().item<double>(), fourth = gram.matmul(gram).trace().item<double>(), sixth = gram.matmul(gram).matmul(gram).trace().item<double>();
  EXPECT_GT(square, 0);
  // Third elementary symmetric function of the squared singular values, by Newton's identities.
  EXPECT_NEAR((square * square * square - 3 * square * fourth + 2 * sixth) / (square * square * square), 0, 1e-9);
  EXPECT_EQ(child.tensors.tensors.at("products.0.0e.weight.2"), parent.tensors.tensors.at("products.0.0e.weight.2"));
}

TEST_F(Finetune, LowRankMergeIsExact) {
  const PublishedModel model = read_published_model(mace_swa);
  FinetuneSettings s = published_recipe("mace");
  s.lora_rank = 3;
  s.lora_alpha = 6;
  const Placement placement{at::kDouble, at::kCPU};
  const TrainedWeights weights(model, placement, s, false, 1);
  Tensors trained = copy(weights.start());
  // At the start nothing is changed.
  const Tensors before = weights.effective(trained, false), original = tensors_of(model, placement);
  for (const auto& [name, tensor] : original) EXPECT_TRUE(at::equal(before.at(name), tensor)) << name;
  for (auto& [name, tensor] : trained)
    if (name.ends_with(".lora_b")) tensor.fill_(0.25);
  const Tensors after = weights.effective(trained, false);
  const std::string name = "interactions.0.linear.0e";
  const at::Tensor expected = original.at(name) + 2 * 0.25 * trained.at(name + ".lora_a").sum(1, true).expand_as(original.at(name));
  EXPECT_LT((after.at(name) - expected).abs().max().item<double>(), 1e-14);
  EXPECT_EQ(with_tensors(model, after).tensors.tensors.at(name), stored(after.at(name)));
}

TEST_F(Finetune, FreezesWhatItIsTold) {
  FinetuneInput in = input("frozen.safetensors");
  in.settings.frozen.push_back("interactions.*");
  train(in);
  const PublishedModel child = read_published_model(in.out), parent = read_published_model(in.model);
  for (const auto& [name, tensor] : parent.tensors.tensors)
    if (name.starts_with("interactions.")) {
      EXPECT_EQ(child.tensors.tensors.at(name), tensor) << name;
    }
  in.settings.frozen.push_back("interaction.*");
  EXPECT_THROW(train(in), Error);
  in.settings.frozen = {"*"};
  EXPECT_THROW(train(in), Error);
}

TEST_F(Finetune, ReplayHoldsTheModelWhereItWas) {
  // Forces turned round pull the model away; the same frames with its own labels hold it.
  auto frames = read_frames(folder / "set.extxyz");
  {
    const auto writer = create_trajectory(folder / "odd.extxyz");
    for (Frame& frame : frames) {
      for (Vec3& f : frame.force_ev_ang) f = -f;
      writer->write(frame);
    }
    writer->commit();
    const auto bare = create_trajectory(folder / "bare.extxyz");
    for (Frame& frame : frames) {
      frame.energy_ev.reset();
      frame.force_ev_ang.clear();
      bare->write(frame);
    }
    bare->commit();
  }
  FinetuneInput in = input("free.safetensors");
  in.sets = {{folder / "odd.extxyz", {}}};
  const FinetuneResult free = train(in);
  in.out = folder / "held.safetensors";
  in.replay = {{folder / "bare.extxyz", {}}};
  in.settings.replay_weight = 10;
  const FinetuneResult held = train(in);
  EXPECT_EQ(held.replay_frames, 17u);
  // Worse on the odd labels, that is nearer to the model as it came.
  EXPECT_GT(held.epochs.back().valid_loss, free.epochs.back().valid_loss);
}

TEST_F(Finetune, RefusesFramesWithoutLabels) {
  auto frames = read_frames(folder / "set.extxyz");
  frames[5].force_ev_ang.clear();
  const auto writer = create_trajectory(folder / "bad.extxyz");
  for (const Frame& frame : frames) writer->write(frame);
  writer->commit();
  FinetuneInput in = input("a.safetensors");
  in.sets = {{folder / "bad.extxyz", {}}};
  try {
    train(in);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::format);
    EXPECT_NE(std::string(error.what()).find("frame 6"), std::string::npos) << error.what();
  }
}

TEST_F(Finetune, LeavesOutFramesThatAreThereTwice) {
  FinetuneInput in = input("a.safetensors");
  in.sets.push_back(in.sets.front());
  const FinetuneResult result = train(in);
  EXPECT_EQ(result.test_frames, 6u);
  EXPECT_LT(result.train_frames, 12u);
  bool said = false;
  for (const std::string& warning : result.warnings) said = said || warning.find("there twice") != std::string::npos;
  EXPECT_TRUE(said);
}

TEST_F(Finetune, RefusesADeviceThatIsNotThere) {
  FinetuneInput in = input("a.safetensors");
  in.settings.device = "toaster";
  EXPECT_THROW(train(in), Error);
}

}  // namespace
