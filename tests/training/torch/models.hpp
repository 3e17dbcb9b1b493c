// Published models and structures with known energies, and the training networks made of them.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "saltus/atoms/frame.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/models/published_model.hpp"
#include "saltus/training/torch/network.hpp"

namespace saltus::training {

inline const std::string model_folder = SALTUS_SOURCE_DIR "/tests/golden/models/";
inline const std::string sevennet_0 = model_folder + "sevennet/SevenNet-0_11July2024_deployed_serial.pt";
inline const std::string mace_swa = model_folder + "mace/imagdau_mace01_swa.model";
inline const std::string mattersim_small = model_folder + "mattersim_small/square.pth";
inline const std::string mace_frames = model_folder + "mace/imagdau_solvent_train_20.xyz";

inline Frame frame_of(std::vector<std::uint8_t> elements, std::vector<Vec3> position_ang, const Cell& cell = {}) {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of(std::move(elements)));
  frame.cell = cell;
  frame.position_ang = std::move(position_ang);
  return frame;
}

inline Frame water() { return frame_of({8, 1, 1}, {{0, 0.2, 0.12}, {0, 0.76, -0.48}, {0, -0.76, -0.48}}); }

inline Frame salt() {
  return frame_of({11, 17}, {{0, 0, 0}, {2.815, 0, 0}}, Cell({{Vec3{1, 2.815, 2.815}, Vec3{2.815, 0, 2.815}, Vec3{2.815, 2.815, 0}}}, {true, true, true}));
}

/// A model with its tensors and network.
struct Trained {
  PublishedModel model;
  Placement placement;
  Tensors tensors;
  std::unique_ptr<Network> network;

  Trained(PublishedModel published, at::ScalarType type, bool fused) : model(std::move(published)), placement{type, at::kCPU}, tensors(tensors_of(model, placement)) {
    network = make_network(model, placement, 0, fused);
  }
  Network::Weights weights() const {
    return [this](const std::string& name) -> const at::Tensor& { return tensors.at(name); };
  }
  std::shared_ptr<const Graph> graph(const std::vector<const Frame*>& frames) const {
    return std::make_shared<const Graph>(make_graph(frames, species_index(model.atomic_number), model.cutoff_ang, placement));
  }
  Labels predict_all(const std::vector<const Frame*>& frames) const { return predict(*network, graph(frames), weights(), true, false); }
};

inline std::vector<double> numbers(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.detach().cpu().to(at::kDouble).contiguous().reshape({-1});
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

}  // namespace saltus::training
