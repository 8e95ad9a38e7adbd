// Where rows of tiles go: merged states, finished rows, packed rows; and a request to stop.
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "graphx/tiles.hpp"
#include "levels.hpp"
#include "test.hpp"
#include "tile_reference.hpp"

using namespace graphx;
using namespace graphx::test;

TEST(states_are_merged_in_their_order_and_nothing_else_is_touched) {
    std::mt19937 random(7);
    const std::int64_t n = 260, width = 12, stride = 41;
    std::vector<std::vector<float>> states, factors;
    for (int i = 0; i < 5; ++i) {
        states.push_back(random_floats(3 * n * width, random));
        factors.push_back(random_floats(n, random));
    }
    const std::vector<float> before = random_floats(n * stride, random);
    for (std::size_t count = 0; count <= 5; ++count)
        for (const std::int64_t columns : {1, 11, 12, 13, 24, 35, 36})
            for (const bool accumulate : {false, true}) {
                if (count == 0 && !accumulate) continue;  // nothing to put there
                std::vector<float> expected = before;
                for (std::int64_t u = 0; u < n; ++u)
                    for (std::int64_t c = 0; c < columns; ++c) {
                        float sum = accumulate ? before[static_cast<std::size_t>(u * stride + c)] : 0.0F;
                        for (std::size_t i = 0; i < count; ++i) {
                            const float term = factors[i][static_cast<std::size_t>(u)] *
                                               states[i][static_cast<std::size_t>((c / width * n + u) * width + c % width)];
                            sum = i == 0 && !accumulate ? term : sum + term;
                        }
                        expected[static_cast<std::size_t>(u * stride + c)] = sum;
                    }
                for (const char* name : levels()) {
                    const AtLevel level(name);
                    for (const int threads : {1, 3}) {
                        std::vector<float> target = before;
                        Merge merge;
                        merge.num_nodes = n;
                        merge.width = width;
                        merge.columns = columns;
                        for (std::size_t i = 0; i < count; ++i) merge.states.push_back({states[i].data(), nullptr, factors[i].data()});
                        merge.target = target.data();
                        merge.stride = stride;
                        merge.accumulate = accumulate;
                        Control control(threads);
                        merge_tiles(merge, control);
                        CHECK(target == expected);
                    }
                }
            }
}

TEST(finished_rows_are_weighed_normalised_and_put_where_they_go) {
    std::mt19937 random(8);
    const std::int64_t n = 258, width = 20, columns = 17, stride = 30;
    const Sparse a = random_rows(n, n, 6, random);
    const std::vector<float> x = random_floats(n * width, random), own = random_floats(n * width, random),
                             before = random_floats(n * stride, random);
    std::vector<float> scale = random_floats(n, random), factors = random_floats(n, random);
    for (std::int64_t u = 0; u < n; u += 7) scale[static_cast<std::size_t>(u)] = 0;
    for (std::int64_t u = 0; u < n; u += 14) factors[static_cast<std::size_t>(u)] = 0;
    TileProduct product;
    product.num_nodes = n;
    product.width = width;
    product.terms = {{a.indptr.data(), a.indices.data(), a.values.data(), x.data()}};
    product.row_scale = scale.data();
    std::vector<float> rows(static_cast<std::size_t>(n * width));
    std::vector<double> squares(static_cast<std::size_t>(n));
    Control plain(1);
    product.out = rows.data();
    product.squares = squares.data();
    multiply_tile(product, plain);
    product.out = nullptr;
    product.squares = nullptr;
    for (const bool normalize : {false, true})
        for (const bool with_own : {false, true})
            for (const bool accumulate : {false, true}) {
                std::vector<float> expected = before;
                for (std::int64_t u = 0; u < n; ++u) {
                    const auto at = static_cast<std::size_t>(u);
                    const auto weight = static_cast<float>(!normalize ? 0.75 : squares[at] > 0 ? 0.75 / std::sqrt(squares[at]) : 0.0);
                    for (std::int64_t j = 0; j < columns; ++j) {
                        float& to = expected[static_cast<std::size_t>(u * stride + j)];
                        const float row = weight * rows[static_cast<std::size_t>(u * width + j)];
                        const float mine = factors[at] * own[static_cast<std::size_t>(u * width + j)];
                        if (with_own) to = accumulate ? (to + mine) + row : mine + row;
                        else to = accumulate ? to + row : row;
                    }
                }
                for (const char* name : levels()) {
                    const AtLevel level(name);
                    for (const int threads : {1, 3}) {
                        std::vector<float> target = before;
                        Finish finish;
                        finish.own = with_own ? own.data() : nullptr;
                        finish.factors = factors.data();
                        finish.target = target.data();
                        finish.stride = stride;
                        finish.columns = columns;
                        finish.weight = 0.75;
                        finish.normalize = normalize;
                        finish.accumulate = accumulate;
                        product.finish = &finish;
                        Control control(threads);
                        multiply_tile(product, control);
                        CHECK(target == expected);
                    }
                }
            }
}

TEST(packing_keeps_every_number_but_zero) {
    std::mt19937 random(9);
    const std::int64_t n = 5, width = kPackedColumns;
    const std::vector<float> ones(static_cast<std::size_t>(n), 1.0F);
    for (const unsigned filled : {0u, 1u, 5u, 10u}) {  // of ten
        std::vector<float> x(static_cast<std::size_t>(n * width));
        for (float& value : x) value = random() % 10 < filled ? fraction(random) : 0.0F;
        for (std::size_t i = 0; filled && i < x.size(); i += 16) x[i] = static_cast<float>(i) + 1;  // first and last of each word
        for (std::size_t i = 127; filled && i < x.size(); i += 64) x[i] = -static_cast<float>(i);
        for (const char* packs : levels()) {
            std::vector<float> packed(static_cast<std::size_t>(n * kPackedStride), 99.0F);
            TileProduct product;
            product.num_nodes = n;
            product.width = width;
            product.terms = {{nullptr, nullptr, ones.data(), x.data()}};
            product.packed = true;
            product.out = packed.data();
            Control control(1);
            {
                const AtLevel level(packs);
                multiply_tile(product, control);
            }
            for (std::int64_t u = 0; u < n; ++u) {  // bits, then what they stand for
                std::uint64_t bits[2];
                std::memcpy(bits, packed.data() + u * kPackedStride, sizeof bits);
                const float* next = packed.data() + u * kPackedStride + 4;
                for (std::int64_t j = 0; j < width; ++j) {
                    const float value = x[static_cast<std::size_t>(u * width + j)];
                    CHECK_EQ(bits[j / 64] >> (j % 64) & 1, value != 0 ? 1u : 0u);
                    if (value != 0) CHECK_EQ(*next++, value);
                }
            }
            product.terms = {{nullptr, nullptr, ones.data(), packed.data(), true}};
            product.packed = false;
            for (const char* unpacks : levels()) {
                const AtLevel level(unpacks);
                std::vector<float> again(x.size(), 1.0F);
                product.out = again.data();
                multiply_tile(product, control);
                CHECK(again == x);
            }
        }
    }
}

TEST(tiles_stop_when_asked) {
    const std::vector<float> values(300, 1.0F), x(300, 2.0F);
    const std::vector<std::int64_t> indptr(301, 0);
    std::vector<float> out(300, 7.0F);
    for (const int threads : {1, 3}) {
        Control control(threads);
        control.request_stop();
        TileProduct product;
        product.num_nodes = 300;
        product.width = 1;
        product.terms = {{nullptr, nullptr, values.data(), x.data()}};
        product.out = out.data();
        CHECK_THROWS(Cancelled, multiply_tile(product, control));
        CHECK_THROWS(Cancelled, multiply_projection(product, {indptr.data(), nullptr, nullptr}, 1, control));
        Merge merge;
        merge.num_nodes = 300;
        merge.width = merge.columns = merge.stride = 1;
        merge.states = {{x.data(), nullptr, values.data()}};
        merge.target = out.data();
        CHECK_THROWS(Cancelled, merge_tiles(merge, control));
    }
    for (const float value : out) CHECK_EQ(value, 7.0F);
}
