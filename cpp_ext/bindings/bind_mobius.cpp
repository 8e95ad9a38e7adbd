// Python sees the kernels of hyperbolic maps and products: arrays that the caller has made, written in place.
#include <nanobind/stl/optional.h>

#include <limits>
#include <optional>
#include <stdexcept>
#include <string>

#include "common.hpp"
#include "graphx/mobius.hpp"
#include "graphx/pool.hpp"

namespace graphx::bind {
namespace {

template <class T>
using Output = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Blocks = nb::ndarray<const T, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
template <class T>
using OutputBlocks = nb::ndarray<T, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using Scalars = nb::ndarray<double, nb::shape<-1, 4>, nb::c_contig, nb::device::cpu>;

static_assert(sizeof(RowScalars) == 4 * sizeof(double));

void expect(bool true_that, const char* what) {
    if (!true_that) throw std::invalid_argument(std::string("shapes do not match: ") + what);
}

template <class A, class B>
void expect_same(const A& a, const B& b, const char* what) {
    expect(a.shape(0) == b.shape(0) && a.shape(1) == b.shape(1), what);
}

nb::tuple bad_row(const BadRow& bad) { return nb::make_tuple(bad.row, bad.square); }

template <class T>
nb::tuple radial(bool logarithm, double c, Matrix<T> x, Output<T> y, int threads) {
    expect_same(x, y, "x and y");
    return bad_row(run_interruptible(threads, nb::none(), [&](Control& control) {
        return radial_forward<T>(control, logarithm ? Radial::log0 : Radial::exp0,
                                 static_cast<std::int64_t>(x.shape(0)), static_cast<std::int64_t>(x.shape(1)), c,
                                 x.data(), y.data());
    }));
}

template <class T>
double radial_back(bool logarithm, double c, Matrix<T> x, Matrix<T> grad_y, Output<T> grad_x, int threads) {
    expect_same(x, grad_y, "x and grad_y");
    expect_same(x, grad_x, "x and grad_x");
    return run_interruptible(threads, nb::none(), [&](Control& control) {
        return radial_backward<T>(control, logarithm ? Radial::log0 : Radial::exp0,
                                  static_cast<std::int64_t>(x.shape(0)), static_cast<std::int64_t>(x.shape(1)), c,
                                  x.data(), grad_y.data(), grad_x.data());
    });
}

template <class T>
BlockProduct<T> product_of(const Blocks<T>& weight, const Matrix<T>& x, std::optional<double> c) {
    expect(x.shape(1) == weight.shape(0) * weight.shape(2), "weight and x");
    return {static_cast<std::int64_t>(x.shape(0)), static_cast<std::int64_t>(weight.shape(0)),
            static_cast<std::int64_t>(weight.shape(2)), static_cast<std::int64_t>(weight.shape(1)),
            weight.data(), x.data(), c.has_value(), c.value_or(0.0)};
}

template <class T>
nb::tuple product(Blocks<T> weight, Matrix<T> x, std::optional<double> c, Output<T> y, std::optional<Scalars> kept,
                  int threads) {
    const BlockProduct<T> p = product_of<T>(weight, x, c);
    expect(y.shape(0) == x.shape(0) && y.shape(1) == weight.shape(0) * weight.shape(1), "weight and y");
    expect(!kept || kept->shape(0) == x.shape(0), "kept and x");
    return bad_row(run_interruptible(threads, nb::none(), [&](Control& control) {
        return product_forward<T>(control, p, y.data(), kept ? reinterpret_cast<RowScalars*>(kept->data()) : nullptr);
    }));
}

template <class T>
double product_back(Blocks<T> weight, Matrix<T> x, std::optional<double> c, std::optional<Matrix<T>> y,
                    std::optional<Scalars> kept, Matrix<T> grad_y, std::optional<Output<T>> grad_x,
                    std::optional<OutputBlocks<T>> grad_weight, int threads) {
    const BlockProduct<T> p = product_of<T>(weight, x, c);
    expect(grad_y.shape(0) == x.shape(0) && grad_y.shape(1) == weight.shape(0) * weight.shape(1), "weight and grad_y");
    expect(c.has_value() == (y.has_value() && kept.has_value()), "c, y and kept come together");
    if (y) expect_same(*y, grad_y, "y and grad_y");
    expect(!kept || kept->shape(0) == x.shape(0), "kept and x");
    if (grad_x) expect_same(*grad_x, x, "grad_x and x");
    if (grad_weight)
        expect(grad_weight->shape(0) == weight.shape(0) && grad_weight->shape(1) == weight.shape(1) &&
                   grad_weight->shape(2) == weight.shape(2),
               "grad_weight and weight");
    return run_interruptible(threads, nb::none(), [&](Control& control) {
        return product_backward<T>(control, p, y ? y->data() : nullptr,
                                   kept ? reinterpret_cast<const RowScalars*>(kept->data()) : nullptr, grad_y.data(),
                                   grad_x ? grad_x->data() : nullptr, grad_weight ? grad_weight->data() : nullptr);
    });
}

// A matrix whose memory goes back to the pool when the last array or tensor over it is gone.
template <class T>
NumpyMatrix<T> empty(std::size_t rows, std::size_t columns) {
    if (columns != 0 && rows > std::numeric_limits<std::ptrdiff_t>::max() / sizeof(T) / columns) throw std::bad_alloc{};
    auto owned = std::make_unique<Buffer<std::byte>>(Pool::shared().take(rows * columns * sizeof(T)));
    T* data = reinterpret_cast<T*>(owned->data());
    nb::capsule owner(owned.get(), [](void* p) noexcept {
        std::unique_ptr<Buffer<std::byte>> buffer(static_cast<Buffer<std::byte>*>(p));
        Pool::shared().give(std::move(*buffer));
    });
    owned.release();
    return NumpyMatrix<T>(data, {rows, columns}, owner);
}

template <class T>
void define(nb::module_& m) {
    m.def("mobius_radial", &radial<T>, nb::arg("logarithm"), nb::arg("c"), nb::arg("x").noconvert(),
          nb::arg("y").noconvert(), nb::arg("threads") = 1,
          "y = exp0(x) or log0(x), row by row; returns the first row that has no image, or -1, and its c |x|^2.");
    m.def("mobius_radial_backward", &radial_back<T>, nb::arg("logarithm"), nb::arg("c"), nb::arg("x").noconvert(),
          nb::arg("grad_y").noconvert(), nb::arg("grad_x").noconvert(), nb::arg("threads") = 1,
          "Writes dL/dx, returns dL/dc.");
    m.def("mobius_product", &product<T>, nb::arg("weight").noconvert(), nb::arg("x").noconvert(), nb::arg("c").none(),
          nb::arg("y").noconvert(), nb::arg("kept").noconvert().none(), nb::arg("threads") = 1,
          "y = W x of a block-diagonal W, or exp0(W log0 x) where c is given; returns as mobius_radial.");
    m.def("mobius_product_backward", &product_back<T>, nb::arg("weight").noconvert(), nb::arg("x").noconvert(),
          nb::arg("c").none(), nb::arg("y").noconvert().none(), nb::arg("kept").noconvert().none(),
          nb::arg("grad_y").noconvert(), nb::arg("grad_x").noconvert().none(), nb::arg("grad_weight").noconvert().none(),
          nb::arg("threads") = 1, "Writes dL/dx and dL/dW where given, returns dL/dc.");
}

}  // namespace

void register_mobius(nb::module_& m) {
    define<float>(m);
    define<double>(m);
    m.def("mobius_empty_float32", &empty<float>, nb::arg("rows"), nb::arg("columns"));
    m.def("mobius_empty_float64", &empty<double>, nb::arg("rows"), nb::arg("columns"),
          "An output of a map, not filled; its memory is used again when it is gone.");
}

}  // namespace graphx::bind
