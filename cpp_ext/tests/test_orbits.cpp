// The edge basis and what follows from it: matrices, graphlet degrees of nodes and edges, against enumeration and formulas.
#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "families.hpp"
#include "graphx/orbits.hpp"
#include "graphx/rows.hpp"
#include "graphx/spmm.hpp"
#include "levels.hpp"
#include "node_orbits.hpp"
#include "row_matrices.hpp"
#include "test.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

template <class I>
std::vector<std::int64_t> dense(const EdgeBasis<I>& basis, const RowTables<I>& tables, int key, std::int64_t bytes,
                                Control& control) {
    const auto n = static_cast<std::size_t>(basis.graph.num_nodes);
    std::vector<std::int64_t> made(n * n, 0);
    RowStream<I> stream(basis, tables, kAllKeys);
    while (stream.next(bytes, control)) {
        const auto entries = static_cast<std::size_t>(stream.num_entries(key));
        std::vector<std::int64_t> indptr(static_cast<std::size_t>(stream.stop() - stream.start()) + 1);
        std::vector<std::int32_t> indices(entries);
        std::vector<I> values(entries);
        stream.copy({{key, 0, indptr.data(), indices.data(), values.data(), static_cast<int>(sizeof(I))}}, control);
        for (std::int64_t u = stream.start(); u < stream.stop(); ++u)
            for (std::int64_t i = indptr[u - stream.start()]; i < indptr[u - stream.start() + 1]; ++i)
                made[static_cast<std::size_t>(u) * n + static_cast<std::size_t>(indices[i])] = values[i];
    }
    return made;
}

template <class I>
void equals_enumeration(const TestGraph& g, int threads) {
    const Matrices expected = enumerate(g);
    Control control(threads);
    const auto basis = count_edge_basis<I>(g.csr(), control);
    const auto tables = make_row_tables(basis, kAllKeys, control);
    const auto sums = summarize_rows(basis, tables, kAllKeys, control);
    for (int key = 0; key < kNumKeys; ++key) {
        for (const std::int64_t bytes : {std::int64_t{1}, std::int64_t{1} << 20})
            CHECK(dense(basis, tables, key, bytes, control) == expected[key]);
        std::int64_t total = 0, most = 0, nonzeros = 0;
        for (const std::int64_t value : expected[key]) {
            total += value;
            most = std::max(most, value);
            nonzeros += value != 0;
        }
        CHECK_EQ(sums[key].total, total);
        CHECK_EQ(sums[key].maximum, most);
        CHECK_EQ(sums[key].num_nonzeros, nonzeros);
    }
}

}  // namespace

TEST(orbits_equal_enumeration) {
    for (unsigned seed = 0; seed < 6; ++seed)
        for (const double density : {0.1, 0.3, 0.7, 1.0})
            for (const int threads : {1, 3}) {
                equals_enumeration<std::int32_t>(random_graph(5 + 3 * seed, density, seed), threads);
                equals_enumeration<std::int64_t>(random_graph(5 + 3 * seed, density, seed), threads);
            }
    equals_enumeration<std::int32_t>(random_graph(0, 0.5, 0), 2);
    equals_enumeration<std::int32_t>(random_graph(1, 0.5, 0), 2);
    equals_enumeration<std::int32_t>(star(24), 2);
}

// 34 nodes of degree above 64: bitsets of several words inside neighbourhoods, dense tiles of hop 3.
TEST(orbits_of_dense_graphs_agree_between_widths_and_threads) {
    const TestGraph g = random_graph(150, 0.6, 9);
    Control one(1), four(4);
    const auto narrow = count_edge_basis<std::int32_t>(g.csr(), one);
    const auto wide = count_edge_basis<std::int64_t>(g.csr(), four);
    const auto a = make_row_tables(narrow, kAllKeys, one);
    const auto b = make_row_tables(wide, kAllKeys, four);
    CHECK(!a.has_lists());
    for (const int key : {+k1_14_14, +k2_9_10, +k2_12_12, +k3_4_4})
        CHECK(dense(narrow, a, key, 1 << 16, one) == dense(wide, b, key, 1 << 18, four));
}

TEST(degrees_of_a_star_beyond_int32) {
    const std::int64_t leaves = 60000;
    std::vector<std::int64_t> indptr{0, leaves};
    std::vector<std::int32_t> indices;
    for (std::int64_t v = 1; v <= leaves; ++v) indices.push_back(static_cast<std::int32_t>(v));
    for (std::int64_t v = 1; v <= leaves; ++v) {
        indices.push_back(0);
        indptr.push_back(leaves + v);
    }
    Control control(2);
    const Csr csr{leaves + 1, indptr.data(), indices.data()};
    const auto basis = count_edge_basis<std::int64_t>(csr, control);
    std::vector<std::int64_t> degrees(static_cast<std::size_t>(leaves + 1) * 15);
    graphlet_degrees(basis, degrees.data(), control);
    CHECK_EQ(degrees[2], leaves * (leaves - 1) / 2);
    CHECK_EQ(degrees[7], leaves * (leaves - 1) * (leaves - 2) / 6);
    CHECK_EQ(degrees[15 + 6], (leaves - 1) * (leaves - 2) / 2);
}

TEST(products_equal_matrices) {
    const TestGraph g = random_graph(40, 0.3, 4);
    const auto n = static_cast<std::int64_t>(g.size());
    Control control(3);
    const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
    const auto tables = make_row_tables(basis, kAllKeys, control);
    const Matrices expected = enumerate(g);
    for (const std::int64_t columns : {1, 5, 37, 130}) {
        std::vector<std::int64_t> x(static_cast<std::size_t>(n * columns)), out(x.size());
        for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::int64_t>(i * 7919 % 101) - 50;
        auto product = [&](const std::vector<std::int64_t>& m) {
            std::vector<std::int64_t> y(x.size(), 0);
            for (std::int64_t u = 0; u < n; ++u)
                for (std::int64_t v = 0; v < n; ++v)
                    for (std::int64_t j = 0; j < columns; ++j) y[u * columns + j] += m[u * n + v] * x[v * columns + j];
            return y;
        };
        multiply_rows(basis, tables, k2_8_8, x.data(), columns, out.data(), control);
        CHECK(out == product(expected[k2_8_8]));
        std::vector<std::int32_t> values(static_cast<std::size_t>(g.csr().num_entries()));
        hop1_values(basis, k1_9_11, values.data(), control);
        Product<std::int32_t, std::int64_t> p;
        p.pattern = g.csr();
        p.values = values.data();
        p.x = x.data();
        p.out = out.data();
        p.columns = columns;
        multiply(p, control);
        CHECK(out == product(expected[k1_9_11]));
        // B B^T = K on edges, 12_12 on pairs at distance two, triangles at the node on the diagonal.
        std::vector<std::int64_t> gram(expected[k2_12_12]);
        for (std::size_t i = 0; i < gram.size(); ++i) gram[i] += expected[k1_14_14][i];
        for (std::int64_t u = 0; u < n; ++u) gram[u * n + u] = basis.triangles[static_cast<std::size_t>(u)];
        std::fill(out.begin(), out.end(), 0);
        multiply_triangles(make_triangle_lists(basis, control), x.data(), columns, 1, out.data(), control);
        CHECK(out == product(gram));
    }
}

TEST(counting_stops_when_asked) {
    const TestGraph g = random_graph(400, 0.5, 1);
    Control control(2, [](std::int64_t) { return true; });
    control.request_stop();
    CHECK_THROWS(Cancelled, count_edge_basis<std::int32_t>(g.csr(), control));
}

namespace {

template <class I>
std::vector<std::int64_t> node_degrees(const TestGraph& g, int threads) {
    Control control(threads);
    const auto basis = count_edge_basis<I>(g.csr(), control);
    std::vector<std::int64_t> out(g.size() * 15, -1);
    graphlet_degrees(basis, out.data(), control);
    return out;
}

template <class I, class O>
std::vector<std::int64_t> edge_degrees(const Csr& graph, int threads) {
    Control control(threads);
    const auto basis = count_edge_basis<I>(graph, control);
    std::vector<O> out(static_cast<std::size_t>(basis.num_edges) * 12, -1);
    edge_graphlet_degrees(basis, out.data(), control);
    return {out.begin(), out.end()};
}

// Columns of the edge table: M, or M + M^T where the two ends are on different orbits.
constexpr int kEdgeColumns[12] = {k1_1_2,  k1_3_3,   k1_4_5,   k1_5_5,   k1_6_7,   k1_8_8,
                                  k1_9_11, k1_10_10, k1_10_11, k1_12_13, k1_13_13, k1_14_14};

}  // namespace

TEST(families_equal_enumeration_in_every_value_of_hop_one) {
    for (const auto& [name, graph] : families()) {
        const Matrices expected = enumerate(graph);
        const std::size_t n = graph.size();
        for (const int threads : {1, 3}) {
            Control control(threads);
            const auto basis = count_edge_basis<std::int32_t>(graph.csr(), control);
            const auto wide = count_edge_basis<std::int64_t>(graph.csr(), control);
            for (int key = 0; key < kNumHop1; ++key) {
                std::vector<std::int32_t> values(graph.indices.size(), -1);
                std::vector<std::int64_t> same(values.size(), -1);
                hop1_values(basis, key, values.data(), control);
                hop1_values(wide, key, same.data(), control);
                CHECK(std::equal(values.begin(), values.end(), same.begin()));
                for (std::size_t u = 0; u < n; ++u)
                    for (std::int64_t p = graph.indptr[u]; p < graph.indptr[u + 1]; ++p) {
                        const auto at = static_cast<std::size_t>(p);
                        CHECK_EQ(same[at], expected[static_cast<std::size_t>(key)][u * n + static_cast<std::size_t>(graph.indices[at])]);
                    }
            }
        }
    }
}

TEST(graphlet_degrees_of_nodes_and_edges_equal_enumeration) {
    for (const auto& [name, graph] : families()) {
        const Matrices matrices = enumerate(graph);
        const std::vector<Degrees> expected = node_orbits(graph);
        const std::size_t n = graph.size();
        for (const int threads : {1, 3}) {
            const auto degrees = node_degrees<std::int32_t>(graph, threads);
            CHECK(degrees == node_degrees<std::int64_t>(graph, threads));
            for (std::size_t u = 0; u < n; ++u)
                for (std::size_t orbit = 0; orbit < 15; ++orbit) CHECK_EQ(degrees[u * 15 + orbit], expected[u][orbit]);
            const auto edges = edge_degrees<std::int32_t, std::int32_t>(graph.csr(), threads);
            CHECK(edges == (edge_degrees<std::int32_t, std::int64_t>(graph.csr(), threads)));
            CHECK(edges == (edge_degrees<std::int64_t, std::int64_t>(graph.csr(), threads)));
            std::size_t row = 0;
            for (std::size_t u = 0; u < n; ++u)
                for (std::size_t v = u + 1; v < n; ++v) {
                    if (!graph.adjacent[u][v]) continue;
                    for (std::size_t column = 0; column < 12; ++column) {
                        const auto key = static_cast<std::size_t>(kEdgeColumns[column]);
                        const bool both = kNames[key][1] != kNames[key][2];
                        CHECK_EQ(edges[row * 12 + column], matrices[key][u * n + v] + (both ? matrices[key][v * n + u] : 0));
                    }
                    ++row;
                }
            CHECK_EQ(row * 12, edges.size());
        }
    }
}

TEST(graphlet_degrees_follow_the_formulas_on_paper) {
    const Paper papers[] = {complete_on_paper(6),        complete_on_paper(130),  cycle_on_paper(5),     cycle_on_paper(700),
                            star_on_paper(4),            star_on_paper(650),      bipartite_on_paper(3, 5), bipartite_on_paper(90, 130),
                            wheel_on_paper(6),           wheel_on_paper(500),     book_on_paper(3),      book_on_paper(400),
                            windmill_on_paper(2),        windmill_on_paper(300)};
    for (const Paper& paper : papers)
        for (const int threads : {1, 3}) {
            const auto degrees = node_degrees<std::int32_t>(paper.graph, threads);
            for (const auto& [node, expected] : paper.nodes)
                for (std::size_t orbit = 0; orbit < 15; ++orbit) CHECK_EQ(degrees[node * 15 + orbit], expected[orbit]);
        }
}

TEST(relabelling_permutes_and_unions_stand_side_by_side) {
    for (const auto& [name, graph] : families()) {
        const std::size_t n = graph.size();
        const auto degrees = node_degrees<std::int32_t>(graph, 1);
        const auto order = random_order(n, 9);
        const auto permuted = node_degrees<std::int32_t>(relabelled(graph, order), 2);
        for (std::size_t u = 0; u < n; ++u)
            for (std::size_t orbit = 0; orbit < 15; ++orbit) CHECK_EQ(permuted[order[u] * 15 + orbit], degrees[u * 15 + orbit]);
        const TestGraph other = with_hub(40, 0.1, 3);
        auto both = degrees;
        both.insert(both.end(), 2 * 15, 0);  // two nodes on their own
        const auto others = node_degrees<std::int32_t>(other, 1);
        both.insert(both.end(), others.begin(), others.end());
        CHECK(node_degrees<std::int32_t>(disjoint(graph, disjoint(empty_graph(2), other)), 3) == both);
    }
}

// Two centres of degree d, joined, with d - 1 leaves each: squares of the degree, at the last one that 32 bits hold.
TEST(degrees_at_the_border_of_thirty_two_bits) {
    for (const std::int64_t degree : {kMaxDegreeInt32, kMaxDegreeInt32Edges}) {
        const std::int64_t leaves = degree - 1;
        std::vector<std::pair<std::int32_t, std::int32_t>> edges{{0, 1}};
        for (std::int32_t leaf = 0; leaf < leaves; ++leaf) {
            edges.emplace_back(0, 2 + leaf);
            edges.emplace_back(1, static_cast<std::int32_t>(2 + leaves) + leaf);
        }
        const ListGraph g = list_graph(2 + 2 * leaves, edges);
        Control control(2);
        const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
        CHECK_EQ(basis.max_degree, degree);
        CHECK_EQ(basis.paths[0], leaves);  // the other centre has `leaves` more neighbours, the leaves none
        const struct {
            int key;
            std::int64_t between, up, down;  // centre to centre, leaf to centre, centre to leaf
        } expected[] = {
            {k1_1_2, leaves, leaves, 0},
            {k1_2_1, leaves, 0, leaves},
            {k1_5_5, leaves * leaves, 0, 0},
            {k1_4_5, 0, leaves, 0},
            {k1_6_7, choose(leaves, 2), choose(leaves, 2), 0},
            {k1_7_6, choose(leaves, 2), 0, choose(leaves, 2)},
            {k1_8_8, 0, 0, 0},
            {k1_10_11, 0, 0, 0},
        };
        std::vector<std::int32_t> values(g.indices.size());
        for (const auto& one : expected) {
            hop1_values(basis, one.key, values.data(), control);
            CHECK_EQ(values[0], one.between);
            CHECK_EQ(values[1], one.down);
            CHECK_EQ(values[static_cast<std::size_t>(g.indptr[2])], one.up);
            CHECK_EQ(values.back(), one.up);
        }
        const auto table = edge_degrees<std::int32_t, std::int64_t>(g.csr(), 2);
        CHECK_EQ(table[0], 2 * leaves);
        CHECK_EQ(table[3], leaves * leaves);
        CHECK_EQ(table[4], leaves * (leaves - 1));
        CHECK(table == (edge_degrees<std::int64_t, std::int64_t>(g.csr(), 1)));
        if (degree <= kMaxDegreeInt32Edges) CHECK(table == (edge_degrees<std::int32_t, std::int32_t>(g.csr(), 3)));
        std::vector<std::int64_t> degrees(static_cast<std::size_t>(2 + 2 * leaves) * 15);
        graphlet_degrees(basis, degrees.data(), control);
        CHECK_EQ(degrees[5], leaves * leaves);
        CHECK_EQ(degrees[7], choose(degree, 3));
        CHECK_EQ(degrees[2 * 15 + 4], leaves);
    }
}

TEST(tasks_share_the_work_and_cover_every_node) {
    std::mt19937_64 random(2);
    for (const std::int64_t nodes : {0, 1, 2, 63, 500})
        for (const std::int64_t most : {0, 1, 2, 7, 64, 10000})
            for (const int shape : {0, 1, 2, 3}) {
                std::vector<std::int64_t> work(static_cast<std::size_t>(nodes));
                for (std::size_t u = 0; u < work.size(); ++u)
                    work[u] = shape == 0   ? 0
                              : shape == 1 ? static_cast<std::int64_t>(random() % 100)
                              : shape == 2 ? (u % 50 == 0 ? 1000000 : 1)
                                           : (u + 1 == work.size() ? std::int64_t{1} << 50 : 5);
                const auto bounds = balanced_tasks(nodes, most, [&](std::int64_t u) { return work[static_cast<std::size_t>(u)]; });
                CHECK_EQ(bounds.front(), 0);
                CHECK_EQ(bounds.back(), nodes);
                std::int64_t total = nodes;
                for (const std::int64_t one : work) total += one;
                const std::int64_t share = total / std::max<std::int64_t>(most, 1) + 1;
                CHECK(static_cast<std::int64_t>(bounds.size()) - 1 <= std::max<std::int64_t>(most, 1) + 1);
                for (std::size_t t = 0; t + 1 < bounds.size(); ++t) {
                    CHECK(bounds[t] < bounds[t + 1]);
                    std::int64_t sum = 0;  // without the last node a task is below its share
                    for (std::int64_t u = bounds[t]; u + 1 < bounds[t + 1]; ++u) sum += work[static_cast<std::size_t>(u)] + 1;
                    CHECK(sum < share);
                }
            }
}

TEST(every_count_stops_when_asked_and_can_be_made_again) {
    const TestGraph g = random_graph(150, 0.3, 1);
    const auto expected = node_degrees<std::int32_t>(g, 1);
    for (const int threads : {1, 3}) {
        Control control(threads);
        const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
        std::vector<std::int64_t> nodes(150 * 15), edges(static_cast<std::size_t>(basis.num_edges) * 12);
        std::vector<std::int32_t> values(g.indices.size());
        control.request_stop();
        CHECK_THROWS(Cancelled, graphlet_degrees(basis, nodes.data(), control));
        CHECK_THROWS(Cancelled, edge_graphlet_degrees(basis, edges.data(), control));
        CHECK_THROWS(Cancelled, hop1_values(basis, k1_4_5, values.data(), control));
        for (unsigned round = 0; round < 6; ++round) {  // at any moment of the counting
            Control other(threads);
            std::thread stopper([&] {
                std::this_thread::sleep_for(std::chrono::microseconds(300 * round));
                other.request_stop();
            });
            try {
                const auto complete = count_edge_basis<std::int32_t>(g.csr(), other);
                CHECK_EQ(complete.num_triangles, basis.num_triangles);
            } catch (const Cancelled&) {
            }
            stopper.join();
        }
        CHECK(node_degrees<std::int32_t>(g, threads) == expected);
    }
}
