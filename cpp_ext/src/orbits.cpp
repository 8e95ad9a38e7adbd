#include "graphx/orbits.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <vector>

#include "graphx/triangles.hpp"

namespace graphx {

namespace {

template <class I>
inline void add(I& target, I amount) {
    std::atomic_ref<I>(target).fetch_add(amount, std::memory_order_relaxed);
}

// A per-worker array [n] of zeros, made at the first use.
template <class T>
class WorkerArrays {
public:
    WorkerArrays(int workers, std::int64_t size) : arrays_(static_cast<std::size_t>(workers)), size_(size) {}
    T* get(int worker) {
        auto& array = arrays_[static_cast<std::size_t>(worker)];
        if (array.size() == 0) {
            array.resize(static_cast<std::size_t>(size_));
            array.fill(T{0});
        }
        return array.data();
    }

private:
    std::vector<Buffer<T>> arrays_;
    std::int64_t size_;
};

struct Tasks {
    std::vector<std::int64_t> bounds;
    std::int64_t count() const { return static_cast<std::int64_t>(bounds.size()) - 1; }
};

// sum_hi, sum_lo, sum_degree of every edge in a triangle: a second walk over the common neighbours.
template <class I>
void count_sums(const RankGraph& g, const Tasks& tasks, EdgeCounts<I>* edges, Control& control) {
    WorkerArrays<std::int32_t> marks(control.threads(), g.num_nodes);
    parallel_for(control, tasks.count(), [&](std::int64_t reverse, int worker) {
        const std::int64_t task = tasks.count() - 1 - reverse;
        std::int32_t* mark = marks.get(worker);  // position in the row of u, plus one
        for (std::int64_t u = tasks.bounds[task]; u < tasks.bounds[task + 1]; ++u) {
            const std::int32_t* row = g.indices.data() + g.indptr[u];
            const std::int64_t lower = g.num_lower(u), degree = g.degree(u);
            bool marked = false;
            for (std::int64_t j = 0; j < lower; ++j) {
                EdgeCounts<I>& e = edges[g.first_edge[u] + j];
                e.cliques = e.cycles = e.sum_hi = e.sum_lo = e.sum_degree = 0;
                std::int64_t left = e.triangles;
                if (left == 0) continue;
                if (!marked) {
                    for (std::int64_t i = 0; i < degree; ++i) mark[row[i]] = static_cast<std::int32_t>(i) + 1;
                    marked = true;
                }
                const std::int64_t w = row[j];
                const std::int32_t* other = g.indices.data() + g.indptr[w];
                for (std::int64_t i = 0; left > 0; ++i) {
                    const std::int32_t at = mark[other[i]];
                    if (at == 0) continue;
                    --left;
                    e.sum_lo += edges[g.edge(w, i)].triangles;
                    e.sum_hi += edges[g.edge(u, at - 1)].triangles;
                    e.sum_degree += static_cast<I>(g.degree(other[i]));
                }
                if ((j & 63) == 0) control.checkpoint();
            }
            if (marked)
                for (std::int64_t i = 0; i < degree; ++i) mark[row[i]] = 0;
        }
        control.advance(tasks.bounds[task + 1] - tasks.bounds[task]);
    });
}

// 4-cliques: every clique is found at its lowest node u, inside the graph of the higher neighbours of u, whose rows are
// bitsets. Only neighbours on at least two triangles with u can take part.
template <class I>
void count_cliques(const RankGraph& g, const Tasks& tasks, EdgeCounts<I>* edges, Control& control) {
    struct Scratch {
        std::vector<std::int32_t> members;
        std::vector<std::uint32_t> member_edges;
        std::vector<std::uint64_t> bits;
        std::vector<std::uint32_t> left, right, edge;
        std::vector<I> sums;
    };
    WorkerArrays<std::int32_t> marks(control.threads(), g.num_nodes);
    std::vector<Scratch> scratches(static_cast<std::size_t>(control.threads()));
    parallel_for(control, tasks.count(), [&](std::int64_t reverse, int worker) {
        const std::int64_t task = tasks.count() - 1 - reverse;
        std::int32_t* mark = marks.get(worker);
        Scratch& s = scratches[static_cast<std::size_t>(worker)];
        for (std::int64_t u = tasks.bounds[task]; u < tasks.bounds[task + 1]; ++u) {
            if ((u & 63) == 0) control.checkpoint();
            const std::int64_t lower = g.num_lower(u), degree = g.degree(u);
            const std::int32_t* row = g.indices.data() + g.indptr[u];
            s.members.clear();
            s.member_edges.clear();
            for (std::int64_t j = lower; j < degree; ++j) {
                const std::uint32_t e = g.edge(u, j);
                if (edges[e].triangles < 2) continue;
                s.members.push_back(row[j]);
                s.member_edges.push_back(e);
            }
            const std::size_t size = s.members.size();
            if (size < 3) continue;
            const std::size_t words = (size + 63) / 64;
            s.bits.assign(size * words, 0);
            s.left.clear();
            s.right.clear();
            s.edge.clear();
            for (std::size_t i = 0; i < size; ++i) mark[s.members[i]] = static_cast<std::int32_t>(i) + 1;
            for (std::size_t i = 0; i < size; ++i) {
                const std::int64_t w = s.members[i];
                const std::int32_t* other = g.indices.data() + g.indptr[w];
                for (std::int64_t j = g.num_lower(w); j < g.degree(w); ++j) {
                    const std::int32_t at = mark[other[j]];
                    if (at == 0) continue;
                    const std::uint32_t e = g.edge(w, j);
                    if (edges[e].triangles < 2) continue;
                    const auto k = static_cast<std::size_t>(at) - 1;
                    s.bits[i * words + k / 64] |= std::uint64_t{1} << (k % 64);
                    s.bits[k * words + i / 64] |= std::uint64_t{1} << (i % 64);
                    s.left.push_back(static_cast<std::uint32_t>(i));
                    s.right.push_back(static_cast<std::uint32_t>(k));
                    s.edge.push_back(e);
                }
            }
            for (std::size_t i = 0; i < size; ++i) mark[s.members[i]] = 0;
            if (s.edge.size() < 3) continue;
            s.sums.assign(size, 0);
            for (std::size_t q = 0; q < s.edge.size(); ++q) {
                const std::uint64_t* a = s.bits.data() + s.left[q] * words;
                const std::uint64_t* b = s.bits.data() + s.right[q] * words;
                I common = 0;
                for (std::size_t word = 0; word < words; ++word) common += std::popcount(a[word] & b[word]);
                if (common == 0) continue;
                add(edges[s.edge[q]].cliques, common);
                s.sums[s.left[q]] += common;
                s.sums[s.right[q]] += common;
                if ((q & 4095) == 0) control.checkpoint();
            }
            for (std::size_t i = 0; i < size; ++i)
                if (s.sums[i]) add(edges[s.member_edges[i]].cliques, static_cast<I>(s.sums[i] / 2));
        }
        control.advance(tasks.bounds[task + 1] - tasks.bounds[task]);
    });
}

// 4-cycles through every edge: every cycle is found at its highest node u as two paths u-w-v and u-x-v below u.
template <class I>
void count_cycles(const RankGraph& g, const Tasks& tasks, EdgeCounts<I>* edges, Control& control) {
    WorkerArrays<std::int32_t> counts(control.threads(), g.num_nodes);
    parallel_for(control, tasks.count(), [&](std::int64_t reverse, int worker) {
        const std::int64_t task = tasks.count() - 1 - reverse;
        std::int32_t* paths = counts.get(worker);
        for (std::int64_t u = tasks.bounds[task]; u < tasks.bounds[task + 1]; ++u) {
            const std::int64_t lower = g.num_lower(u);
            const std::int32_t* row = g.indices.data() + g.indptr[u];
            if (lower < 2) continue;
            for (std::int64_t j = 0; j < lower; ++j) {
                if ((j & 63) == 0) control.checkpoint();
                for (const std::int32_t* v = g.indices.data() + g.indptr[row[j]]; *v < u; ++v) ++paths[*v];
            }
            for (std::int64_t j = 0; j < lower; ++j) {
                if ((j & 63) == 0) control.checkpoint();
                const std::int64_t w = row[j];
                const std::int32_t* other = g.indices.data() + g.indptr[w];
                I through = 0;
                for (std::int64_t i = 0; other[i] < u; ++i) {
                    const I cycles = paths[other[i]] - 1;
                    if (cycles == 0) continue;
                    through += cycles;
                    add(edges[g.edge(w, i)].cycles, cycles);
                }
                if (through) add(edges[g.first_edge[u] + j].cycles, through);
            }
            for (std::int64_t j = 0; j < lower; ++j) {
                if ((j & 63) == 0) control.checkpoint();
                for (const std::int32_t* v = g.indices.data() + g.indptr[row[j]]; *v < u; ++v) paths[*v] = 0;
            }
        }
        control.advance(tasks.bounds[task + 1] - tasks.bounds[task]);
    });
}

// T and D of every node, and the edge of every CSR entry in the caller's numbering.
template <class I>
void finish_nodes(const RankGraph& g, EdgeBasis<I>& basis, Control& control) {
    const Tasks tasks{balanced_tasks(g.num_nodes, 64L * control.threads(), [&](std::int64_t u) { return g.degree(u); })};
    WorkerArrays<std::uint32_t> edge_of(control.threads(), g.num_nodes);
    std::atomic<std::int64_t> triangles{0}, squares{0};
    parallel_for(control, tasks.count(), [&](std::int64_t task, int worker) {
        std::uint32_t* edge = edge_of.get(worker);
        std::int64_t task_triangles = 0, task_squares = 0;
        for (std::int64_t u = tasks.bounds[task]; u < tasks.bounds[task + 1]; ++u) {
            if ((u & 255) == 0) control.checkpoint();
            const std::int64_t node = g.node[u];
            I twice = 0, paths = 0;
            for (std::int64_t j = 0; j < g.degree(u); ++j) {
                const std::int32_t v = g.indices[g.indptr[u] + j];
                const std::uint32_t e = g.edge(u, j);
                const I t = basis.edges[e].triangles;
                twice += t;
                task_squares += static_cast<std::int64_t>(t) * t;
                paths += static_cast<I>(g.degree(v)) - 1 - t;
                edge[v] = 2 * e + (v < u ? 1U : 0U);
            }
            basis.triangles[node] = twice / 2;
            basis.paths[node] = paths;
            task_triangles += twice / 2;
            for (std::int64_t p = basis.graph.indptr[node]; p < basis.graph.indptr[node + 1]; ++p)
                basis.slots[p] = edge[g.rank[basis.graph.indices[p]]];
        }
        triangles.fetch_add(task_triangles, std::memory_order_relaxed);
        squares.fetch_add(task_squares, std::memory_order_relaxed);
    });
    basis.num_triangles = triangles / 3;
    basis.sum_squared_triangles = squares / 2;
}

template <int K, class I>
inline void add_row_sum(const EdgeView<I>& e, std::int64_t& sum) {
    sum += static_cast<std::int64_t>(hop1_value<K>(e));
}

}  // namespace

template <class I>
EdgeBasis<I> count_edge_basis(const Csr& graph, Control& control) {
    EdgeBasis<I> basis;
    basis.graph = graph;
    basis.num_edges = graph.num_entries() / 2;
    for (std::int64_t u = 0; u < graph.num_nodes; ++u) basis.max_degree = std::max(basis.max_degree, graph.degree(u));
    const RankGraph g = build_rank_graph(graph, control);
    basis.edges.resize(static_cast<std::size_t>(basis.num_edges));
    basis.slots.resize(static_cast<std::size_t>(graph.num_entries()));
    basis.triangles.resize(static_cast<std::size_t>(graph.num_nodes));
    basis.paths.resize(static_cast<std::size_t>(graph.num_nodes));
    constexpr std::int64_t stride = sizeof(EdgeCounts<I>) / sizeof(I);
    if (basis.num_edges) count_triangles(g, &basis.edges[0].triangles, stride, control);
    const Tasks tasks{
        balanced_tasks(g.num_nodes, 64L * control.threads(), [&](std::int64_t u) { return 4 * g.num_lower(u); })};
    count_sums(g, tasks, basis.edges.data(), control);
    count_cliques(g, tasks, basis.edges.data(), control);
    count_cycles(g, tasks, basis.edges.data(), control);
    finish_nodes(g, basis, control);
    return basis;
}

template <class I>
void graphlet_degrees(const EdgeBasis<I>& basis, std::int64_t* out, Control& control) {
    const Csr& g = basis.graph;
    const Tasks tasks{balanced_tasks(g.num_nodes, 64L * control.threads(), [&](std::int64_t u) { return g.degree(u); })};
    parallel_for(control, tasks.count(), [&](std::int64_t task, int) {
        for (std::int64_t u = tasks.bounds[task]; u < tasks.bounds[task + 1]; ++u) {
            if ((u & 255) == 0) control.checkpoint();
            std::int64_t sum[15] = {};
            for (std::int64_t p = g.indptr[u]; p < g.indptr[u + 1]; ++p) {
                const EdgeView<I> e = edge_view(basis, u, p);
                add_row_sum<k1_0_0>(e, sum[0]);
                add_row_sum<k1_1_2>(e, sum[1]);
                add_row_sum<k1_2_1>(e, sum[2]);
                add_row_sum<k1_3_3>(e, sum[3]);
                add_row_sum<k1_4_5>(e, sum[4]);
                add_row_sum<k1_5_5>(e, sum[5]);
                add_row_sum<k1_6_7>(e, sum[6]);
                add_row_sum<k1_7_6>(e, sum[7]);
                add_row_sum<k1_8_8>(e, sum[8]);
                add_row_sum<k1_9_11>(e, sum[9]);
                add_row_sum<k1_10_10>(e, sum[10]);
                add_row_sum<k1_11_9>(e, sum[11]);
                add_row_sum<k1_12_13>(e, sum[12]);
                add_row_sum<k1_13_13>(e, sum[13]);
                add_row_sum<k1_14_14>(e, sum[14]);
            }
            // How often a row sum counts each graphlet that has the row's node on that orbit.
            static constexpr int divisor[15] = {1, 1, 2, 2, 1, 1, 1, 3, 2, 1, 1, 1, 2, 1, 3};
            for (int orbit = 0; orbit < 15; ++orbit) out[u * 15 + orbit] = sum[orbit] / divisor[orbit];
        }
        control.advance(tasks.bounds[task + 1] - tasks.bounds[task]);
    });
}

template <class I, class O>
void edge_graphlet_degrees(const EdgeBasis<I>& basis, O* out, Control& control) {
    const Csr& g = basis.graph;
    std::vector<std::int64_t> first(static_cast<std::size_t>(g.num_nodes) + 1, 0);
    for (std::int64_t u = 0; u < g.num_nodes; ++u)
        first[u + 1] = first[u] + (g.end(u) - std::upper_bound(g.begin(u), g.end(u), static_cast<std::int32_t>(u)));
    const Tasks tasks{balanced_tasks(g.num_nodes, 64L * control.threads(), [&](std::int64_t u) { return g.degree(u); })};
    parallel_for(control, tasks.count(), [&](std::int64_t task, int) {
        for (std::int64_t u = tasks.bounds[task]; u < tasks.bounds[task + 1]; ++u) {
            if ((u & 255) == 0) control.checkpoint();
            O* row = out + first[u] * 12;
            for (std::int64_t p = g.indptr[u + 1] - (first[u + 1] - first[u]); p < g.indptr[u + 1]; ++p, row += 12) {
                const EdgeView<I> e = edge_view(basis, u, p), r = reversed(e);
                row[0] = O{hop1_value<k1_1_2>(e)} + O{hop1_value<k1_1_2>(r)};
                row[1] = hop1_value<k1_3_3>(e);
                row[2] = O{hop1_value<k1_4_5>(e)} + O{hop1_value<k1_4_5>(r)};
                row[3] = hop1_value<k1_5_5>(e);
                row[4] = O{hop1_value<k1_6_7>(e)} + O{hop1_value<k1_6_7>(r)};
                row[5] = hop1_value<k1_8_8>(e);
                row[6] = O{hop1_value<k1_9_11>(e)} + O{hop1_value<k1_9_11>(r)};
                row[7] = hop1_value<k1_10_10>(e);
                row[8] = O{hop1_value<k1_10_11>(e)} + O{hop1_value<k1_10_11>(r)};
                row[9] = O{hop1_value<k1_12_13>(e)} + O{hop1_value<k1_12_13>(r)};
                row[10] = hop1_value<k1_13_13>(e);
                row[11] = hop1_value<k1_14_14>(e);
            }
        }
        control.advance(tasks.bounds[task + 1] - tasks.bounds[task]);
    });
}

template <class I>
void hop1_values(const EdgeBasis<I>& basis, int key, I* out, Control& control) {
    const Csr& g = basis.graph;
    const Tasks tasks{balanced_tasks(g.num_nodes, 64L * control.threads(), [&](std::int64_t u) { return g.degree(u); })};
    with_hop1_key(key, [&]<int K>() {
        parallel_for(control, tasks.count(), [&](std::int64_t task, int) {
            for (std::int64_t u = tasks.bounds[task]; u < tasks.bounds[task + 1]; ++u)
                for (std::int64_t p = g.indptr[u]; p < g.indptr[u + 1]; ++p)
                    out[p] = hop1_value<K>(edge_view(basis, u, p));
        });
    });
}

#define GRAPHX_INSTANTIATE(I)                                                            \
    template EdgeBasis<I> count_edge_basis(const Csr&, Control&);                        \
    template void graphlet_degrees(const EdgeBasis<I>&, std::int64_t*, Control&);        \
    template void edge_graphlet_degrees(const EdgeBasis<I>&, std::int64_t*, Control&);   \
    template void hop1_values(const EdgeBasis<I>&, int, I*, Control&);
GRAPHX_INSTANTIATE(std::int32_t)
GRAPHX_INSTANTIATE(std::int64_t)
#undef GRAPHX_INSTANTIATE
template void edge_graphlet_degrees(const EdgeBasis<std::int32_t>&, std::int32_t*, Control&);

}  // namespace graphx
