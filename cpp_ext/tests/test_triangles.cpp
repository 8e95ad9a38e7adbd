// The graph by rank: an order by degree, edges numbered once and found from both ends, triangles of each edge.
#include "graphx/triangles.hpp"

#include <set>
#include <vector>

#include "families.hpp"
#include "test.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

// Every promise of RankGraph, against the matrix of the graph.
void check_rank_graph(const TestGraph& g, int threads) {
    Control control(threads);
    const Csr csr = g.csr();
    const RankGraph r = build_rank_graph(csr, control);
    const auto n = static_cast<std::int64_t>(g.size());
    CHECK_EQ(r.num_nodes, n);
    CHECK_EQ(r.num_edges, csr.num_entries() / 2);
    CHECK_EQ(r.indptr[0], 0);
    CHECK_EQ(r.first_edge[n], r.num_edges);
    for (std::int64_t k = 0; k < n; ++k) {
        const std::int64_t u = r.node[k];
        CHECK_EQ(r.rank[u], k);
        if (k > 0)  // by degree, equal ones by id
            CHECK(std::make_pair(csr.degree(r.node[k - 1]), std::int64_t{r.node[k - 1]}) < std::make_pair(csr.degree(u), u));
        CHECK_EQ(r.degree(k), csr.degree(u));
        std::int64_t lower = 0;
        for (std::int64_t j = 0; j < r.degree(k); ++j) {
            const std::int64_t other = r.indices[r.indptr[k] + j];
            CHECK(j == 0 || r.indices[r.indptr[k] + j - 1] < other);
            CHECK(g.adjacent[u][r.node[other]]);
            lower += other < k;
        }
        CHECK_EQ(r.num_lower(k), lower);
    }
    std::set<std::uint32_t> numbers;
    for (std::int64_t k = 0; k < n; ++k)
        for (std::int64_t j = 0; j < r.degree(k); ++j) {
            const std::uint32_t e = r.edge(k, j);
            CHECK(e < static_cast<std::uint32_t>(r.num_edges));
            if (j < r.num_lower(k)) CHECK(numbers.insert(e).second);
            const std::int64_t other = r.indices[r.indptr[k] + j];  // the same number from the other end
            for (std::int64_t i = 0; i < r.degree(other); ++i)
                if (r.indices[r.indptr[other] + i] == k) CHECK_EQ(r.edge(other, i), e);
        }
    CHECK_EQ(numbers.size(), static_cast<std::size_t>(r.num_edges));
}

template <class I>
void check_triangles(const TestGraph& g, int threads, std::int64_t stride) {
    Control control(threads);
    const RankGraph r = build_rank_graph(g.csr(), control);
    std::vector<I> out(static_cast<std::size_t>(r.num_edges * stride + 1), I{-7});
    count_triangles(r, out.data(), stride, control);
    for (std::int64_t k = 0; k < r.num_nodes; ++k)
        for (std::int64_t j = 0; j < r.num_lower(k); ++j) {
            const auto u = static_cast<std::size_t>(r.node[k]), v = static_cast<std::size_t>(r.node[r.indices[r.indptr[k] + j]]);
            I common = 0;
            for (std::size_t w = 0; w < g.size(); ++w) common += g.adjacent[u][w] && g.adjacent[v][w];
            CHECK_EQ(out[static_cast<std::size_t>(r.edge(k, j) * stride)], common);
        }
    for (std::size_t i = 0; i < out.size(); ++i)  // between the strides and behind the last nothing is written
        if (i % static_cast<std::size_t>(stride) != 0 || i == out.size() - 1) CHECK_EQ(out[i], I{-7});
}

}  // namespace

TEST(rank_graphs_keep_what_they_promise) {
    for (const auto& [name, graph] : families())
        for (const int threads : {1, 3}) check_rank_graph(graph, threads);
    for (unsigned seed = 0; seed < 5; ++seed) check_rank_graph(random_graph(130, 0.05 * (seed + 1), seed), 2);
}

TEST(triangles_of_every_edge_are_the_common_neighbours) {
    for (const auto& [name, graph] : families())
        for (const int threads : {1, 3}) {
            check_triangles<std::int32_t>(graph, threads, 1);
            check_triangles<std::int64_t>(graph, threads, 6);
        }
    check_triangles<std::int32_t>(random_graph(140, 0.3, 8), 3, 6);  // rows of more than 64 lower neighbours
    check_triangles<std::int64_t>(complete(90), 2, 1);
}

TEST(ranks_of_equal_degrees_go_by_id) {
    Control control(2);
    const TestGraph g = cycle(300);
    const RankGraph r = build_rank_graph(g.csr(), control);
    for (std::int32_t u = 0; u < 300; ++u) CHECK_EQ(r.rank[u], u);
    const TestGraph hub = star(5);
    const RankGraph s = build_rank_graph(hub.csr(), control);
    CHECK_EQ(s.rank[0], 5);  // the centre of a star is the highest
    CHECK_EQ(s.num_lower(5), 5);
}

TEST(ranking_stops_when_asked) {
    const TestGraph g = random_graph(200, 0.2, 1);
    for (const int threads : {1, 3}) {
        Control control(threads);
        const RankGraph r = build_rank_graph(g.csr(), control);
        control.request_stop();
        CHECK_THROWS(Cancelled, build_rank_graph(g.csr(), control));
        std::vector<std::int32_t> out(static_cast<std::size_t>(r.num_edges));
        CHECK_THROWS(Cancelled, count_triangles(r, out.data(), 1, control));
    }
}
