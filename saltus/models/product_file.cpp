#include "saltus/models/product_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <optional>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/models/species.hpp"
#include "saltus/models/yaml_tree.hpp"

namespace saltus {

namespace {

constexpr int most_rank = 8, most_l = 8, most_radial = 1000, most_densities = 100;

std::size_t count(const YamlTree& tree, const YamlNode& map, const char* key, int low, int high) {
  return static_cast<std::size_t>(as_int(tree, require(tree, map, key), low, high));
}

double number(const YamlTree& tree, const YamlNode& map, const char* key) { return as_double(tree, require(tree, map, key)); }

double number_or(const YamlTree& tree, const YamlNode& map, const char* key, double standard) {
  const YamlNode* const node = find(tree, map, key);
  return node ? as_double(tree, *node) : standard;
}

std::vector<std::uint8_t> elements_of(const YamlTree& tree) {
  const YamlNode& node = require(tree, tree.root, "elements");
  std::vector<std::string> symbols;
  if (node.kind == YamlNode::Kind::sequence)
    for (const YamlNode& item : node.items) symbols.push_back(as_text(tree, item));
  const auto numbers = numbers_of_symbols(join(symbols, " "));
  if (!numbers) refuse(tree, node, "'elements' is not a list of different element symbols");
  return *numbers;
}

RadialKind radial_kind(const YamlTree& tree, const YamlNode& map) {
  const YamlNode& node = require(tree, map, "radbasename");
  const std::string name = as_text(tree, node);
  constexpr std::array<std::pair<const char*, RadialKind>, 4> kinds{{{"ChebExpCos", RadialKind::chebyshev_exponential},
                                                                     {"ChebPow", RadialKind::chebyshev_power},
                                                                     {"ChebLinear", RadialKind::chebyshev_linear},
                                                                     {"SBessel", RadialKind::simplified_bessel}}};
  std::vector<std::string> known;
  for (const auto& [own, kind] : kinds) {
    if (name == own) return kind;
    known.emplace_back(own);
  }
  throw Error(ErrorKind::unsupported, fmt::format("{}, line {}: radial functions '{}' are not known; known are {}", tree.source, node.line, name.substr(0, 40), join(known)));
}

void check_bond(const YamlTree& tree, const YamlNode& node, const ProductBond& bond) {
  if (!(bond.cutoff_ang > 0 && bond.cutoff_ang <= 100)) refuse(tree, node, "the cutoff is not between 0 and 100 ang");
  if (!(bond.inner_width_ang >= 0 && bond.inner_ang >= 0 && bond.inner_ang < bond.cutoff_ang)) refuse(tree, node, "the inner cutoff is not inside the cutoff");
  if (!(std::abs(bond.parameter) <= 100)) refuse(tree, node, "the radial parameter is not between -100 and 100");
  if (bond.kind == RadialKind::chebyshev_exponential && (std::abs(bond.parameter) < 1e-6 || !(bond.cutoff_width_ang > 0)))
    refuse(tree, node, "ChebExpCos needs a radial parameter and a width of the cutoff (dcut) that are not zero");
  if (bond.kind == RadialKind::chebyshev_power && !(bond.parameter >= 1)) refuse(tree, node, "ChebPow needs a power of one or more");
}

ProductBond pace_bond(const YamlTree& tree, const YamlNode& node) {
  ProductBond bond;
  bond.kind = radial_kind(tree, node);
  bond.n = count(tree, node, "nradmax", 0, most_radial);
  bond.l = count(tree, node, "lmax", 0, most_l) + 1;
  bond.k = count(tree, node, "nradbasemax", 1, most_radial);
  const YamlNode& parameters = require(tree, node, "radparameters");
  const std::vector<double> parameter = as_doubles(tree, parameters);
  if (parameter.empty()) refuse(tree, parameters, "'radparameters' is empty");
  bond.parameter = parameter[0];
  bond.cutoff_ang = number(tree, node, "rcut");
  bond.cutoff_width_ang = number(tree, node, "dcut");
  const YamlNode* const type = find(tree, node, "inner_cutoff_type");
  const std::string inner = type ? as_text(tree, *type) : "density";
  bond.core_ev_ang = std::abs(number(tree, node, "prehc"));
  bond.core_decay_per_ang2 = std::abs(number(tree, node, "lambdahc"));
  if (inner == "distance") {
    bond.inner_ang = number_or(tree, node, "rcut_in", 0);
    bond.inner_width_ang = number_or(tree, node, "dcut_in", 0);
    bond.core_inside_inner = true;
  } else if (inner != "density") {
    throw Error(ErrorKind::unsupported, fmt::format("{}, line {}: a core of the kind '{}' cannot be evaluated; known are distance and density", tree.source, node.line, inner.substr(0, 40)));
  }
  const YamlNode& table = require(tree, node, "radcoefficients");
  if (table.kind != YamlNode::Kind::sequence || table.items.size() < bond.n) refuse(tree, table, fmt::format("'radcoefficients' needs {} entries", bond.n));
  for (std::size_t n = 0; n < bond.n; ++n) {
    const YamlNode& row = table.items[n];
    if (row.kind != YamlNode::Kind::sequence || row.items.size() < bond.l) refuse(tree, row, fmt::format("'radcoefficients' needs {} entries of each n", bond.l));
    for (std::size_t l = 0; l < bond.l; ++l) {
      const std::vector<double> values = as_doubles(tree, row.items[l]);
      if (values.size() < bond.k) refuse(tree, row.items[l], fmt::format("'radcoefficients' needs {} entries of each n and l", bond.k));
      bond.coefficient.insert(bond.coefficient.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(bond.k));
    }
  }
  check_bond(tree, node, bond);
  return bond;
}

bool is_shifted_scaled(const YamlTree& tree, const YamlNode& map, const char* key) {
  const YamlNode& node = require(tree, map, key);
  const std::string name = as_text(tree, node);
  if (name == "FinnisSinclairShiftedScaled") return true;
  if (name == "FinnisSinclair") return false;
  throw Error(ErrorKind::unsupported, fmt::format("{}, line {}: the embedding '{}' is not known; known are FinnisSinclairShiftedScaled and FinnisSinclair", tree.source, node.line, name.substr(0, 40)));
}

ProductEmbedding embedding_of(const YamlTree& tree, const YamlNode& map, const char* type_key, const char* parameters_key) {
  ProductEmbedding embedding;
  embedding.shifted_scaled = is_shifted_scaled(tree, map, type_key);
  const YamlNode& node = require(tree, map, parameters_key);
  const std::vector<double> values = as_doubles(tree, node);
  if (values.empty() || values.size() % 2 || values.size() > 2 * most_densities) refuse(tree, node, fmt::format("'{}' is not a list of pairs of weight and exponent", parameters_key));
  for (std::size_t k = 0; k < values.size(); k += 2) {
    if (!(values[k + 1] > 0.01 && values[k + 1] <= 10)) refuse(tree, node, "an exponent of the embedding is not between 0.01 and 10");
    embedding.weight.push_back(values[k]);
    embedding.exponent.push_back(values[k + 1]);
  }
  return embedding;
}

/// One per species, from a map whose keys are the species' numbers.
template <class Read>
void each_species(const YamlTree& tree, const YamlNode& map, std::size_t species, const char* what, Read read) {
  for (std::size_t s = 0; s < species; ++s) {
    const YamlNode* const node = find(tree, map, std::to_string(s));
    if (!node) refuse(tree, map, fmt::format("'{}' has no entry {}", what, s));
    read(s, *node);
  }
}

/// m within l, sizes that fit.
void check_function(const YamlTree& tree, const YamlNode& node, const ProductFunction& f, std::size_t densities) {
  const std::size_t rank = f.l.size();
  if (rank < 1 || rank > most_rank) refuse(tree, node, fmt::format("products of 1 to {} factors are possible, not {}", most_rank, rank));
  if (f.n.size() != rank || (!f.species.empty() && f.species.size() != rank) || f.m.size() % rank) refuse(tree, node, "the lists of a function have different lengths");
  if (f.coefficient.size() != f.m.size() / rank * densities) refuse(tree, node, "a function has not as many coefficients as it has products and densities");
  for (std::size_t k = 0; k < f.m.size(); ++k)
    if (std::abs(f.m[k]) > f.l[k % rank]) refuse(tree, node, "an m of a function is beyond its l");
}

ProductModel read_pace(const YamlTree& tree) {
  ProductModel model;
  model.family = "pace";
  model.atomic_number = elements_of(tree);
  const std::size_t species = model.atomic_number.size();
  const YamlNode& energies = require(tree, tree.root, "E0");
  model.reference_energy_ev = as_doubles(tree, energies);
  if (model.reference_energy_ev.size() != species) refuse(tree, energies, fmt::format("'E0' needs {} values", species));
  const YamlNode& spacing = require(tree, tree.root, "deltaSplineBins");
  model.spline_ang = as_double(tree, spacing);
  if (!(model.spline_ang >= 1e-5 && model.spline_ang <= 0.1)) refuse(tree, spacing, "'deltaSplineBins' is not between 0.00001 and 0.1 ang");
  std::vector<std::size_t> densities;
  each_species(tree, require(tree, tree.root, "embeddings"), species, "embeddings", [&](std::size_t, const YamlNode& node) {
    ProductEmbedding embedding = embedding_of(tree, node, "npoti", "FS_parameters");
    embedding.core_end = number(tree, node, "rho_core_cutoff");
    embedding.core_width = number(tree, node, "drho_core_cutoff");
    if (!(embedding.core_width > 0)) refuse(tree, node, "'drho_core_cutoff' is not positive");
    const std::size_t own = count(tree, node, "ndensity", 1, most_densities);
    if (own > embedding.weight.size()) refuse(tree, node, "fewer parameters of the embedding than densities");
    embedding.weight.resize(own);
    embedding.exponent.resize(own);
    densities.push_back(own);
    model.embedding.push_back(std::move(embedding));
  });
  model.densities = static_cast<int>(*std::max_element(densities.begin(), densities.end()));

  const YamlNode& bonds = require(tree, tree.root, "bonds");
  if (bonds.kind != YamlNode::Kind::map) refuse(tree, bonds, "'bonds' is not a map");
  std::vector<std::optional<ProductBond>> found(species * species);
  for (std::size_t k = 0; k + 1 < bonds.items.size(); k += 2) {
    const std::vector<int> pair = as_ints(tree, bonds.items[k], 0, static_cast<int>(species) - 1);
    if (pair.size() != 2) refuse(tree, bonds.items[k], "a key of 'bonds' is not a pair of species");
    auto& own = found[static_cast<std::size_t>(pair[0]) * species + static_cast<std::size_t>(pair[1])];
    if (own) refuse(tree, bonds.items[k], "a pair of 'bonds' is there twice");
    own = pace_bond(tree, bonds.items[k + 1]);
  }
  for (auto& bond : found) {
    if (!bond) refuse(tree, bonds, "'bonds' lacks a pair of species");
    model.bond.push_back(std::move(*bond));
  }

  each_species(tree, require(tree, tree.root, "functions"), species, "functions", [&](std::size_t s, const YamlNode& list) {
    if (list.kind != YamlNode::Kind::sequence) refuse(tree, list, "the functions of a species are not a list");
    for (const YamlNode& node : list.items) {
      ProductFunction f;
      f.centre = static_cast<int>(s);
      as_int(tree, require(tree, node, "mu0"), static_cast<std::int64_t>(s), static_cast<std::int64_t>(s));
      f.species = as_ints(tree, require(tree, node, "mus"), 0, static_cast<int>(species) - 1);
      f.n = as_ints(tree, require(tree, node, "ns"), 1, most_radial);
      for (int& n : f.n) --n;
      f.l = as_ints(tree, require(tree, node, "ls"), 0, most_l);
      f.m = as_ints(tree, require(tree, node, "ms_combs"), -most_l, most_l);
      const std::size_t own = count(tree, node, "ndensity", 1, most_densities);
      f.coefficient = as_doubles(tree, require(tree, node, "ctildes"));
      check_function(tree, node, f, own);
      if (own != densities[s]) refuse(tree, node, "a function has not as many densities as its element");
      for (std::size_t t = 0; t < f.l.size(); ++t) {
        const ProductBond& bond = model.bond[s * species + static_cast<std::size_t>(f.species[t])];
        const bool inside = f.l.size() == 1 ? static_cast<std::size_t>(f.n[t]) < bond.k && f.l[t] == 0
                                            : static_cast<std::size_t>(f.n[t]) < bond.n && static_cast<std::size_t>(f.l[t]) < bond.l;
        if (!inside) refuse(tree, node, "a function uses a radial function that its bond does not have");
      }
      if (static_cast<int>(own) < model.densities) {  // all functions have as many; those that are missing have no weight
        std::vector<double> wide;
        for (std::size_t k = 0; k < f.coefficient.size(); k += own) {
          wide.insert(wide.end(), f.coefficient.begin() + static_cast<std::ptrdiff_t>(k), f.coefficient.begin() + static_cast<std::ptrdiff_t>(k + own));
          wide.resize(wide.size() + static_cast<std::size_t>(model.densities) - own, 0.0);
        }
        f.coefficient = std::move(wide);
      }
      model.function.push_back(std::move(f));
    }
  });
  for (ProductEmbedding& embedding : model.embedding) {
    embedding.weight.resize(static_cast<std::size_t>(model.densities), 0.0);
    embedding.exponent.resize(static_cast<std::size_t>(model.densities), 1.0);
  }
  return model;
}

ProductModel read_grace_fs(const YamlTree& tree) {
  ProductModel model;
  model.family = "grace_fs";
  model.real_harmonics = true;
  model.atomic_number = elements_of(tree);
  const std::size_t species = model.atomic_number.size();
  model.reference_energy_ev.assign(species, 0.0);
  if (const YamlNode* const energies = find(tree, tree.root, "E0")) {
    model.reference_energy_ev = as_doubles(tree, *energies);
    if (model.reference_energy_ev.size() != species) refuse(tree, *energies, fmt::format("'E0' needs {} values", species));
  }
  model.energy_scale = number_or(tree, tree.root, "scale", 1);
  model.energy_shift_ev = number_or(tree, tree.root, "shift", 0);
  model.embedding.assign(species, embedding_of(tree, require(tree, tree.root, "emb_spec"), "type", "params"));
  model.densities = static_cast<int>(model.embedding.front().weight.size());

  const YamlNode& node = require(tree, tree.root, "radial_basis");
  ProductBond bond;
  bond.kind = radial_kind(tree, node);
  if (bond.kind != RadialKind::simplified_bessel)
    throw Error(ErrorKind::unsupported, fmt::format("{}, line {}: Finnis-Sinclair models of GRACE are read with the radial functions SBessel alone", tree.source, node.line));
  const YamlNode& shape_node = require(tree, node, "crad_shape");
  const std::vector<int> shape = as_ints(tree, shape_node, 1, most_radial);
  if (shape.size() != 3 || shape[1] > most_l + 1) refuse(tree, shape_node, "'crad_shape' is not [n, l, k]");
  bond.n = static_cast<std::size_t>(shape[0]);
  bond.l = static_cast<std::size_t>(shape[1]);
  bond.k = static_cast<std::size_t>(shape[2]);
  bond.cutoff_ang = number(tree, node, "cutoff");
  const std::vector<double> values = as_doubles(tree, require(tree, node, "crad"));
  const std::vector<double> factor = as_doubles(tree, require(tree, node, "Z"));
  if (values.size() != bond.n * bond.l * bond.k) refuse(tree, node, "'crad' is not as large as its shape says");
  if (factor.size() != species * bond.n) refuse(tree, node, "'Z' needs a value of each element and n");
  check_bond(tree, node, bond);
  const double norm = number_or(tree, tree.root, "nnorm", 1);
  for (std::size_t centre = 0; centre < species; ++centre)
    for (std::size_t s = 0; s < species; ++s) {
      bond.coefficient = values;
      for (std::size_t n = 0; n < bond.n; ++n)
        for (std::size_t k = 0; k < bond.l * bond.k; ++k) bond.coefficient[n * bond.l * bond.k + k] *= norm * factor[s * bond.n + n];
      model.bond.push_back(bond);
    }

  each_species(tree, require(tree, tree.root, "functions"), species, "functions", [&](std::size_t s, const YamlNode& list) {
    if (list.kind != YamlNode::Kind::sequence) refuse(tree, list, "the functions of a species are not a list");
    for (const YamlNode& item : list.items) {
      ProductFunction f;
      f.centre = static_cast<int>(s);
      f.l = as_ints(tree, require(tree, item, "ls"), 0, static_cast<int>(bond.l) - 1);
      f.n.assign(f.l.size(), static_cast<int>(as_int(tree, require(tree, item, "ns"), 1, static_cast<std::int64_t>(bond.n))) - 1);
      f.m = as_ints(tree, require(tree, item, "ms_combs"), -most_l, most_l);
      const std::vector<double> coupling = as_doubles(tree, require(tree, item, "gen_cgs")), coefficient = as_doubles(tree, require(tree, item, "coeff"));
      if (static_cast<int>(coefficient.size()) != model.densities) refuse(tree, item, "a function has not as many coefficients as there are densities");
      for (const double c : coupling)
        for (const double w : coefficient) f.coefficient.push_back(c * w);
      check_function(tree, item, f, coefficient.size());
      model.function.push_back(std::move(f));
    }
  });
  return model;
}

}  // namespace

bool is_product_file(const std::filesystem::path& path) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return false;
  std::string head(1 << 16, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(file.gcount()));
  return head.find('\0') == std::string::npos && (head.starts_with("elements:") || head.find("\nelements:") != std::string::npos);
}

ProductModel read_product_model(std::string_view bytes, const std::string& source) {
  const YamlTree tree = parse_yaml(bytes, source);
  ProductModel model = find(tree, tree.root, "emb_spec") ? read_grace_fs(tree) : read_pace(tree);
  for (const ProductFunction& f : model.function)
    for (const int l : f.l) model.l_max = std::max(model.l_max, l);
  for (const ProductBond& bond : model.bond) model.cutoff_ang = std::max(model.cutoff_ang, bond.cutoff_ang);
  return model;
}

}  // namespace saltus
