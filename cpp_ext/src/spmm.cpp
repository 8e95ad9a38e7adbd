#include "graphx/spmm.hpp"

#include <algorithm>
#include <vector>

#include "graphx/simd.hpp"

namespace graphx {

namespace {

// One row of the product for `Width` columns held in registers.
template <int Width, class V, class T>
GRAPHX_INLINE void row_columns(const Product<V, T>& p, std::int64_t u, std::int64_t column) {
    T sum[Width] = {};
    const std::int64_t stop = p.pattern.indptr[u + 1];
    if (p.values) {
        for (std::int64_t s = p.pattern.indptr[u]; s < stop; ++s) {
            const T value = static_cast<T>(p.values[s]);
            const T* x = p.x + p.pattern.indices[s] * p.columns + column;
            for (int j = 0; j < Width; ++j) sum[j] += value * x[j];
        }
    } else {
        for (std::int64_t s = p.pattern.indptr[u]; s < stop; ++s) {
            const T* x = p.x + p.pattern.indices[s] * p.columns + column;
            for (int j = 0; j < Width; ++j) sum[j] += x[j];
        }
    }
    T* out = p.out + u * p.columns + column;
    const T scale = static_cast<T>(p.scale);
    for (int j = 0; j < Width; ++j) sum[j] *= scale;
    if (p.diagonal) {
        const T d = static_cast<T>(p.diagonal[u]);
        const T* y = p.y + u * p.columns + column;
        for (int j = 0; j < Width; ++j) sum[j] += d * y[j];
    }
    if (p.accumulate)
        for (int j = 0; j < Width; ++j) out[j] += sum[j];
    else
        for (int j = 0; j < Width; ++j) out[j] = sum[j];
}

template <class V, class T>
GRAPHX_INLINE void rows_body(const Product<V, T>& p, std::int64_t start, std::int64_t stop) {
    constexpr int wide = 512 / static_cast<int>(sizeof(T));  // eight 64-byte registers
    for (std::int64_t u = start; u < stop; ++u) {
        std::int64_t column = 0;
        for (; column + wide <= p.columns; column += wide) row_columns<wide>(p, u, column);
        for (; column + 16 <= p.columns; column += 16) row_columns<16>(p, u, column);
        for (; column + 4 <= p.columns; column += 4) row_columns<4>(p, u, column);
        for (; column < p.columns; ++column) row_columns<1>(p, u, column);
    }
}

template <class V, class T>
void rows_plain(const Product<V, T>& p, std::int64_t start, std::int64_t stop) { rows_body(p, start, stop); }
#if defined(GRAPHX_X86)
template <class V, class T>
GRAPHX_AVX2 void rows_avx2(const Product<V, T>& p, std::int64_t start, std::int64_t stop) { rows_body(p, start, stop); }
template <class V, class T>
GRAPHX_AVX512 void rows_avx512(const Product<V, T>& p, std::int64_t start, std::int64_t stop) {
    rows_body(p, start, stop);
}
#endif

template <class V, class T>
auto rows_for_this_machine() {
    auto rows = rows_plain<V, T>;
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx2) rows = rows_avx2<V, T>;
    if (simd_level() == Simd::avx512) rows = rows_avx512<V, T>;
#endif
    return rows;
}

}  // namespace

template <class V, class T>
void multiply_serial(const Product<V, T>& p) {
    rows_for_this_machine<V, T>()(p, 0, p.pattern.num_nodes);
}

template <class V, class T>
void multiply(const Product<V, T>& p, Control& control) {
    const auto rows = rows_for_this_machine<V, T>();
    const auto bounds =
        balanced_tasks(p.pattern.num_nodes, 64L * control.threads(), [&](std::int64_t u) { return p.pattern.degree(u); });
    parallel_for(control, static_cast<std::int64_t>(bounds.size()) - 1, [&](std::int64_t task, int) {
        for (std::int64_t u = bounds[task]; u < bounds[task + 1]; u += 256) {
            control.checkpoint();
            rows(p, u, std::min(bounds[task + 1], u + 256));
        }
    });
}

template <class I>
TriangleLists make_triangle_lists(const EdgeBasis<I>& basis, Control& control) {
    const Csr& g = basis.graph;
    const std::int64_t n = g.num_nodes;
    TriangleLists lists;
    lists.num_nodes = n;
    Buffer<std::int64_t> first(static_cast<std::size_t>(basis.num_edges) + 1);  // of the edge in edge_nodes
    Buffer<std::uint32_t> number(static_cast<std::size_t>(basis.num_edges));    // among edges in triangles
    std::uint32_t count = 0;
    first[0] = 0;
    for (std::int64_t e = 0; e < basis.num_edges; ++e) {
        const std::int64_t t = basis.edges[e].triangles;
        first[e + 1] = first[e] + t;
        number[e] = count;
        count += t > 0;
    }
    lists.edge_start.resize(std::size_t{count} + 1);
    for (std::int64_t e = 0; e < basis.num_edges; ++e)
        if (basis.edges[e].triangles > 0) lists.edge_start[number[e]] = first[e];
    lists.edge_start[count] = first[basis.num_edges];
    lists.edge_nodes.resize(static_cast<std::size_t>(3 * basis.num_triangles));
    lists.node_start.resize(static_cast<std::size_t>(n) + 1);
    lists.node_start[0] = 0;
    for (std::int64_t u = 0; u < n; ++u) lists.node_start[u + 1] = lists.node_start[u] + basis.triangles[u];
    lists.node_edges.resize(static_cast<std::size_t>(3 * basis.num_triangles));
    std::vector<Buffer<std::uint8_t>> marks(static_cast<std::size_t>(control.threads()));
    const auto bounds = balanced_tasks(n, 64L * control.threads(), [&](std::int64_t u) { return basis.triangles[u]; });
    parallel_for(control, static_cast<std::int64_t>(bounds.size()) - 1, [&](std::int64_t task, int worker) {
        auto& mark = marks[static_cast<std::size_t>(worker)];
        if (mark.size() == 0) {
            mark.resize(static_cast<std::size_t>(n));
            mark.fill(0);
        }
        for (std::int64_t u = bounds[task]; u < bounds[task + 1]; ++u) {
            if (basis.triangles[u] == 0) continue;
            for (const std::int32_t* v = g.begin(u); v != g.end(u); ++v) mark[*v] = 1;
            std::uint32_t* closing = lists.node_edges.data() + lists.node_start[u];
            for (std::int64_t p = g.indptr[u]; p < g.indptr[u + 1]; ++p) {
                control.checkpoint();
                const std::int32_t w = g.indices[p];
                const std::uint32_t code = basis.slots[p];
                std::int64_t left = basis.edges[code >> 1].triangles;
                std::int32_t* common = (code & 1U) ? lists.edge_nodes.data() + first[code >> 1] : nullptr;
                for (std::int64_t s = g.indptr[w]; left > 0; ++s) {
                    const std::int32_t x = g.indices[s];
                    if (!mark[x]) continue;
                    --left;
                    if (common) *common++ = x;
                    if (x > w) *closing++ = number[basis.slots[s] >> 1];
                }
            }
            for (const std::int32_t* v = g.begin(u); v != g.end(u); ++v) mark[*v] = 0;
        }
    });
    return lists;
}

template <class T>
void multiply_triangles(const TriangleLists& lists, const T* x, std::int64_t columns, std::int64_t scale, T* out,
                        Control& control) {
    const auto edges = static_cast<std::int64_t>(lists.edge_start.size()) - 1;
    if (edges == 0) return;
    // The sums over edges for a tile of columns: at most about 64 MB, whole cache lines where possible.
    const std::int64_t room = (std::int64_t{64} << 20) / (edges * static_cast<std::int64_t>(sizeof(T)));
    const std::int64_t tile = std::min(columns, std::max<std::int64_t>(room / 16 * 16, 16));
    Buffer<T> sums(static_cast<std::size_t>(edges * tile));
    const T factor = static_cast<T>(scale);
    for (std::int64_t column = 0; column < columns; column += tile) {
        const std::int64_t width = std::min(tile, columns - column);
        parallel_for(control, (edges + 1023) / 1024, [&](std::int64_t task, int) {
            control.checkpoint();
            for (std::int64_t e = task * 1024; e < std::min(edges, task * 1024 + 1024); ++e) {
                T* sum = sums.data() + e * tile;
                std::fill_n(sum, width, T{0});
                for (std::int64_t i = lists.edge_start[e]; i < lists.edge_start[e + 1]; ++i) {
                    const T* from = x + lists.edge_nodes[i] * columns + column;
                    for (std::int64_t j = 0; j < width; ++j) sum[j] += from[j];
                }
            }
        });
        const auto bounds = balanced_tasks(lists.num_nodes, 64L * control.threads(), [&](std::int64_t u) {
            return lists.node_start[u + 1] - lists.node_start[u];
        });
        parallel_for(control, static_cast<std::int64_t>(bounds.size()) - 1, [&](std::int64_t task, int) {
            std::vector<T> total(static_cast<std::size_t>(width));
            for (std::int64_t u = bounds[task]; u < bounds[task + 1]; ++u) {
                if (lists.node_start[u] == lists.node_start[u + 1]) continue;
                control.checkpoint();
                std::fill(total.begin(), total.end(), T{0});
                for (std::int64_t i = lists.node_start[u]; i < lists.node_start[u + 1]; ++i) {
                    const T* sum = sums.data() + lists.node_edges[i] * tile;
                    for (std::int64_t j = 0; j < width; ++j) total[static_cast<std::size_t>(j)] += sum[j];
                }
                T* target = out + u * columns + column;
                for (std::int64_t j = 0; j < width; ++j) target[j] += factor * total[static_cast<std::size_t>(j)];
            }
        });
    }
}

#define GRAPHX_INSTANTIATE(T)                                                                             \
    template void multiply(const Product<std::int32_t, T>&, Control&);                                    \
    template void multiply_serial(const Product<std::int32_t, T>&);                                       \
    template void multiply_serial(const Product<std::int64_t, T>&);                                       \
    template void multiply(const Product<std::int64_t, T>&, Control&);                                    \
    template void multiply_triangles(const TriangleLists&, const T*, std::int64_t, std::int64_t, T*, Control&);
GRAPHX_INSTANTIATE(float)
GRAPHX_INSTANTIATE(double)
GRAPHX_INSTANTIATE(std::int64_t)
#undef GRAPHX_INSTANTIATE
template TriangleLists make_triangle_lists(const EdgeBasis<std::int32_t>&, Control&);
template TriangleLists make_triangle_lists(const EdgeBasis<std::int64_t>&, Control&);

}  // namespace graphx
