#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

#include "graphx/bfloat16.hpp"
#include "graphx/fastrp.hpp"
#include "test.hpp"

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

TEST(columns_are_standardised) {
    const std::int64_t rows = 2500, columns = 5;
    auto x = random_state<float>(rows, columns, 7);
    for (std::int64_t u = 0; u < rows; ++u) x[static_cast<std::size_t>(u * columns)] += 1000;
    std::vector<double> mean(5), variance(5), again(5), spread(5);
    Control single(1), several(3);
    column_moments(x.data(), rows, columns, mean.data(), variance.data(), single);
    column_moments(x.data(), rows, columns, again.data(), spread.data(), several);
    CHECK(mean == again);
    CHECK(variance == spread);
    std::vector<float> middle, factor;
    for (int j = 0; j < 5; ++j) {
        double sum = 0, squares = 0;
        for (std::int64_t u = 0; u < rows; ++u) sum += static_cast<double>(x[static_cast<std::size_t>(u * columns + j)]);
        for (std::int64_t u = 0; u < rows; ++u)
            squares += std::pow(static_cast<double>(x[static_cast<std::size_t>(u * columns + j)]) - sum / 2500, 2);
        CHECK(std::abs(mean[static_cast<std::size_t>(j)] - sum / 2500) < 1e-9);
        CHECK(std::abs(variance[static_cast<std::size_t>(j)] - squares / 2500) < 1e-9);
        middle.push_back(static_cast<float>(mean[static_cast<std::size_t>(j)]));
        factor.push_back(static_cast<float>(1 / std::sqrt(variance[static_cast<std::size_t>(j)])));
    }
    std::vector<float> wide(static_cast<std::size_t>(rows * 7), 9.0F);
    standardize(x.data(), rows, columns, middle.data(), factor.data(), wide.data() + 1, 7, several);
    standardize(x.data(), rows, columns, middle.data(), factor.data(), x.data(), columns, several);
    for (std::int64_t u = 0; u < rows; ++u) {
        CHECK_EQ(wide[static_cast<std::size_t>(u * 7)], 9.0F);
        for (int j = 0; j < 5; ++j)
            CHECK_EQ(wide[static_cast<std::size_t>(u * 7 + 1 + j)], x[static_cast<std::size_t>(u * columns + j)]);
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
