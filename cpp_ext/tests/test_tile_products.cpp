// Products over column tiles: the same bits at every level, width and thread count as loops in the promised order.
#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "graphx/tiles.hpp"
#include "levels.hpp"
#include "test.hpp"
#include "tile_reference.hpp"

using namespace graphx;
using namespace graphx::test;

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
