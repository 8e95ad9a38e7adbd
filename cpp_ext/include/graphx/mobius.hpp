// Maps of the Poincare ball of curvature -c, row by row: exp0, log0 and the block-diagonal Mobius product, with their
// closed-form derivatives. Vectors are rows; sums of squares and the scalar of each row are double for float rows too.
// The same bits for any number of threads.
#pragma once

#include <cstdint>

#include "graphx/parallel.hpp"

namespace graphx {

enum class Radial { exp0, log0 };

// The first row that the map cannot take: `square` is c |x|^2, not below 1 (log0, product) or not finite.
struct BadRow {
    std::int64_t row = -1;  // -1: none
    double square = 0;
    bool found() const { return row >= 0; }
};

// y = exp0(x) = tanh(q)/q x with q^2 = c |x|^2, or y = log0(x) = artanh(z)/z x with z^2 = c |x|^2.
template <class T>
BadRow radial_forward(Control& control, Radial map, std::int64_t rows, std::int64_t dim, double c, const T* x, T* y);

// From dL/dy to dL/dx; returns dL/dc.
template <class T>
double radial_backward(Control& control, Radial map, std::int64_t rows, std::int64_t dim, double c, const T* x,
                       const T* grad_y, T* grad_x);

// y = W x for W = diag(W_1 ... W_K) of `out` x `in` blocks; or, in the ball, exp0(W log0 x) = F W x with the scalar
// F = A tanh(q)/q, A = artanh(z)/z, z^2 = c |x|^2, q^2 = A^2 c |W x|^2 of each row.
template <class T>
struct BlockProduct {
    std::int64_t rows, blocks, in, out;
    const T* weight;  // [blocks, out, in]
    const T* x;       // [rows, blocks * in]
    bool ball;
    double c;
};

// What the backward pass needs again of each row of a product in the ball.
struct RowScalars {
    double artanh;   // A
    double scale;    // F
    double inside;   // |x|^2
    double squares;  // |W x|^2
};

// `kept` may be null. A row whose |W x|^2 overflows is bad, too.
template <class T>
BadRow product_forward(Control& control, const BlockProduct<T>& p, T* y, RowScalars* kept);

// From dL/dy to dL/dx and dL/dW, each left out where null; returns dL/dc. In the ball, `y` and `kept` are of the
// forward pass; otherwise they are not read.
template <class T>
double product_backward(Control& control, const BlockProduct<T>& p, const T* y, const RowScalars* kept,
                        const T* grad_y, T* grad_x, T* grad_weight);

}  // namespace graphx
