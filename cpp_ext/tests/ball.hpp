// The maps of the ball by their formulas, in long doubles that carry a derivative.
#pragma once

#include <vector>

#include "dual.hpp"
#include "graphx/mobius.hpp"

namespace graphx::test {

using Duals = std::vector<Dual>;

inline Dual square_of(const Duals& x) {
    Dual sum;
    for (const Dual& value : x) sum += value * value;
    return sum;
}

inline Duals scaled(Dual factor, Duals x) {
    for (Dual& value : x) value = factor * value;
    return x;
}

inline Dual zero_safe_ratio(Dual (*f)(Dual), Dual square, long double slope) {
    if (square.v == 0) return {1, slope * square.d};  // f(q)/q = 1 + slope q^2 + ...
    const Dual root = sqrt(square);
    return f(root) / root;
}

inline Duals exp0(const Duals& x, Dual c) { return scaled(zero_safe_ratio(tanh, c * square_of(x), -1.0L / 3), x); }
inline Duals log0(const Duals& x, Dual c) { return scaled(zero_safe_ratio(atanh, c * square_of(x), 1.0L / 3), x); }

// W x of blocks [blocks, out, in].
inline Duals times(const Duals& w, std::size_t blocks, std::size_t in, std::size_t out, const Duals& x) {
    Duals made(blocks * out);
    for (std::size_t k = 0; k < blocks; ++k)
        for (std::size_t i = 0; i < out; ++i)
            for (std::size_t j = 0; j < in; ++j) made[k * out + i] += w[(k * out + i) * in + j] * x[k * in + j];
    return made;
}

template <class T>
Duals duals(const T* x, std::size_t size) {
    return {x, x + size};
}

template <class T>
Dual inner(const Duals& y, const T* g) {
    Dual sum;
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * Dual(static_cast<long double>(g[i]));
    return sum;
}

// The slope of f() along each of `values` in turn.
template <class F>
std::vector<long double> slopes(Duals& values, F&& f) {
    std::vector<long double> made;
    for (Dual& value : values) {
        value.d = 1;
        made.push_back(f().d);
        value.d = 0;
    }
    return made;
}

}  // namespace graphx::test
