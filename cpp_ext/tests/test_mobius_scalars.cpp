// The scalar functions of the ball against long double, from the least number to the rim, on both sides of every seam.
#include "graphx/mobius_scalars.hpp"

#include <cmath>
#include <random>
#include <vector>

#include "draws.hpp"

using namespace graphx;
using namespace graphx::scalars;
using namespace graphx::test;

namespace {

// tanh(q)/q and its slope by p = q^2, with enough terms of the series where the quotients cancel.
long double tanhc_exactly(long double p) {
    if (p < 1e-4L) return 1 - p / 3 + 2 * p * p / 15 - 17 * p * p * p / 315 + 62 * p * p * p * p / 2835;
    const long double q = std::sqrt(p);
    return std::tanh(q) / q;
}
long double tanhc_slope_exactly(long double p) {
    if (p < 1e-4L) return -1.0L / 3 + 4 * p / 15 - 51 * p * p / 315 + 248 * p * p * p / 2835;
    const long double q = std::sqrt(p), c = std::cosh(std::min(q, 5000.0L));
    return (1 / (c * c) - std::tanh(q) / q) / (2 * p);
}
long double artanhc_exactly(long double p) {
    if (p < 1e-4L) return 1 + p / 3 + p * p / 5 + p * p * p / 7 + p * p * p * p / 9;
    const long double z = std::sqrt(p);
    return std::log1p(2 * z * (1 + z) / (1 - p)) / (2 * z);
}
long double artanhc_slope_exactly(long double p) {
    if (p < 1e-4L) return 1.0L / 3 + 2 * p / 5 + 3 * p * p / 7 + 4 * p * p * p / 9;
    return (1 / (1 - p) - artanhc_exactly(p)) / (2 * p);
}

std::vector<double> squares_up_to(double last) {
    std::vector<double> made{0.0, 1e-320, 1e-300, 1e-30, 1e-9, 1e-4};
    for (const double seam : {1e-4, kSmall}) {
        made.push_back(std::nextafter(seam, 0.0));
        made.push_back(seam);
        made.push_back(std::nextafter(seam, 1.0));
    }
    std::mt19937_64 random(1);
    std::uniform_real_distribution<double> exponent(-6.0, std::log10(last));
    for (int i = 0; i < 4000; ++i) made.push_back(std::pow(10.0, exponent(random)));
    return made;
}

std::vector<double> squares_within_the_ball() {
    auto made = squares_up_to(0.999);
    for (int k = 1; k <= 53; ++k) made.push_back(1.0 - std::ldexp(1.0, -k));  // the last double below 1 is the last
    return made;
}

template <class F, class G>
void check_relative(const std::vector<double>& at, F&& found, G&& exact, long double tolerance) {
    for (const double p : at) {
        const long double a = found(p), b = exact(static_cast<long double>(p));
        if (std::abs(a - b) <= tolerance * std::abs(b)) continue;
        std::ostringstream what;
        what.precision(17);
        what << "at " << p << " came " << a << ", expected " << b << ", relative error "
             << std::abs(a - b) / std::abs(b);
        fail(__FILE__, __LINE__, what.str());
    }
}

}  // namespace

TEST(tanhc_from_zero_to_the_largest_number) {
    auto p = squares_up_to(1e6);
    for (const double large : {399.9, 400.0, 400.1, 1e12, 1e100, 1e308}) p.push_back(large);
    check_relative(p, tanhc, tanhc_exactly, 4e-16L);
    check_relative(p, tanhc_ten_digits, tanhc_exactly, 1e-10L);
}

TEST(artanhc_from_zero_to_the_rim) {
    const auto p = squares_within_the_ball();
    check_relative(p, artanhc, artanhc_exactly, 8e-16L);
    check_relative(p, artanhc_ten_digits, artanhc_exactly, 1e-10L);
}

TEST(slope_of_tanhc_from_its_value) {
    auto p = squares_up_to(1e4);
    check_relative(p, [](double x) { return tanhc_slope(x, tanhc(x)); }, tanhc_slope_exactly, 1e-13L);
    check_relative(p, [](double x) { return tanhc_slope(x, tanhc_ten_digits(x)); }, tanhc_slope_exactly, 2e-8L);
    p.clear();
    for (int e = 4; e < 150; e += 5) p.push_back(std::pow(10.0, e));  // where tanh(q) is 1, 1 - tanh(q)^2 is nothing
    check_relative(p, [](double x) { return tanhc_slope(x, tanhc(x)); }, tanhc_slope_exactly, 1e-15L);
}

TEST(sech_squared_keeps_its_digits_where_it_is_small) {
    const auto exact = [](long double p) {
        const long double c = std::cosh(std::sqrt(p));
        return 1 / (c * c);
    };
    check_relative(squares_up_to(1e5), sech_squared, exact, 2e-13L);  // the rounding of q counts q times
    CHECK_EQ(sech_squared(0.0), 1.0);
    CHECK_EQ(sech_squared(1e300), 0.0);
}

TEST(slope_of_artanhc_from_its_value) {
    const auto p = squares_within_the_ball();
    check_relative(p, [](double x) { return artanhc_slope(x, artanhc(x)); }, artanhc_slope_exactly, 1e-13L);
    check_relative(p, [](double x) { return artanhc_slope(x, artanhc_ten_digits(x)); }, artanhc_slope_exactly, 2e-8L);
}

TEST(eleven_digits_of_log_and_exp) {
    std::mt19937_64 random(2);
    std::uniform_real_distribution<double> exponent(-300.0, 300.0), power(0.0, 699.0);
    for (int i = 0; i < 20'000; ++i) {
        const double x = std::pow(10.0, exponent(random)), t = power(random);
        CHECK(std::abs(log_eleven_digits(x) - std::log(x)) <= 1e-11 * std::abs(std::log(x)));
        CHECK(std::abs(exp_minus_eleven_digits(t) - std::exp(-t)) <= 1e-11 * std::exp(-t));
    }
    CHECK_EQ(log_eleven_digits(1.0), 0.0);
    CHECK_EQ(exp_minus_eleven_digits(0.0), 1.0);
    for (const double large : {700.0, 1e10, 1e308}) CHECK(exp_minus_eleven_digits(large) < 1e-300);
}

TEST(horner_by_hand) {
    constexpr double series[] = {5, -3, 2};
    CHECK_EQ(horner(series, 4.0), 5 - 12 + 32);
}
