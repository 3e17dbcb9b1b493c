// From the flat weights of e3nn's modules to one matrix per irrep. Reference: e3nn 0.4.4 (o3.Linear, o3.TensorProduct,
// nn.FullyConnectedNet); normalisation "component" and "element".
#pragma once

#include <span>
#include <string>
#include <vector>

#include "saltus/models/irreps.hpp"
#include "saltus/models/published_model.hpp"
#include "saltus/models/torch_archive.hpp"

namespace saltus {

/// Throws Error{format}: the weights of `place` do not fit.
[[noreturn]] void wrong_weights(const std::string& place, std::size_t found, std::size_t expected);

/// Stores a contiguous copy; throws Error{format} unless the shape is `shape`, Error{unsupported} unless the type is `dtype`.
void put_tensor(TensorFile& file, const std::string& name, const TensorView& view, const std::vector<std::size_t>& shape, Dtype dtype);

/// Numbers that Linear(in → out) has, and that FullyConnectedTensorProduct(in, species x 0e → out) has per species.
std::size_t linear_weights(const Irreps& in, const Irreps& out);

/// NAME.IRREP from the flat weights of a Linear. Throws Error{format} when their number does not fit.
void put_linear(TensorFile& file, const std::string& name, const TensorView& flat, const Irreps& in, const Irreps& out, Dtype dtype);
/// The same for FullyConnectedTensorProduct with a one-hot element.
void put_species_linear(TensorFile& file, const std::string& name, const TensorView& flat, const Irreps& in, std::size_t species,
                        const Irreps& out, Dtype dtype);

/// NAME.K from a layer of a FullyConnectedNet: its weights divided by √(rows) in their own type, as torch does.
void put_radial_layer(TensorFile& file, const std::string& name, const TensorView& weight, Dtype dtype);

/// Paths of a convolution, in the order (feature, harmonic, output), or stably sorted by output; and what they give.
struct Convolution {
  std::vector<ConvolutionPath> paths;
  Irreps output;             ///< one block per irrep
  std::size_t weights = 0;   ///< columns
};
/// All paths to irreps in `wanted`, as SevenNet and MACE make them. `sorted`: whether the weights follow the outputs.
Convolution convolution_paths(const Irreps& features, const std::vector<Irrep>& harmonics, const std::vector<Irrep>& wanted, bool sorted);

/// Y_0 … Y_degree.
std::vector<Irrep> harmonics_up_to(int degree, bool odd);

/// +1 or −1: the sign of a stored coupling [2a+1, 2b+1, 2c+1] against that of e3nn 0.4.4. Throws Error{unsupported} when a degree is above 4,
/// Error{format} when the values are not those of a 3j but for sign and a factor `scale`.
int coupling_sign(int a, int b, int c, std::span<const double> values, double scale, const std::string& place);
/// The same for e3nn 0.5 and later, which computes the symbols instead of reading them from a table.
int coupling_sign_of_e3nn_05(int a, int b, int c, const std::string& place);
/// Negates `count` columns of a matrix from `first` on.
void negate_columns(Tensor& matrix, std::size_t first, std::size_t count);

}  // namespace saltus
