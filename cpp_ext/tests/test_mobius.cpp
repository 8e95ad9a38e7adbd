// Maps of the ball: against the formulas in long double, against differences, the same bits for any thread count, no
// byte outside the outputs, memory that comes back.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "draws.hpp"
#include "every_level.hpp"
#include "graphx/mobius.hpp"
#include "graphx/pool.hpp"
#include "stopping.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

template <class T>
std::vector<T> random_vectors(std::int64_t rows, std::int64_t dim, double radius, unsigned seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal;
    std::vector<T> x(static_cast<std::size_t>(rows * dim));
    for (std::int64_t r = 0; r < rows; ++r) {
        double squares = 0;
        std::vector<double> row(static_cast<std::size_t>(dim));
        for (double& value : row) {
            value = normal(generator);
            squares += value * value;
        }
        const double scale = radius * static_cast<double>(r % 7 + 1) / 7.5 / std::sqrt(squares);
        for (std::int64_t i = 0; i < dim; ++i)
            x[static_cast<std::size_t>(r * dim + i)] = static_cast<T>(scale * row[static_cast<std::size_t>(i)]);
    }
    return x;
}

struct Shape {
    std::int64_t rows, blocks, out, in;
};
constexpr Shape kShapes[] = {{1, 1, 1, 1}, {3, 2, 3, 5}, {70, 4, 16, 16}, {1030, 2, 32, 32}, {65, 1, 33, 130}, {0, 2, 4, 4}};

template <class T>
void check_product(const Shape& s, bool ball) {
    const double c = 0.8;
    const auto x = random_vectors<T>(s.rows, s.blocks * s.in, 1.0 / std::sqrt(c), 1);
    const auto w = random_vectors<T>(s.blocks * s.out, s.in, 1.5, 2);
    Control control(2);
    const std::size_t size = static_cast<std::size_t>(s.rows * s.blocks * s.out);
    std::vector<T> y(size + 8, T{77});
    std::vector<RowScalars> kept(static_cast<std::size_t>(s.rows));
    const BlockProduct<T> p{s.rows, s.blocks, s.in, s.out, w.data(), x.data(), ball, c};
    CHECK(!product_forward<T>(control, p, y.data(), ball ? kept.data() : nullptr).found());
    for (std::size_t i = size; i < y.size(); ++i) CHECK(y[i] == T{77});
    for (std::int64_t r = 0; r < s.rows; ++r) {
        long double squares = 0, image = 0;
        std::vector<long double> v(static_cast<std::size_t>(s.blocks * s.out), 0.0L);
        for (std::int64_t j = 0; j < s.blocks * s.in; ++j) {
            const long double value = x[static_cast<std::size_t>(r * s.blocks * s.in + j)];
            squares += value * value;
            for (std::int64_t i = 0; i < s.out; ++i) {
                const std::int64_t row = j / s.in * s.out + i;
                v[static_cast<std::size_t>(row)] += w[static_cast<std::size_t>(row * s.in + j % s.in)] * value;
            }
        }
        for (const long double value : v) image += value * value;
        const long double z = std::sqrt(c * squares), a = std::atanh(z) / z, q = a * std::sqrt(c * image);
        const long double scale = ball ? a * std::tanh(q) / q : 1.0L;
        long double error = 0;
        for (std::size_t i = 0; i < v.size(); ++i) {
            const long double d = y[static_cast<std::size_t>(r) * v.size() + i] - scale * v[i];
            error += d * d;
        }
        CHECK(std::sqrt(error) <= (sizeof(T) == 4 ? 4e-7L : 2e-15L) * scale * std::sqrt(image));
    }
}

template <class T>
struct Gradients {
    std::vector<T> x, w;
    double c;
    bool operator==(const Gradients&) const = default;
};

template <class T>
Gradients<T> gradients(const Shape& s, bool ball, int threads, const std::vector<T>& x, const std::vector<T>& w,
                       const std::vector<T>& g, double c) {
    Control control(threads);
    std::vector<T> y(g.size());
    std::vector<RowScalars> kept(static_cast<std::size_t>(s.rows));
    const BlockProduct<T> p{s.rows, s.blocks, s.in, s.out, w.data(), x.data(), ball, c};
    product_forward<T>(control, p, y.data(), ball ? kept.data() : nullptr);
    Gradients<T> result{std::vector<T>(x.size()), std::vector<T>(w.size()), 0};
    result.c = product_backward<T>(control, p, ball ? y.data() : nullptr, ball ? kept.data() : nullptr, g.data(),
                                   result.x.data(), result.w.data());
    return result;
}

double loss(const Shape& s, const std::vector<double>& x, const std::vector<double>& w, const std::vector<double>& g,
            double c) {
    Control control(1);
    std::vector<double> y(g.size());
    product_forward<double>(control, {s.rows, s.blocks, s.in, s.out, w.data(), x.data(), true, c}, y.data(), nullptr);
    double sum = 0;
    for (std::size_t i = 0; i < g.size(); ++i) sum += g[i] * y[i];
    return sum;
}

}  // namespace

TEST(block_products_match_the_formula) {
    for (const Shape& s : kShapes)
        for (const bool ball : {false, true}) {
            check_product<float>(s, ball);
            check_product<double>(s, ball);
        }
}

TEST(gradients_match_differences) {
    const Shape s{5, 2, 3, 4};
    const double c = 0.8, step = 1e-6;
    auto x = random_vectors<double>(s.rows, s.blocks * s.in, 1.0, 3);
    auto w = random_vectors<double>(s.blocks * s.out, s.in, 1.5, 4);
    const auto g = random_vectors<double>(s.rows, s.blocks * s.out, 5.0, 5);
    const auto found = gradients<double>(s, true, 2, x, w, g, c);
    for (auto [values, slopes] : {std::pair{&x, &found.x}, std::pair{&w, &found.w}})
        for (std::size_t i = 0; i < values->size(); ++i) {
            const double kept = (*values)[i];
            (*values)[i] = kept + step;
            const double above = loss(s, x, w, g, c);
            (*values)[i] = kept - step;
            const double below = loss(s, x, w, g, c);
            (*values)[i] = kept;
            CHECK(std::abs((above - below) / (2 * step) - (*slopes)[i]) < 1e-6);
        }
    CHECK(std::abs((loss(s, x, w, g, c + step) - loss(s, x, w, g, c - step)) / (2 * step) - found.c) < 1e-6);
}

TEST(mobius_results_do_not_depend_on_the_number_of_threads) {
    for (const Shape& s : kShapes)
        for (const bool ball : {false, true}) {
            const auto x = random_vectors<float>(s.rows, s.blocks * s.in, 1.0, 6);
            const auto w = random_vectors<float>(s.blocks * s.out, s.in, 1.0, 7);
            const auto g = random_vectors<float>(s.rows, s.blocks * s.out, 1.0, 8);
            const auto one = gradients<float>(s, ball, 1, x, w, g, 0.9);
            for (const int threads : {2, 5}) CHECK((gradients<float>(s, ball, threads, x, w, g, 0.9) == one));
        }
}

TEST(exp0_and_log0_are_inverse_and_name_the_first_bad_row) {
    Control control(3);
    const std::int64_t rows = 3000, dim = 19;
    const auto u = random_vectors<double>(rows, dim, 3.0, 9);
    std::vector<double> x(u.size()), back(u.size()), slope(u.size());
    CHECK(!radial_forward<double>(control, Radial::exp0, rows, dim, 0.5, u.data(), x.data()).found());
    CHECK(!radial_forward<double>(control, Radial::log0, rows, dim, 0.5, x.data(), back.data()).found());
    for (std::size_t i = 0; i < u.size(); ++i) CHECK(std::abs(back[i] - u[i]) <= 1e-12);
    radial_backward<double>(control, Radial::exp0, rows, dim, 0.5, u.data(), u.data(), slope.data());
    for (std::size_t i = 0; i < u.size(); ++i) CHECK(std::abs(slope[i]) <= std::abs(u[i]) + 1e-15);
    for (const std::int64_t row : {std::int64_t{2999}, std::int64_t{1500}}) {
        x[static_cast<std::size_t>(row * dim + 3)] = 2.0;
        CHECK_EQ(radial_forward<double>(control, Radial::log0, rows, dim, 0.5, x.data(), back.data()).row, row);
    }
    x[0] = std::numeric_limits<double>::quiet_NaN();
    CHECK_EQ(radial_forward<double>(control, Radial::exp0, rows, dim, 0.5, x.data(), back.data()).row, 0);
    const std::vector<double> w(static_cast<std::size_t>(dim), 1.0);
    const BlockProduct<double> p{rows, 1, dim, 1, w.data(), x.data(), true, 0.5};
    CHECK_EQ(product_forward<double>(control, p, back.data(), nullptr).row, 0);
}

TEST(radial_maps_of_floats_match_the_formula_and_differences) {
    Control control(2);
    const std::int64_t rows = 1100, dim = 37;  // more rows than a task takes, and no whole registers
    const double c = 0.7;
    const auto u = random_vectors<float>(rows, dim, 2.5, 12);
    const auto g = random_vectors<float>(rows, dim, 1.0, 13);
    std::vector<float> x(u.size()), back(u.size()), slope(u.size());
    CHECK(!radial_forward<float>(control, Radial::exp0, rows, dim, c, u.data(), x.data()).found());
    CHECK(!radial_forward<float>(control, Radial::log0, rows, dim, c, x.data(), back.data()).found());
    for (std::size_t i = 0; i < u.size(); ++i) CHECK(std::abs(back[i] - u[i]) <= 1e-4F);
    for (const Radial map : {Radial::exp0, Radial::log0}) {
        const auto& from = map == Radial::exp0 ? u : x;
        const double by_c = radial_backward<float>(control, map, rows, dim, c, from.data(), g.data(), slope.data());
        double changed = 0;
        std::vector<double> wide(from.begin(), from.end()), moved(wide.size()), above(wide.size()), below(wide.size());
        const auto differences = [&](double turn, double step) {
            for (std::size_t i = 0; i < wide.size(); ++i) moved[i] = wide[i] + turn * g[i];
            radial_forward<double>(control, map, rows, dim, c + step, moved.data(), above.data());
            for (std::size_t i = 0; i < wide.size(); ++i) moved[i] = wide[i] - turn * g[i];
            radial_forward<double>(control, map, rows, dim, c - step, moved.data(), below.data());
            double sum = 0;
            for (std::size_t i = 0; i < wide.size(); ++i) sum += g[i] * (above[i] - below[i]);
            return sum;
        };
        for (std::size_t i = 0; i < g.size(); ++i) changed += static_cast<double>(slope[i]) * g[i];
        const double along = differences(1e-6, 0.0) / 2e-6;  // in the direction of g
        CHECK(std::abs(along - changed) <= 1e-4 * std::abs(along));
        CHECK(std::abs(differences(0.0, 1e-6) / 2e-6 - by_c) <= 1e-4 * (std::abs(by_c) + 1.0));
    }
}

TEST(each_gradient_of_a_product_can_be_left_out) {
    for (const Shape& s : kShapes)
        for (const bool ball : {false, true}) {
            const auto x = random_vectors<float>(s.rows, s.blocks * s.in, 1.0, 14);
            const auto w = random_vectors<float>(s.blocks * s.out, s.in, 1.0, 15);
            const auto g = random_vectors<float>(s.rows, s.blocks * s.out, 1.0, 16);
            const auto both = gradients<float>(s, ball, 2, x, w, g, 0.9);
            Control control(2);
            std::vector<float> y(g.size()), by_x(x.size()), by_w(w.size());
            std::vector<RowScalars> kept(static_cast<std::size_t>(s.rows));
            const BlockProduct<float> p{s.rows, s.blocks, s.in, s.out, w.data(), x.data(), ball, 0.9};
            product_forward<float>(control, p, y.data(), ball ? kept.data() : nullptr);
            const float* image = ball ? y.data() : nullptr;
            const RowScalars* scalars = ball ? kept.data() : nullptr;
            const double c = product_backward<float>(control, p, image, scalars, g.data(), by_x.data(), nullptr);
            CHECK(product_backward<float>(control, p, image, scalars, g.data(), nullptr, by_w.data()) == c);
            CHECK(c == both.c && by_x == both.x && by_w == both.w);
        }
}

TEST(large_results_are_written_past_the_cache_with_the_same_bits) {
    // 33 MB of rows that fill cache lines are streamed, the same rows from an odd place are not
    const Shape s{33000, 4, 64, 64};
    const auto x = random_vectors<float>(s.rows, s.blocks * s.in, 0.9, 17);
    const auto w = random_vectors<float>(s.blocks * s.out, s.in, 1.0, 18);
    const std::size_t size = x.size();
    Control control(2);
    std::vector<RowScalars> kept(static_cast<std::size_t>(s.rows));
    const BlockProduct<float> p{s.rows, s.blocks, s.in, s.out, w.data(), x.data(), true, 1.0};
    std::vector<float> held(2 * size + 64), by_x(2 * size + 64);
    const auto line = [](std::vector<float>& v) {
        return v.data() + (64 - reinterpret_cast<std::uintptr_t>(v.data()) % 64) % 64 / sizeof(float);
    };
    float *y = line(held), *odd = y + size + 3, *grad = line(by_x), *odd_grad = grad + size + 3;
    product_forward<float>(control, p, y, kept.data());
    product_forward<float>(control, p, odd, nullptr);
    CHECK(std::memcmp(y, odd, size * sizeof(float)) == 0);
    product_backward<float>(control, p, y, kept.data(), x.data(), grad, nullptr);
    product_backward<float>(control, p, y, kept.data(), x.data(), odd_grad, nullptr);
    CHECK(std::memcmp(grad, odd_grad, size * sizeof(float)) == 0);
    radial_forward<float>(control, Radial::exp0, s.rows, s.blocks * s.in, 1.0, x.data(), y);
    radial_forward<float>(control, Radial::exp0, s.rows, s.blocks * s.in, 1.0, x.data(), odd);
    CHECK(std::memcmp(y, odd, size * sizeof(float)) == 0);
}

TEST(a_product_that_overflows_names_its_row) {
    Control control(2);
    std::vector<double> x(8, 0.1), w(16, 0.5), y(8);
    const BlockProduct<double> p{2, 1, 4, 4, w.data(), x.data(), true, 1.0};
    CHECK(!product_forward<double>(control, p, y.data(), nullptr).found());
    for (double& value : w) value = 1e200;
    const BadRow bad = product_forward<double>(control, p, y.data(), nullptr);
    CHECK_EQ(bad.row, 0);
    CHECK(!std::isfinite(bad.square));
}

TEST(the_pool_gives_memory_back_and_keeps_no_more_than_its_limit) {
    Pool pool;
    Buffer<std::byte> first = pool.take(4 << 20);
    std::byte* place = first.data();
    pool.give(std::move(first));
    CHECK(pool.kept_bytes() >= (4U << 20));
    Buffer<std::byte> tiny = pool.take(1 << 20);  // much smaller: not worth that much memory
    CHECK(tiny.data() != place);
    Buffer<std::byte> second = pool.take((4 << 20) - 4096);
    CHECK(second.data() == place);
    CHECK_EQ(pool.kept_bytes(), 0U);
    for (int i = 0; i < 40; ++i) pool.give(Buffer<std::byte>(10 << 20));
    CHECK(pool.kept_bytes() <= Pool::kKeep);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&pool] {
            for (int i = 0; i < 200; ++i) {
                Buffer<std::byte> mine = pool.take(2 << 20);
                std::memset(mine.data(), i, 64);
                pool.give(std::move(mine));
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(pool.kept_bytes() <= Pool::kKeep);
}

namespace {

// Whole numbers, so that every sum is exact in whatever order.
template <class T>
void check_whole_products(const Shape& s) {
    const auto x = wholes<T>(s.rows * s.blocks * s.in, 1, 3), w = wholes<T>(s.blocks * s.out * s.in, 2, 3);
    const auto g = wholes<T>(s.rows * s.blocks * s.out, 3, 3);
    std::vector<T> y(g.size(), T{0}), by_x(x.size(), T{0}), by_w(w.size(), T{0});
    const auto blocks = static_cast<std::size_t>(s.blocks), in = static_cast<std::size_t>(s.in),
               out = static_cast<std::size_t>(s.out);
    for (std::size_t r = 0; r < static_cast<std::size_t>(s.rows); ++r)
        for (std::size_t k = 0; k < blocks; ++k)
            for (std::size_t i = 0; i < out; ++i)
                for (std::size_t j = 0; j < in; ++j) {
                    const std::size_t a = (r * blocks + k) * in + j, b = (r * blocks + k) * out + i,
                                      c = (k * out + i) * in + j;
                    y[b] += w[c] * x[a];
                    by_x[a] += w[c] * g[b];
                    by_w[c] += g[b] * x[a];
                }
    const BlockProduct<T> p{s.rows, s.blocks, s.in, s.out, w.data(), x.data(), false, 0};
    at_every_level([&](Simd) {
        for (const int threads : {1, 3}) {
            Control control(threads);
            Fenced<T> found(s.rows * s.blocks * s.out, T{9}), found_x(s.rows * s.blocks * s.in, T{9}),
                found_w(s.blocks * s.out * s.in, T{9});
            CHECK(!product_forward<T>(control, p, found.data(), nullptr).found());
            CHECK_EQ(product_backward<T>(control, p, nullptr, nullptr, g.data(), found_x.data(), found_w.data()), 0.0);
            CHECK(found.whole() && found_x.whole() && found_w.whole());
            CHECK(found.values() == y && found_x.values() == by_x && found_w.values() == by_w);
        }
    });
}

template <class T>
BadRow radial_bad(Radial map, const std::vector<T>& x, std::int64_t dim, double c, int threads) {
    Control control(threads);
    std::vector<T> y(x.size());
    return radial_forward<T>(control, map, static_cast<std::int64_t>(x.size()) / dim, dim, c, x.data(), y.data());
}

template <class T>
std::vector<T> mapped(Radial map, const std::vector<T>& x, std::int64_t dim, double c) {
    Control control(1);
    std::vector<T> y(x.size());
    CHECK(!radial_forward<T>(control, map, static_cast<std::int64_t>(x.size()) / dim, dim, c, x.data(), y.data())
               .found());
    return y;
}

template <class T>
std::vector<T> product_of(const Shape& s, const std::vector<T>& x, const std::vector<T>& w, double c) {
    Control control(1);
    std::vector<T> y(x.size() / static_cast<std::size_t>(s.in) * static_cast<std::size_t>(s.out));
    const auto rows = static_cast<std::int64_t>(x.size()) / (s.blocks * s.in);
    CHECK(!product_forward<T>(control, {rows, s.blocks, s.in, s.out, w.data(), x.data(), true, c}, y.data(), nullptr)
               .found());
    return y;
}

template <class T>
std::vector<T> times(std::vector<T> x, T factor) {
    for (T& value : x) value *= factor;
    return x;
}

}  // namespace

TEST(block_products_of_whole_numbers_are_exact_at_every_width) {
    for (const std::int64_t width : widths()) {
        const Shape shapes[] = {{5, 2, width, 7}, {5, 2, 7, width}, {34, 1, width, width}};
        for (const Shape& s : shapes) {
            if (&s == &shapes[2] && width > 40) continue;
            check_whole_products<float>(s);
            check_whole_products<double>(s);
        }
    }
    for (const std::int64_t rows : {1, 7, 8, 9, 31, 32, 33, 1023, 1024, 1025, 2049})
        check_whole_products<float>({rows, 2, 5, 16});
}

TEST(nothing_is_mapped_to_nothing) {
    Control control(2);
    CHECK(!radial_forward<float>(control, Radial::log0, 0, 5, 1.0, nullptr, nullptr).found());
    CHECK(!radial_forward<float>(control, Radial::exp0, 3, 0, 1.0, nullptr, nullptr).found());
    CHECK_EQ(radial_backward<double>(control, Radial::exp0, 3, 0, 1.0, nullptr, nullptr, nullptr), 0.0);
    std::vector<float> w(6, 5.0F);
    const BlockProduct<float> none{0, 2, 3, 1, w.data(), nullptr, true, 1.0};
    CHECK(!product_forward<float>(control, none, nullptr, nullptr).found());
    CHECK_EQ(product_backward<float>(control, none, nullptr, nullptr, nullptr, nullptr, w.data()), 0.0);
    CHECK(w == std::vector<float>(6, 0.0F));  // the gradient of no rows
}

TEST(rows_that_have_no_image_are_named_with_their_square) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const struct {
        Radial map;
        double length, c, square;
    } cases[] = {
        {Radial::log0, 1.0, 1.0, 1.0},  // on the rim
        {Radial::log0, 0.5, 4.0, 1.0},           {Radial::log0, 3.0, 1.0, 9.0},
        {Radial::log0, infinity, 1.0, infinity}, {Radial::exp0, infinity, 1.0, infinity},
        {Radial::exp0, 1e200, 1.0, infinity},  // its square is no double
    };
    for (const auto& c : cases)
        for (const std::int64_t row : {0, 31, 32, 1023, 1024, 2999})
            for (const int threads : {1, 4}) {
                std::vector<double> x(3000 * 3, 0.01);
                const auto at = static_cast<std::size_t>(3 * row);
                x[at] = 0, x[at + 1] = c.length, x[at + 2] = 0;
                x[3 * 2999] = std::numeric_limits<double>::quiet_NaN();  // a later row is bad, too
                if (row == 2999) x[3 * 2999] = 0;
                at_every_level([&](Simd) {
                    const BadRow bad = radial_bad(c.map, x, 3, c.c, threads);
                    CHECK_EQ(bad.row, row);
                    CHECK_EQ(bad.square, c.square);
                });
            }
    std::vector<float> within{0.99999994F, 0.0F};  // the last float inside
    CHECK(!radial_bad(Radial::log0, within, 2, 1.0, 1).found());
    std::vector<float> large{1e38F, -1e38F};  // squares of floats are doubles
    CHECK(!radial_bad(Radial::exp0, large, 2, 1.0, 1).found());
}

TEST(curvature_is_a_unit_of_length) {
    // exp0_c(x) = exp0_1(sqrt(c) x) / sqrt(c): with sqrt(c) = 4 no rounding differs
    for (const std::int64_t dim : widths()) {
        const auto x = random_vectors<float>(40, dim, 0.24, static_cast<unsigned>(dim));
        for (const Radial map : {Radial::exp0, Radial::log0})
            CHECK(mapped(map, x, dim, 16.0) == times(mapped(map, times(x, 4.0F), dim, 1.0), 0.25F));
        const Shape s{40, 1, 9, dim};
        const auto w = random_vectors<float>(9, dim, 1.0, 3);
        CHECK(product_of(s, x, w, 16.0) == times(product_of(s, times(x, 4.0F), w, 1.0), 0.25F));
    }
}

TEST(rows_have_the_same_bits_alone_and_among_others) {
    for (const std::int64_t dim : widths()) {
        const Shape s{67, 1, 11, dim};
        const auto x = random_vectors<double>(67, dim, 0.99, static_cast<unsigned>(dim)),
                   w = random_vectors<double>(11, dim, 2.0, 3);
        at_every_level([&](Simd) {
            const auto y = product_of(s, x, w, 1.0), u = mapped(Radial::log0, x, dim, 1.0);
            for (const std::int64_t r : {0, 5, 31, 32, 63, 66}) {
                const std::vector<double> row(x.begin() + r * dim, x.begin() + (r + 1) * dim);
                const auto alone = product_of(s, row, w, 1.0), own = mapped(Radial::log0, row, dim, 1.0);
                CHECK(std::equal(alone.begin(), alone.end(), y.begin() + r * 11));
                CHECK(std::equal(own.begin(), own.end(), u.begin() + r * dim));
            }
        });
    }
}

TEST(maps_and_products_stop_in_the_middle) {
    const std::int64_t rows = 6000;
    const std::vector<float> x(static_cast<std::size_t>(rows * 2), 0.1F), w{1, 0, 0, 1};
    std::vector<float> y(x.size(), 9.0F), by_w(4, 9.0F);
    std::vector<RowScalars> kept(static_cast<std::size_t>(rows));
    const BlockProduct<float> p{rows, 1, 2, 2, w.data(), x.data(), true, 1.0};
    const auto check = [&](auto&& work) {
        std::fill(y.begin(), y.end(), 9.0F);
        check_stops(work, 4);
        CHECK(y.front() != 9.0F && y.back() == 9.0F);
    };
    check([&](Control& c) { radial_forward<float>(c, Radial::exp0, rows, 2, 1.0, x.data(), y.data()); });
    check([&](Control& c) { radial_backward<float>(c, Radial::log0, rows, 2, 1.0, x.data(), x.data(), y.data()); });
    check([&](Control& c) { product_forward<float>(c, p, y.data(), kept.data()); });
    Control control(1);
    std::vector<float> image(x.size());
    product_forward<float>(control, p, image.data(), kept.data());
    check(
        [&](Control& c) { product_backward<float>(c, p, image.data(), kept.data(), x.data(), y.data(), by_w.data()); });
    CHECK(by_w == std::vector<float>(4, 9.0F));  // written at the end
}
