// From the description of a published network to what the kernels work with: feature blocks, linear maps, radial functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saltus/kernels/features.hpp"
#include "saltus/kernels/message.hpp"
#include "saltus/kernels/radial.hpp"
#include "saltus/models/published_model.hpp"
#include "saltus/potentials/network_settings.hpp"

namespace saltus {

/// Index of the head asked for. Throws Error{usage} that lists them when it is not there or a choice is needed.
std::size_t choose_head(const std::vector<std::string>& heads, const NetworkSettings& settings, const char* what);

/// One block per irrep, in order of first appearance.
struct MergedIrreps {
  std::vector<Irrep> irrep;
  std::vector<kernels::FeatureBlock> block;
  std::vector<std::size_t> block_of;       ///< [original block]
  std::vector<std::size_t> first_channel;  ///< [original block]
  std::optional<std::size_t> find(Irrep which) const;
};
MergedIrreps merged(const Irreps& irreps);

/// The tensors `name`.IRREP of a map in → out. `one_hot` of `one_hots` more scalar inputs is set: it becomes a bias.
/// Throws Error{format} when a tensor is missing or does not fit.
template <typename T>
kernels::LinearMap<T> linear_map(const TensorFile& file, const std::string& name, const MergedIrreps& in, const MergedIrreps& out,
                                 std::size_t one_hots = 0, std::size_t one_hot = 0);
/// The same for a map that knows the element: one per species.
template <typename T>
std::vector<kernels::LinearMap<T>> species_linear_maps(const TensorFile& file, const std::string& name, const MergedIrreps& in,
                                                       const MergedIrreps& out, std::size_t species);

/// Row-major [inputs, outputs] network from tensors `name`.0, `name`.1, …; no widths: as the tensors have them.
kernels::DenseNetwork dense_network(const TensorFile& file, const std::string& name, const std::vector<std::size_t>& widths,
                                    const ScaledActivation& activation);

/// Throws Error{unsupported} for one that has no kernel.
kernels::Nonlinearity nonlinearity(const ScaledActivation& activation, const char* where);

/// Throws Error{unsupported} when features or outputs have two blocks of one irrep.
kernels::MessagePlan message_plan(int harmonics_degree, const Irreps& features, const Irreps& outputs, const std::vector<ConvolutionPath>& paths,
                                  std::size_t weights);

/// Species index of each atom. Throws Error{unsupported} for an element that is not among them.
std::vector<int> species_indices(std::span<const std::uint8_t> atomic_number, const std::vector<std::uint8_t>& known, const char* model);

}  // namespace saltus
