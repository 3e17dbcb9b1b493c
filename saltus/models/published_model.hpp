// Published interatomic potentials as plain data: what a file of SevenNet, MACE, MatterSim or ORB holds, whichever form it came in.
// The tensors' names, shapes and the factors that belong to them are in docs/model_files.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "saltus/models/irreps.hpp"
#include "saltus/models/safetensors.hpp"

namespace saltus {

/// One path of an equivariant convolution ("uvu"): out[c,k] += w[c] √(2 l_out + 1) Σ_ij (l_in l_Y l_out)_ijk feature[c,i] Y[j].
struct ConvolutionPath {
  std::size_t feature = 0;           ///< block of features_in (SevenNet) or convolution_in (MACE)
  int harmonic_degree = 0;           ///< l of Y
  std::size_t output = 0;            ///< block of convolution_out
  std::size_t channels = 0;          ///< of the feature, and so of the output
  std::size_t first_weight = 0;      ///< column of the last radial matrix that belongs to channel 0
  std::size_t first_channel = 0;     ///< of the output block
  bool operator==(const ConvolutionPath&) const = default;
};

/// How a radial basis function goes to zero at the cutoff.
struct PolynomialCutoff {
  double order = 6;  ///< p of 1 − (p+1)(p+2)/2 x^p + p(p+2) x^(p+1) − p(p+1)/2 x^(p+2)
  bool operator==(const PolynomialCutoff&) const = default;
};
struct XplorCutoff {
  double onset_ang = 0;
  bool operator==(const XplorCutoff&) const = default;
};
using CutoffFunction = std::variant<PolynomialCutoff, XplorCutoff>;

enum class Activation { silu, tanh, abs, shifted_softplus, sigmoid, relu, elu };

/// An activation with the factor that e3nn gives it: factor · f(x).
struct ScaledActivation {
  Activation function = Activation::silu;
  double factor = 1;
  bool operator==(const ScaledActivation&) const = default;
};

enum class SelfConnection { none, linear, species };  ///< species: a matrix for each element

struct SevenNetLayer {
  Irreps features_in;      ///< of x
  Irreps convolution_out;  ///< sorted and joined: one block per irrep
  Irreps gate_in;          ///< of linear_2 and the self connection: scalars, then gates, then what is gated
  Irreps features_out;     ///< of the gate
  /// The last channels of the 0e block of gate_in (of 0o where there is no 0e output): one for each channel of the blocks of l > 0, in their order.
  std::size_t gates = 0;
  std::vector<ConvolutionPath> paths;
  std::vector<std::size_t> radial_widths;  ///< basis functions, hidden widths, weights of the paths
  double denominator = 1;                  ///< of the sum over neighbours
  SelfConnection self_connection = SelfConnection::linear;
  bool operator==(const SevenNetLayer&) const = default;
};

struct SevenNetModel {
  int harmonics_degree = 0;      ///< largest l of Y
  bool odd_harmonics = false;    ///< parity of Y_l is (−1)^l; else all are even
  bool unit_vectors = true;      ///< Y of r/|r|; else of r itself, that is |r|^l times as large (r in Å): early models
  double bessel_prefactor = 0;   ///< of sin(c_n r)/r
  CutoffFunction cutoff_function;
  ScaledActivation radial_activation;
  ScaledActivation scalar_activation, gate_activation;          ///< of even scalars
  ScaledActivation odd_scalar_activation, odd_gate_activation;  ///< of odd ones, where there are any
  std::vector<SevenNetLayer> layers;
  std::size_t readout_hidden = 0;       ///< channels between the two linear maps of the readout
  std::vector<std::string> modalities;  ///< of a multi-fidelity model, in the order of its rows; else empty
  /// Which linear maps take the one-hot modality as further scalars, the last rows of their 0e matrix.
  bool modal_embedding = false, modal_linear_1 = false, modal_linear_2 = false, modal_readout = false;
  bool operator==(const SevenNetModel&) const = default;
};

enum class MaceInteraction { agnostic, agnostic_residual, agnostic_density, agnostic_density_residual };

struct MaceLayer {
  MaceInteraction interaction = MaceInteraction::agnostic;
  Irreps features_in;      ///< of the layer before
  Irreps convolution_in;   ///< after `linear_up`
  Irreps convolution_out;  ///< one block per irrep, in the order of the paths
  Irreps message;          ///< after `linear`: what the product is made of
  Irreps features_out;     ///< after the product
  std::vector<ConvolutionPath> paths;
  std::vector<std::size_t> radial_widths;
  double avg_num_neighbors = 1;
  bool self_connection = false;  ///< skip(features_in) is added after the product; else skip acts on the message
  int correlation = 1;
  bool has_readout = true;
  std::vector<std::size_t> readout_hidden;  ///< of all heads together; empty: one linear map
  bool operator==(const MaceLayer&) const = default;
};

struct AgnesiTransform {
  double a = 0, q = 0, p = 0;
  bool operator==(const AgnesiTransform&) const = default;
};

struct ZblRepulsion {
  double order = 6;  ///< of the polynomial that ends it at the sum of the covalent radii
  double coefficient[4] = {};
  double exponent = 0, prefactor = 0;  ///< of the screening length prefactor · 0.529 / (Z_u^exponent + Z_v^exponent)
  bool operator==(const ZblRepulsion&) const = default;
};

struct MaceModel {
  bool scale_shift = false;     ///< else plain MACE: no scale, no shift, ZBL outside
  int harmonics_degree = 0;     ///< largest l of Y
  bool odd_harmonics = true;    ///< parity of Y_l is (−1)^l; else all are even
  double bessel_prefactor = 0;  ///< of sin(c_n r)/r
  PolynomialCutoff cutoff_function;
  bool cutoff_on_basis = true;  ///< the cutoff multiplies the radial basis; else the radial network's output (and the density)
  std::optional<AgnesiTransform> distance_transform;  ///< of the argument of the basis alone
  std::optional<ZblRepulsion> repulsion;
  ScaledActivation radial_activation, readout_activation, density_activation;
  std::vector<MaceLayer> layers;
  std::vector<std::string> heads;  ///< at least one
  bool operator==(const MaceModel&) const = default;
};

/// M3GNet as MatterSim has it: docs/models/mattersim.md.
struct MatterSimModel {
  std::size_t units = 0;        ///< channels of atoms and pairs
  std::size_t layers = 0;
  std::size_t radial = 0;       ///< max_n: smooth Bessel functions, 1 to 4; also orders of the spherical Bessel functions
  std::size_t angular = 0;      ///< max_l: angular functions, 1 to 4; also roots of each spherical Bessel function
  double threebody_cutoff_ang = 0;
  bool operator==(const MatterSimModel&) const = default;
};

/// Rows of ORB's tables: by atomic number from 0.
inline constexpr std::size_t orb_embedded_elements = 119, orb_reference_elements = 118;

struct OrbModel {
  bool spherical = true;             ///< edges begin as cutoff · Bessel × harmonics; else as Gaussians and the unit vector
  int harmonics_degree = 0;          ///< largest l of Y
  double bessel_prefactor = 0;       ///< of sin(c_n r)/r
  std::size_t gaussians = 0;
  double gaussian_reach_ang = 0;     ///< Gaussian k is exp(−(r − k reach / gaussians)²), r in Å
  PolynomialCutoff cutoff_function;  ///< of the gates, and of the edges' first features where they are spherical
  bool layer_norm = false;           ///< else the root mean square alone
  Activation activation = Activation::silu;
  std::size_t channels = 0;          ///< of atoms and edges
  std::vector<std::size_t> hidden, head_hidden;  ///< widths inside the networks of encoder and layers, and of the heads
  std::size_t layers = 0;
  std::size_t max_neighbors = 0;     ///< that an atom sends to, the nearest first
  bool conservative = false;         ///< forces are the gradient; else they come from a head, as the stress may
  bool stress_head = false;
  std::optional<ZblRepulsion> repulsion;
  bool repulsion_mean = false;       ///< the repulsion is divided by the number of atoms
  bool operator==(const OrbModel&) const = default;
};

struct PublishedModel {
  std::variant<SevenNetModel, MaceModel, MatterSimModel, OrbModel> architecture;
  std::string version;             ///< of the code that wrote it; empty: not stated
  std::string form;                ///< of the published file: "TorchScript", "checkpoint", "module" or "state dictionary"
  bool converted = false;          ///< read from a container of Saltus
  std::vector<std::uint8_t> atomic_number;  ///< [species], in the order of the tensors' rows
  double cutoff_ang = 0;
  Dtype dtype = Dtype::f32;        ///< of the weights: f32 or f64
  std::string training_reference;  ///< level of theory; empty: not stated
  std::string licence;             ///< empty: not stated
  std::string source_hash;         ///< SHA-256 of the published file, kept by conversion
  std::size_t parameters = 0;      ///< numbers that upstream trains
  TensorFile tensors;              ///< named as in docs/model_files.md; its metadata is empty
};

/// "sevennet", "mace", "mattersim" or "orb", as in the metadata of a converted file.
const char* family(const PublishedModel& model);

/// Whether a file that begins with `head` may be a published model: a zip archive, or an old torch file.
bool looks_like_torch(std::string_view head);

/// From a published file or from what convert made of it, by content. Throws Error{file}; Error{format} for a damaged file or shapes that
/// do not fit the architecture; Error{unsupported} that names the class, version or setting that is not known.
PublishedModel read_published_model(const std::filesystem::path& path);
/// The same for bytes.
PublishedModel read_published_model(std::string_view bytes, const std::string& source);

/// As a container of Saltus, with the required metadata; nothing is lost.
TensorFile to_container(const PublishedModel& model);
/// Throws Error{format} when the metadata or a tensor is missing or wrong, Error{unsupported} for another family or units.
PublishedModel from_container(TensorFile file);
/// Throws Error{format} when the tensors are not those of the architecture, in names, shapes and type.
void check_published_model(const PublishedModel& model);
/// The architecture as JSON, as it stands in the metadata of a container.
std::string architecture_json(const PublishedModel& model);
/// Whether that family is a published one, so that from_container reads it.
bool is_published_family(const std::string& family);

}  // namespace saltus
