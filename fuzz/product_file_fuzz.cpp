// Any bytes as a cluster expansion in YAML: refused with an Error of kind format or unsupported, or a model whose lists fit together.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "saltus/base/error.hpp"
#include "saltus/models/product_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace saltus;
  try {
    const ProductModel model = read_product_model({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const ProductFunction& f : model.function)
      if (f.l.empty() || f.m.size() % f.l.size() || f.n.size() != f.l.size()) std::abort();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::format && error.kind() != ErrorKind::unsupported) std::abort();
  }
  return 0;
}
