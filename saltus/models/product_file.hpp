// Potentials that are sums of products of atomic densities, as files of text: the C-tilde files of LAMMPS' pace style (.yace, written by
// pacemaker, by ACE packages and by Saltus) and the Finnis-Sinclair models of GRACE (.yaml).
//   E_i = E0 + shift + scale Σ_p w_p F(ρ_ip, m_p),  ρ_ip = Σ c_p Re Π_t A_{μ_t n_t l_t m_t},  A_i = Σ_j R_nl(r_ij) Y_lm,  R_nl = Σ_k c_nlk g_k(r)
// References: Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021); Bochkarev et al., Phys. Rev. Materials 6, 013804 (2022).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace saltus {

/// F(ρ, 1) = ρ. Shifted and scaled: sign(ρ) [(X + |ρ|)^m − Y] with X = n^(n/(1−n)) e^(−|ρ|), Y = n^(1/(1−n)) e^(−|ρ|), n = 1/m.
/// Plain: sign(ρ) [(1 − g)|ρ|^m + w^(1−m) g |ρ|], g = exp(−(w|ρ|)³), w = 10⁶.
struct ProductEmbedding {
  std::vector<double> weight, exponent;  ///< [densities]
  bool shifted_scaled = true;
  double core_end = 0, core_width = 0;   ///< the expansion is switched off where the core energy, eV, goes from end − width to end; 0: never
};

enum class RadialKind { chebyshev_exponential, chebyshev_power, chebyshev_linear, simplified_bessel };

/// Radial functions of a pair of elements.
struct ProductBond {
  RadialKind kind = RadialKind::simplified_bessel;
  double parameter = 0;                    ///< decay of the exponential, or the power
  double cutoff_ang = 0, cutoff_width_ang = 0;
  double inner_ang = 0, inner_width_ang = 0;  ///< all functions are switched off from inner down to inner − width; 0: nowhere
  bool core_inside_inner = false;          ///< the core repulsion acts only where the functions are off
  double core_ev_ang = 0, core_decay_per_ang2 = 0;  ///< core repulsion: a/r exp(−b r²) (1 + cos(π r/cutoff))/2, of each atom
  std::size_t n = 0, l = 0, k = 0;         ///< sizes of `coefficient`: l is the largest l plus one
  std::vector<double> coefficient;         ///< [n][l][k]
};

/// Σ over products: coefficient[product · densities + p] Re Π_t A(species_t, n_t, l_t, m_t).
struct ProductFunction {
  int centre = 0;
  std::vector<int> species;          ///< [rank] of the neighbours; empty: the densities are of all neighbours together
  std::vector<int> n, l;             ///< [rank], n from 0. Of rank 1 with `species`: n is that of g_n itself
  std::vector<int> m;                ///< [products · rank]
  std::vector<double> coefficient;
};

struct ProductModel {
  std::string family;                      ///< "pace" or "grace_fs"
  std::vector<std::uint8_t> atomic_number; ///< in the order of the file
  std::vector<double> reference_energy_ev; ///< [species]
  double energy_scale = 1, energy_shift_ev = 0;
  std::vector<ProductEmbedding> embedding; ///< [species]
  std::vector<ProductBond> bond;           ///< [species · species], first the centre
  double spline_ang = 0.001;               ///< spacing of the tables of radial functions
  bool real_harmonics = false;             ///< A of real harmonics (m < 0: sine), else of complex ones
  std::vector<ProductFunction> function;
  int l_max = 0, densities = 0;
  double cutoff_ang = 0;
};

/// Whether a file may be such a model: text with a line that begins with "elements:" in its first 64 kB. False where it cannot be read.
bool is_product_file(const std::filesystem::path& path);

/// Throws Error{format} with file and line, Error{unsupported} for a radial basis or a core that is not known.
ProductModel read_product_model(std::string_view bytes, const std::string& source);

}  // namespace saltus
