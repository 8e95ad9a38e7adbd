// Long doubles that carry their derivative along one direction: an exact slope of any formula that is written with
// them.
#pragma once

#include <cmath>

namespace graphx::test {

struct Dual {
    long double v = 0, d = 0;
    Dual() = default;
    Dual(long double value, long double slope = 0) : v(value), d(slope) {}
};

inline Dual operator+(Dual a, Dual b) { return {a.v + b.v, a.d + b.d}; }
inline Dual operator-(Dual a, Dual b) { return {a.v - b.v, a.d - b.d}; }
inline Dual operator*(Dual a, Dual b) { return {a.v * b.v, a.d * b.v + a.v * b.d}; }
inline Dual operator/(Dual a, Dual b) { return {a.v / b.v, (a.d - a.v / b.v * b.d) / b.v}; }
inline Dual& operator+=(Dual& a, Dual b) { return a = a + b; }
inline Dual sqrt(Dual a) {
    const long double root = std::sqrt(a.v);
    return {root, a.d / (2 * root)};
}
inline Dual exp(Dual a) {
    const long double power = std::exp(a.v);
    return {power, a.d * power};
}
inline Dual tanh(Dual a) {
    const long double c = std::cosh(a.v);
    return {std::tanh(a.v), a.d / c / c};
}
inline Dual atanh(Dual a) { return {std::atanh(a.v), a.d / ((1 - a.v) * (1 + a.v))}; }
inline Dual sigmoid(Dual a) { return Dual(1) / (Dual(1) + exp(Dual(0) - a)); }

}  // namespace graphx::test
