// The engine behind rows: bitsets of every width, dense tiles and sparse steps of hop 3, sums that outgrow 16 bits.
#include "graphx/row_engine.hpp"

#include <cstring>
#include <vector>

#include "families.hpp"
#include "levels.hpp"
#include "row_matrices.hpp"
#include "test.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

constexpr std::uint32_t only(int key) { return std::uint32_t{1} << key; }

// A hub joined to `degree` nodes on a ring with chords, and a few nodes outside that see pieces of the ring.
TestGraph ring_around_hub(std::size_t degree) {
    Pairs edges;
    for (std::size_t i = 0; i < degree; ++i) {
        edges.emplace_back(0, 1 + i);
        for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{5}})
            if (step < degree) edges.emplace_back(1 + i, 1 + (i + step) % degree);
    }
    const std::size_t outside = 4;
    for (std::size_t o = 0; o < outside; ++o)
        for (std::size_t i = o; i < degree; i += 1 + o)
            if ((i / 7 + o) % 3 != 0) edges.emplace_back(1 + degree + o, 1 + i);
    return from_pairs(1 + degree + outside, edges);
}

template <class I>
void check_far(const TestGraph& g, const Matrix& expected, int threads) {
    Control control(threads);
    const auto basis = count_edge_basis<I>(g.csr(), control);
    const auto tables = make_row_tables(basis, kHop3Keys, control);
    CHECK(stream_matrices(basis, tables, kHop3Keys, 1 << 14, control)[k3_4_4] == expected);
    check_summary(summarize_rows(basis, tables, kHop3Keys, control)[k3_4_4], summary_of(expected));
}

// The tile of rows start..stop as `Output::dense` says it was made.
template <class I>
typename Output<I>::Dense way_of(const TestGraph& g, std::int64_t start, std::int64_t stop) {
    Control control(1);
    const auto basis = count_edge_basis<I>(g.csr(), control);
    const auto tables = make_row_tables(basis, kHop3Keys, control);
    RowEngine<I> engine(basis, tables, kHop3Keys, false);
    Output<I> out;
    out.reset(start, stop);
    engine.tile(start, stop, &out, nullptr, control);
    return out.dense;
}

}  // namespace

TEST(edges_inside_neighbourhoods_are_the_same_by_lists_and_by_bitsets) {
    for (const std::size_t degree : {10, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1030}) {
        const TestGraph g = ring_around_hub(degree);
        Control control(2);
        const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
        auto tables = make_row_tables(basis, kHop2Keys, control);
        CHECK(tables.has_lists());
        const std::uint32_t keys = only(k2_12_12) | only(k2_9_10);
        const Matrices by_lists = stream_matrices(basis, tables, keys, 1 << 18, control);
        CHECK(summary_of(by_lists[k2_12_12]).num_nonzeros > 0);
        if (degree <= 129) CHECK(by_lists[k2_12_12] == pair_sums(g)[4]);
        drop_lists(tables);
        for (const char* name : levels()) {
            const AtLevel level(name);
            CHECK(stream_matrices(basis, tables, keys, 1 << 18, control) == by_lists);
        }
        const auto wide = count_edge_basis<std::int64_t>(g.csr(), control);
        auto wide_tables = make_row_tables(wide, kHop2Keys, control);
        drop_lists(wide_tables);
        CHECK(stream_matrices(wide, wide_tables, keys, 1 << 18, control) == by_lists);
    }
}

// Hubs of falling and rising degree by one engine: what a wide bitset left must not be seen by a narrow one.
TEST(one_engine_goes_from_hub_to_hub) {
    TestGraph g = ring_around_hub(300);
    for (const std::size_t degree : {70, 600, 20, 140, 64}) g = disjoint(g, ring_around_hub(degree));
    g = relabelled(g, random_order(g.size(), 5));
    Control control(1);
    const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
    auto tables = make_row_tables(basis, kAllKeys, control);
    const auto expected = summarize_rows(basis, tables, kAllKeys, control);
    const Matrices by_lists = stream_matrices(basis, tables, only(k2_12_12), 1 << 16, control);
    drop_lists(tables);
    const auto found = summarize_rows(basis, tables, kAllKeys, control);
    for (std::size_t key = 0; key < kNumKeys; ++key) check_summary(found[key], expected[key]);
    CHECK(stream_matrices(basis, tables, only(k2_12_12), 1 << 16, control) == by_lists);
}

// Node counts around the 16 nodes that a dense tile is padded to and the 32 rows that share one.
TEST(far_pairs_are_the_induced_paths) {
    for (const std::size_t n : {5, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 97})
        for (const double density : {0.04, 0.15, 0.5}) {
            const TestGraph g = random_graph(n, density, static_cast<unsigned>(n));
            const Matrix expected = far_pairs(g);
            for (const char* name : levels()) {
                const AtLevel level(name);
                check_far<std::int32_t>(g, expected, 1);
                check_far<std::int64_t>(g, expected, 2);
            }
        }
    const TestGraph thin = random_graph(400, 0.008, 3);
    check_far<std::int32_t>(thin, far_pairs(thin), 3);
}

TEST(far_pairs_of_families_are_the_induced_paths) {
    for (const auto& [name, graph] : families()) {
        const Matrix expected = far_pairs(graph);
        CHECK(expected == enumerate(graph)[k3_4_4]);
        check_far<std::int32_t>(graph, expected, 2);
    }
}

TEST(a_tile_is_dense_where_that_is_less_work) {
    using Dense = Output<std::int32_t>::Dense;
    CHECK(way_of<std::int32_t>(random_graph(100, 0.3, 1), 0, 32) == Dense::narrow);
    CHECK(way_of<std::int32_t>(random_graph(100, 0.3, 1), 0, 1) == Dense::none);  // one row is less than a pass
    CHECK(way_of<std::int32_t>(cycle(200), 0, 32) == Dense::none);
    CHECK(way_of<std::int64_t>(random_graph(100, 0.3, 1), 0, 32) == Output<std::int64_t>::Dense::wide);
    // the sums of crown(k) reach (k - 2)(k - 1) before what is near is taken away: 65280 and 65792
    CHECK(way_of<std::int32_t>(crown(257), 0, 32) == Dense::narrow);
    CHECK(way_of<std::int32_t>(crown(258), 0, 32) == Dense::wide);
}

TEST(sums_beyond_sixteen_bits_are_made_again_with_more) {
    for (const std::size_t k : {257, 258}) {
        const TestGraph g = crown(k);
        const auto paths = static_cast<std::int64_t>((k - 1) * (k - 2)), nodes = static_cast<std::int64_t>(2 * k);
        Control control(2);
        const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
        const auto tables = make_row_tables(basis, kHop3Keys, control);
        check_summary(summarize_rows(basis, tables, kHop3Keys, control)[k3_4_4], {nodes, nodes * paths, paths});
        for (const char* name : levels()) {
            if (k == 257 && std::strcmp(name, "plain") != 0) continue;
            const AtLevel level(name);
            const Matrix made = stream_matrices(basis, tables, kHop3Keys, 1 << 16, control)[k3_4_4];
            for (std::size_t u = 0; u < 2 * k; ++u) CHECK_EQ(made[u * 2 * k + (u + k) % (2 * k)], paths);
            check_summary(summary_of(made), {nodes, nodes * paths, paths});
        }
    }
}

// Tiles of every kind one after the other, through outputs that are used again.
TEST(tiles_of_all_kinds_follow_each_other) {
    const TestGraph dense_part = random_graph(64, 0.4, 2), far_part = crown(258), thin_part = cycle(96);
    const TestGraph g = disjoint(thin_part, disjoint(dense_part, disjoint(far_part, disjoint(thin_part, dense_part))));
    const Matrix parts[] = {far_pairs(thin_part), far_pairs(dense_part)};
    const std::size_t n = g.size();
    Control control(3);
    const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
    const auto tables = make_row_tables(basis, kHop3Keys, control);
    for (const std::int64_t bytes : {std::int64_t{1} << 10, std::int64_t{1} << 20}) {
        const Matrix made = stream_matrices(basis, tables, kHop3Keys, bytes, control)[k3_4_4];
        KeySummary expected;
        const auto check_part = [&](const Matrix& part, std::size_t size, std::size_t first) {
            for (std::size_t u = 0; u < size; ++u)
                for (std::size_t v = 0; v < size; ++v) CHECK_EQ(made[(first + u) * n + first + v], part[u * size + v]);
            const KeySummary own = summary_of(part);
            expected.num_nonzeros += own.num_nonzeros;
            expected.total += own.total;
            expected.maximum = std::max(expected.maximum, own.maximum);
        };
        check_part(parts[0], 96, 0);
        check_part(parts[1], 64, 96);
        check_part(parts[0], 96, 96 + 64 + 516);
        check_part(parts[1], 64, 96 + 64 + 516 + 96);
        expected.num_nonzeros += 516;
        expected.total += 516 * 257 * 256;
        expected.maximum = 257 * 256;
        check_summary(summary_of(made), expected);
    }
}

TEST(an_output_gives_back_what_a_hub_needed) {
    Output<std::int32_t> out;
    auto& part = out.parts[k2_1_1];
    part.indices.grow(1000000);
    part.values.grow(1000000);
    part.filled = 900000;
    part.size[3] = 12;
    part.maximum = 5;
    out.dense = Output<std::int32_t>::Dense::wide;
    out.reset(64, 96);
    CHECK(part.indices.capacity() >= 1000000);  // it was full: the next may need as much
    CHECK_EQ(part.num_entries(), 0);
    CHECK_EQ(part.maximum, 0);
    CHECK(out.dense == Output<std::int32_t>::Dense::none);
    part.filled = 100;
    out.reset(96, 128);
    CHECK_EQ(part.indices.capacity(), 0u);
    CHECK_EQ(part.values.capacity(), 0u);
    CHECK_EQ(out.start + out.stop, 96 + 128);
}

TEST(an_engine_stops_inside_a_tile) {
    const TestGraph g = random_graph(100, 0.3, 1);
    Control control(1);
    const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
    const auto tables = make_row_tables(basis, kAllKeys, control);
    RowEngine<std::int32_t> engine(basis, tables, kAllKeys, false);
    Output<std::int32_t> out;
    out.reset(0, 32);
    Control stopped(1);
    stopped.request_stop();
    CHECK_THROWS(Cancelled, engine.tile(0, 32, &out, nullptr, stopped));
}
