// The convolution as one operator, one edge after another on the calling thread: training gives each thread configurations of its own.
#include "saltus/training/torch/convolution.hpp"

#include "saltus/kernels/trilinear.hpp"

namespace saltus::training {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

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

/// Calls body(edge, center, neighbour, scratch) for all edges in their order.
template <typename T, class Body>
void for_edges(const Graph& graph, std::size_t scratch, const Body& body) {
  std::vector<T> own(scratch);
  for (std::int64_t i = 0; i < graph.atoms; ++i)
    for (auto e = graph.first[static_cast<std::size_t>(i)]; e < graph.first[static_cast<std::size_t>(i) + 1]; ++e) body(e, i, graph.neighbor_of[static_cast<std::size_t>(e)], own.data());
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

  void forward(T* out) const {
    for_edges<T>(graph, kernel.scratch(), [&](std::int64_t e, std::int64_t i, std::int64_t j, T* scratch) {
      kernel.forward({.x = x + j * in_size, .y = y + e * harmonics, .w = w + e * weights}, out + i * out_size, scratch);
    });
  }

  void reverse(const T* g, T* x_gradient, T* y_gradient, T* w_gradient) const {
    for_edges<T>(graph, kernel.scratch(), [&](std::int64_t e, std::int64_t i, std::int64_t j, T* scratch) {
      const kernels::TrilinearRows<T> rows{.x = x + j * in_size, .y = y + e * harmonics, .w = w + e * weights, .g = g + i * out_size};
      if (w_gradient) kernel.reverse_edge(rows, w_gradient + e * weights, y_gradient + e * harmonics, scratch);
      if (x_gradient) kernel.reverse_sender(rows, x_gradient + j * in_size, scratch);
    });
  }

  void second(const T* g, const T* hx, const T* hy, const T* hw, T* x_gradient, T* y_gradient, T* w_gradient, T* g_gradient) const {
    for_edges<T>(graph, kernel.scratch(), [&](std::int64_t e, std::int64_t i, std::int64_t j, T* scratch) {
      const kernels::TrilinearRows<T> rows{.x = x + j * in_size, .y = y + e * harmonics, .w = w + e * weights, .g = g + i * out_size, .x_change = hx ? hx + j * in_size : nullptr,
                                           .y_change = hy ? hy + e * harmonics : nullptr, .w_change = hw ? hw + e * weights : nullptr};
      kernel.second_edge(rows, g_gradient + i * out_size, w_gradient + e * weights, y_gradient ? y_gradient + e * harmonics : nullptr, scratch);
      if (x_gradient) kernel.second_sender(rows, x_gradient + j * in_size, scratch);
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
