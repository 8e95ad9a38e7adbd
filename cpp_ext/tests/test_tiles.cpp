#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

#include "graphs.hpp"
#include "graphx/bfloat16.hpp"
#include "graphx/tiles.hpp"
#include "test.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

struct Path {  // 0 - 1 - 2, and node 3 alone
    std::vector<std::int64_t> indptr{0, 1, 3, 4, 4};
    std::vector<std::int32_t> indices{1, 0, 2, 1};
    std::vector<float> values{2, 3, 5, 7};
    std::vector<float> diagonal{1, 10, 100, 1000};
};

}  // namespace

TEST(tile_product_by_hand) {
    const Path p;
    const std::vector<float> x{1, 2, 3, 4, 5, 6, 7, 8};  // [4, 2]
    const std::vector<float> scale{1, 0.5F, 1, 2};
    std::vector<float> out(8, 1.0F);
    std::vector<double> squares(4);
    TileProduct product;
    product.num_nodes = 4;
    product.width = 2;
    product.terms = {{p.indptr.data(), p.indices.data(), p.values.data(), x.data()},
                     {nullptr, nullptr, p.diagonal.data(), x.data()}};
    product.out = out.data();
    product.accumulate = true;
    product.row_scale = scale.data();
    product.squares = squares.data();
    Control control(2);
    multiply_tile(product, control);
    // row 0: 1 + 2 * (3, 4) + (1, 2); row 1: half of 1 + 3 * (1, 2) + 5 * (5, 6) + 10 * (3, 4); row 3: 2 (1 + 1000 x)
    CHECK_EQ(out[0], 8.0F);
    CHECK_EQ(out[1], 11.0F);
    CHECK_EQ(out[2], 29.5F);
    CHECK_EQ(out[3], 38.5F);
    CHECK_EQ(out[6], 14002.0F);
    CHECK_EQ(squares[0], 64.0 + 121.0);
}

TEST(tiles_of_a_sparse_start_equal_dense_ones) {
    const std::int64_t n = 700, width = 20, tiles = 2;
    std::mt19937 random(1);
    std::vector<std::int64_t> indptr{0}, starts{0};
    std::vector<std::int32_t> indices, columns;
    std::vector<float> values, entries, dense(static_cast<std::size_t>(tiles * n * width), 0.0F);
    for (std::int64_t u = 0; u < n; ++u) {
        for (std::int64_t v = 0; v < n; ++v)
            if (random() % 40 == 0) {
                indices.push_back(static_cast<std::int32_t>(v));
                values.push_back(static_cast<float>(random() % 9) - 4);
            }
        indptr.push_back(static_cast<std::int64_t>(indices.size()));
        for (std::int64_t c = 0; c < tiles * width; ++c)
            if (random() % 10 == 0) {
                columns.push_back(static_cast<std::int32_t>(c));
                entries.push_back(static_cast<float>(random() % 5) - 2);
                dense[static_cast<std::size_t>((c / width * n + u) * width + c % width)] = entries.back();
            }
        starts.push_back(static_cast<std::int64_t>(columns.size()));
    }
    std::vector<float> sparse(dense.size()), one(dense.size()), many(dense.size());
    std::vector<double> squares(static_cast<std::size_t>(tiles * n)), others(squares.size());
    TileProduct product;
    product.num_nodes = n;
    product.width = width;
    product.terms = {{indptr.data(), indices.data(), values.data(), nullptr}};
    product.out = sparse.data();
    product.squares = squares.data();
    Control several(3), single(1);
    multiply_projection(product, {starts.data(), columns.data(), entries.data()}, tiles, several);
    for (std::int64_t t = 0; t < tiles; ++t) {
        product.terms[0].x = dense.data() + t * n * width;
        product.out = one.data() + t * n * width;
        product.squares = others.data() + t * n;
        multiply_tile(product, single);
        product.out = many.data() + t * n * width;
        multiply_tile(product, several);
    }
    CHECK(sparse == one);
    CHECK(one == many);
    CHECK(squares == others);

    std::vector<float> target(static_cast<std::size_t>(n * 41), 7.0F);
    const std::vector<float> twice(static_cast<std::size_t>(n), 2.0F), once(static_cast<std::size_t>(n), 1.0F);
    Merge merge;
    merge.num_nodes = n;
    merge.width = width;
    merge.columns = 39;
    merge.states = {{one.data(), nullptr, twice.data()}, {many.data(), nullptr, once.data()}};
    merge.target = target.data() + 1;
    merge.stride = 41;
    merge_tiles(merge, several);
    CHECK_EQ(target[0], 7.0F);
    CHECK_EQ(target[40], 7.0F);
    CHECK_EQ(target[1], 3 * one[0]);
    CHECK_EQ(target[41 + 1 + 25], 3 * one[static_cast<std::size_t>((n + 1) * width + 5)]);
}

TEST(packed_rows_and_finished_rows_equal_the_others) {
    const std::int64_t n = 600, width = kPackedColumns;
    std::mt19937 random(3);
    std::vector<std::int64_t> indptr{0}, starts{0};
    std::vector<std::int32_t> indices, columns;
    std::vector<float> values, entries, scale, diagonal;
    for (std::int64_t u = 0; u < n; ++u) {
        const std::int64_t degree = u % 11 == 0 ? 0 : u % 50 == 1 ? 300 : static_cast<std::int64_t>(random() % 12);
        for (std::int64_t i = 0; i < degree; ++i) {
            indices.push_back(static_cast<std::int32_t>(random() % n));
            values.push_back(static_cast<float>(random() % 9) - 4);
        }
        indptr.push_back(static_cast<std::int64_t>(indices.size()));
        for (std::int64_t c = 0; c < width; ++c)
            if (random() % 60 == 0 || u == 7) {
                columns.push_back(static_cast<std::int32_t>(c));
                entries.push_back(static_cast<float>(random() % 5) - 2.5F);
            }
        starts.push_back(static_cast<std::int64_t>(columns.size()));
        scale.push_back(degree ? 1.0F / static_cast<float>(degree) : 0.0F);
        diagonal.push_back(static_cast<float>(random() % 3));
    }
    const SparseProjection r{starts.data(), columns.data(), entries.data()};
    std::vector<float> dense(static_cast<std::size_t>(n * width)), packed(static_cast<std::size_t>(n * kPackedStride));
    for (const char* level : {"plain", "avx2", "avx512"}) {
        setenv("GRAPHX_SIMD", level, 1);
        Control control(2);
        TileProduct product;
        product.num_nodes = n;
        product.width = width;
        product.terms = {{indptr.data(), indices.data(), values.data(), nullptr, false}};
        product.row_scale = scale.data();
        product.out = dense.data();
        multiply_projection(product, r, 1, control);
        product.packed = true;
        product.out = packed.data();
        multiply_projection(product, r, 1, control);
        product.packed = false;

        std::vector<float> whole(dense.size(), 1.0F), thin(dense.size(), 1.0F);
        std::vector<double> squares(static_cast<std::size_t>(n));
        product.accumulate = true;
        product.squares = squares.data();
        for (const bool thinly : {false, true}) {
            const float* x = thinly ? packed.data() : dense.data();
            product.terms = {{indptr.data(), indices.data(), nullptr, x, thinly},
                             {indptr.data(), indices.data(), values.data(), x, thinly},
                             {nullptr, nullptr, diagonal.data(), x, thinly}};
            product.out = thinly ? thin.data() : whole.data();
            multiply_tile(product, control);
        }
        CHECK(whole == thin);

        std::vector<float> target(static_cast<std::size_t>(n * 130), 2.0F), expected(target), factors;
        for (std::int64_t u = 0; u < n; ++u) factors.push_back(scale[static_cast<std::size_t>(u)] * 3);
        product.accumulate = false;
        product.out = whole.data();
        multiply_tile(product, control);
        std::vector<float> lengths;
        for (const double q : squares) lengths.push_back(q > 0 ? static_cast<float>(0.7 / std::sqrt(q)) : 0.0F);
        Merge merge;
        merge.num_nodes = n;
        merge.width = width;
        merge.columns = 125;
        merge.states = {{dense.data(), nullptr, factors.data()}, {whole.data(), nullptr, lengths.data()}};
        merge.target = expected.data() + 1;
        merge.stride = 130;
        merge.accumulate = true;
        merge_tiles(merge, control);
        Finish finish;
        finish.own = dense.data();
        finish.factors = factors.data();
        finish.target = target.data() + 1;
        finish.stride = 130;
        finish.columns = 125;
        finish.weight = 0.7;
        finish.accumulate = true;
        product.squares = nullptr;
        product.out = nullptr;
        product.finish = &finish;
        multiply_tile(product, control);
        CHECK(target == expected);

        std::fill(target.begin(), target.end(), 2.0F);
        finish.own = packed.data();
        finish.own_packed = true;
        multiply_tile(product, control);
        CHECK(target == expected);

        std::vector<float> rows(packed.size());
        product.finish = nullptr;
        product.packed = true;
        product.out = rows.data();
        multiply_tile(product, control);
        product.packed = false;
        const std::vector<float> ones(static_cast<std::size_t>(n), 1.0F);
        product.terms = {{nullptr, nullptr, ones.data(), rows.data(), true}};
        product.row_scale = nullptr;
        product.out = thin.data();
        multiply_tile(product, control);
        CHECK(thin == whole);
    }
    unsetenv("GRAPHX_SIMD");
}

namespace {

// Small integers, which bfloat16 holds: nothing is rounded, so both kinds of rows must give the same bits.
struct Halves {
    static constexpr std::int64_t n = 130;
    std::int64_t width;
    std::vector<std::int64_t> indptr{0};
    std::vector<std::int32_t> indices;
    std::vector<float> values, diagonal, scale, x;
    std::vector<std::uint16_t> half;

    explicit Halves(std::int64_t columns) : width(columns) {
        std::mt19937 random(static_cast<unsigned>(columns));
        for (std::int64_t u = 0; u < n; ++u) {
            const std::int64_t degree = u % 7 == 0 ? 0 : u == 5 ? 60 : static_cast<std::int64_t>(random() % 5);
            for (std::int64_t i = 0; i < degree; ++i) {
                indices.push_back(static_cast<std::int32_t>(random() % n));
                values.push_back(static_cast<float>(random() % 5) - 2);
            }
            indptr.push_back(static_cast<std::int64_t>(indices.size()));
            diagonal.push_back(static_cast<float>(random() % 3) - 1);
            scale.push_back(static_cast<float>(random() % 3));
        }
        for (std::int64_t i = 0; i < n * width; ++i) x.push_back(static_cast<float>(random() % 3) - 1);
        half = narrowed(x);
    }
    static std::vector<std::uint16_t> narrowed(const std::vector<float>& from) {
        std::vector<std::uint16_t> made;
        for (const float number : from) made.push_back(to_bfloat16(number));
        return made;
    }
    static std::vector<float> widened_all(const std::vector<std::uint16_t>& from) {
        std::vector<float> made;
        for (const std::uint16_t bits : from) made.push_back(widened(bits));
        return made;
    }
    TileProduct product(bool halves) const {
        TileProduct made;
        made.num_nodes = n;
        made.width = width;
        for (const float* numbers : {static_cast<const float*>(nullptr), values.data()})
            made.terms.push_back({indptr.data(), indices.data(), numbers, halves ? nullptr : x.data(), false,
                                  halves ? half.data() : nullptr});
        made.terms.push_back({nullptr, nullptr, diagonal.data(), halves ? nullptr : x.data(), false,
                              halves ? half.data() : nullptr});
        made.row_scale = scale.data();
        return made;
    }
};

}  // namespace

TEST(rows_of_bfloat16_equal_those_of_float_where_nothing_is_rounded) {
    for (const char* level : {"plain", "avx2", "avx512"}) {
        setenv("GRAPHX_SIMD", level, 1);
        for (const std::int64_t width : {1, 3, 8, 16, 31, 32, 33, 64, 100, 128, 144, 161}) {
            const Halves given(width);
            const auto size = static_cast<std::size_t>(given.n * width);
            for (const bool accumulate : {false, true}) {
                Control one(1), several(3);
                std::vector<float> expected(size, 3.0F);
                std::vector<double> squares(given.n), others(given.n);
                TileProduct product = given.product(false);
                product.accumulate = accumulate;
                product.out = expected.data();
                product.squares = squares.data();
                multiply_tile(product, one);

                std::vector<float> floats(size, 3.0F);
                product = given.product(true);  // bfloat16 in, float out
                product.accumulate = accumulate;
                product.out = floats.data();
                product.squares = others.data();
                multiply_tile(product, several);
                CHECK(floats == expected);
                CHECK(others == squares);

                std::vector<std::uint16_t> halves(size, to_bfloat16(3.0F));  // bfloat16 in and out
                product.out = nullptr;
                product.half = halves.data();
                multiply_tile(product, several);
                CHECK(Halves::widened_all(halves) == expected);
                CHECK(others == squares);

                product = given.product(false);  // float in, bfloat16 out
                product.accumulate = accumulate;
                product.half = halves.data();
                product.squares = others.data();
                std::fill(halves.begin(), halves.end(), to_bfloat16(3.0F));
                multiply_tile(product, one);
                CHECK(Halves::widened_all(halves) == expected);
                CHECK(others == squares);

                product.terms[1].x = nullptr;  // of both kinds
                product.terms[1].half = given.half.data();
                std::fill(halves.begin(), halves.end(), to_bfloat16(3.0F));
                multiply_tile(product, several);
                CHECK(Halves::widened_all(halves) == expected);
            }
        }
    }
    unsetenv("GRAPHX_SIMD");
}

TEST(rows_of_bfloat16_are_rounded_once_and_their_squares_are_of_what_is_kept) {
    for (const char* level : {"plain", "avx2", "avx512"}) {
        setenv("GRAPHX_SIMD", level, 1);
        for (const std::int64_t width : {5, 32, 128, 130}) {
            Halves given(width);
            for (float& factor : given.scale) factor = factor / 3 + 0.1F;  // now there is something to round
            const auto size = static_cast<std::size_t>(given.n * width);
            std::vector<float> exact(size);
            TileProduct product = given.product(false);
            product.out = exact.data();
            Control control(2);
            multiply_tile(product, control);
            std::vector<std::uint16_t> halves(size);
            std::vector<double> squares(given.n);
            product = given.product(true);
            product.half = halves.data();
            product.squares = squares.data();
            multiply_tile(product, control);
            CHECK(halves == Halves::narrowed(exact));
            for (std::int64_t u = 0; u < given.n; ++u) {
                double sum = 0;
                for (std::int64_t j = 0; j < width; ++j) {
                    const double number = widened(halves[static_cast<std::size_t>(u * width + j)]);
                    sum += number * number;
                }
                CHECK(std::abs(sum - squares[static_cast<std::size_t>(u)]) <= 1e-12 * sum);
            }
            if (width != kPackedColumns) continue;
            std::vector<float> packed(static_cast<std::size_t>(given.n * kPackedStride)), rows(size);
            product.half = nullptr;
            product.squares = nullptr;
            product.packed = product.rounded = true;
            product.out = packed.data();
            multiply_tile(product, control);
            const std::vector<float> ones(given.n, 1.0F);
            TileProduct again;
            again.num_nodes = given.n;
            again.width = width;
            again.terms = {{nullptr, nullptr, ones.data(), packed.data(), true}};
            again.out = rows.data();
            multiply_tile(again, control);
            CHECK(rows == Halves::widened_all(halves));
        }
    }
    unsetenv("GRAPHX_SIMD");
}

TEST(bfloat16_rows_are_finished_merged_and_projected_as_float_ones) {
    for (const char* level : {"plain", "avx2", "avx512"}) {
        setenv("GRAPHX_SIMD", level, 1);
        for (const std::int64_t width : {4, 20, 128}) {
            const Halves given(width);
            const auto n = given.n;
            Control control(2);
            std::vector<std::vector<float>> targets;
            for (const bool halves : {false, true}) {
                for (const bool accumulate : {false, true}) {
                    std::vector<float> target(static_cast<std::size_t>(n * (width + 3)), 2.0F);
                    Finish finish;
                    finish.own = halves ? nullptr : given.x.data();
                    finish.half = halves ? given.half.data() : nullptr;
                    finish.factors = given.diagonal.data();
                    finish.target = target.data() + 1;
                    finish.stride = width + 3;
                    finish.columns = width - 1;
                    finish.weight = 0.5;
                    finish.accumulate = accumulate;
                    TileProduct product = given.product(halves);
                    product.finish = &finish;
                    multiply_tile(product, control);
                    targets.push_back(target);
                }
                std::vector<float> merged(static_cast<std::size_t>(n * width), 1.0F);
                const MergeState state{halves ? nullptr : given.x.data(), halves ? given.half.data() : nullptr,
                                       given.scale.data()};
                for (const std::size_t count : {1, 2, 3}) {
                    Merge merge;
                    merge.num_nodes = n;
                    merge.width = merge.columns = merge.stride = width;
                    merge.states.assign(count, state);
                    merge.target = merged.data();
                    merge.accumulate = count != 2;
                    merge_tiles(merge, control);
                    targets.push_back(merged);
                }
                std::vector<std::int64_t> starts(static_cast<std::size_t>(n) + 1);
                std::vector<std::int32_t> columns;
                std::vector<float> entries;
                for (std::int64_t u = 0; u < n; ++u) {
                    if (u % 3 == 0) {
                        columns.push_back(static_cast<std::int32_t>(u % width));
                        entries.push_back(1);
                    }
                    starts[static_cast<std::size_t>(u) + 1] = static_cast<std::int64_t>(columns.size());
                }
                TileProduct product = given.product(false);
                std::vector<float> floats(static_cast<std::size_t>(n * width), 1.0F);
                std::vector<std::uint16_t> rounded(floats.size(), to_bfloat16(1.0F));
                std::vector<double> squares(static_cast<std::size_t>(n));
                product.accumulate = true;
                product.squares = squares.data();
                product.out = halves ? nullptr : floats.data();
                product.half = halves ? rounded.data() : nullptr;
                multiply_projection(product, {starts.data(), columns.data(), entries.data()}, 1, control);
                targets.push_back(halves ? Halves::widened_all(rounded) : floats);
                targets.emplace_back(squares.begin(), squares.end());
            }
            const std::size_t each = targets.size() / 2;
            for (std::size_t i = 0; i < each; ++i) CHECK(targets[i] == targets[i + each]);
        }
    }
    unsetenv("GRAPHX_SIMD");
}
