// tanh(q)/q and artanh(z)/z as functions of the square, with first derivatives: exact at zero and beside the rim.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "graphx/simd.hpp"

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

// Its derivative by p, from its value: 2 p T' = 1 - T - p T^2; from q = 20 on, 1 - p T^2 = 1/cosh(q)^2 is rounding only.
inline double tanhc_slope(double p, double t) {
    static constexpr double series[] = {-1.0 / 3,           4.0 / 15,         -51.0 / 315, 248.0 / 2835,
                                        -6910.0 / 155925, 131064.0 / 6081075, -6506983.0 / 638512875};
    const double small = horner(series, p), large = (p < 400.0 ? 1.0 - t - p * t * t : -t) / (2.0 * p);
    return p < kSmall ? small : large;
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
    const double small = horner(series, p), large = (1.0 / (1.0 - p) - a) / (2.0 * p);
    return p < kSmall ? small : large;
}

// log(x) to eleven digits for normal x > 0: x = 2^e m with m in [0.7, 1.42), log m = 2 artanh((m - 1)/(m + 1)).
GRAPHX_INLINE double log_eleven_digits(double x) {
    constexpr std::uint64_t half = 0x3FE6A09E667F3BCDULL;  // sqrt(1/2)
    const std::uint64_t bits = std::bit_cast<std::uint64_t>(x) - half + (std::uint64_t{1023} << 52);
    // the exponent as a double without a conversion of integers: 2^52 + e has it in its last bits
    const double exponent = std::bit_cast<double>((bits >> 52) | 0x4330000000000000ULL) - (4503599627370496.0 + 1023.0);
    const double m = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFFULL) + half);
    const double s = (m - 1.0) / (m + 1.0), t = s * s;
    const double series =
        1.0 + t * (1.0 / 3 + t * (1.0 / 5 + t * (1.0 / 7 + t * (1.0 / 9 + t * (1.0 / 11 + t * (1.0 / 13))))));
    return exponent * 0.69314718055994530942 + 2.0 * s * series;
}

// exp(-x) to eleven digits for x >= 0.
GRAPHX_INLINE double exp_minus_eleven_digits(double x) {
    const double t = (x < 700.0 ? x : 700.0) * -1.44269504088896340736;
    const double shifted = t + 6755399441055744.0;  // 1.5 2^52: rounds to an integer, which the last bits hold
    const double f = (t - (shifted - 6755399441055744.0)) * 0.69314718055994530942;
    const double power = 1.0 + f * (1.0 + f * (1.0 / 2 + f * (1.0 / 6 + f * (1.0 / 24 + f * (1.0 / 120 +
                         f * (1.0 / 720 + f * (1.0 / 5040 + f * (1.0 / 40320 + f * (1.0 / 362880)))))))));
    return std::bit_cast<double>(std::bit_cast<std::uint64_t>(power) + (std::bit_cast<std::uint64_t>(shifted) << 52));
}

// tanh(q)/q at q = sqrt(p) to ten digits, without branches.
GRAPHX_INLINE double tanhc_ten_digits(double p) {
    const double small = 1.0 + p * (-1.0 / 3 + p * (2.0 / 15 + p * (-17.0 / 315 + p * (62.0 / 2835))));
    const double q = std::sqrt(p), e = exp_minus_eleven_digits(2.0 * q);
    const double large = (1.0 - e) / ((1.0 + e) * q);
    return p < kSmall ? small : large;
}

// 1 / cosh(q)^2 at q = sqrt(p), which beside the rim is far smaller than the rounding of 1 - tanh(q)^2.
inline double sech_squared(double p) {
    const double e = std::exp(-2.0 * std::sqrt(p));
    return 4.0 * e / ((1.0 + e) * (1.0 + e));
}

// artanh(z)/z at z = sqrt(p) to ten digits, without branches; p < 1.
GRAPHX_INLINE double artanhc_ten_digits(double p) {
    const double small = 1.0 + p * (1.0 / 3 + p * (1.0 / 5 + p * (1.0 / 7 + p * (1.0 / 9 + p * (1.0 / 11)))));
    const double z = std::sqrt(p);
    const double large = 0.5 * log_eleven_digits((1.0 + z) * (1.0 + z) / (1.0 - p)) / z;
    return p < kSmall ? small : large;
}

}  // namespace graphx::scalars
