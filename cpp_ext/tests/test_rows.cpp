// Tables, summaries, pair sums and products of rows, each against enumeration or a matrix made by its definition.
#include "graphx/rows.hpp"

#include <memory>
#include <vector>

#include "families.hpp"
#include "graphx/spmm.hpp"
#include "levels.hpp"
#include "row_matrices.hpp"
#include "test.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

constexpr int kHop2[] = {k2_1_1, k2_4_5, k2_5_4, k2_6_6, k2_8_8, k2_9_10, k2_10_9, k2_12_12};

template <class I>
PairBasis<I> pair_basis(const EdgeBasis<I>& basis, const RowTables<I>& tables, std::int64_t block_bytes, Control& control) {
    PairBasis<I> pairs;
    pairs.indptr.resize(static_cast<std::size_t>(basis.graph.num_nodes) + 1);
    pairs.indptr[0] = 0;
    RowStream<I> stream(basis, tables, 0, true);
    while (stream.next(block_bytes, control)) {
        const std::size_t old = pairs.indices.size(), size = old + static_cast<std::size_t>(stream.num_entries(0));
        pairs.indices.grow(size);
        std::vector<CopyTarget> targets;
        std::vector<std::vector<std::int64_t>> starts(kNumPairSums);
        for (int k = 0; k < kNumPairSums; ++k) {
            auto& sums = pairs.sums[static_cast<std::size_t>(k)];
            CHECK_EQ(stream.num_entries(k), stream.num_entries(0));
            sums.grow(size);
            starts[static_cast<std::size_t>(k)].resize(static_cast<std::size_t>(stream.stop() - stream.start()) + 1);
            targets.push_back({k, static_cast<std::int64_t>(old),
                               k == 0 ? pairs.indptr.data() + stream.start() : starts[static_cast<std::size_t>(k)].data(),
                               k == 0 ? pairs.indices.data() + old : nullptr, sums.data() + old, sizeof(I)});
        }
        const std::int64_t first = stream.start(), rows = stream.stop() - first;
        stream.copy(targets, control);
        for (int k = 1; k < kNumPairSums; ++k)  // one pattern for all
            for (std::int64_t r = 0; r <= rows; ++r)
                CHECK_EQ(starts[static_cast<std::size_t>(k)][static_cast<std::size_t>(r)], pairs.indptr[static_cast<std::size_t>(first + r)]);
    }
    return pairs;
}

template <class I, class T>
Matrix dense(std::size_t n, const Buffer<std::int64_t>& indptr, const Buffer<std::int32_t>& indices, const Buffer<T>& values,
             bool zeros) {
    Matrix made(n * n, 0);
    for (std::size_t u = 0; u < n; ++u)
        for (std::int64_t i = indptr[u]; i < indptr[u + 1]; ++i) {
            const auto at = static_cast<std::size_t>(i);
            CHECK(zeros || values[at] != 0);
            CHECK(i == indptr[u] || indices[at - 1] < indices[at]);
            made[u * n + static_cast<std::size_t>(indices[at])] = static_cast<std::int64_t>(values[at]);
        }
    return made;
}

template <class I>
void check_tables(const TestGraph& g, int threads) {
    const std::size_t n = g.size();
    Control control(threads);
    const auto basis = count_edge_basis<I>(g.csr(), control);
    const auto tables = make_row_tables(basis, kAllKeys, control);
    CHECK(tables.near && tables.inside);
    for (std::size_t u = 0; u < n; ++u) {
        std::int64_t wedges = 0;
        for (std::int64_t p = g.indptr[u]; p < g.indptr[u + 1]; ++p) {
            const auto v = static_cast<std::size_t>(g.indices[static_cast<std::size_t>(p)]);
            wedges += g.indptr[v + 1] - g.indptr[v];
            std::vector<std::int32_t> common;
            for (std::size_t w = 0; w < n; ++w)
                if (g.adjacent[u][w] && g.adjacent[v][w]) common.push_back(static_cast<std::int32_t>(w));
            CHECK_EQ(tables.triangles[static_cast<std::size_t>(p)], static_cast<std::int32_t>(common.size()));
            if (!tables.has_lists()) continue;
            const std::uint32_t edge = basis.slots[static_cast<std::size_t>(p)] >> 1;
            const std::vector<std::int32_t> listed(tables.common.data() + tables.common_start[edge],
                                                   tables.common.data() + tables.common_start[edge + 1]);
            CHECK(listed == common);
        }
        CHECK_EQ(tables.wedges[u], wedges);
        CHECK_EQ(tables.degrees[u], g.indptr[u + 1] - g.indptr[u]);
    }
}

template <class I>
void check_pairs(const TestGraph& g, int threads, bool lists) {
    const auto expected = pair_sums(g);
    Control control(threads);
    const auto basis = count_edge_basis<I>(g.csr(), control);
    auto tables = make_row_tables(basis, kHop2Keys, control);
    if (!lists) drop_lists(tables);
    for (const std::int64_t bytes : {std::int64_t{1}, std::int64_t{3000}, std::int64_t{1} << 22}) {
        const PairBasis<I> pairs = pair_basis(basis, tables, bytes, control);
        for (std::size_t k = 0; k < kNumPairSums; ++k)
            CHECK((dense<I>(g.size(), pairs.indptr, pairs.indices, pairs.sums[k], true) == expected[k]));
        for (std::size_t i = 0; i < pairs.indices.size(); ++i) CHECK(pairs.sums[0][i] > 0);
    }
}

template <class I>
void check_pair_matrices(const TestGraph& g, const Matrices& expected, int threads) {
    Control control(threads);
    const auto basis = count_edge_basis<I>(g.csr(), control);
    const auto tables = make_row_tables(basis, kHop2Keys, control);
    const PairBasis<I> pairs = pair_basis(basis, tables, 1 << 12, control);
    Buffer<std::int64_t> indptr;  // used again from key to key
    Buffer<std::int32_t> indices;
    Buffer<I> values;
    for (const int key : kHop2) {
        pair_matrix(basis, pairs, key, indptr, indices, values, control);
        CHECK_EQ(indptr.size(), g.size() + 1);
        CHECK_EQ(indices.size(), values.size());
        CHECK((dense<I>(g.size(), indptr, indices, values, false) == expected[static_cast<std::size_t>(key)]));
    }
}

template <class I, class T>
void check_products(const TestGraph& g, const Matrices& expected, int threads, std::int64_t columns) {
    const auto n = static_cast<std::int64_t>(g.size());
    Control control(threads);
    const auto basis = count_edge_basis<I>(g.csr(), control);
    const auto tables = make_row_tables(basis, kHop2Keys, control);
    std::vector<T> x(static_cast<std::size_t>(n * columns)), out(x.size(), T{99});
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(static_cast<std::int64_t>(i * 7919 % 23) - 11);
    for (const int key : kHop2) {
        multiply_rows(basis, tables, key, x.data(), columns, out.data(), control);
        const Matrix& m = expected[static_cast<std::size_t>(key)];
        for (std::int64_t u = 0; u < n; ++u)
            for (std::int64_t j = 0; j < columns; ++j) {
                T sum = 0;  // integers below 2^24: exact in any type and order
                for (std::int64_t v = 0; v < n; ++v)
                    sum += static_cast<T>(m[static_cast<std::size_t>(u * n + v)]) * x[static_cast<std::size_t>(v * columns + j)];
                CHECK_EQ(out[static_cast<std::size_t>(u * columns + j)], sum);
            }
    }
}

}  // namespace

TEST(tables_hold_triangles_wedges_and_common_neighbours) {
    for (const auto& [name, graph] : families())
        for (const int threads : {1, 3}) {
            check_tables<std::int32_t>(graph, threads);
            check_tables<std::int64_t>(graph, threads);
        }
    check_tables<std::int32_t>(random_graph(300, 0.06, 4), 3);
}

TEST(tables_are_made_for_the_keys_that_need_them) {
    const TestGraph g = random_graph(30, 0.2, 1);
    Control control(1);
    const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
    for (int key = 0; key < kNumKeys; ++key) {
        const auto tables = make_row_tables(basis, std::uint32_t{1} << key, control);
        CHECK_EQ(tables.near, key >= kNumHop1);
        CHECK_EQ(tables.inside, key > k2_1_1);
        CHECK_EQ(tables.has_lists(), key > k2_1_1);
        CHECK_EQ(tables.wedges.size(), key >= kNumHop1 ? g.size() : 0);
        CHECK_EQ(needs_inside_edges(std::uint32_t{1} << key), key > k2_1_1);
    }
    CHECK(!needs_inside_edges(kHop1Keys | (1U << k2_1_1)));
    const TestGraph dense_graph = complete(40);  // each edge on 38 triangles: lists would be longer than the wedges
    const auto full = count_edge_basis<std::int32_t>(dense_graph.csr(), control);
    CHECK(!make_row_tables(full, kAllKeys, control).has_lists());
}

TEST(every_key_alone_is_what_it_is_among_all) {
    for (const auto& [name, graph] : families()) {
        const Matrices expected = enumerate(graph);
        for (const char* name_of_level : levels()) {
            const AtLevel level(name_of_level);
            Control control(2);
            const auto basis = count_edge_basis<std::int32_t>(graph.csr(), control);
            const auto together = summarize_rows(basis, make_row_tables(basis, kAllKeys, control), kAllKeys, control);
            for (int key = 0; key < kNumKeys; ++key) {
                const std::uint32_t keys = std::uint32_t{1} << key;
                const auto tables = make_row_tables(basis, keys, control);
                const auto alone = summarize_rows(basis, tables, keys, control);
                for (int other = 0; other < kNumKeys; ++other)
                    check_summary(alone[static_cast<std::size_t>(other)],
                                  other == key ? summary_of(expected[static_cast<std::size_t>(key)]) : KeySummary{});
                check_summary(together[static_cast<std::size_t>(key)], alone[static_cast<std::size_t>(key)]);
                CHECK(stream_matrices(basis, tables, keys, 1 << 11, control)[static_cast<std::size_t>(key)] ==
                      expected[static_cast<std::size_t>(key)]);
            }
        }
    }
}

TEST(pair_sums_are_as_defined) {
    for (const auto& [name, graph] : families())
        for (const bool lists : {true, false}) {
            check_pairs<std::int32_t>(graph, 1, lists);
            check_pairs<std::int64_t>(graph, 3, lists);
        }
    for (const char* name : levels()) {
        const AtLevel level(name);
        for (const bool lists : {true, false}) check_pairs<std::int32_t>(random_graph(90, 0.25, 6), 2, lists);
    }
}

TEST(hop_two_matrices_come_out_of_the_pair_sums) {
    for (const auto& [name, graph] : families()) {
        const Matrices expected = enumerate(graph);
        for (const char* name_of_level : levels()) {
            const AtLevel level(name_of_level);
            check_pair_matrices<std::int32_t>(graph, expected, 1);
            check_pair_matrices<std::int64_t>(graph, expected, 3);
        }
    }
}

TEST(products_of_rows_equal_those_of_matrices) {
    const TestGraph graphs[] = {random_graph(45, 0.2, 3), with_hub(37, 0.1, 2), grid(5, 7), disjoint(complete(9), star(30)),
                                empty_graph(40)};
    for (const TestGraph& graph : graphs) {
        const Matrices expected = enumerate(graph);
        for (const std::int64_t columns : {1, 3, 16, 33}) {
            check_products<std::int32_t, std::int64_t>(graph, expected, 3, columns);
            check_products<std::int32_t, float>(graph, expected, 2, columns);
            check_products<std::int32_t, double>(graph, expected, 1, columns);
        }
        check_products<std::int64_t, std::int64_t>(graph, expected, 2, 5);
        check_products<std::int64_t, float>(graph, expected, 2, 5);
        check_products<std::int64_t, double>(graph, expected, 2, 5);
    }
}

// n nodes around one: every pair of leaves has the centre in common, and nothing else.
TEST(summaries_of_a_star_follow_a_formula) {
    const std::int64_t leaves = 1500, pairs = leaves * (leaves - 1);
    const TestGraph g = star(static_cast<std::size_t>(leaves));
    Control control(3);
    const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
    const auto sums = summarize_rows(basis, make_row_tables(basis, kAllKeys, control), kAllKeys, control);
    check_summary(sums[k1_1_2], {leaves, pairs, leaves - 1});
    check_summary(sums[k1_6_7], {leaves, leaves * (leaves - 1) * (leaves - 2) / 2, (leaves - 1) * (leaves - 2) / 2});
    check_summary(sums[k2_1_1], {pairs, pairs, 1});
    check_summary(sums[k2_6_6], {pairs, pairs * (leaves - 2), leaves - 2});
    for (const int key : {+k1_3_3, +k1_5_5, +k2_4_5, +k2_8_8, +k2_9_10, +k2_12_12, +k3_4_4})
        check_summary(sums[static_cast<std::size_t>(key)], {});
}

TEST(what_is_made_of_rows_stops_when_asked) {
    const TestGraph g = random_graph(200, 0.1, 1);
    for (const int threads : {1, 3}) {
        Control control(threads);
        const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
        const auto tables = make_row_tables(basis, kAllKeys, control);
        const PairBasis<std::int32_t> pairs = pair_basis(basis, tables, 1 << 16, control);
        std::vector<float> x(200, 1.0F), out(200);
        Buffer<std::int64_t> indptr;
        Buffer<std::int32_t> indices, values;
        control.request_stop();
        CHECK_THROWS(Cancelled, make_row_tables(basis, kAllKeys, control));
        CHECK_THROWS(Cancelled, summarize_rows(basis, tables, kAllKeys, control));
        CHECK_THROWS(Cancelled, pair_matrix(basis, pairs, k2_4_5, indptr, indices, values, control));
        CHECK_THROWS(Cancelled, multiply_rows(basis, tables, k2_8_8, x.data(), 1, out.data(), control));
    }
}
