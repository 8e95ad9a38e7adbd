// The random start: the numbers of a generator with published outputs, the laws that they are to follow, and what they
// must not depend on.
#include <algorithm>
#include <cmath>
#include <limits>

#include "draws.hpp"
#include "every_level.hpp"
#include "graphx/fastrp.hpp"
#include "stopping.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

// SplitMix64 as it is published, one number after the other.
struct SplitMix {
    std::uint64_t state;
    std::uint64_t next() {
        state += 0x9e3779b97f4a7c15u;
        std::uint64_t z = state;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
};

// The 32 bits of each column of a row: two columns a number, low half first, from the generator that the row's key
// seeds.
std::vector<std::uint32_t> bits_of_row(std::uint64_t seed, std::uint64_t id, std::int64_t columns) {
    const std::uint64_t own = SplitMix{id * 0x9e3779b97f4a7c15u + 0x632be59bd9b4e019u - 0x9e3779b97f4a7c15u}.next();
    SplitMix row{SplitMix{(SplitMix{seed}.next() ^ own) - 0x9e3779b97f4a7c15u}.next()};
    std::vector<std::uint32_t> made;
    while (static_cast<std::int64_t>(made.size()) < columns) {
        const std::uint64_t both = row.next();
        made.push_back(static_cast<std::uint32_t>(both));
        made.push_back(static_cast<std::uint32_t>(both >> 32));
    }
    made.resize(static_cast<std::size_t>(columns));
    return made;
}

Projection projection(std::int64_t rows, std::int64_t begin, std::int64_t end, double density, std::uint64_t seed = 7) {
    Projection p;
    p.seed = seed;
    p.rows = rows;
    p.begin = begin;
    p.end = end;
    p.density = density;
    return p;
}

template <class S = float>
std::vector<S> made(const Projection& p, int threads = 1) {
    Control control(threads);
    Fenced<S> out(p.rows * (p.end - p.begin));
    project(p, out.data(), control);
    CHECK(out.whole());
    return out.values();
}

double mean_of(const std::vector<float>& x) {
    double sum = 0;
    for (const float value : x) sum += static_cast<double>(value);
    return sum / static_cast<double>(x.size());
}

// |count - n p| within five standard deviations of a binomial law.
void check_share(std::int64_t count, std::int64_t n, double p) {
    const double away = std::abs(static_cast<double>(count) - static_cast<double>(n) * p);
    CHECK(away <= 5 * std::sqrt(static_cast<double>(n) * p * (1 - p)) + 1e-9);
}

}  // namespace

TEST(the_generator_is_the_published_one) {
    SplitMix random{1234567};
    for (const std::uint64_t expected : {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                         4593380528125082431u, 16408922859458223821u})
        CHECK_EQ(random.next(), expected);
}

TEST(entries_are_those_of_the_generator) {
    const std::vector<std::uint64_t> ids{5, 0, ~std::uint64_t{0}, std::uint64_t{1} << 63, 5};
    const std::vector<float> factors{1, -2, 0.5F, 0, 3};
    for (const double density : {1.0, 0.5, 1.0 / 3, 0.01, 1e-9})
        for (const std::int64_t begin : {0, 1, 6, 7})
            for (const int way : {0, 1, 2, 3})
                for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{42}, ~std::uint64_t{0}}) {
                    Projection p = projection(5, begin, 41, density, seed);
                    p.first = ~std::uint64_t{1};  // goes around
                    if (way & 1) p.ids = ids.data();
                    if (way & 2) p.rows_scale = factors.data();
                    p.scale = 1.75F;
                    const auto limit = static_cast<double>(2 * std::llround(density * std::ldexp(1.0, 31)));
                    std::vector<float> expected;
                    for (std::size_t r = 0; r < 5; ++r) {
                        const auto bits = bits_of_row(seed, p.ids ? ids[r] : p.first + r, 41);
                        const float scale = p.rows_scale ? p.scale * factors[r] : p.scale;
                        for (std::int64_t j = begin; j < 41; ++j) {
                            const double x = bits[static_cast<std::size_t>(j)];
                            expected.push_back(x >= limit ? 0.0F : x < limit / 2 ? scale : -scale);
                        }
                    }
                    CHECK(made(p) == expected);
                    const auto halves = made<std::uint16_t>(p);
                    for (std::size_t i = 0; i < halves.size(); ++i) CHECK_EQ(halves[i], to_bfloat16(expected[i]));
                }
}

TEST(normal_variates_are_quantiles_of_the_bits) {
    Projection p = projection(400, 0, 64, 0);
    const auto x = made(p);
    for (std::int64_t r = 0; r < 400; ++r) {
        const auto bits = bits_of_row(7, static_cast<std::uint64_t>(r), 64);
        for (std::int64_t j = 0; j < 64; ++j) {
            const long double u = (static_cast<long double>(bits[static_cast<std::size_t>(j)]) + 0.5L) / 4294967296.0L;
            const long double value = x[static_cast<std::size_t>(r * 64 + j)];
            // the probability below the value, and what a rounding of the value moves it by
            const long double below = 0.5L * std::erfc(-value / std::sqrt(2.0L));
            const long double slope = std::exp(-value * value / 2) / std::sqrt(2 * std::acos(-1.0L));
            CHECK(std::abs(below - u) <= slope * std::abs(value) * 7e-8L + 1e-14L);
        }
    }
    p.scale = 3;
    const auto scaled = made(p);
    for (std::size_t i = 0; i < x.size(); ++i) CHECK_EQ(scaled[i], 3 * x[i]);
}

TEST(shares_of_entries_and_signs_follow_their_laws) {
    const std::int64_t rows = 4000, columns = 50, n = rows * columns;
    for (const double density : {1.0, 0.5, 1.0 / 3, 0.03, 0.001}) {
        const auto x = made(projection(rows, 0, columns, density, 11));
        const auto positive = std::count(x.begin(), x.end(), 1.0F), negative = std::count(x.begin(), x.end(), -1.0F);
        check_share(positive + negative, n, density);
        check_share(positive, positive + negative, 0.5);
        CHECK_EQ(positive + negative + std::count(x.begin(), x.end(), 0.0F), n);
        for (std::int64_t j = 0; j < columns; ++j) {  // no column is favoured
            std::int64_t here = 0;
            for (std::int64_t r = 0; r < rows; ++r) here += x[static_cast<std::size_t>(r * columns + j)] != 0;
            check_share(here, rows, density);
        }
    }
}

TEST(normal_variates_follow_the_normal_law) {
    auto x = made(projection(4000, 0, 50, 0, 12));
    const auto n = static_cast<double>(x.size());
    double moments[5] = {};
    for (const float value : x)
        for (int k = 1; k < 5; ++k) moments[k] += std::pow(static_cast<double>(value), k) / n;
    CHECK(std::abs(moments[1]) <= 5 / std::sqrt(n));
    CHECK(std::abs(moments[2] - 1) <= 5 * std::sqrt(2 / n));
    CHECK(std::abs(moments[3]) <= 5 * std::sqrt(15 / n));
    CHECK(std::abs(moments[4] - 3) <= 5 * std::sqrt(96 / n));
    std::sort(x.begin(), x.end());
    double farthest = 0;  // Kolmogorov and Smirnov
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double below = 0.5 * std::erfc(-static_cast<double>(x[i]) / std::sqrt(2.0));
        farthest = std::max(
            {farthest, std::abs(below - static_cast<double>(i) / n), std::abs(below - static_cast<double>(i + 1) / n)});
    }
    CHECK(farthest * std::sqrt(n) <= 1.95);  // passed once in a thousand
}

TEST(rows_columns_seeds_and_ids_are_not_correlated) {
    const std::int64_t rows = 64, columns = 2048;
    const auto correlation = [&](const float* a, const float* b) {
        double sum = 0;
        for (std::int64_t j = 0; j < columns; ++j) sum += static_cast<double>(a[j]) * static_cast<double>(b[j]);
        return sum / std::sqrt(static_cast<double>(columns));  // a standard normal variate where they are independent
    };
    for (const double density : {1.0, 0.0}) {
        const auto x = made(projection(rows, 0, columns, density, 1)),
                   next = made(projection(rows, 0, columns, density, 2));
        double largest = 0;
        for (std::int64_t a = 0; a < rows; ++a)
            for (std::int64_t b = 0; b < rows; ++b) {
                if (a != b) largest = std::max(largest, std::abs(correlation(&x[a * columns], &x[b * columns])));
                largest = std::max(largest, std::abs(correlation(&x[a * columns], &next[b * columns])));
            }
        CHECK(largest <= 5.2);  // of 8,000
        // neighbouring columns, which share one number of the generator, and those that do not
        for (const std::int64_t shift : {1, 2, 3}) {
            double sum = 0;
            for (std::size_t i = 0; i + static_cast<std::size_t>(shift) < x.size(); ++i)
                sum += static_cast<double>(x[i]) * static_cast<double>(x[i + static_cast<std::size_t>(shift)]);
            CHECK(std::abs(sum) <= 5 * std::sqrt(static_cast<double>(x.size())));
        }
    }
}

TEST(a_row_depends_on_its_id_and_nothing_else) {
    const std::int64_t rows = 2100, columns = 33;  // more than two tasks
    const Projection whole = projection(rows, 0, columns, 0.4);
    const auto x = made(whole);
    for (const int threads : {2, 5}) CHECK(made(whole, threads) == x);
    std::vector<std::uint64_t> ids;
    for (std::int64_t r = 0; r < rows; ++r) ids.push_back(static_cast<std::uint64_t>(rows - 1 - r));
    Projection turned = whole;
    turned.ids = ids.data();
    const auto y = made(turned, 3);
    for (std::int64_t r = 0; r < rows; ++r)
        CHECK(std::equal(x.begin() + r * columns, x.begin() + (r + 1) * columns, y.begin() + (rows - 1 - r) * columns));
    for (const std::int64_t begin : {0, 1, 5, 32, 33})
        for (const std::int64_t end : {begin, (begin + 33) / 2, std::int64_t{33}}) {
            Projection tile = whole;
            tile.begin = begin, tile.end = end, tile.first = 1000, tile.rows = 40;
            const auto part = made(tile);
            for (std::int64_t r = 0; r < 40; ++r)
                CHECK(std::equal(part.begin() + r * (end - begin), part.begin() + (r + 1) * (end - begin),
                                 x.begin() + (1000 + r) * columns + begin));
        }
}

TEST(sparse_rows_are_the_entries_of_the_dense_ones) {
    std::vector<float> factors;
    for (int r = 0; r < 2050; ++r)
        factors.push_back(r % 3 ? static_cast<float>(r % 7) - 3 : 1.5F);  // some of them zero
    for (const double density : {1.0, 0.3, 0.02, 1e-4, 1e-10})
        for (const std::int64_t rows : {0, 1, 1023, 1024, 1025, 2050})
            for (const auto& [begin, end] :
                 {std::pair<std::int64_t, std::int64_t>{0, 24}, {1, 24}, {3, 4}, {4, 5}, {6, 6}, {7, 30}}) {
                Projection p = projection(rows, begin, end, density, 21);
                p.rows_scale = rows % 2 ? factors.data() : nullptr;
                const auto dense = made(p);
                at_every_level([&](Simd) {
                    Control control(rows > 1000 ? 3 : 1);
                    const SparseRows sparse = project_sparse(p, control);
                    CHECK_EQ(sparse.indptr.size(), static_cast<std::size_t>(rows + 1));
                    CHECK_EQ(sparse.indptr[0], 0);
                    std::vector<float> filled(dense.size(), 0.0F);
                    for (std::int64_t r = 0; r < rows; ++r) {
                        std::int64_t before = -1;
                        for (std::int64_t i = sparse.indptr[static_cast<std::size_t>(r)];
                             i < sparse.indptr[static_cast<std::size_t>(r) + 1]; ++i) {
                            const std::int64_t j = sparse.columns[static_cast<std::size_t>(i)];
                            CHECK(j > before && j < end - begin);
                            before = j;
                            const float value = sparse.values[static_cast<std::size_t>(i)];
                            CHECK(value != 0);
                            filled[static_cast<std::size_t>(r * (end - begin) + j)] = value;
                        }
                    }
                    CHECK(filled == dense);
                    CHECK_EQ(sparse.values.size(),
                             static_cast<std::size_t>(sparse.indptr[static_cast<std::size_t>(rows)]));
                    CHECK_EQ(sparse.columns.size(), sparse.values.size());
                });
            }
}

TEST(a_projection_keeps_lengths_in_the_mean) {
    // Johnson and Lindenstrauss: |R' x|^2 / columns has the mean |x|^2 where entries have the variance 1
    const std::int64_t rows = 300, columns = 512;
    for (const double density : {1.0, 1.0 / 3, 0.0}) {
        Projection p = projection(rows, 0, columns, density, 5);
        p.scale = density > 0 ? static_cast<float>(1 / std::sqrt(density)) : 1.0F;
        const auto r = made(p);
        for (unsigned seed = 0; seed < 6; ++seed) {
            const auto x = normals<double>(rows, seed);
            double length = 0, image = 0;
            for (const double value : x) length += value * value;
            for (std::int64_t j = 0; j < columns; ++j) {
                double sum = 0;
                for (std::int64_t u = 0; u < rows; ++u)
                    sum += x[static_cast<std::size_t>(u)] *
                           static_cast<double>(r[static_cast<std::size_t>(u * columns + j)]);
                image += sum * sum / static_cast<double>(columns);
            }
            CHECK(std::abs(image / length - 1) <= 5 * std::sqrt(2.0 / static_cast<double>(columns)));
        }
        CHECK(std::abs(mean_of(r)) <= 5 / std::sqrt(static_cast<double>(rows * columns)));
    }
}

TEST(projecting_stops_in_the_middle) {
    const Projection p = projection(9000, 0, 4, 0.5);
    std::vector<float> out(9000 * 4, 9.0F);
    check_stops([&](Control& control) { project(p, out.data(), control); }, 6);
    CHECK(out.front() != 9.0F && out.back() == 9.0F);
    check_stops([&](Control& control) { project_sparse(p, control); }, 4);
}
