#include "saltus/potentials/pace_export.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <map>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"

namespace saltus {

namespace {

/// T_n(x) ((1 − x)/2)^q as −2 Σ a_k g_k: the −2 a_k, k = 1 … size. It vanishes at x = 1, so that Σ a_k = 0.
std::vector<double> in_pace_functions(int n, int q, std::size_t size) {
  std::vector<double> a(size + 2, 0.0);  // of T_k
  a[static_cast<std::size_t>(n)] = 1;
  for (int step = 0; step < q; ++step) {
    std::vector<double> next(a.size(), 0.0);
    for (std::size_t k = 0; k + 1 < a.size(); ++k) {  // x T_k = (T_{k+1} + T_{|k−1|})/2
      next[k] += a[k] / 2;
      next[k + 1] -= a[k] / 4;
      next[k == 0 ? 1 : k - 1] -= a[k] / 4;
    }
    a = std::move(next);
  }
  std::vector<double> c(size);
  for (std::size_t k = 0; k < size; ++k) c[k] = -2 * a[k + 1];
  return c;
}

/// One product of complex densities; those with all m reversed, its complex conjugate, is counted in.
struct PaceProduct {
  std::array<int, 3> m{};
  double coefficient = 0;
};

/// Y_real(l, a) = Σ_m of these · Y(l, m), with the phase of Condon and Shortley; ours has none.
std::complex<double> in_complex(int a, int m) {
  const double half = std::sqrt(0.5), sign = a % 2 ? -1 : 1;
  if (a == 0) return m == 0 ? 1 : 0;
  if (m != a && m != -a) return 0;
  if (a > 0) return m == a ? sign * half : half;
  return m == -a ? std::complex<double>(0, -sign * half) : std::complex<double>(0, half);
}

/// The first m that is not zero is positive.
bool is_kept(const std::array<int, 3>& m) {
  for (const int k : m)
    if (k != 0) return k > 0;
  return true;
}

std::vector<PaceProduct> products_of_two(int l) {
  std::vector<PaceProduct> all;
  for (int m = 0; m <= l; ++m) all.push_back({{m, -m, 0}, (m ? 2 : 1) * (m % 2 ? -1 : 1) / std::sqrt(2.0 * l + 1)});
  return all;
}

std::vector<PaceProduct> products_of_three(int l1, int l2, int l3) {
  const std::vector<double> real = invariant_coupling(l1, l2, l3);
  std::vector<PaceProduct> all;
  for (int m1 = -l1; m1 <= l1; ++m1)
    for (int m2 = -l2; m2 <= l2; ++m2) {
      const int m3 = -m1 - m2;
      if (std::abs(m3) > l3 || !is_kept({m1, m2, m3})) continue;
      std::complex<double> sum = 0;
      for (const int a : {-m1, m1})
        for (const int b : {-m2, m2})
          for (const int c : {-m3, m3}) {
            const double t = real[static_cast<std::size_t>(((a + l1) * (2 * l2 + 1) + b + l2) * (2 * l3 + 1) + c + l3)];
            // A component that is its own negative comes up twice.
            const double share = (m1 ? 1 : 0.5) * (m2 ? 1 : 0.5) * (m3 ? 1 : 0.5);
            sum += share * t * in_complex(a, m1) * in_complex(b, m2) * in_complex(c, m3);
          }
      const bool own = m1 == 0 && m2 == 0;
      if (std::abs(sum) > 1e-12) all.push_back({{m1, m2, m3}, (own ? 1 : 2) * sum.real()});
    }
  return all;
}

void add_function(std::string& text, int centre, const AceFunction& function, const std::vector<PaceProduct>& products, double factor) {
  const auto& c = function.channel;
  const auto list = [&](const auto& value) {
    std::vector<std::string> words;
    for (int k = 0; k < function.order; ++k) words.push_back(std::to_string(value(c[static_cast<std::size_t>(k)])));
    return join(words, ", ");
  };
  std::vector<std::string> m, coefficient;
  for (const PaceProduct& p : products) {
    for (int k = 0; k < function.order; ++k) m.push_back(std::to_string(p.m[static_cast<std::size_t>(k)]));
    coefficient.push_back(shortest(factor * p.coefficient));
  }
  text += fmt::format("    - {{mu0: {}, rank: {}, ndensity: 1, num_ms_combs: {}, mus: [{}], ns: [{}], ls: [{}], ms_combs: [{}], ctildes: [{}]}}\n", centre,
                      function.order, products.size(), list([](const AceChannel& v) { return v.species; }), list([](const AceChannel& v) { return v.n + 1; }),
                      list([](const AceChannel& v) { return v.l; }), join(m, ", "), join(coefficient, ", "));
}

std::string repulsion_table(const AceParameters& p, std::vector<std::string>& input, const std::string& name) {
  std::string text;
  const std::size_t species = p.elements.size();
  for (std::size_t a = 0; a < species; ++a)
    for (std::size_t b = a; b < species; ++b) {
      const double end = p.repulsion_end_ang[a * species + b];
      if (end <= 0) continue;
      constexpr int rows = 5000;
      const double begin = std::min(0.1, 0.1 * end);
      const std::string keyword = fmt::format("{}_{}", symbol_of(p.elements[a]), symbol_of(p.elements[b]));
      if (text.empty()) text = "# screened nuclear repulsion, smoothly ended; UNITS: metal\n";
      text += fmt::format("\n{}\nN {} R {} {}\n\n", keyword, rows, shortest(begin), shortest(end));
      // What the file says is the energy of a pair, and minus its slope.
      const ZblPair zbl = zbl_pair(p.elements[a], p.elements[b], end);
      for (int k = 0; k < rows; ++k) {
        const double r = begin + (end - begin) * k / (rows - 1);
        const PairEnergy pair = zbl_repulsion(zbl, r);
        text += fmt::format("{} {} {} {}\n", k + 1, shortest(r), shortest(pair.energy_ev), shortest(-pair.slope_ev_ang));
      }
      input.push_back(fmt::format("pair_coeff {} {} table {} {}", a + 1, b + 1, name, keyword));
    }
  return text;
}

}  // namespace

PaceExport export_pace(const AceParameters& p, const std::string& yace_name, const std::string& table_name, double spline_ang) {
  const std::size_t species = p.elements.size();
  for (const auto& pair : p.radial)
    if (pair.power < 1 || pair.power > kernels::ace_max_power)
      throw Error(ErrorKind::unsupported, "the radial functions of this model level off below the closest distances of its training data, which the pace "
                                          "style of LAMMPS cannot express; fit it again with --radial-power 2");
  const AceBasis basis = make_ace_basis(p.basis, static_cast<int>(species));
  int most = 0, most_many = 0;  // radial functions in all, and of products
  for (const AceFunction& f : basis.function)
    for (int k = 0; k < f.order; ++k) {
      const int n = f.channel[static_cast<std::size_t>(k)].n + 1;
      most = std::max(most, n);
      if (f.order > 1) most_many = std::max(most_many, n);
    }
  most_many = std::max(most_many, 1);
  const int q = kernels::ace_envelope_power(p.radial.front().power);
  const auto functions = static_cast<std::size_t>(most - 1 + q);
  std::vector<std::vector<double>> expansion;  // [n][k]
  for (int n = 0; n < most; ++n) expansion.push_back(in_pace_functions(n, q, functions));

  PaceExport out;
  std::vector<std::string> symbols, energies;
  for (const auto z : p.elements) symbols.emplace_back(symbol_of(z));
  for (const double e : p.reference_energy_ev) energies.push_back(shortest(e));
  std::vector<std::string> table_lines;
  out.table = repulsion_table(p, table_lines, table_name);
  if (out.table.empty()) {
    out.lammps_input = {"pair_style pace", fmt::format("pair_coeff * * {} {}", yace_name, join(symbols, " "))};
  } else {
    out.lammps_input = {"pair_style hybrid/overlay pace table spline 20000", fmt::format("pair_coeff * * pace {} {}", yace_name, join(symbols, " "))};
    out.lammps_input.insert(out.lammps_input.end(), table_lines.begin(), table_lines.end());
  }
  std::string& text = out.yace;
  text = "# linear ACE of Saltus for LAMMPS, units metal, atom types in the order of the elements:\n";
  for (const std::string& line : out.lammps_input) text += "#   " + line + "\n";
  text += fmt::format("elements: [{}]\nE0: [{}]\ndeltaSplineBins: {}\nembeddings:\n", join(symbols, ", "), join(energies, ", "), shortest(spline_ang));
  for (std::size_t s = 0; s < species; ++s)
    text += fmt::format("  {}: {{ndensity: 1, FS_parameters: [1, 1], npoti: FinnisSinclairShiftedScaled, rho_core_cutoff: 100000, drho_core_cutoff: 250}}\n", s);

  std::vector<std::string> by_n;
  for (int n = 0; n < most_many; ++n) {
    std::vector<std::string> values, by_l;
    for (const double v : expansion[static_cast<std::size_t>(n)]) values.push_back(shortest(v));
    for (int l = 0; l <= basis.shape.l_max; ++l) by_l.push_back("[" + join(values, ", ") + "]");
    by_n.push_back("[" + join(by_l, ", ") + "]");
  }
  text += "bonds:\n";
  for (std::size_t a = 0; a < species; ++a)
    for (std::size_t b = 0; b < species; ++b) {
      const auto& pair = p.radial[a * species + b];
      text += fmt::format("  [{}, {}]: {{nradmax: {}, lmax: {}, nradbasemax: {}, radbasename: ChebPow, radparameters: [{}], radcoefficients: [{}], prehc: 0, lambdahc: 1, "
                          "rcut: {}, dcut: 0.01, rcut_in: {}, dcut_in: {}, inner_cutoff_type: distance}}\n",
                          a, b, most_many, basis.shape.l_max, functions, pair.power, join(by_n, ", "), shortest(pair.cutoff), shortest(pair.inner),
                          shortest(pair.softness));
    }

  text += "functions:\n";
  std::map<std::array<int, 3>, std::vector<PaceProduct>> couplings;
  for (std::size_t centre = 0; centre < species; ++centre) {
    text += fmt::format("  {}:\n", centre);
    // Functions of one neighbour are in terms of the g_k themselves.
    std::vector<std::vector<double>> pair(species, std::vector<double>(functions, 0.0));
    for (std::size_t f = 0; f < basis.size(); ++f)
      if (const AceChannel& c = basis.function[f].channel[0]; basis.function[f].order == 1)
        for (std::size_t k = 0; k < functions; ++k)
          pair[static_cast<std::size_t>(c.species)][k] += p.coefficient_ev[centre][f] * expansion[static_cast<std::size_t>(c.n)][k];
    for (std::size_t s = 0; s < species; ++s)
      for (std::size_t k = 0; k < functions; ++k) {
        AceFunction one;
        one.channel[0] = {static_cast<int>(s), static_cast<int>(k), 0};
        add_function(text, static_cast<int>(centre), one, {{{}, 1.0}}, pair[s][k]);
      }
    for (std::size_t f = 0; f < basis.size(); ++f) {
      const AceFunction& function = basis.function[f];
      if (function.order == 1) continue;
      const auto& c = function.channel;
      const std::array<int, 3> l{c[0].l, c[1].l, function.order == 3 ? c[2].l : -1};
      auto& products = couplings[l];
      if (products.empty()) products = function.order == 2 ? products_of_two(l[0]) : products_of_three(l[0], l[1], l[2]);
      add_function(text, static_cast<int>(centre), function, products, p.coefficient_ev[centre][f]);
    }
  }
  return out;
}

}  // namespace saltus
