// Sums over common neighbours and their gradient: long double, the pair as adjoint maps, differences, laws, stopping.
#include <numeric>

#include "draws.hpp"
#include "every_level.hpp"
#include "graphx/neighbors.hpp"
#include "sides.hpp"
#include "stopping.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

template <class T>
struct Pooled {
    std::vector<T> out;
    std::vector<std::int64_t> counts;
    bool operator==(const Pooled&) const = default;
};

template <class T>
Pooled<T> pooled(const PairQuery& query, const std::vector<T>& x, std::int64_t channels, int threads = 1) {
    Control control(threads);
    Fenced<T> out(query.num_pairs * channels, T{5});  // overwritten, not added to
    Fenced<std::int64_t> counts(query.num_pairs, -1);
    pool_common(query, x.data(), channels, out.data(), counts.data(), control);
    CHECK(out.whole() && counts.whole());
    return {out.values(), counts.values()};
}

template <class T>
std::vector<T> pooled_back(const PairQuery& query, const std::vector<std::int64_t>& counts, const std::vector<T>& g,
                           std::int64_t channels, int threads = 1) {
    Control control(threads);
    Fenced<T> grad(query.num_columns * channels, T{5});
    pool_common_backward(query, counts.data(), g.data(), channels, grad.data(), control);
    CHECK(grad.whole());
    return grad.values();
}

struct Slow {
    std::vector<long double> out, grad, out_size, grad_size;  // the sizes: sums of what is added, without signs
};

template <class T>
Slow slowly(const Sides& sides, const Pairs& pairs, const std::vector<T>& x, const std::vector<T>& g,
            std::int64_t channels) {
    const auto width = static_cast<std::size_t>(channels);
    Slow made;
    made.out.assign(g.size(), 0), made.out_size = made.out;
    made.grad.assign(x.size(), 0), made.grad_size = made.grad;
    for (std::size_t b = 0; b < pairs.sources.size(); ++b)
        for (const auto& [u, w] : sides.common(pairs.sources[b], pairs.targets[b]))
            for (std::size_t j = 0; j < width; ++j) {
                const std::size_t from = static_cast<std::size_t>(u) * width + j, to = b * width + j;
                const long double forward = static_cast<long double>(w) * x[from],
                                  back = static_cast<long double>(w) * g[to];
                made.out[to] += forward, made.out_size[to] += std::abs(forward);
                made.grad[from] += back, made.grad_size[from] += std::abs(back);
            }
    return made;
}

template <class T>
void check_sum(const std::vector<T>& found, const std::vector<long double>& expected,
               const std::vector<long double>& size) {
    constexpr long double unit = sizeof(T) == 4 ? 6e-8L : 1.2e-16L;  // a rounding for each of at most 600 terms
    CHECK_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(std::abs(found[i] - expected[i]) <= 100 * unit * size[i]);
}

template <class T>
void check_widths() {
    for (const std::int64_t channels : widths()) {
        const auto seed = static_cast<unsigned>(channels);
        Sides sides(random_matrix(13, 200, seed), random_matrix(9, 200, seed + 1), 200, channels % 3 == 1,
                    channels % 5 == 1, channels % 2, channels % 4 == 1 ? 4 : 0, channels % 4 == 2 ? 3 : 0);
        const Pairs pairs = random_pairs(13, 9, 40, channels % 7 < 4, seed);
        const auto x = normals<T>(200 * channels, seed), g = normals<T>(40 * channels, seed + 2);
        const Slow slow = slowly(sides, pairs, x, g, channels);
        const PairQuery query = sides.query(pairs);
        at_every_level([&](Simd) {
            const auto forward = pooled(query, x, channels);
            check_sum(forward.out, slow.out, slow.out_size);
            check_sum(pooled_back(query, forward.counts, g, channels), slow.grad, slow.grad_size);
        });
    }
}

double inner(const std::vector<double>& a, const std::vector<double>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace

TEST(sums_and_gradients_of_floats_at_every_width) { check_widths<float>(); }
TEST(sums_and_gradients_of_doubles_at_every_width) { check_widths<double>(); }

TEST(sums_have_the_same_bits_for_any_number_of_threads) {
    for (const bool weighted : {false, true})
        for (const bool bits : {false, true}) {
            Sides sides(random_matrix(40, 900, 1), random_matrix(30, 900, 2), 900, weighted, weighted, bits, 7, 0);
            const Pairs pairs = random_pairs(40, 30, 1500, true, 3);
            const PairQuery query = sides.query(pairs);
            const auto x = normals<float>(900 * 19, 4), g = normals<float>(1500 * 19, 5);
            at_every_level([&](Simd) {
                const auto one = pooled(query, x, 19);
                const auto back = pooled_back(query, one.counts, g, 19);
                for (const int threads : {2, 5, 8}) {
                    CHECK(pooled(query, x, 19, threads) == one);
                    CHECK(pooled_back(query, one.counts, g, 19, threads) == back);
                }
            });
        }
}

TEST(bits_do_not_depend_on_how_a_pair_is_answered) {
    const Matrix a = random_matrix(25, 700, 1), b = random_matrix(25, 700, 2);
    const auto x = normals<float>(700 * 33, 4), g = normals<float>(300 * 33, 5);
    Pairs pairs = random_pairs(25, 25, 300, true, 3);
    Sides searched(a, b, 700, false, false, false, 0, 0), by_bits(a, b, 700, false, false, true, 0, 0);
    const auto expected = pooled(searched.query(pairs), x, 33);
    const auto back = pooled_back(searched.query(pairs), expected.counts, g, 33);
    CHECK(pooled(by_bits.query(pairs), x, 33) == expected);
    CHECK(pooled_back(by_bits.query(pairs), expected.counts, g, 33) == back);
    Sides turned(b, a, 700, false, false, false, 0, 0);  // rows t of B with rows s of A
    std::swap(pairs.sources, pairs.targets);
    CHECK(pooled(turned.query(pairs), x, 33) == expected);
    CHECK(pooled_back(turned.query(pairs), expected.counts, g, 33) == back);
}

TEST(a_pair_has_the_same_bits_alone_and_among_others) {
    Sides sides(random_matrix(25, 700, 6), random_matrix(25, 700, 7), 700, true, false, false, 0, 0);
    const Pairs pairs = random_pairs(25, 25, 600, true, 8);
    const auto x = normals<float>(700 * 9, 4);
    const auto all = pooled(sides.query(pairs), x, 9);
    for (std::size_t b = 0; b < 600; b += 37) {
        const Pairs lone{{pairs.sources[b]}, {pairs.targets[b]}};
        const auto one = pooled(sides.query(lone), x, 9);
        CHECK_EQ(one.counts[0], all.counts[b]);
        CHECK(std::equal(one.out.begin(), one.out.end(), all.out.begin() + static_cast<std::ptrdiff_t>(9 * b)));
    }
}

TEST(the_backward_pass_is_the_adjoint_of_the_forward_pass) {
    for (const bool weighted : {false, true}) {
        Sides sides(random_matrix(30, 300, 1), random_matrix(30, 300, 2), 300, weighted, false, false, 0, 5);
        const Pairs pairs = random_pairs(30, 30, 500, false, 3);
        const PairQuery query = sides.query(pairs);
        for (unsigned seed = 0; seed < 5; ++seed) {
            const auto x = normals<double>(300 * 11, seed), g = normals<double>(500 * 11, seed + 50);
            const auto forward = pooled(query, x, 11);
            const auto back = pooled_back(query, forward.counts, g, 11, 3);
            const double left = inner(forward.out, g), right = inner(x, back);  // <S x, g> = <x, S' g>
            CHECK(std::abs(left - right) <= 1e-11 * (1 + std::abs(left)));
        }
    }
}

TEST(gradients_are_differences_of_the_sums) {
    Sides sides(random_matrix(8, 70, 1), random_matrix(8, 70, 2), 70, true, true, false, 3, 0);
    const Pairs pairs = random_pairs(8, 8, 30, false, 3);
    const PairQuery query = sides.query(pairs);
    auto x = normals<double>(70 * 3, 4);
    const auto g = normals<double>(30 * 3, 5);
    const auto grad = pooled_back(query, pooled(query, x, 3).counts, g, 3);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double kept = x[i];
        x[i] = kept + 0.5;  // the sums are linear: any step will do
        const double above = inner(pooled(query, x, 3).out, g);
        x[i] = kept - 0.5;
        CHECK(std::abs(above - inner(pooled(query, x, 3).out, g) - grad[i]) <= 1e-9);
        x[i] = kept;
    }
}

TEST(columns_that_are_renamed_give_the_same_whole_sums) {
    const std::int64_t n = 300;
    const Matrix a = random_matrix(12, n, 1);
    std::vector<std::int32_t> name(static_cast<std::size_t>(n));
    std::iota(name.begin(), name.end(), 0);
    std::shuffle(name.begin(), name.end(), std::mt19937(2));
    Matrix b;
    std::mt19937 random(3);
    for (std::int64_t r = 0; r < a.rows(); ++r) {
        std::vector<std::int32_t> row;
        for (const auto& [u, w] : a.row(r, {}, false)) row.push_back(name[static_cast<std::size_t>(u)]);
        b.push(row, random);
    }
    const auto x = wholes<double>(n * 4, 5);
    std::vector<double> renamed(x.size());
    for (std::size_t u = 0; u < name.size(); ++u)
        std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(4 * u), 4, renamed.begin() + 4 * name[u]);
    const Pairs pairs = random_pairs(12, 12, 80, false, 6);
    const auto expected = pooled(query_of(a.side(false), a.side(false), n, pairs), x, 4);
    CHECK(pooled(query_of(b.side(false), b.side(false), n, pairs), renamed, 4) == expected);
    CHECK(std::any_of(expected.out.begin(), expected.out.end(), [](double v) { return v != 0; }));
}

TEST(nodes_that_no_pair_has_in_common_get_a_gradient_of_zero) {
    Matrix a;
    std::mt19937 random(1);
    a.push({1, 64, 65, 127, 128, 640}, random);
    a.push({1, 65, 128, 639}, random);
    const Pairs pairs{{0, 0}, {1, 1}};
    const PairQuery query = query_of(a.side(false), a.side(false), 641, pairs);
    for (const int threads : {1, 4}) {
        const auto grad = pooled_back(query, {3, 3}, std::vector<double>{2, 10}, 1, threads);
        for (std::int64_t u = 0; u < 641; ++u)
            CHECK_EQ(grad[static_cast<std::size_t>(u)], u == 1 || u == 65 || u == 128 ? 12.0 : 0.0);
        const auto none = pooled_back(query, {0, 0}, std::vector<double>{2, 10}, 1, threads);  // pairs said to be empty
        CHECK(none == std::vector<double>(641, 0.0));
    }
}

TEST(infinite_features_reach_their_own_pairs_only) {
    Matrix a;
    std::mt19937 random(1);
    a.push({1, 2, 3}, random);
    a.push({3, 4}, random);
    a.push({1, 4}, random);
    const Pairs pairs{{0, 0, 1}, {1, 2, 2}};  // 3; 1; 4
    std::vector<float> x(5 * 20, 1.0F);
    std::fill(x.begin() + 60, x.begin() + 80, INFINITY);
    at_every_level([&](Simd) {
        const auto made = pooled(query_of(a.side(false), a.side(false), 5, pairs), x, 20);
        for (std::size_t j = 0; j < 20; ++j)
            CHECK(std::isinf(made.out[j]) && made.out[20 + j] == 1.0F && made.out[40 + j] == 1.0F);
    });
}

template <class T>
void check_large(std::int64_t channels) {
    const std::int64_t size = (std::int64_t{8} << 20) / (channels * static_cast<std::int64_t>(sizeof(T))) + 300;
    Matrix a;  // the first three rows share nodes with one another and with no other row
    std::mt19937 random(1);
    for (std::int32_t r = 0; r < 40; ++r) a.push({r < 3 ? 0 : r, 50 + r, 100 + r}, random);
    const Pairs pairs = random_pairs(40, 40, size, false, 3);
    const auto x = wholes<T>(140 * channels, 4);
    const auto all = pooled(query_of(a.side(false), a.side(false), 140, pairs), x, channels, 3);
    std::int64_t none = 0;
    for (std::int64_t b = 0; b < size; ++b) {
        const std::int64_t s = pairs.sources[static_cast<std::size_t>(b)], t = pairs.targets[static_cast<std::size_t>(b)];
        none += all.counts[static_cast<std::size_t>(b)] == 0;
        CHECK_EQ(all.counts[static_cast<std::size_t>(b)], s == t ? 3 : s < 3 && t < 3 ? 1 : 0);
        for (std::int64_t j = 0; j < channels; ++j) {
            const auto of = [&](std::int64_t u) { return x[static_cast<std::size_t>(u * channels + j)]; };
            const T expected = s == t ? of(s < 3 ? 0 : s) + of(50 + s) + of(100 + s) : s < 3 && t < 3 ? of(0) : T{0};
            CHECK_EQ(all.out[static_cast<std::size_t>(b * channels + j)], expected);
        }
    }
    CHECK(none > size / 2 && none < size);
}

TEST(large_sums_are_the_same_where_their_zeros_are_streamed) {
    for (const std::int64_t channels : {63, 64, 100}) {  // rows that start at any number, at whole lines, between
        check_large<float>(channels);
        check_large<double>(channels);
    }
}

TEST(pooling_stops_in_the_middle) {
    const Matrix a = random_matrix(30, 200, 1);
    const Pairs pairs = random_pairs(30, 30, 2000, false, 3);
    const PairQuery query = query_of(a.side(false), a.side(false), 200, pairs);
    const auto x = normals<float>(200 * 4, 4);
    std::vector<float> out(2000 * 4, 7.0F), grad(200 * 4, 7.0F);
    std::vector<std::int64_t> counts(2000, -1);
    check_stops([&](Control& c) { pool_common(query, x.data(), 4, out.data(), counts.data(), c); }, 5);
    CHECK(counts.front() >= 0 && counts.back() == -1);
    CHECK(out.back() == 7.0F);
    counts.assign(2000, 1);
    const std::vector<float> g(2000 * 4, 1.0F);
    check_stops([&](Control& c) { pool_common_backward(query, counts.data(), g.data(), 4, grad.data(), c); }, 3);
    check_stops([&](Control& c) { pool_common_backward(query, counts.data(), g.data(), 4, grad.data(), c); }, 1, 3);
}
