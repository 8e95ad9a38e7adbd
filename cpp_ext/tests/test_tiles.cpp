// Products over column tiles: one order of summing for every width of tile, every level and every number of threads.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

#include "graphx/tiles.hpp"
#include "levels.hpp"
#include "test.hpp"
#include "tile_reference.hpp"

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
    merge.states = {{one.data(), twice.data()}, {many.data(), once.data()}};
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
        merge.states = {{dense.data(), factors.data()}, {whole.data(), lengths.data()}};
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

// ---- every level and width against loops that add in the order that is promised ----

TEST(products_have_the_same_bits_at_every_level_and_width) {
    std::mt19937 random(5);
    for (const std::int64_t n : {1, 255, 257}) {  // blocks of 256 rows
        const Sparse a = random_rows(n, n, 9, random), b = random_rows(n, n, 4, random);
        const std::vector<float> diagonal = random_floats(n, random), scale = random_floats(n, random);
        for (const std::int64_t width : {1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 127, 128, 130, 161}) {
            const std::vector<float> x = random_floats(n * width, random), y = random_floats(n * width, random),
                                     before = random_floats(n * width, random);
            for (const bool accumulate : {false, true}) {
                std::vector<float> expected = before;
                TileProduct product;
                product.num_nodes = n;
                product.width = width;
                product.terms = {{a.indptr.data(), a.indices.data(), a.values.data(), x.data()},
                                 {nullptr, nullptr, diagonal.data(), y.data()},
                                 {b.indptr.data(), b.indices.data(), nullptr, y.data()}};
                product.accumulate = accumulate;
                product.row_scale = width % 2 ? scale.data() : nullptr;
                multiply_slowly(product, expected);
                std::vector<double> first_squares;
                for (const char* name : levels()) {
                    const AtLevel level(name);
                    for (const int threads : {1, 3}) {
                        Control control(threads);
                        std::vector<float> out = before;
                        std::vector<double> squares(static_cast<std::size_t>(n));
                        product.out = out.data();
                        product.squares = squares.data();
                        multiply_tile(product, control);
                        CHECK(out == expected);
                        if (first_squares.empty()) first_squares = squares;
                        CHECK(squares == first_squares);
                    }
                }
                for (std::int64_t u = 0; u < n; ++u) {
                    double sum = 0;
                    for (std::int64_t j = 0; j < width; ++j) {
                        const double value = expected[static_cast<std::size_t>(u * width + j)];
                        sum += value * value;
                    }
                    CHECK(std::abs(first_squares[static_cast<std::size_t>(u)] - sum) <= 1e-12 * sum);
                }
            }
        }
    }
}

TEST(no_term_leaves_nothing_or_what_was_there) {
    Control control(1);
    const std::vector<float> scale{2, 0, -1};
    for (const bool accumulate : {false, true}) {
        std::vector<float> out{1, 2, 3, 4, 5, 6};
        TileProduct product;
        product.num_nodes = 3;
        product.width = 2;
        product.out = out.data();
        product.accumulate = accumulate;
        product.row_scale = scale.data();
        multiply_tile(product, control);
        CHECK(out == (accumulate ? std::vector<float>{2, 4, 0, 0, -5, -6} : std::vector<float>(6, 0.0F)));
    }
}

TEST(projections_equal_products_with_the_same_matrix_made_dense) {
    std::mt19937 random(6);
    for (const std::int64_t n : {1, 64, 300})
        for (const std::int64_t width : {1, 8, 13, 32})
            for (const std::int64_t tiles : {1, 3}) {
                const Sparse a = random_rows(n, n, 7, random);
                Sparse r;  // columns ascend within each row; some rows are empty
                std::vector<float> dense(static_cast<std::size_t>(tiles * n * width), 0.0F);
                for (std::int64_t u = 0; u < n; ++u) {
                    for (std::int64_t c = 0; c < tiles * width; ++c)
                        if (u % 5 != 2 && random() % 4 == 0) {
                            r.indices.push_back(static_cast<std::int32_t>(c));
                            r.values.push_back(fraction(random));
                            dense[static_cast<std::size_t>((c / width * n + u) * width + c % width)] = r.values.back();
                        }
                    r.indptr.push_back(static_cast<std::int64_t>(r.indices.size()));
                }
                const std::vector<float> diagonal = random_floats(n, random), scale = random_floats(n, random),
                                         before = random_floats(tiles * n * width, random);
                for (const bool accumulate : {false, true})
                    for (const char* name : levels()) {
                        const AtLevel level(name);
                        TileProduct product;
                        product.num_nodes = n;
                        product.width = width;
                        product.accumulate = accumulate;
                        product.row_scale = scale.data();
                        std::vector<float> found = before, expected = before;
                        std::vector<double> squares(static_cast<std::size_t>(tiles * n)), others(squares.size());
                        Control control(3);
                        product.terms = {{a.indptr.data(), a.indices.data(), a.values.data(), nullptr},
                                         {nullptr, nullptr, diagonal.data(), nullptr},
                                         {a.indptr.data(), a.indices.data(), nullptr, nullptr}};
                        product.out = found.data();
                        product.squares = squares.data();
                        multiply_projection(product, {r.indptr.data(), r.indices.data(), r.values.data()}, tiles, control);
                        for (std::int64_t t = 0; t < tiles; ++t) {
                            for (TileTerm& term : product.terms) term.x = dense.data() + t * n * width;
                            product.out = expected.data() + t * n * width;
                            product.squares = others.data() + t * n;
                            multiply_tile(product, control);
                        }
                        CHECK(found == expected);
                        CHECK(squares == others);
                    }
            }
}
