#include "graphx/rows.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "graphx/emit.hpp"
#include "graphx/row_engine.hpp"
#include "graphx/spmm.hpp"

namespace graphx {

bool needs_inside_edges(std::uint32_t keys) {
    return (keys & (kHop2Keys | kHop3Keys) & ~(1U << k2_1_1)) != 0;
}

template <class I>
RowTables<I> make_row_tables(const EdgeBasis<I>& basis, std::uint32_t keys, Control& control) {
    const Csr& g = basis.graph;
    RowTables<I> tables;
    const std::int64_t n = g.num_nodes;
    tables.near = (keys & ~kHop1Keys) != 0;
    if (!tables.near) return tables;  // the edge basis has all that hop 1 needs
    tables.degrees.resize(static_cast<std::size_t>(n));
    tables.wedges.resize(static_cast<std::size_t>(n));
    tables.triangles.resize(static_cast<std::size_t>(g.num_entries()));
    for (std::int64_t u = 0; u < n; ++u) tables.degrees[u] = static_cast<std::int32_t>(g.degree(u));
    const auto bounds = balanced_tasks(n, 64L * control.threads(), [&](std::int64_t u) { return g.degree(u); });
    const auto tasks = static_cast<std::int64_t>(bounds.size()) - 1;
    parallel_for(control, tasks, [&](std::int64_t task, int) {
        for (std::int64_t u = bounds[task]; u < bounds[task + 1]; ++u) {
            if ((u & 255) == 0) control.checkpoint();
            std::int64_t wedges = 0;
            for (std::int64_t p = g.indptr[u]; p < g.indptr[u + 1]; ++p) {
                wedges += tables.degrees[g.indices[p]];
                tables.triangles[p] = static_cast<std::int32_t>(basis.edges[basis.slots[p] >> 1].triangles);
            }
            tables.wedges[u] = wedges;
        }
    });
    tables.inside = needs_inside_edges(keys);
    if (!tables.inside) return tables;
    // Lists cost one addition for each pair of triangles on an edge, bitsets three passes over the wedges (and again for
    // each further 512 neighbours of a hub).
    double by_bitsets = 0;
    for (std::int64_t u = 0; u < n; ++u)
        by_bitsets += 3.0 * static_cast<double>(tables.wedges[u]) * static_cast<double>((g.degree(u) + 511) / 512);
    if (static_cast<double>(basis.sum_squared_triangles) > by_bitsets) return tables;
    tables.common_start.resize(static_cast<std::size_t>(basis.num_edges) + 1);
    tables.common_start[0] = 0;
    for (std::int64_t e = 0; e < basis.num_edges; ++e)
        tables.common_start[e + 1] = tables.common_start[e] + basis.edges[e].triangles;
    tables.common.resize(static_cast<std::size_t>(3 * basis.num_triangles));
    std::vector<Buffer<std::uint8_t>> marks(static_cast<std::size_t>(control.threads()));
    parallel_for(control, tasks, [&](std::int64_t task, int worker) {
        auto& mark = marks[static_cast<std::size_t>(worker)];
        if (mark.size() == 0) {
            mark.resize(static_cast<std::size_t>(n));
            mark.fill(0);
        }
        for (std::int64_t u = bounds[task]; u < bounds[task + 1]; ++u) {
            if (basis.triangles[u] == 0) continue;
            control.checkpoint();
            for (const std::int32_t* v = g.begin(u); v != g.end(u); ++v) mark[*v] = 1;
            for (std::int64_t p = g.indptr[u]; p < g.indptr[u + 1]; ++p) {
                const std::uint32_t code = basis.slots[p];
                std::int64_t left = tables.triangles[p];
                if (left == 0 || (code & 1U) == 0) continue;  // the higher endpoint writes the list
                std::int32_t* out = tables.common.data() + tables.common_start[code >> 1];
                for (const std::int32_t* x = g.begin(g.indices[p]); left > 0; ++x)
                    if (mark[*x]) {
                        *out++ = *x;
                        --left;
                    }
            }
            for (const std::int32_t* v = g.begin(u); v != g.end(u); ++v) mark[*v] = 0;
        }
    });
    return tables;
}

template <class I>
std::array<KeySummary, kNumKeys> summarize_rows(const EdgeBasis<I>& basis, const RowTables<I>& tables,
                                                std::uint32_t keys, Control& control) {
    std::array<KeySummary, kNumKeys> total{};
    std::mutex mutex;
    const std::int64_t n = basis.graph.num_nodes;
    std::vector<std::unique_ptr<RowEngine<I>>> engines(static_cast<std::size_t>(control.threads()));
    parallel_for(control, (n + kTile - 1) / kTile, [&](std::int64_t task, int worker) {
        auto& engine = engines[static_cast<std::size_t>(worker)];
        if (!engine) engine = std::make_unique<RowEngine<I>>(basis, tables, keys, false);
        const std::int64_t start = task * kTile, stop = std::min(n, start + kTile);
        std::array<KeySummary, kNumKeys> part{};
        engine->tile(start, stop, nullptr, &part, control);
        std::lock_guard<std::mutex> lock(mutex);
        for (std::size_t key = 0; key < kNumKeys; ++key) {
            total[key].num_nonzeros += part[key].num_nonzeros;
            total[key].total += part[key].total;
            total[key].maximum = std::max(total[key].maximum, part[key].maximum);
        }
        control.advance(stop - start);
    });
    return total;
}

template <class I>
void pair_matrix(const EdgeBasis<I>& basis, const PairBasis<I>& pairs, int key, Buffer<std::int64_t>& indptr,
                 Buffer<std::int32_t>& indices, Buffer<I>& values, Control& control) {
    const std::int64_t n = basis.graph.num_nodes;
    const Emitter<I> emit = emitter<I>();
    indptr.resize(static_cast<std::size_t>(n) + 1);
    indptr[0] = 0;
    const auto bounds = balanced_tasks(n, 64L * control.threads(),
                                       [&](std::int64_t u) { return pairs.indptr[u + 1] - pairs.indptr[u]; });
    const auto tasks = static_cast<std::int64_t>(bounds.size()) - 1;
    struct Scratch {
        Buffer<I> dv, values;
        Buffer<std::int32_t> columns;
        Buffer<I> kept;
    };
    std::vector<Scratch> scratches(static_cast<std::size_t>(control.threads()));
    for (const bool count : {true, false}) {
        parallel_for(control, tasks, [&](std::int64_t task, int worker) {
            Scratch& s = scratches[static_cast<std::size_t>(worker)];
            for (std::int64_t u = bounds[task]; u < bounds[task + 1]; ++u) {
                if ((u & 63) == 0) control.checkpoint();
                const std::int64_t at = pairs.indptr[u], size = pairs.indptr[u + 1] - at;
                const auto room = static_cast<std::size_t>(size) + kEmitSlack;
                s.dv.grow(room);
                s.values.grow(room);
                s.columns.grow(room);
                s.kept.grow(room);
                const std::int32_t* columns = pairs.indices.data() + at;
                if (key == k2_4_5)
                    for (std::int64_t i = 0; i < size; ++i) s.dv[i] = static_cast<I>(basis.graph.degree(columns[i]));
                emit.hop2(key, size, static_cast<I>(basis.graph.degree(u)), pairs.sums[0].data() + at,
                          pairs.sums[1].data() + at, pairs.sums[2].data() + at, pairs.sums[3].data() + at,
                          pairs.sums[4].data() + at, s.dv.data(), s.values.data());
                if (count) {
                    std::int64_t nonzeros = 0, total = 0, maximum = 0;
                    emit.summarize(s.values.data(), size, &nonzeros, &total, &maximum);
                    indptr[u + 1] = nonzeros;
                } else {
                    I most = 0;
                    const std::int64_t kept =
                        emit.compress(columns, s.values.data(), size, s.columns.data(), s.kept.data(), &most);
                    std::copy_n(s.columns.data(), kept, indices.data() + indptr[u]);
                    std::copy_n(s.kept.data(), kept, values.data() + indptr[u]);
                }
            }
        });
        if (count) {
            for (std::int64_t u = 0; u < n; ++u) indptr[u + 1] += indptr[u];
            indices.resize(static_cast<std::size_t>(indptr[n]));
            values.resize(static_cast<std::size_t>(indptr[n]));
        }
    }
}

template <class I, class T>
void multiply_rows(const EdgeBasis<I>& basis, const RowTables<I>& tables, int key, const T* x, std::int64_t columns,
                   T* out, Control& control) {
    const std::int64_t n = basis.graph.num_nodes;
    struct Worker {
        RowEngine<I> engine;
        Output<I> rows;
    };
    std::vector<std::unique_ptr<Worker>> workers(static_cast<std::size_t>(control.threads()));
    parallel_for(control, (n + kTile - 1) / kTile, [&](std::int64_t task, int number) {
        auto& worker = workers[static_cast<std::size_t>(number)];
        if (!worker)
            worker.reset(new Worker{RowEngine<I>(basis, tables, std::uint32_t{1} << key, false), Output<I>{}});
        Output<I>& rows = worker->rows;
        rows.reset(task * kTile, std::min(n, task * kTile + kTile));
        worker->engine.tile(rows.start, rows.stop, &rows, nullptr, control);
        auto& part = rows.parts[static_cast<std::size_t>(key)];
        std::int64_t indptr[kTile + 1] = {};
        for (std::int64_t r = 0; r < rows.stop - rows.start; ++r) indptr[r + 1] = indptr[r] + part.size[r];
        // A hop-2 key lies in one piece, so the rows are a small CSR of their own.
        Product<I, T> product;
        product.pattern = Csr{rows.stop - rows.start, indptr, part.indices.data()};
        product.values = part.values.data();
        product.x = x;
        product.out = out + rows.start * columns;
        product.columns = columns;
        multiply_serial(product);
        control.advance(rows.stop - rows.start);
    });
}

#define GRAPHX_INSTANTIATE_PRODUCT(I, T)                                                                         \
    template void multiply_rows(const EdgeBasis<I>&, const RowTables<I>&, int, const T*, std::int64_t, T*, Control&);
GRAPHX_INSTANTIATE_PRODUCT(std::int32_t, float)
GRAPHX_INSTANTIATE_PRODUCT(std::int32_t, double)
GRAPHX_INSTANTIATE_PRODUCT(std::int32_t, std::int64_t)
GRAPHX_INSTANTIATE_PRODUCT(std::int64_t, float)
GRAPHX_INSTANTIATE_PRODUCT(std::int64_t, double)
GRAPHX_INSTANTIATE_PRODUCT(std::int64_t, std::int64_t)
#undef GRAPHX_INSTANTIATE_PRODUCT

#define GRAPHX_INSTANTIATE(I)                                                                                      \
    template RowTables<I> make_row_tables(const EdgeBasis<I>&, std::uint32_t, Control&);                            \
    template std::array<KeySummary, kNumKeys> summarize_rows(const EdgeBasis<I>&, const RowTables<I>&,              \
                                                             std::uint32_t, Control&);                              \
    template void pair_matrix(const EdgeBasis<I>&, const PairBasis<I>&, int, Buffer<std::int64_t>&,                 \
                              Buffer<std::int32_t>&, Buffer<I>&, Control&);
GRAPHX_INSTANTIATE(std::int32_t)
GRAPHX_INSTANTIATE(std::int64_t)
#undef GRAPHX_INSTANTIATE

}  // namespace graphx
