// Python sees the kernels of learnable commutative monoid aggregation.
#include <stdexcept>
#include <string>

#include "common.hpp"
#include "graphx/lcm.hpp"

namespace graphx::bind {

namespace {

using Floats = Matrix<float>;
using FloatsOut = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using FloatVectorOut = nb::ndarray<float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Numbers = Vector<std::int64_t>;

template <class Array>
void expect(const Array& array, const char* name, std::int64_t rows, std::int64_t columns) {
    if (static_cast<std::int64_t>(array.shape(0)) != rows ||
        (array.ndim() == 2 && static_cast<std::int64_t>(array.shape(1)) != columns))
        throw std::invalid_argument(std::string(name) + " has a shape that does not fit the others");
}

LcmTree checked_tree(const Floats& leaves, const Numbers& left, const Numbers& right, const Numbers& levels) {
    const auto pairs = static_cast<std::int64_t>(left.shape(0));
    expect(right, "right", pairs, 0);
    if (levels.shape(0) == 0) throw std::invalid_argument("levels is empty; expected at least one number");
    LcmTree tree{leaves.data(),
                 static_cast<std::int64_t>(leaves.shape(0)),
                 static_cast<std::int64_t>(leaves.shape(1)),
                 left.data(),
                 right.data(),
                 levels.data(),
                 static_cast<std::int64_t>(levels.shape(0)) - 1};
    if (const char* fault = lcm_tree_fault(tree, pairs)) throw std::invalid_argument(fault);
    return tree;
}

LcmWeights checked_weights(std::int64_t d, const Floats& w_ih, const Floats& w_hh, const Vector<float>& b_ih,
                           const Vector<float>& b_hh) {
    expect(w_ih, "w_ih", 3 * d, d);
    expect(w_hh, "w_hh", 3 * d, d);
    expect(b_ih, "b_ih", 3 * d, 0);
    expect(b_hh, "b_hh", 3 * d, 0);
    return {w_ih.data(), w_hh.data(), b_ih.data(), b_hh.data()};
}

void forward(Floats leaves, Numbers left, Numbers right, Numbers levels, Floats w_ih, Floats w_hh, Vector<float> b_ih,
             Vector<float> b_hh, FloatsOut made, int threads) {
    const LcmTree tree = checked_tree(leaves, left, right, levels);
    const LcmWeights weights = checked_weights(tree.channels, w_ih, w_hh, b_ih, b_hh);
    expect(made, "made", static_cast<std::int64_t>(left.shape(0)), tree.channels);
    float* out = made.data();
    run_interruptible(threads, nb::none(), [&](Control& control) { lcm_gru_forward(control, tree, weights, out); });
}

void backward(Floats leaves, Numbers left, Numbers right, Numbers levels, Floats w_ih, Floats w_hh, Vector<float> b_ih,
              Vector<float> b_hh, Floats made, FloatsOut grad_leaves, FloatsOut grad_made, FloatsOut grad_w_ih,
              FloatsOut grad_w_hh, FloatVectorOut grad_b_ih, FloatVectorOut grad_b_hh, int threads) {
    const LcmTree tree = checked_tree(leaves, left, right, levels);
    const std::int64_t d = tree.channels, pairs = static_cast<std::int64_t>(left.shape(0));
    const LcmWeights weights = checked_weights(d, w_ih, w_hh, b_ih, b_hh);
    expect(made, "made", pairs, d);
    expect(grad_leaves, "grad_leaves", tree.num_leaves, d);
    expect(grad_made, "grad_made", pairs, d);
    expect(grad_w_ih, "grad_w_ih", 3 * d, d);
    expect(grad_w_hh, "grad_w_hh", 3 * d, d);
    expect(grad_b_ih, "grad_b_ih", 3 * d, 0);
    expect(grad_b_hh, "grad_b_hh", 3 * d, 0);
    const float* made_in = made.data();
    float *leaves_out = grad_leaves.data(), *made_out = grad_made.data();
    const LcmGradients gradients{grad_w_ih.data(), grad_w_hh.data(), grad_b_ih.data(), grad_b_hh.data()};
    run_interruptible(threads, nb::none(), [&](Control& control) {
        lcm_gru_backward(control, tree, weights, made_in, leaves_out, made_out, gradients);
    });
}

}  // namespace

void register_lcm(nb::module_& m) {
    m.def("lcm_gru_forward", &forward, nb::arg("leaves").noconvert(), nb::arg("left").noconvert(),
          nb::arg("right").noconvert(), nb::arg("levels").noconvert(), nb::arg("w_ih").noconvert(),
          nb::arg("w_hh").noconvert(), nb::arg("b_ih").noconvert(), nb::arg("b_hh").noconvert(),
          nb::arg("made").noconvert(), nb::arg("threads"), "The rows that the pairs of all levels make.");
    m.def("lcm_gru_backward", &backward, nb::arg("leaves").noconvert(), nb::arg("left").noconvert(),
          nb::arg("right").noconvert(), nb::arg("levels").noconvert(), nb::arg("w_ih").noconvert(),
          nb::arg("w_hh").noconvert(), nb::arg("b_ih").noconvert(), nb::arg("b_hh").noconvert(),
          nb::arg("made").noconvert(), nb::arg("grad_leaves").noconvert(), nb::arg("grad_made").noconvert(),
          nb::arg("grad_w_ih").noconvert(), nb::arg("grad_w_hh").noconvert(), nb::arg("grad_b_ih").noconvert(),
          nb::arg("grad_b_hh").noconvert(), nb::arg("threads"),
          "Gradients of leaves, made rows and weights; the rows of the roots must hold theirs on entry.");
}

}  // namespace graphx::bind
