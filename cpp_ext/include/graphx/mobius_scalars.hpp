// tanh(q)/q and artanh(z)/z as functions of the square, with first derivatives: exact at zero and beside the rim.
#pragma once

#include <cmath>

namespace graphx::scalars {

inline constexpr double kSmall = 0.01;  // below it the series, exact to rounding there

template <int Size>
inline double horner(const double (&series)[Size], double p) {
    double value = series[Size - 1];
    for (int k = Size - 2; k >= 0; --k) value = value * p + series[k];
    return value;
}

// tanh(q)/q at q = sqrt(p)
inline double tanhc(double p) {
    static constexpr double series[] = {1.0,           -1.0 / 3,          2.0 / 15,           -17.0 / 315, 62.0 / 2835,
                                        -1382.0 / 155925, 21844.0 / 6081075, -929569.0 / 638512875};
    if (p < kSmall) return horner(series, p);
    const double q = std::sqrt(p);
    return (q > 20.0 ? 1.0 : std::tanh(q)) / q;
}

// Its derivative by p, from its value: 2 p T' = 1 - T - p T^2.
inline double tanhc_slope(double p, double t) {
    static constexpr double series[] = {-1.0 / 3,           4.0 / 15,         -51.0 / 315, 248.0 / 2835,
                                        -6910.0 / 155925, 131064.0 / 6081075, -6506983.0 / 638512875};
    if (p < kSmall) return horner(series, p);
    return (1.0 - t - p * t * t) / (2.0 * p);
}

// artanh(z)/z at z = sqrt(p)
inline double artanhc(double p) {
    static constexpr double series[] = {1.0,     1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,
                                        1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19};
    if (p < kSmall) return horner(series, p);
    const double z = std::sqrt(p);
    return 0.5 * std::log1p(2.0 * z * (1.0 + z) / (1.0 - p)) / z;
}

// Its derivative by p, from its value: 2 p A' = 1/(1 - p) - A.
inline double artanhc_slope(double p, double a) {
    static constexpr double series[] = {1.0 / 3,  2.0 / 5,  3.0 / 7,  4.0 / 9,  5.0 / 11,
                                        6.0 / 13, 7.0 / 15, 8.0 / 17, 9.0 / 19};
    if (p < kSmall) return horner(series, p);
    return (1.0 / (1.0 - p) - a) / (2.0 * p);
}

}  // namespace graphx::scalars
