// Rows of the ball and their gradients at every level, against formulas in long double with exact derivatives: at zero,
// beside the rim, far outside; widths around whole registers.
#include <cmath>
#include <limits>
#include <random>

#include "ball.hpp"
#include "draws.hpp"
#include "every_level.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

// Rows of the lengths `radii` / sqrt(c) in random directions.
template <class T>
std::vector<T> rows_of_lengths(const std::vector<double>& radii, std::int64_t dim, double c, unsigned seed) {
    const auto way = normals<double>(static_cast<std::int64_t>(radii.size()) * dim, seed);
    std::vector<T> x;
    for (std::size_t r = 0; r < radii.size(); ++r) {
        double square = 0;
        for (std::int64_t j = 0; j < dim; ++j) square += way[r * dim + j] * way[r * dim + j];
        for (std::int64_t j = 0; j < dim; ++j)
            x.push_back(static_cast<T>(way[r * dim + j] * (radii[r] / std::sqrt(c * square))));
    }
    return x;
}

template <class A>
long double length(const A* x, std::size_t size) {
    long double sum = 0;
    for (std::size_t i = 0; i < size; ++i) sum += static_cast<long double>(x[i]) * x[i];
    return std::sqrt(sum);
}

// The length of the error relative to the length of what was expected, or to `least` where parts of it cancel.
template <class T>
long double error_of(const T* found, const std::vector<long double>& expected, long double least = 0) {
    std::vector<long double> away;
    for (std::size_t i = 0; i < expected.size(); ++i) away.push_back(static_cast<long double>(found[i]) - expected[i]);
    const long double size = std::max(least, length(expected.data(), expected.size()));
    return length(away.data(), away.size()) / (size > 0 ? size : 1);
}

std::vector<long double> plain(const Duals& y) {
    std::vector<long double> made;
    for (const Dual& value : y) made.push_back(value.v);
    return made;
}

// What rounding the inputs and sums of a row of T may do: a few units, more beside the rim by what 1 - c |x|^2 loses.
template <class T>
long double allowed(long double square) {
    const long double rim = square < 1 ? 1 / (1 - square) : 1;
    return (sizeof(T) == 4 ? 5e-7L : 2e-15L) + 1e-15L * rim;
}

const std::vector<double> kInside{0,   1e-30, 1e-12, 1e-6, 1e-3,  0.0999, 0.1001,
                                  0.3, 0.7,   0.9,   0.99, 0.999, 0.9999, 0.99999};
const std::vector<double> kAnywhere{0, 1e-30, 1e-12, 1e-6,  1e-3,  0.0999, 0.1001, 0.3, 1,
                                    3, 9,     18,    19.99, 20.01, 50,     1e3,    1e6};

template <class T>
void check_radial(Radial map, const std::vector<double>& radii, std::int64_t dim, double c) {
    const auto rows = static_cast<std::int64_t>(radii.size());
    const auto x = rows_of_lengths<T>(radii, dim, c, static_cast<unsigned>(dim));
    const auto g = normals<T>(rows * dim, static_cast<unsigned>(dim) + 1);
    const auto width = static_cast<std::size_t>(dim);
    std::vector<std::vector<long double>> images, gradients;
    std::vector<long double> factors;
    long double by_c = 0, size_c = 0;
    for (std::size_t r = 0; r < radii.size(); ++r) {
        Duals row = duals(x.data() + r * width, width);
        Dual curvature(c);
        const auto image = [&] { return map == Radial::exp0 ? exp0(row, curvature) : log0(row, curvature); };
        const auto loss = [&] { return inner(image(), g.data() + r * width); };
        images.push_back(plain(image()));
        gradients.push_back(slopes(row, loss));
        const long double image_length = length(images[r].data(), width),
                          own_length = length(x.data() + r * width, width);
        factors.push_back(own_length > 0 ? image_length / own_length : 1);
        curvature.d = 1;
        by_c += loss().d;
        size_c += std::abs(loss().d);
    }
    at_every_level([&](Simd) {
        Control control(1);
        Fenced<T> y(rows * dim), back(rows * dim);
        CHECK(!radial_forward<T>(control, map, rows, dim, c, x.data(), y.data()).found());
        const double found_c = radial_backward<T>(control, map, rows, dim, c, x.data(), g.data(), back.data());
        CHECK(y.whole() && back.whole());
        for (std::size_t r = 0; r < radii.size(); ++r) {
            const long double limit = allowed<T>(radii[r] * radii[r]);
            CHECK(error_of(y.data() + r * width, images[r]) <= limit);
            const long double least = factors[r] * length(g.data() + r * width, width);
            CHECK(error_of(back.data() + r * width, gradients[r], least) <= 4 * limit);
        }
        CHECK(std::abs(found_c - by_c) <= 1e-9L * size_c);
    });
}

struct Shape {
    std::int64_t blocks, out, in;
};

template <class T>
void check_product(const Shape& s, const std::vector<double>& radii, double c, double size_of_weight) {
    const auto rows = static_cast<std::int64_t>(radii.size());
    const std::int64_t dim = s.blocks * s.in, dim_out = s.blocks * s.out;
    const auto seed = static_cast<unsigned>(s.out * 100 + s.in);
    const auto x = rows_of_lengths<T>(radii, dim, c, seed);
    const auto w = normals<T>(s.blocks * s.out * s.in, seed + 1, size_of_weight / std::sqrt(static_cast<double>(s.in)));
    const auto g = normals<T>(rows * dim_out, seed + 2);
    const auto blocks = static_cast<std::size_t>(s.blocks), in = static_cast<std::size_t>(s.in),
               out = static_cast<std::size_t>(s.out);
    std::vector<std::vector<long double>> images, by_x;
    std::vector<long double> least, by_w(w.size(), 0);
    long double by_c = 0, size_c = 0;
    const Duals weight = duals(w.data(), w.size());
    for (std::size_t r = 0; r < radii.size(); ++r) {
        Duals row = duals(x.data() + r * blocks * in, blocks * in), v;
        Dual curvature(c);
        // exp0(W log0 x) = F W x: with the derivative of W x along a direction at hand, its image follows
        const auto loss_from = [&](const Duals& straight, const Duals& product) {
            const Dual a = zero_safe_ratio(atanh, curvature * square_of(straight), 1.0L / 3);
            return inner(exp0(scaled(a, product), curvature), g.data() + r * blocks * out);
        };
        images.push_back(plain(exp0(times(weight, blocks, in, out, log0(row, curvature)), curvature)));
        by_x.push_back(slopes(row, [&] { return loss_from(row, times(weight, blocks, in, out, row)); }));
        v = times(weight, blocks, in, out, row);
        const long double straight = length(plain(v).data(), v.size()), mapped = length(images[r].data(), v.size());
        least.push_back((straight > 0 ? mapped / straight : 1) * length(w.data(), w.size()) *
                        length(g.data() + r * blocks * out, blocks * out));
        const auto by_v = slopes(v, [&] { return loss_from(row, v); });
        for (std::size_t i = 0; i < blocks * out; ++i)  // d(W x)_i / dW_ij = x_j
            for (std::size_t j = 0; j < in; ++j) by_w[i * in + j] += by_v[i] * row[i / out * in + j].v;
        curvature.d = 1;
        by_c += loss_from(row, v).d;
        size_c += std::abs(loss_from(row, v).d);
    }
    at_every_level([&](Simd) {
        Control control(1);
        Fenced<T> y(rows * dim_out), grad_x(rows * dim), grad_w(static_cast<std::int64_t>(w.size()));
        std::vector<RowScalars> kept(radii.size());
        const BlockProduct<T> p{rows, s.blocks, s.in, s.out, w.data(), x.data(), true, c};
        CHECK(!product_forward<T>(control, p, y.data(), kept.data()).found());
        const double found_c =
            product_backward<T>(control, p, y.data(), kept.data(), g.data(), grad_x.data(), grad_w.data());
        CHECK(y.whole() && grad_x.whole() && grad_w.whole());
        long double worst = 0;
        for (std::size_t r = 0; r < radii.size(); ++r) {
            const long double limit = allowed<T>(radii[r] * radii[r]);
            worst = std::max(worst, limit);
            CHECK(error_of(y.data() + r * blocks * out, images[r]) <= 2 * limit);
            CHECK(error_of(grad_x.data() + r * blocks * in, by_x[r], least[r]) <= 4 * limit);
        }
        CHECK(error_of(grad_w.data(), by_w) <= 4 * worst);
        CHECK(std::abs(found_c - by_c) <= 1e-6L * size_c);
    });
}

}  // namespace

TEST(exp0_and_its_gradient_at_every_width) {
    for (const std::int64_t dim : widths()) {
        check_radial<float>(Radial::exp0, kAnywhere, dim, 0.7);
        check_radial<double>(Radial::exp0, kAnywhere, dim, 0.7);
    }
}

TEST(log0_and_its_gradient_at_every_width) {
    for (const std::int64_t dim : widths()) {
        check_radial<float>(Radial::log0, kInside, dim, 1.9);
        check_radial<double>(Radial::log0, kInside, dim, 1.9);
    }
}

TEST(mobius_products_and_their_gradients_in_blocks_of_every_shape) {
    for (const Shape s : {Shape{1, 1, 1}, Shape{3, 1, 2}, Shape{2, 7, 5}, Shape{1, 8, 8}, Shape{2, 9, 16},
                          Shape{1, 16, 15}, Shape{1, 17, 33}, Shape{2, 32, 16}, Shape{1, 3, 64}, Shape{1, 2, 65}})
        for (const double size : {1.0, 2.5}) {
            check_product<float>(s, kInside, 0.8, size);
            check_product<double>(s, kInside, 0.8, size);
        }
}

// exp0(I log0 x) = x, so the gradient is what came, even where the parts it is summed from are large and cancel.
template <class T>
void check_identity(std::int64_t blocks, std::int64_t width) {
    const std::int64_t dim = blocks * width;
    const double last = sizeof(T) == 4 ? 1 - 2e-7 : 1 - 1e-12;
    const std::vector<double> radii{0, 1e-20, 1e-6, 0.05, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999, last};
    const auto rows = static_cast<std::int64_t>(radii.size());
    std::vector<T> w(static_cast<std::size_t>(blocks * width * width), T{0});
    for (std::int64_t i = 0; i < dim; ++i) w[static_cast<std::size_t>(i * width + i % width)] = 1;
    const auto x = rows_of_lengths<T>(radii, dim, 1.0, 3);
    auto g = normals<T>(rows * dim, 4);
    for (const bool along : {false, true}) {  // a gradient along x has nothing but those parts
        if (along) g = x;
        at_every_level([&](Simd) {
            Control control(1);
            std::vector<T> y(x.size()), grad(x.size());
            std::vector<RowScalars> kept(radii.size());
            const BlockProduct<T> p{rows, blocks, width, width, w.data(), x.data(), true, 1.0};
            CHECK(!product_forward<T>(control, p, y.data(), kept.data()).found());
            product_backward<T>(control, p, y.data(), kept.data(), g.data(), grad.data(), nullptr);
            for (std::size_t r = 0; r < radii.size(); ++r) {
                const auto at = r * static_cast<std::size_t>(dim);
                const std::vector<long double> same(x.begin() + static_cast<std::ptrdiff_t>(at),
                                                    x.begin() + static_cast<std::ptrdiff_t>(at) + dim);
                const std::vector<long double> kept_g(g.begin() + static_cast<std::ptrdiff_t>(at),
                                                      g.begin() + static_cast<std::ptrdiff_t>(at) + dim);
                const long double square = length(same.data(), same.size());
                CHECK(error_of(y.data() + at, same) <= allowed<T>(square * square));
                CHECK(error_of(grad.data() + at, kept_g) <= 8 * allowed<T>(square * square));
            }
        });
    }
}

TEST(the_identity_maps_rows_and_gradients_to_themselves_beside_the_rim) {
    for (const Shape s :
         {Shape{1, 1, 1}, Shape{1, 3, 3}, Shape{2, 8, 8}, Shape{1, 16, 16}, Shape{3, 17, 17}, Shape{1, 64, 64}}) {
        check_identity<float>(s.blocks, s.in);
        check_identity<double>(s.blocks, s.in);
    }
}

// exp0(4 log0 x): its rows lie so near the rim that their length hardly moves, however near the rim x is, and what is
// left of the gradient along x is the product of a number without bound and one that is nearly nothing.
TEST(gradients_of_stretched_rows_do_not_feel_the_rim) {
    for (const std::int64_t dim : {1, 3, 16, 21}) {
        const std::vector<double> radii{0.9, 0.999, 1 - 1e-6, 1 - 1e-9, 1 - 1e-12, 1 - 1e-14};
        const auto width = static_cast<std::size_t>(dim);
        const auto x = rows_of_lengths<double>(radii, dim, 1.0, 5);
        std::vector<double> w(width * width, 0.0), y(x.size()), grad(x.size());
        for (std::size_t i = 0; i < width; ++i) w[i * width + i] = 4;
        std::vector<RowScalars> kept(radii.size());
        const BlockProduct<double> p{
            static_cast<std::int64_t>(radii.size()), 1, dim, dim, w.data(), x.data(), true, 1.0};
        at_every_level([&](Simd) {
            Control control(1);
            CHECK(!product_forward<double>(control, p, y.data(), kept.data()).found());
            product_backward<double>(control, p, y.data(), kept.data(), x.data(), grad.data(), nullptr);  // along x
            for (std::size_t r = 0; r < radii.size(); ++r) {
                // R(r) = tanh(4 artanh r) along x, so R' = 4 / (cosh(4 artanh r)^2 (1 - r^2))
                const long double length_of = length(x.data() + r * width, width);
                const long double c = std::cosh(4 * std::atanh(length_of));
                const long double factor = 4 / (c * c * (1 - length_of) * (1 + length_of));
                std::vector<long double> expected;
                for (std::size_t j = 0; j < width; ++j) expected.push_back(factor * x[r * width + j]);
                CHECK(error_of(grad.data() + r * width, expected, 1) <= 2e-14L);
            }
        });
    }
}
