// The innermost loops of the row counter at every level, against loops that say what they do; nothing read or written
// outside.
#include "graphx/emit.hpp"

#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "families.hpp"
#include "graphx/orbits.hpp"
#include "guarded.hpp"
#include "levels.hpp"
#include "test.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

// An array that ends where nothing may be touched any more.
template <class T>
struct Edge {
    explicit Edge(std::int64_t size) : room(static_cast<std::size_t>(size) * sizeof(T), true), data(room.as<T>()) {}
    Edge(const std::vector<T>& from, std::int64_t more = 0) : Edge(static_cast<std::int64_t>(from.size()) + more) {
        std::copy(from.begin(), from.end(), data);
    }
    Guarded room;
    T* data;
};

template <class F>
void at_every_level(F&& body) {
    for (const char* name : levels()) {
        const AtLevel level(name);
        body(emitter<std::int32_t>(), std::int32_t{});
        body(emitter<std::int64_t>(), std::int64_t{});
    }
}

// Lengths around the lanes of every level.
constexpr std::int64_t kLengths[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 200};

template <class I>
std::vector<I> random_values(std::int64_t size, std::uint64_t zeros_of_ten, I most, std::mt19937_64& random) {
    std::vector<I> values(static_cast<std::size_t>(size));
    for (I& value : values)
        value = random() % 10 < zeros_of_ten ? 0 : static_cast<I>(1 + random() % static_cast<std::uint64_t>(most));
    return values;
}

}  // namespace

TEST(compress_keeps_what_is_not_zero) {
    at_every_level([](const auto& emit, auto zero) {
        using I = decltype(zero);
        std::mt19937_64 random(1);
        for (const std::int64_t size : kLengths)
            for (const std::uint64_t zeros : {0u, 3u, 9u, 10u}) {
                const auto values = random_values<I>(size, zeros, std::numeric_limits<I>::max(), random);
                std::vector<std::int32_t> columns, kept_columns;
                std::vector<I> kept;
                I largest = 5;
                for (std::int64_t i = 0; i < size; ++i) {
                    columns.push_back(static_cast<std::int32_t>(random() % 1000000));
                    const I value = values[static_cast<std::size_t>(i)];
                    largest = std::max(largest, value);
                    if (value == 0) continue;
                    kept.push_back(value);
                    kept_columns.push_back(columns.back());
                }
                const Edge<I> from(values);
                const Edge<std::int32_t> from_columns(columns);
                const auto slack = static_cast<std::int64_t>(kEmitSlack);
                const Edge<I> to(static_cast<std::int64_t>(kept.size()) + slack);
                const Edge<std::int32_t> to_columns(static_cast<std::int64_t>(kept.size()) + slack);
                I most = 5;
                const std::int64_t found = emit.compress(from_columns.data, from.data, size, to_columns.data, to.data, &most);
                CHECK_EQ(found, static_cast<std::int64_t>(kept.size()));
                CHECK_EQ(most, largest);
                CHECK(std::equal(kept.begin(), kept.end(), to.data));
                CHECK(std::equal(kept_columns.begin(), kept_columns.end(), to_columns.data));
            }
    });
}

TEST(summaries_add_up_beyond_the_width_of_the_values) {
    at_every_level([](const auto& emit, auto zero) {
        using I = decltype(zero);
        std::mt19937_64 random(2);
        for (const std::int64_t size : kLengths) {
            const Edge<I> values(random_values<I>(size, 4, std::numeric_limits<std::int32_t>::max(), random));
            std::int64_t nonzeros = 3, total = -9, maximum = 7, expected[] = {3, -9, 7};
            for (std::int64_t i = 0; i < size; ++i) {
                expected[0] += values.data[i] != 0;
                expected[1] += values.data[i];
                expected[2] = std::max<std::int64_t>(expected[2], values.data[i]);
            }
            emit.summarize(values.data, size, &nonzeros, &total, &maximum);
            CHECK_EQ(nonzeros, expected[0]);
            CHECK_EQ(total, expected[1]);
            CHECK_EQ(maximum, expected[2]);
        }
        const std::int64_t many = 70000;  // all as large as can be
        const std::vector<I> top(static_cast<std::size_t>(many), std::numeric_limits<std::int32_t>::max());
        std::int64_t nonzeros = 0, total = 0, maximum = 0;
        emit.summarize(top.data(), many, &nonzeros, &total, &maximum);
        CHECK_EQ(total, many * std::numeric_limits<std::int32_t>::max());
    });
}

TEST(hop_two_formulas_hold_for_any_sums) {
    at_every_level([](const auto& emit, auto zero) {
        using I = decltype(zero);
        std::mt19937_64 random(3);
        for (const std::int64_t size : kLengths) {
            const I most = sizeof(I) == 4 ? 40000 : 3000000;  // squares fit
            const Edge<I> c(random_values<I>(size, 1, most, random)), g(random_values<I>(size, 1, most, random)),
                gt(random_values<I>(size, 1, most, random)), s(random_values<I>(size, 1, most, random)),
                q(random_values<I>(size, 5, most, random)), dv(random_values<I>(size, 0, most, random)), out(size);
            const I du = most - 1;
            for (int key = kNumHop1; key < k3_4_4; ++key) {
                emit.hop2(key, size, du, c.data, g.data, gt.data, s.data, q.data, dv.data, out.data);
                for (std::int64_t i = 0; i < size; ++i) {
                    const std::int64_t C = c.data[i], G = g.data[i], Gt = gt.data[i], S = s.data[i], Q = q.data[i];
                    const std::int64_t expected = key == k2_1_1   ? C
                                                  : key == k2_4_5 ? C * (dv.data[i] - C) - G + 2 * Q
                                                  : key == k2_5_4 ? C * (du - C) - Gt + 2 * Q
                                                  : key == k2_6_6 ? S - G - Gt + 2 * Q
                                                  : key == k2_8_8 ? C * (C - 1) / 2 - Q
                                                  : key == k2_9_10 ? G - 2 * Q
                                                  : key == k2_10_9 ? Gt - 2 * Q
                                                                   : Q;
                    CHECK_EQ(static_cast<std::int64_t>(out.data[i]), expected);
                }
            }
        }
    });
}

TEST(bitsets_are_intersected_word_by_word) {
    at_every_level([](const auto& emit, auto zero) {
        using I = decltype(zero);
        std::mt19937_64 random(4);
        for (const int words : {1, 2, 4, 8}) {
            const std::int64_t nodes = 30;
            std::vector<std::uint64_t> bits(static_cast<std::size_t>(nodes * words));
            for (auto& word : bits) word = random() % 3 == 0 ? ~std::uint64_t{0} : random() & random();
            const Edge<std::uint64_t> members(bits);
            std::vector<std::int32_t> row;
            for (std::int32_t v = 0; v < nodes; ++v)
                if (random() % 2) row.push_back(v);
            const Edge<std::int32_t> columns(row);
            const Edge<I> counts(std::vector<I>(static_cast<std::size_t>(nodes), 7));
            std::vector<I> expected(static_cast<std::size_t>(nodes), 7);
            for (const std::int64_t w : {0, 13, 29}) {
                emit.intersect(members.data, words, w, columns.data, static_cast<std::int64_t>(row.size()), counts.data);
                for (const std::int32_t v : row)
                    for (int bit = 0; bit < 64 * words; ++bit) {
                        const auto has = [&](std::int64_t node) {
                            return bits[static_cast<std::size_t>(node * words + bit / 64)] >> (bit % 64) & 1;
                        };
                        expected[static_cast<std::size_t>(v)] += static_cast<I>(has(w) & has(v));
                    }
            }
            CHECK(std::equal(expected.begin(), expected.end(), counts.data));
        }
    });
}

TEST(sums_over_neighbours_are_spread_lane_by_lane) {
    const TestGraph graph = with_hub(50, 0.2, 4);
    at_every_level([&](const auto& emit, auto zero) {
        using I = decltype(zero);
        using Far = typename Emitter<I>::Far;
        std::mt19937_64 random(5);
        const auto n = static_cast<std::int64_t>(graph.size()), cells = n * kLanes;
        for (const std::uint64_t most : {std::uint64_t{50}, std::uint64_t{1300}, std::uint64_t{1340}, std::uint64_t{65535}}) {
            std::vector<std::uint16_t> narrow(static_cast<std::size_t>(cells));
            for (auto& value : narrow) value = static_cast<std::uint16_t>(most > 1000 && most < 2000 ? most : random() % (most + 1));
            std::vector<std::int64_t> expected(static_cast<std::size_t>(cells), 0);
            std::int64_t largest = 0;
            for (std::int64_t v = 0; v < n; ++v)
                for (std::int64_t y = 0; y < n; ++y)
                    if (graph.adjacent[static_cast<std::size_t>(v)][static_cast<std::size_t>(y)])
                        for (std::int64_t lane = 0; lane < kLanes; ++lane)
                            expected[static_cast<std::size_t>(v * kLanes + lane)] += narrow[static_cast<std::size_t>(y * kLanes + lane)];
            const std::pair<std::int64_t, std::int64_t> stretches[] = {{0, n}, {0, 1}, {n - 1, n}, {5, 30}, {9, 9}};
            for (const auto& [start, stop] : stretches) {
                largest = 0;
                for (std::int64_t i = start * kLanes; i < stop * kLanes; ++i)
                    largest = std::max(largest, expected[static_cast<std::size_t>(i)]);
                const Edge<std::uint16_t> far16(narrow), dense16(std::vector<std::uint16_t>(narrow.size(), 77));
                const bool passed = emit.spread16(graph.csr(), start, stop, far16.data, dense16.data);
                CHECK(largest != 65535);  // the levels may differ there
                CHECK_EQ(passed, largest > 65535);
                const Edge<Far> far(std::vector<Far>(narrow.begin(), narrow.end()));
                const Edge<I> dense(std::vector<I>(narrow.size(), 77));
                emit.spread(graph.csr(), start, stop, far.data, dense.data);
                for (std::int64_t i = 0; i < cells; ++i) {
                    const bool inside = i >= start * kLanes && i < stop * kLanes;
                    const std::int64_t value = inside ? expected[static_cast<std::size_t>(i)] : 77;
                    CHECK_EQ(static_cast<std::int64_t>(dense.data[i]), value);
                    if (!passed || !inside) CHECK_EQ(static_cast<std::int64_t>(dense16.data[i]), value);
                }
            }
        }
    });
}

// One lane of one node passes 65535, by one or at the very last neighbour.
TEST(one_lane_that_passes_sixteen_bits_is_seen) {
    const TestGraph graph = star(4);
    at_every_level([&](const auto& emit, auto) {
        for (std::int64_t lane = 0; lane < kLanes; ++lane)
            for (const std::uint16_t last : {std::uint16_t{1}, std::uint16_t{65000}}) {
                std::vector<std::uint16_t> far(5 * kLanes, 100), dense(far.size());
                far[static_cast<std::size_t>(kLanes + lane)] = static_cast<std::uint16_t>(65535 - 200);
                far[static_cast<std::size_t>(4 * kLanes + lane)] = last;
                CHECK(emit.spread16(graph.csr(), 0, 5, far.data(), dense.data()));
                far[static_cast<std::size_t>(4 * kLanes + lane)] = 0;
                far[static_cast<std::size_t>(kLanes + lane)] = static_cast<std::uint16_t>(65535 - 201);
                CHECK(!emit.spread16(graph.csr(), 0, 5, far.data(), dense.data()));
                CHECK_EQ(dense[static_cast<std::size_t>(lane)], 65534);
            }
    });
}

namespace {

// Counts and drains `nodes` rows of a dense tile and compares with a walk over it.
template <class D, class Count, class Drain>
void check_tile(std::int64_t nodes, int rows, const std::vector<D>& tile, int width, Count&& count, Drain&& drain) {
    const Edge<D> dense(tile);
    std::int64_t nonzeros[kLanes], total = 3, maximum = 1, sum = 3, most = 1;
    count(nodes, dense.data, nonzeros, &total, &maximum);
    std::vector<std::unique_ptr<Edge<std::int32_t>>> columns;
    std::vector<std::unique_ptr<Edge<char>>> values;
    TileTarget target{};
    target.width = width;
    for (int r = 0; r < kLanes; ++r) {
        std::int64_t expected = 0;
        for (std::int64_t v = 0; v < nodes; ++v) {
            const auto value = static_cast<std::int64_t>(tile[static_cast<std::size_t>(v * kLanes + r)]);
            expected += value != 0;
            sum += value;
            most = std::max(most, value);
        }
        CHECK_EQ(nonzeros[r], expected);
        if (r >= rows) continue;
        columns.push_back(std::make_unique<Edge<std::int32_t>>(expected));  // not one entry more
        values.push_back(std::make_unique<Edge<char>>(expected * width));
        target.columns[r] = columns.back()->data;
        target.values[r] = values.back()->data;
    }
    CHECK_EQ(total, sum);
    CHECK_EQ(maximum, most);
    drain(nodes, rows, dense.data, target);
    for (int r = 0; r < rows; ++r) {
        std::size_t at = 0;
        for (std::int64_t v = 0; v < nodes; ++v) {
            const auto value = static_cast<std::int64_t>(tile[static_cast<std::size_t>(v * kLanes + r)]);
            if (value == 0) continue;
            CHECK_EQ(target.columns[r][at], v);
            std::int64_t found = 0;  // little-endian, and no value is negative
            std::memcpy(&found, target.values[r] + at * static_cast<std::size_t>(width), static_cast<std::size_t>(width));
            CHECK_EQ(found, value);
            ++at;
        }
    }
}

}  // namespace

TEST(dense_tiles_are_counted_and_drained_exactly) {
    at_every_level([](const auto& emit, auto zero) {
        using I = decltype(zero);
        std::mt19937_64 random(6);
        for (const std::int64_t nodes : {std::int64_t{0}, kStep, 3 * kStep, 8 * kStep})
            for (const int rows : {1, 2, 15, 16, 17, 31, 32})
                for (const int width : {2, 4, 8})
                    for (const std::uint64_t zeros : {0u, 5u, 9u, 10u}) {
                        const std::int32_t most = width == 2 ? 32767 : 65535;
                        const auto values = random_values<std::int32_t>(nodes * kLanes, zeros, most, random);
                        check_tile(nodes, rows, std::vector<std::uint16_t>(values.begin(), values.end()), width, emit.count16,
                                   emit.drain16);
                        std::vector<I> wide(values.begin(), values.end());
                        if (width > 2)
                            for (std::size_t i = 0; i < wide.size(); i += 3) wide[i] *= 30000;
                        check_tile(nodes, rows, wide, width, emit.count, emit.drain);
                    }
    });
}

// The sum of a lane is kept in 32 bits for 32768 nodes at a time, with all of them at the largest value.
TEST(long_tiles_of_large_values_are_summed_in_full) {
    at_every_level([](const auto& emit, auto zero) {
        using I = decltype(zero);
        for (const std::int64_t nodes : {32767, 32768, 32769, 65536 + 1}) {
            const std::vector<std::uint16_t> top(static_cast<std::size_t>(nodes * kLanes), 65535);
            std::int64_t nonzeros[kLanes], total = 0, maximum = 0;
            emit.count16(nodes, top.data(), nonzeros, &total, &maximum);
            CHECK_EQ(total, nodes * kLanes * 65535);
            CHECK_EQ(maximum, 65535);
            for (const std::int64_t count : nonzeros) CHECK_EQ(count, nodes);
        }
        const std::vector<I> top(1000 * kLanes, std::numeric_limits<std::int32_t>::max());
        std::int64_t nonzeros[kLanes], total = 0, maximum = 0;
        emit.count(1000, top.data(), nonzeros, &total, &maximum);
        CHECK_EQ(total, 1000 * kLanes * std::int64_t{std::numeric_limits<std::int32_t>::max()});
    });
}
