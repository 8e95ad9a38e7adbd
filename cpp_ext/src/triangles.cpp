#include "graphx/triangles.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "graphx/orbits.hpp"

namespace graphx {

namespace {

std::vector<std::int32_t> order_by_degree(const Csr& graph) {
    const std::int64_t n = graph.num_nodes;
    std::int64_t most = 0;
    for (std::int64_t u = 0; u < n; ++u) most = std::max(most, graph.degree(u));
    std::vector<std::int64_t> start(static_cast<std::size_t>(most) + 2, 0);
    for (std::int64_t u = 0; u < n; ++u) ++start[static_cast<std::size_t>(graph.degree(u)) + 1];
    std::partial_sum(start.begin(), start.end(), start.begin());
    std::vector<std::int32_t> order(static_cast<std::size_t>(n));
    for (std::int64_t u = 0; u < n; ++u)
        order[static_cast<std::size_t>(start[static_cast<std::size_t>(graph.degree(u))]++)] = static_cast<std::int32_t>(u);
    return order;
}

}  // namespace

RankGraph build_rank_graph(const Csr& graph, Control& control) {
    const std::int64_t n = graph.num_nodes;
    RankGraph r;
    r.num_nodes = n;
    r.num_edges = graph.num_entries() / 2;
    r.rank.resize(static_cast<std::size_t>(n));
    r.node.resize(static_cast<std::size_t>(n));
    r.indptr.resize(static_cast<std::size_t>(n) + 1);
    r.first_edge.resize(static_cast<std::size_t>(n) + 1);
    r.indices.resize(static_cast<std::size_t>(graph.num_entries()));
    r.upper_edge.resize(static_cast<std::size_t>(r.num_edges));
    const auto order = order_by_degree(graph);
    std::copy(order.begin(), order.end(), r.node.begin());
    r.indptr[0] = 0;
    for (std::int64_t k = 0; k < n; ++k) {
        r.rank[static_cast<std::size_t>(order[static_cast<std::size_t>(k)])] = static_cast<std::int32_t>(k);
        r.indptr[k + 1] = r.indptr[k] + graph.degree(order[static_cast<std::size_t>(k)]);
    }
    const auto tasks = balanced_tasks(n, 64L * control.threads(), [&](std::int64_t k) { return r.degree(k); });
    const auto num_tasks = static_cast<std::int64_t>(tasks.size()) - 1;
    Buffer<std::int64_t> lower(static_cast<std::size_t>(n));
    parallel_for(control, num_tasks, [&](std::int64_t task, int) {
        for (std::int64_t k = tasks[task]; k < tasks[task + 1]; ++k) {
            if ((k & 255) == 0) control.checkpoint();
            std::int32_t* row = r.indices.data() + r.indptr[k];
            std::int32_t* out = row;
            const std::int64_t u = r.node[k];
            for (const std::int32_t* v = graph.begin(u); v != graph.end(u); ++v) *out++ = r.rank[*v];
            std::sort(row, out);
            lower[k] = std::lower_bound(row, out, static_cast<std::int32_t>(k)) - row;
        }
        control.advance(tasks[task + 1] - tasks[task]);
    });
    r.first_edge[0] = 0;
    for (std::int64_t k = 0; k < n; ++k) r.first_edge[k + 1] = r.first_edge[k] + lower[k];
    parallel_for(control, num_tasks, [&](std::int64_t task, int) {
        for (std::int64_t w = tasks[task]; w < tasks[task + 1]; ++w) {
            if ((w & 255) == 0) control.checkpoint();
            std::uint32_t* out = r.upper_edge.data() + r.first_upper(w);
            for (std::int64_t j = lower[w]; j < r.degree(w); ++j) {
                const std::int64_t u = r.indices[r.indptr[w] + j];
                const std::int32_t* row = r.indices.data() + r.indptr[u];
                const auto at = std::lower_bound(row, row + lower[u], static_cast<std::int32_t>(w)) - row;
                *out++ = static_cast<std::uint32_t>(r.first_edge[u] + at);
            }
        }
    });
    return r;
}

template <class I>
void count_triangles(const RankGraph& g, I* out, std::int64_t stride, Control& control) {
    const std::int64_t n = g.num_nodes;
    const auto tasks = balanced_tasks(n, 64L * control.threads(), [&](std::int64_t u) { return 4 * g.num_lower(u); });
    const auto num_tasks = static_cast<std::int64_t>(tasks.size()) - 1;
    std::vector<Buffer<std::uint8_t>> marks(static_cast<std::size_t>(control.threads()));
    parallel_for(control, num_tasks, [&](std::int64_t reverse, int worker) {
        const std::int64_t task = num_tasks - 1 - reverse;  // hubs first
        auto& mark = marks[static_cast<std::size_t>(worker)];
        if (mark.size() == 0) {
            mark.resize(static_cast<std::size_t>(n));
            mark.fill(0);
        }
        for (std::int64_t u = tasks[task]; u < tasks[task + 1]; ++u) {
            const std::int32_t* row = g.indices.data() + g.indptr[u];
            const std::int64_t lower = g.num_lower(u), degree = g.degree(u);
            for (std::int64_t j = 0; j < degree; ++j) mark[row[j]] = 1;
            for (std::int64_t j = 0; j < lower; ++j) {
                const std::int64_t w = row[j];
                const std::int32_t* x = g.indices.data() + g.indptr[w];
                const std::int32_t* end = g.indices.data() + g.indptr[w + 1];
                std::int64_t common = 0;
                for (; x != end; ++x) common += mark[*x];
                out[(g.first_edge[u] + j) * stride] = static_cast<I>(common);
                if ((j & 63) == 0) control.checkpoint();
            }
            for (std::int64_t j = 0; j < degree; ++j) mark[row[j]] = 0;
        }
        control.advance(tasks[task + 1] - tasks[task]);
    });
}

template void count_triangles(const RankGraph&, std::int32_t*, std::int64_t, Control&);
template void count_triangles(const RankGraph&, std::int64_t*, std::int64_t, Control&);

}  // namespace graphx
