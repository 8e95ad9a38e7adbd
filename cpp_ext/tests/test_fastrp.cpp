#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

#include "draws.hpp"
#include "every_level.hpp"
#include "graphx/bfloat16.hpp"
#include "graphx/fastrp.hpp"
#include "stopping.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

struct Entries {
    std::vector<std::int64_t> indptr{0};
    std::vector<std::int32_t> indices;
    std::vector<double> weights;
};

// Rows of all sizes, from none to more than the kernel looks ahead.
Entries random_entries(std::int64_t rows, std::int64_t sources, unsigned seed) {
    std::mt19937 random(seed);
    Entries made;
    for (std::int64_t u = 0; u < rows; ++u) {
        const auto degree = u % 7 == 0 ? 0 : u % 31 == 1 ? 200 : static_cast<int>(random() % 12);
        for (int i = 0; i < degree; ++i) {
            made.indices.push_back(static_cast<std::int32_t>(random() % static_cast<unsigned>(sources)));
            made.weights.push_back(1 + static_cast<double>(random() % 8) / 4);
        }
        made.indptr.push_back(static_cast<std::int64_t>(made.indices.size()));
    }
    return made;
}

template <class S>
std::vector<S> random_state(std::int64_t rows, std::int64_t columns, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<S> made(static_cast<std::size_t>(rows * columns));
    for (S& x : made) x = stored<S>(static_cast<float>(random() % 1001) / 500 - 1);
    return made;
}

template <class S>
Hop<S> hop_of(const Entries& e, std::int64_t columns, const S* source) {
    Hop<S> h;
    h.rows = static_cast<std::int64_t>(e.indptr.size()) - 1;
    h.indptr = e.indptr.data();
    h.indices = e.indices.data();
    h.columns = columns;
    h.source = source;
    return h;
}

// Every row in double, the plain way.
template <class S>
std::vector<double> averages(const Hop<S>& h) {
    std::vector<double> made(static_cast<std::size_t>(h.rows * h.columns), 0.0);
    for (std::int64_t u = 0; u < h.rows; ++u) {
        double degree = 0;
        for (std::int64_t s = h.indptr[u]; s < h.indptr[u + 1]; ++s) degree += h.weights && !h.by_count ? h.weights[s] : 1;
        for (std::int64_t s = h.indptr[u]; s < h.indptr[u + 1]; ++s)
            for (std::int64_t j = 0; j < h.columns; ++j)
                made[static_cast<std::size_t>(u * h.columns + j)] +=
                    (h.weights ? h.weights[s] : 1) / degree *
                    static_cast<double>(widened(h.source[h.indices[s] * h.columns + j]));
    }
    return made;
}

template <class S>
void near(const std::vector<S>& made, const std::vector<double>& expected, double tolerance) {
    CHECK_EQ(made.size(), expected.size());
    for (std::size_t i = 0; i < made.size(); ++i)
        CHECK(std::abs(static_cast<double>(widened(made[i])) - expected[i]) <= tolerance * (1 + std::abs(expected[i])));
}

template <class S>
void hops_equal_the_plain_way(double tolerance) {
    const std::int64_t rows = 300, sources = 300;
    const Entries e = random_entries(rows, sources, 1);
    for (const std::int64_t columns : {1, 3, 16, 33, 64, 128, 150}) {
        const auto source = random_state<S>(sources, columns, 2);
        for (const int kind : {0, 1, 2}) {  // ones, weights, weights by count
            Hop<S> h = hop_of(e, columns, source.data());
            if (kind) h.weights = e.weights.data();
            h.by_count = kind == 2;
            std::vector<S> one(static_cast<std::size_t>(rows * columns)), many(one.size());
            h.target = one.data();
            Control single(1), several(3);
            hop(h, single);
            near(one, averages(h), tolerance);
            for (const char* level : {"plain", "avx2", "avx512"}) {
                setenv("GRAPHX_SIMD", level, 1);
                h.target = many.data();
                hop(h, several);
                CHECK(one == many);
            }
            unsetenv("GRAPHX_SIMD");
        }
    }
}

}  // namespace

TEST(hop_by_hand) {
    // 0 takes the mean of 1 and 2, 1 takes 0, 2 nothing; then lengths: 5, 5, 0
    Entries e;
    e.indptr = {0, 2, 3, 3};
    e.indices = {1, 2, 0};
    const std::vector<float> source{3, 4, 6, 0, 0, 8};
    std::vector<float> target(6, -1.0F), out(6, 1.0F);
    Hop<float> h = hop_of(e, 2, source.data());
    h.target = target.data();
    h.out = out.data();
    h.accumulate = true;
    h.own_weight = 2;
    h.new_weight = 10;
    Control control(2);
    hop(h, control);
    CHECK(target == (std::vector<float>{3, 4, 3, 4, 0, 0}));
    // 1 + 2 * (3, 4) / 5 + 10 * (3, 4) / 5;  1 + 2 * (1, 0) + 10 * (3, 4) / 5;  1 + 2 * (0, 1)
    const float expected[] = {8.2F, 10.6F, 9, 9, 1, 3};
    for (int i = 0; i < 6; ++i) CHECK(std::abs(out[static_cast<std::size_t>(i)] - expected[i]) < 1e-5F);
}

TEST(float_hops_equal_the_plain_way) { hops_equal_the_plain_way<float>(1e-5); }
TEST(bfloat16_hops_equal_the_plain_way) { hops_equal_the_plain_way<std::uint16_t>(5e-3); }

TEST(sparse_start_equals_dense_one) {
    const std::int64_t rows = 500, columns = 70;
    const Entries e = random_entries(rows, rows, 3);
    Projection p;
    p.seed = 4;
    p.rows = rows;
    p.end = columns;
    p.density = 0.02;
    p.scale = 1.5F;
    Control several(3);
    std::vector<float> dense(static_cast<std::size_t>(rows * columns));
    project(p, dense.data(), several);
    const SparseRows sparse = project_sparse(p, several);
    for (std::int64_t u = 0, i = 0; u < rows; ++u)
        for (std::int64_t j = 0; j < columns; ++j) {
            const float x = dense[static_cast<std::size_t>(u * columns + j)];
            if (x == 0) continue;
            CHECK(i < sparse.indptr[static_cast<std::size_t>(u) + 1]);
            CHECK_EQ(sparse.columns[static_cast<std::size_t>(i)], static_cast<std::int32_t>(j));
            CHECK_EQ(sparse.values[static_cast<std::size_t>(i++)], x);
        }
    for (const bool weighted : {false, true}) {
        std::vector<float> one(dense.size()), other(dense.size()), out(dense.size()), out_other(dense.size());
        Hop<float> h = hop_of(e, columns, dense.data());
        if (weighted) h.weights = e.weights.data();
        h.own_weight = 0.5F;
        h.new_weight = 1;
        h.target = one.data();
        h.out = out.data();
        hop(h, several);
        h.source = nullptr;
        h.sparse_indptr = sparse.indptr.data();
        h.sparse_columns = sparse.columns.data();
        h.sparse_values = sparse.values.data();
        h.sparse_rows = rows;
        h.target = other.data();
        h.out = out_other.data();
        hop(h, several);
        CHECK(one == other);
        CHECK(out == out_other);
    }
}

TEST(blocks_of_rows_and_tiles_of_columns_have_the_same_bits) {
    const std::int64_t rows = 200, columns = 64;
    const Entries e = random_entries(rows, rows, 5);
    const auto source = random_state<float>(rows, columns, 6);
    std::vector<float> whole(source.size()), cut(source.size());
    Control control(2);
    Hop<float> h = hop_of(e, columns, source.data());
    h.target = whole.data();
    hop(h, control);
    h.rows = 77;
    h.target = cut.data();
    hop(h, control);
    h.rows = rows - 77;
    h.indptr = e.indptr.data() + 77;
    h.target = cut.data() + 77 * columns;
    hop(h, control);
    CHECK(whole == cut);
    std::vector<double> squares(static_cast<std::size_t>(rows * 4));
    group_squares(source.data(), rows, columns, squares.data(), control);
    std::vector<float> unit(source.size(), 3.0F);
    accumulate(source.data(), rows, columns, 2.0F, true, false, unit.data(), control);
    for (std::int64_t u = 0; u < rows; ++u) {
        double sum = 0;
        for (int g = 0; g < 4; ++g) sum += squares[static_cast<std::size_t>(u * 4 + g)];
        const auto factor = static_cast<float>(2.0 / std::sqrt(sum));
        for (std::int64_t j = 0; j < columns; ++j) {
            const auto at = static_cast<std::size_t>(u * columns + j);
            CHECK_EQ(unit[at], factor * source[at]);
        }
    }
}

TEST(a_hop_stops_when_asked) {
    const Entries e = random_entries(3000, 3000, 8);
    const auto source = random_state<float>(3000, 16, 9);
    std::vector<float> target(source.size());
    Hop<float> h = hop_of(e, 16, source.data());
    h.target = target.data();
    Control control(2);
    control.request_stop();
    CHECK_THROWS(Cancelled, hop(h, control));
}

namespace {

// What a hop adds to the output, from the target it made: own and new rows at their lengths, in long double.
template <class S>
std::vector<long double> output_of(const Hop<S>& h, const std::vector<float>& before, const std::vector<S>& source,
                                   const std::vector<S>& target) {
    std::vector<long double> made;
    const auto factor_of = [&](const std::vector<S>& x, std::int64_t row, float weight) -> long double {
        long double square = 0;
        for (std::int64_t k = 0; k < h.columns; ++k) {
            const long double value = widened(x[static_cast<std::size_t>(row * h.columns + k)]);
            square += value * value;
        }
        return !h.normalize ? weight : square > 0 ? weight / std::sqrt(square) : 0.0L;
    };
    for (std::int64_t u = 0; u < h.rows; ++u) {
        const long double own = factor_of(source, h.own_row + u, h.own_weight),
                          more = factor_of(target, u, h.new_weight);
        for (std::int64_t j = 0; j < h.columns; ++j) {
            const auto at = static_cast<std::size_t>(u * h.columns + j);
            made.push_back((h.accumulate ? before[at] : 0.0F) + more * widened(target[at]) +
                           own * widened(source[static_cast<std::size_t>((h.own_row + u) * h.columns + j)]));
        }
    }
    return made;
}

template <class S>
void check_every_way(std::int64_t columns) {
    const std::int64_t rows = 60, sources = 75;
    const Entries e = random_entries(rows, sources, static_cast<unsigned>(columns));
    const auto source = random_state<S>(sources, columns, 2);
    const auto before = normals<float>(rows * columns, 3);
    Hop<S> h = hop_of(e, columns, source.data());
    h.own_row = 11;
    std::vector<S> alone(static_cast<std::size_t>(rows * columns));
    Control control(1);
    h.target = alone.data();
    hop(h, control);  // the target and nothing else: bfloat16 is packed on its way out of the registers
    for (int way = 0; way < 16; ++way) {
        h.own_weight = way & 1 ? 0.75F : 0.0F;
        h.new_weight = way & 2 ? -2.0F : 0.0F;
        h.accumulate = way & 4;
        h.normalize = way & 8;
        const auto expected = output_of(h, before, source, alone);
        at_every_level([&](Simd) {
            for (const bool keep : {true, false}) {
                Fenced<S> target(rows * columns, S{3});
                Fenced<float> out(rows * columns);
                std::copy(before.begin(), before.end(), out.data());
                h.target = keep ? target.data() : nullptr;
                h.out = out.data();
                hop(h, control);
                CHECK(target.whole() && out.whole());
                CHECK(target.values() == (keep ? alone : std::vector<S>(alone.size(), S{3})));
                CHECK_NEAR(out.values(), expected, 1e-6L);
            }
        });
    }
}

}  // namespace

TEST(hops_with_outputs_of_every_kind_and_width) {
    for (const std::int64_t columns : widths()) {
        check_every_way<float>(columns);
        check_every_way<std::uint16_t>(columns);
    }
}

TEST(hops_of_every_width_equal_the_plain_way) {
    const std::int64_t rows = 64, sources = 90;
    const Entries e = random_entries(rows, sources, 1);
    std::vector<std::int64_t> columns = widths();
    columns.insert(columns.end(), {144, 255, 256, 257, 300});
    for (const std::int64_t width : columns) {
        const auto source = random_state<float>(sources, width, 2);
        const auto halves = random_state<std::uint16_t>(sources, width, 2);
        at_every_level([&](Simd) {
            for (const int kind : {0, 1, 2}) {
                Control control(2);
                Fenced<float> wide(rows * width);
                Fenced<std::uint16_t> narrow(rows * width);
                Hop<float> h = hop_of(e, width, source.data());
                Hop<std::uint16_t> g = hop_of(e, width, halves.data());
                h.weights = g.weights = kind ? e.weights.data() : nullptr;
                h.by_count = g.by_count = kind == 2;
                h.target = wide.data();
                g.target = narrow.data();
                hop(h, control);
                hop(g, control);
                CHECK(wide.whole() && narrow.whole());
                near(wide.values(), averages(h), 2e-6);
                near(narrow.values(), averages(g), 4e-3);
            }
        });
    }
}

TEST(weights_that_cancel_or_have_a_common_factor) {
    Entries e;
    e.indptr = {0, 2, 4, 6};
    e.indices = {0, 1, 0, 1, 0, 1};
    e.weights = {1, -1, 3, -4, 2, 6};  // sums 0, -1, 8
    const std::vector<float> source{1, 2, 10, 20};
    std::vector<float> target(6);
    Hop<float> h = hop_of(e, 2, source.data());
    h.weights = e.weights.data();
    h.target = target.data();
    Control control(1);
    hop(h, control);
    CHECK(target == (std::vector<float>{0, 0, 0, 0, 7.75F, 15.5F}));  // no mean without a positive sum
    h.by_count = true;
    h.weights_scale = 0.5;
    hop(h, control);
    CHECK(target == (std::vector<float>{-2.25F, -4.5F, -9.25F, -18.5F, 15.5F, 31}));
}

TEST(means_stay_where_weights_are_scaled) {
    const Entries e = random_entries(100, 100, 4);
    const auto source = random_state<float>(100, 20, 5);
    std::vector<float> one(2000), other(2000);
    std::vector<double> doubled(e.weights);
    for (double& w : doubled) w *= 1024;
    Control control(2);
    Hop<float> h = hop_of(e, 20, source.data());
    h.weights = e.weights.data();
    h.target = one.data();
    hop(h, control);
    h.weights = doubled.data();
    h.target = other.data();
    hop(h, control);
    CHECK(one == other);
}

TEST(constant_states_stay_constant) {
    const Entries e = random_entries(100, 100, 4);
    const std::vector<float> source(100 * 33, 0.75F);
    std::vector<float> target(source.size());
    Hop<float> h = hop_of(e, 33, source.data());
    h.weights = e.weights.data();
    h.target = target.data();
    Control control(1);
    hop(h, control);
    for (std::size_t u = 0; u < 100; ++u)
        for (std::size_t j = 0; j < 33; ++j)
            CHECK(std::abs(target[u * 33 + j] - (e.indptr[u] == e.indptr[u + 1] ? 0.0F : 0.75F)) <= 1e-6F);
}

namespace {

template <class S>
void check_sparse_start(std::int64_t columns, double density) {
    const std::int64_t rows = 150;
    const Entries e = random_entries(rows, rows, 6);
    Projection p;
    p.seed = 9, p.rows = rows, p.end = columns, p.density = density, p.scale = 0.7F;
    Control control(2);
    std::vector<S> dense(static_cast<std::size_t>(rows * columns));
    project(p, dense.data(), control);
    p.scale = widened(stored<S>(p.scale));  // as the dense start keeps it
    const SparseRows sparse = project_sparse(p, control);
    for (const bool weighted : {false, true}) {
        Hop<S> h = hop_of(e, columns, dense.data());
        if (weighted) h.weights = e.weights.data();
        h.own_weight = 0.5F, h.new_weight = 1;
        std::vector<S> target(dense.size()), other(dense.size());
        std::vector<float> out(dense.size()), out_other(dense.size());
        h.target = target.data(), h.out = out.data();
        hop(h, control);
        h.source = nullptr;
        h.sparse_indptr = sparse.indptr.data();
        h.sparse_columns = sparse.columns.data();
        h.sparse_values = sparse.values.data();
        h.sparse_rows = rows;
        h.target = other.data(), h.out = out_other.data();
        at_every_level([&](Simd) {
            hop(h, control);
            CHECK(target == other);
            CHECK(out == out_other);
        });
    }
}

}  // namespace

TEST(sparse_starts_of_every_width_equal_dense_ones) {
    for (const std::int64_t columns : widths()) {
        check_sparse_start<float>(columns, 0.05);
        check_sparse_start<std::uint16_t>(columns, 0.3);
    }
}

TEST(rows_are_added_by_length_or_by_factors) {
    for (const std::int64_t columns : widths())
        for (const std::int64_t rows : {3, 1025}) {
            if (rows > 3 && columns % 8) continue;
            auto x = normals<float>(rows * columns, 1);
            std::fill(x.begin(), x.begin() + columns, 0.0F);  // a row without a length
            std::vector<std::uint16_t> halves;
            for (const float value : x) halves.push_back(to_bfloat16(value));
            const auto factors = normals<float>(rows, 2), before = normals<float>(rows * columns, 3);
            at_every_level([&](Simd) {
                for (int way = 0; way < 8; ++way) {
                    const bool add = way & 1, normalize = way & 2, narrow = way & 4;
                    Control control(2);
                    Fenced<float> out(rows * columns), scaled(rows * columns);
                    std::copy(before.begin(), before.end(), out.data());
                    std::copy(before.begin(), before.end(), scaled.data());
                    if (narrow) {
                        accumulate(halves.data(), rows, columns, -1.5F, normalize, add, out.data(), control);
                        accumulate_scaled(halves.data(), rows, columns, factors.data(), add, scaled.data(), control);
                    } else {
                        accumulate(x.data(), rows, columns, -1.5F, normalize, add, out.data(), control);
                        accumulate_scaled(x.data(), rows, columns, factors.data(), add, scaled.data(), control);
                    }
                    CHECK(out.whole() && scaled.whole());
                    for (std::int64_t u = 0; u < rows; ++u) {
                        long double square = 0;
                        const auto at = [&](std::int64_t j) { return static_cast<std::size_t>(u * columns + j); };
                        const auto value = [&](std::int64_t j) { return narrow ? widened(halves[at(j)]) : x[at(j)]; };
                        for (std::int64_t j = 0; j < columns; ++j)
                            square += static_cast<long double>(value(j)) * value(j);
                        const long double factor = !normalize ? -1.5L : square > 0 ? -1.5L / std::sqrt(square) : 0;
                        for (std::int64_t j = 0; j < columns; ++j) {
                            const float base = add ? before[at(j)] : 0.0F;
                            CHECK(std::abs(out[static_cast<std::int64_t>(at(j))] - (base + factor * value(j))) <=
                                  1e-6L);
                            CHECK_EQ(scaled[static_cast<std::int64_t>(at(j))],
                                     base + factors[static_cast<std::size_t>(u)] * value(j));
                        }
                    }
                }
            });
        }
}

TEST(squares_by_group_are_those_of_the_numbers) {
    for (const std::int64_t columns : widths(0)) {
        const std::int64_t rows = 5, groups = (columns + 15) / 16;
        const auto x = normals<float>(rows * columns, 8, 100);
        Control control(2);
        Fenced<double> made(rows * groups);
        group_squares(x.data(), rows, columns, made.data(), control);
        CHECK(made.whole());
        for (std::int64_t u = 0; u < rows; ++u)
            for (std::int64_t g = 0; g < groups; ++g) {
                long double sum = 0;
                for (std::int64_t j = 16 * g; j < std::min(columns, 16 * g + 16); ++j)
                    sum += static_cast<long double>(x[static_cast<std::size_t>(u * columns + j)]) *
                           x[static_cast<std::size_t>(u * columns + j)];
                CHECK(std::abs(made[u * groups + g] - sum) <= 1e-15L * sum);
            }
    }
}

TEST(hops_and_sums_of_rows_stop_in_the_middle) {
    const Entries e = random_entries(5000, 5000, 8);
    const auto source = random_state<float>(5000, 4, 9);
    std::vector<float> target(source.size(), 9.0F), out(source.size(), 9.0F);
    Hop<float> h = hop_of(e, 4, source.data());
    h.target = target.data();
    check_stops([&](Control& control) { hop(h, control); }, 5);
    CHECK(target.front() != 9.0F && target.back() == 9.0F);
    check_stops([&](Control& control) { accumulate(source.data(), 5000, 4, 1.0F, true, false, out.data(), control); },
                4);
    CHECK(out.front() != 9.0F && out.back() == 9.0F);
}
