#include "saltus/kernels/radial_weights.hpp"

#include <array>

#include "saltus/base/error.hpp"

namespace saltus::kernels {

template <typename T>
RadialWeights<T>::RadialWeights(const RadialFunction& function, std::vector<double> length, bool exact)
    : exact_(function), length_(std::move(length)) {
  if (length_.empty()) throw Error(ErrorKind::internal, "radial weights: no class of pairs");
  if (exact) return;
  tables_ = std::make_unique<Tables>();
  tables_->of_class.resize(length_.size());
  tables_->tried.assign(length_.size(), 0);
}

template <typename T>
void RadialWeights<T>::prepare(std::span<const std::uint32_t> classes) const {
  if (!tables_) return;
  const std::scoped_lock lock(tables_->mutex);
  for (const std::uint32_t c : classes) {
    if (tables_->tried[c]) continue;
    tables_->tried[c] = 1;
    auto table = RadialTable<T>::build(exact_.function(), length_[c], radial_table_tolerance<T>, radial_table_byte_limit);
    if (table) tables_->of_class[c] = std::make_unique<RadialTable<T>>(std::move(*table));
  }
}

template <typename T>
void RadialWeights<T>::evaluate(std::span<const double> r, std::span<const std::uint32_t> pair_class, T* value, T* slope) const {
  const std::size_t n = outputs();
  if (!tables_) {
    std::array<double, 64> length;
    for (std::size_t first = 0; first < r.size(); first += length.size()) {
      const std::size_t count = std::min(length.size(), r.size() - first);
      for (std::size_t e = 0; e < count; ++e) length[e] = length_[pair_class[first + e]];
      exact_.evaluate(r.subspan(first, count), std::span(length).first(count), value + first * n, slope ? slope + first * n : nullptr, nullptr);
    }
    return;
  }
  for (std::size_t e = 0; e < r.size(); ++e) {
    const RadialTable<T>* own = tables_->of_class[pair_class[e]].get();
    if (own && r[e] >= own->begin()) own->evaluate(r[e], value + e * n, slope ? slope + e * n : nullptr);
    else exact_.evaluate(r.subspan(e, 1), {&length_[pair_class[e]], 1}, value + e * n, slope ? slope + e * n : nullptr, nullptr);
  }
}

template class RadialWeights<float>;
template class RadialWeights<double>;

}  // namespace saltus::kernels
