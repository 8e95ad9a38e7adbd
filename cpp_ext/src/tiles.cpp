#include "graphx/tiles.hpp"

#include <algorithm>
#include <vector>

#include "graphx/lanes.hpp"
#include "graphx/present.hpp"
#include "graphx/simd.hpp"

namespace graphx {

namespace {

constexpr std::int64_t kRows = 256;  // rows a task
constexpr std::int64_t kAhead = 48;  // entries between asking for a row and adding it

// `Count` lanes of `Size` columns of row u.
template <int Count, int Size>
GRAPHX_INLINE void row_lanes(const TileProduct& p, std::int64_t u, std::int64_t column) {
    Lane<Size> sum[Count];
    const std::int64_t width = p.width;
    float* out = p.out + u * width + column;
    for (int i = 0; i < Count; ++i) {
        sum[i].clear();
        if (p.accumulate) sum[i].add(out + i * Size);
    }
    for (const TileTerm& term : p.terms) {
        const float* base = term.x + column;
        if (!term.indptr) {
            const float value = term.values[u];
            for (int i = 0; i < Count; ++i) sum[i].add(base + u * width + i * Size, value);
            continue;
        }
        const std::int64_t stop = term.indptr[u + 1];
        const std::int64_t ahead = std::min(stop, term.indptr[p.num_nodes] - kAhead);  // before it one may look ahead
        const std::int32_t* indices = term.indices;
        std::int64_t s = term.indptr[u];
        constexpr int bytes = Count * Size * 4;
        if (term.values) {
            for (; s < stop; ++s) {
                if (s < ahead) prefetch<bytes>(base + indices[s + kAhead] * width);
                const float value = term.values[s];
                const float* x = base + indices[s] * width;
                for (int i = 0; i < Count; ++i) sum[i].add(x + i * Size, value);
            }
        } else {
            for (; s < stop; ++s) {
                if (s < ahead) prefetch<bytes>(base + indices[s + kAhead] * width);
                const float* x = base + indices[s] * width;
                for (int i = 0; i < Count; ++i) sum[i].add(x + i * Size);
            }
        }
    }
    const float scale = p.row_scale ? p.row_scale[u] : 1.0F;
    for (int i = 0; i < Count; ++i) sum[i].store(out + i * Size, scale);
}

GRAPHX_INLINE void row_column(const TileProduct& p, std::int64_t u, std::int64_t column) {
    float* out = p.out + u * p.width + column;
    float sum = p.accumulate ? *out : 0.0F;
    for (const TileTerm& term : p.terms) {
        const float* x = term.x + column;
        if (!term.indptr) {
            sum += term.values[u] * x[u * p.width];
            continue;
        }
        for (std::int64_t s = term.indptr[u]; s < term.indptr[u + 1]; ++s)
            sum += (term.values ? term.values[s] : 1.0F) * x[term.indices[s] * p.width];
    }
    *out = p.row_scale ? sum * p.row_scale[u] : sum;
}

template <int Size>
GRAPHX_INLINE void rows_body(const TileProduct& p, std::int64_t start, std::int64_t stop) {
    for (std::int64_t u = start; u < stop; ++u) {
        std::int64_t column = 0;
        for (; column + 8 * Size <= p.width; column += 8 * Size) row_lanes<8, Size>(p, u, column);
        for (; column + 4 * Size <= p.width; column += 4 * Size) row_lanes<4, Size>(p, u, column);
        for (; column + Size <= p.width; column += Size) row_lanes<1, Size>(p, u, column);
        for (; column < p.width; ++column) row_column(p, u, column);
        if (p.squares) p.squares[u] = squares_of_row(p.out + u * p.width, p.width);
    }
}

// Row u of the product with sparse rows, all tiles; `sum` has room for their columns.
GRAPHX_INLINE void project_body(const TileProduct& p, const SparseProjection& r, const Present& present,
                                std::int64_t tiles, std::int64_t u, float* sum) {
    const std::int64_t width = p.width;
    for (std::int64_t t = 0; t < tiles; ++t) {
        float* part = sum + t * width;
        if (p.accumulate) std::copy_n(p.out + (t * p.num_nodes + u) * width, width, part);
        else std::fill_n(part, width, 0.0F);
    }
    for (const TileTerm& term : p.terms) {
        const float* values = term.values;
        const auto add = [&](float value, std::int64_t first, std::int64_t last) GRAPHX_LAMBDA {
            for (std::int64_t i = first; i < last; ++i) sum[r.columns[i]] += value * r.values[i];
        };
        if (!term.indptr) {
            if (present.has(u)) add(values[u], r.indptr[u], r.indptr[u + 1]);
            continue;
        }
        present.visit(term.indices, term.indptr[u], term.indptr[u + 1],
                      [&](std::int64_t s, const std::int64_t* at)
                          GRAPHX_LAMBDA { add(values ? values[s] : 1.0F, at[0], at[1]); });
    }
    const float scale = p.row_scale ? p.row_scale[u] : 1.0F;
    for (std::int64_t t = 0; t < tiles; ++t) {
        float* out = p.out + (t * p.num_nodes + u) * width;
        put_row(out, false, scale, sum + t * width, width);
        if (p.squares) p.squares[t * p.num_nodes + u] = squares_of_row(out, width);
    }
}

GRAPHX_INLINE void merge_body(const Merge& m, std::int64_t u) {
    for (std::int64_t column = 0; column < m.columns; column += m.width) {
        const std::int64_t count = std::min(m.width, m.columns - column);
        const std::int64_t at = (column / m.width * m.num_nodes + u) * m.width;
        float* to = m.target + u * m.stride + column;
        bool add = m.accumulate;
        std::size_t i = 0;
        for (; i + 2 <= m.states.size(); i += 2) {  // two at once: the target is touched once
            const auto& [x, a] = m.states[i];
            const auto& [y, b] = m.states[i + 1];
            put_row(to, add, a[u], x + at, b[u], y + at, count);
            add = true;
        }
        if (i < m.states.size()) put_row(to, add, m.states[i].second[u], m.states[i].first + at, count);
    }
}

#define GRAPHX_LEVEL(NAME, TARGET, SIZE)                                                                            \
    TARGET void rows_##NAME(const TileProduct& p, std::int64_t start, std::int64_t stop) {                          \
        rows_body<SIZE>(p, start, stop);                                                                            \
    }                                                                                                               \
    TARGET void project_##NAME(const TileProduct& p, const SparseProjection& r, const Present& present,             \
                               std::int64_t tiles, std::int64_t start, std::int64_t stop, float* sum) {             \
        for (std::int64_t u = start; u < stop; ++u) project_body(p, r, present, tiles, u, sum);                     \
    }                                                                                                               \
    TARGET void merge_##NAME(const Merge& m, std::int64_t start, std::int64_t stop) {                               \
        for (std::int64_t u = start; u < stop; ++u) merge_body(m, u);                                               \
    }
GRAPHX_LEVEL(plain, , 4)
#if defined(GRAPHX_X86)
GRAPHX_LEVEL(avx2, GRAPHX_AVX2, 8)
GRAPHX_LEVEL(avx512, GRAPHX_AVX512, 16)
#endif
#undef GRAPHX_LEVEL

auto project_for_this_machine() {
    auto rows = project_plain;
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx2) rows = project_avx2;
    if (simd_level() == Simd::avx512) rows = project_avx512;
#endif
    return rows;
}

auto rows_for_this_machine() {
    auto rows = rows_plain;
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx2) rows = rows_avx2;
    if (simd_level() == Simd::avx512) rows = rows_avx512;
#endif
    return rows;
}

// body(start, stop, worker) for blocks of rows, handed out in ascending order.
template <class F>
void for_rows(std::int64_t num_nodes, Control& control, F&& body) {
    parallel_for(control, (num_nodes + kRows - 1) / kRows, [&](std::int64_t task, int worker) {
        control.checkpoint();
        body(task * kRows, std::min(num_nodes, task * kRows + kRows), worker);
    });
}

}  // namespace

void multiply_tile(const TileProduct& product, Control& control) {
    const auto rows = rows_for_this_machine();
    for_rows(product.num_nodes, control, [&](std::int64_t start, std::int64_t stop, int) { rows(product, start, stop); });
}

void multiply_projection(const TileProduct& p, const SparseProjection& r, std::int64_t tiles, Control& control) {
    const auto rows = project_for_this_machine();
    const Present present(r.indptr, p.num_nodes);
    std::vector<std::vector<float>> sums(static_cast<std::size_t>(control.threads()));
    for_rows(p.num_nodes, control, [&](std::int64_t start, std::int64_t stop, int worker) {
        auto& sum = sums[static_cast<std::size_t>(worker)];
        sum.resize(static_cast<std::size_t>(tiles * p.width));
        rows(p, r, present, tiles, start, stop, sum.data());
    });
}

void merge_tiles(const Merge& m, Control& control) {
    auto rows = merge_plain;
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx2) rows = merge_avx2;
    if (simd_level() == Simd::avx512) rows = merge_avx512;
#endif
    for_rows(m.num_nodes, control, [&](std::int64_t start, std::int64_t stop, int) { rows(m, start, stop); });
}

}  // namespace graphx
