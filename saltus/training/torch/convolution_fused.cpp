// The convolution as one operator: edges by receiver for what belongs to receivers and edges, by sender for what belongs to senders, so
// that threads never add to the same place and sums have one order.
#include "saltus/training/torch/convolution.hpp"

#include "saltus/base/threads.hpp"
#include "saltus/kernels/trilinear.hpp"

namespace saltus::training {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::size_t atoms_per_chunk = 8;

std::vector<kernels::TrilinearPath> paths_of(const Convolution& convolution) {
  std::vector<kernels::TrilinearPath> paths;
  const auto size = [](auto n) { return static_cast<std::size_t>(n); };
  for (const ConvolutionTerm& t : convolution.terms())
    paths.push_back({size(2 * t.l_in + 1), size(2 * t.l_edge + 1), size(2 * t.l_out + 1), size(t.channels), size(t.in_begin), size(t.in_channels), size(t.out_begin),
                     size(t.out_channels), size(t.l_edge * t.l_edge), size(t.first_weight), t.coupling});
  return paths;
}

/// What the operator needs besides its tensors; carried through the autograd graph.
struct Shape : torch::CustomClassHolder {
  std::vector<kernels::TrilinearPath> paths;
  std::shared_ptr<const Graph> graph;
  std::int64_t in_size = 0, out_size = 0, harmonics = 0;
};

c10::intrusive_ptr<Shape> shape_of(const AutogradContext& context) {
  return c10::static_intrusive_pointer_cast<Shape>(context.saved_data.at("shape").toCapsule());
}

template <typename T>
const T* data(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<T>() : nullptr;
}

/// Calls body(edge, center, neighbor, scratch) for all edges, grouped by center or by neighbour; one group is never shared by threads.
template <typename T, class Body>
void for_edges(const Graph& graph, bool by_center, std::size_t scratch, const Body& body) {
  parallel_chunks(static_cast<std::size_t>(graph.atoms), atoms_per_chunk, [&](std::size_t begin, std::size_t end) {
    std::vector<T> own(scratch);
    for (std::size_t atom = begin; atom < end; ++atom) {
      const auto& first = by_center ? graph.first : graph.neighbor_first;
      for (auto p = first[atom]; p < first[atom + 1]; ++p) {
        const auto e = by_center ? p : graph.by_neighbor[static_cast<std::size_t>(p)];
        body(e, static_cast<std::int64_t>(atom), own.data());
      }
    }
  });
}

std::vector<std::int64_t> centers(const Graph& graph) {
  std::vector<std::int64_t> center(static_cast<std::size_t>(graph.edges));
  for (std::size_t i = 0; i + 1 < graph.first.size(); ++i)
    for (auto e = graph.first[i]; e < graph.first[i + 1]; ++e) center[static_cast<std::size_t>(e)] = static_cast<std::int64_t>(i);
  return center;
}

template <typename T>
struct Pass {
  kernels::Trilinear<T> kernel;
  const Graph& graph;
  std::int64_t in_size, out_size, harmonics, weights;
  const T *x, *y, *w;

  Pass(const Shape& shape, const at::Tensor& x_, const at::Tensor& y_, const at::Tensor& w_)
      : kernel(shape.paths), graph(*shape.graph), in_size(shape.in_size), out_size(shape.out_size), harmonics(shape.harmonics), weights(w_.size(1)), x(data<T>(x_)),
        y(data<T>(y_)), w(data<T>(w_)) {}

  std::int64_t neighbor(std::int64_t e) const { return graph.neighbor_of[static_cast<std::size_t>(e)]; }

  void forward(T* out) const {
    for_edges<T>(graph, true, kernel.scratch(), [&](std::int64_t e, std::int64_t i, T* scratch) {
      kernel.forward({.x = x + neighbor(e) * in_size, .y = y + e * harmonics, .w = w + e * weights}, out + i * out_size, scratch);
    });
  }

  void reverse(const T* g, T* x_gradient, T* y_gradient, T* w_gradient) const {
    if (w_gradient)
      for_edges<T>(graph, true, kernel.scratch(), [&](std::int64_t e, std::int64_t i, T* scratch) {
        kernel.reverse_edge({.x = x + neighbor(e) * in_size, .y = y + e * harmonics, .w = w + e * weights, .g = g + i * out_size}, w_gradient + e * weights,
                            y_gradient ? y_gradient + e * harmonics : nullptr, scratch);
      });
    if (!x_gradient) return;
    const auto center = centers(graph);
    for_edges<T>(graph, false, kernel.scratch(), [&](std::int64_t e, std::int64_t j, T* scratch) {
      kernel.reverse_sender({.y = y + e * harmonics, .w = w + e * weights, .g = g + center[static_cast<std::size_t>(e)] * out_size}, x_gradient + j * in_size, scratch);
    });
  }

  void second(const T* g, const T* hx, const T* hy, const T* hw, T* x_gradient, T* y_gradient, T* w_gradient, T* g_gradient) const {
    const auto change = [&](const T* rows, std::int64_t offset) { return rows ? rows + offset : nullptr; };
    for_edges<T>(graph, true, kernel.scratch(), [&](std::int64_t e, std::int64_t i, T* scratch) {
      const std::int64_t j = neighbor(e);
      kernel.second_edge({.x = x + j * in_size, .y = y + e * harmonics, .w = w + e * weights, .g = g + i * out_size, .x_change = change(hx, j * in_size),
                          .y_change = change(hy, e * harmonics), .w_change = change(hw, e * weights)},
                         g_gradient + i * out_size, w_gradient + e * weights, y_gradient ? y_gradient + e * harmonics : nullptr, scratch);
    });
    if (!x_gradient) return;
    const auto center = centers(graph);
    for_edges<T>(graph, false, kernel.scratch(), [&](std::int64_t e, std::int64_t j, T* scratch) {
      kernel.second_sender({.y = y + e * harmonics, .w = w + e * weights, .g = g + center[static_cast<std::size_t>(e)] * out_size, .y_change = change(hy, e * harmonics),
                            .w_change = change(hw, e * weights)},
                           x_gradient + j * in_size, scratch);
    });
  }
};

template <class Body>
void by_type(const at::Tensor& tensor, const Body& body) {
  if (tensor.scalar_type() == at::kFloat) body(float{});
  else body(double{});
}

class Reverse : public torch::autograd::Function<Reverse> {
 public:
  /// What is not asked for comes back empty.
  static variable_list forward(AutogradContext* context, const at::Tensor& x_, const at::Tensor& y_, const at::Tensor& w_, const at::Tensor& g_,
                               const c10::intrusive_ptr<Shape>& shape, bool with_x, bool with_edge) {
    const at::Tensor x = x_.contiguous(), y = y_.contiguous(), w = w_.contiguous(), g = g_.contiguous();
    context->save_for_backward({x, y, w, g});
    context->saved_data["shape"] = c10::IValue::make_capsule(shape);
    const at::Tensor gx = with_x ? at::zeros_like(x) : at::Tensor(), gy = with_edge ? at::zeros_like(y) : at::Tensor(), gw = with_edge ? at::empty_like(w) : at::Tensor();
    by_type(x, [&]<typename T>(T) {
      const auto pointer = [](const at::Tensor& t) { return t.defined() ? t.data_ptr<T>() : nullptr; };
      Pass<T>(*shape, x, y, w).reverse(data<T>(g), pointer(gx), pointer(gy), pointer(gw));
    });
    const at::Tensor none = at::empty({0}, x.options());
    return {with_x ? gx : none, with_edge ? gy : none, with_edge ? gw : none};
  }

  static variable_list backward(AutogradContext* context, variable_list changes) {
    const auto saved = context->get_saved_variables();
    const auto shape = shape_of(*context);
    const auto change = [&](std::size_t k) { return changes[k].defined() && changes[k].numel() > 0 ? changes[k].contiguous() : at::Tensor(); };
    const at::Tensor hx = change(0), hy = change(1), hw = change(2);
    const bool with_y = context->needs_input_grad(1);
    const at::Tensor gx = context->needs_input_grad(0) ? at::zeros_like(saved[0]) : at::Tensor(), gy = with_y ? at::zeros_like(saved[1]) : at::Tensor();
    const at::Tensor gw = at::empty_like(saved[2]), gg = at::zeros_like(saved[3]);
    by_type(saved[0], [&]<typename T>(T) {
      const auto pointer = [](const at::Tensor& t) { return t.defined() ? t.data_ptr<T>() : nullptr; };
      Pass<T>(*shape, saved[0], saved[1], saved[2]).second(data<T>(saved[3]), data<T>(hx), data<T>(hy), data<T>(hw), pointer(gx), pointer(gy), pointer(gw), pointer(gg));
    });
    return {gx, gy, gw, gg, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

class Forward : public torch::autograd::Function<Forward> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_, const at::Tensor& y_, const at::Tensor& w_, const c10::intrusive_ptr<Shape>& shape) {
    const at::Tensor x = x_.contiguous(), y = y_.contiguous(), w = w_.contiguous();
    context->save_for_backward({x, y, w});
    context->saved_data["shape"] = c10::IValue::make_capsule(shape);
    at::Tensor out = at::zeros({shape->graph->atoms, shape->out_size}, x.options());
    by_type(x, [&]<typename T>(T) { Pass<T>(*shape, x, y, w).forward(out.data_ptr<T>()); });
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list g) {
    const auto saved = context->get_saved_variables();
    const auto shape = shape_of(*context);
    const bool with_x = context->needs_input_grad(0), with_edge = context->needs_input_grad(1) || context->needs_input_grad(2);
    variable_list result = Reverse::apply(saved[0], saved[1], saved[2], g[0], shape, with_x, with_edge);
    if (!with_x) result[0] = at::Tensor();
    if (!with_edge) result[1] = result[2] = at::Tensor();
    result.emplace_back();
    return result;
  }
};

}  // namespace

at::Tensor fused_convolution(const Convolution& convolution, const at::Tensor& x, const at::Tensor& harmonics, const at::Tensor& weights, const std::shared_ptr<const Graph>& graph) {
  auto shape = c10::make_intrusive<Shape>();
  shape->paths = paths_of(convolution);
  shape->graph = graph;
  shape->in_size = convolution.in_size();
  shape->out_size = convolution.out_size();
  shape->harmonics = convolution.harmonics();
  return Forward::apply(x, harmonics, weights, shape);
}

}  // namespace saltus::training
