// Any bytes as the arrays of a GRACE model: refused with an Error of kind format or unsupported, or a model whose steps stay within their tensors.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "saltus/base/error.hpp"
#include "saltus/models/grace_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace saltus;
  try {
    const GraceModel model = read_grace_model({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const GraceLayer& layer : model.layers)
      for (const GraceStep& step : layer.steps) {
        for (const GraceLinear& map : step.linear)
          for (const GraceRun& run : map.runs)
            if (run.from + run.length > model.tensors[map.input].functions || run.to + run.length > model.tensors[step.out].functions) std::abort();
        for (const GraceTerm& term : step.terms)
          if (term.left >= model.tensors[step.left].functions || term.out >= model.tensors[step.out].functions) std::abort();
      }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::format && error.kind() != ErrorKind::unsupported) std::abort();
  }
  return 0;
}
