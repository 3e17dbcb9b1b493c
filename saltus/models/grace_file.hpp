// GRACE models of one and two layers, from the .npz files that `grace_utils export_kokkos` of tensorpotential writes for LAMMPS: weights and couplings as
// arrays. Facts of the format and the network: docs/models/grace.md. References: Bochkarev, Lysogorskiy, Drautz, Phys. Rev. X 14, 021036 (2024).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace saltus {

/// Rows [in, out] of one dense layer, its norm multiplied in.
struct GraceDense {
  std::size_t in = 0, out = 0;
  std::vector<double> weight;
};

/// A product of consecutive functions with one matrix: rows `from` … `from + length − 1` of a tensor add to rows `to` … of another.
struct GraceRun {
  std::size_t from = 0, to = 0, length = 0, matrix = 0;
};

/// Linear in the channels, function by function: out[to] += in[from] · matrix; `matrices` of [in, out], for each species where `by_species`.
struct GraceLinear {
  std::size_t input = 0;               ///< number of the tensor
  std::size_t in = 0, out = 0;
  std::vector<GraceRun> runs;
  std::size_t count = 0;               ///< matrices of a species
  std::vector<double> matrices;        ///< [species or 1][count][in][out]
  bool by_species = false;
};

/// out[f] += coefficient · left[l] · right[r], channel by channel.
struct GraceTerm {
  std::uint32_t left = 0, right = 0, out = 0;
  double coefficient = 0;
};

enum class GraceKind { linear, product, rms_norm };

/// One step: tensor `out` [functions][channels] from others.
struct GraceStep {
  GraceKind kind = GraceKind::linear;
  std::size_t out = 0;
  std::vector<GraceLinear> linear;           ///< sums of linear maps
  std::size_t left = 0, right = 0;           ///< of a product
  std::vector<GraceTerm> terms;
  std::size_t input = 0;                     ///< of a norm: x/√(mean x² + 10⁻¹⁰) · scale
  std::vector<double> scale;
  bool keeps_first = false;                  ///< the first channel passes as it is
};

struct GraceTensor {
  std::string name;
  std::size_t functions = 0, channels = 0;
};

struct GraceLayer {
  std::vector<GraceDense> radial;            ///< of the Chebyshev functions: silu between the layers; outputs [n][l]
  std::size_t channels = 0;                  ///< n of the radial functions
  std::vector<double> element_factor;        ///< [species][n] of the densities, the inverse number of neighbours multiplied in
  std::size_t density = 0;                   ///< tensor of the densities with the element's factor
  std::vector<GraceStep> steps;
};

struct GraceModel {
  std::vector<std::uint8_t> atomic_number;   ///< [species], in the order of the file
  double cutoff_ang = 0, cutoff_order = 0;
  std::size_t basis = 0;                     ///< T_1 … T_basis of x = 1 − 2 |1 − r/c|, times the polynomial cutoff
  int l_max = 0;
  std::vector<GraceTensor> tensors;
  std::vector<GraceLayer> layers;            ///< one or two
  /// Of two layers: the densities of the second couple harmonics with what neighbours send.
  std::size_t message = 0, coupled = 0;      ///< tensors
  double coupled_factor = 0;                 ///< inverse number of neighbours
  std::vector<GraceTerm> coupling;           ///< left: harmonic, right: function of the message
  std::vector<std::size_t> readout;          ///< tensors whose sum is read out, one of each layer
  std::vector<GraceDense> network;           ///< of all channels but the first
  bool tanh_network = false;                 ///< else silu
  double energy_scale = 1;
  std::vector<double> energy_shift_ev;       ///< [species]
};

/// Whether the file is a ZIP archive with arrays of such a model. False where it cannot be read.
bool is_grace_file(const std::filesystem::path& path);

/// Throws Error{format} with file and array for what does not fit together, Error{unsupported} that names what cannot be evaluated.
GraceModel read_grace_model(std::string_view bytes, const std::string& source);

}  // namespace saltus
