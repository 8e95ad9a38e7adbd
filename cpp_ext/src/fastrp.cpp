#include "graphx/fastrp.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <vector>

#include "graphx/lanes.hpp"
#include "graphx/orbits.hpp"
#include "graphx/present.hpp"

namespace graphx {
namespace {

constexpr std::int64_t kBlock = 256;  // rows between two looks for Ctrl-C
constexpr std::int64_t kAhead = 48;   // entries between asking for a neighbour's row and reading it
constexpr std::int64_t kOwnAhead = 4;  // rows between asking for a row's own numbers and reading them

// Sums of `Count` lanes of columns over the neighbours of one row, into `row`, or `Packed` into the target's `to`.
template <bool Packed, int Count, int Size, template <int> class Kind, int Step, class S>
GRAPHX_INLINE void gather_lanes(const Hop<S>& h, std::int64_t start, std::int64_t stop, std::int64_t entries,
                                std::int64_t column, double scale, float* row, S* to) {
    Kind<Size> sum[Count];
    for (int i = 0; i < Count; ++i) sum[i].clear();
    const S* base = h.source + column;
    const std::int64_t columns = h.columns;
    const std::int32_t* indices = h.indices;
    const std::int64_t ahead = std::max(start, std::min(stop, entries - kAhead));
    constexpr int bytes = Count * Step * static_cast<int>(sizeof(S));
    const auto put = [&](int i, float value) GRAPHX_LAMBDA {
        if constexpr (Packed) sum[i].pack(to + column + i * Step, value);
        else sum[i].store(row + column + i * Step, value);
    };
    if (h.weights) {
        for (std::int64_t s = start; s < stop; ++s) {
            if (s < ahead) prefetch<bytes>(base + indices[s + kAhead] * columns);
            const auto value = static_cast<float>(h.weights[s] * scale);
            const S* x = base + indices[s] * columns;
            for (int i = 0; i < Count; ++i) sum[i].add(x + i * Step, value);
        }
        for (int i = 0; i < Count; ++i) put(i, 1.0F);
        return;
    }
    std::int64_t s = start;
    for (; s < ahead; ++s) {
        prefetch<bytes>(base + indices[s + kAhead] * columns);
        const S* x = base + indices[s] * columns;
        for (int i = 0; i < Count; ++i) sum[i].add(x + i * Step);
    }
    for (; s < stop; ++s) {
        const S* x = base + indices[s] * columns;
        for (int i = 0; i < Count; ++i) sum[i].add(x + i * Step);
    }
    const auto value = static_cast<float>(scale);
    for (int i = 0; i < Count; ++i) put(i, value);
}

template <class S>
GRAPHX_INLINE void gather_one(const Hop<S>& h, std::int64_t start, std::int64_t stop, std::int64_t column, double scale,
                              float* row) {
    float sum = 0;
    const S* base = h.source + column;
    if (h.weights) {
        for (std::int64_t s = start; s < stop; ++s)
            sum += static_cast<float>(h.weights[s] * scale) * widened(base[h.indices[s] * h.columns]);
        row[column] = sum;
    } else {
        for (std::int64_t s = start; s < stop; ++s) sum += widened(base[h.indices[s] * h.columns]);
        row[column] = sum * static_cast<float>(scale);
    }
}

// The factor of a row's sum: 1 / D times what is common to all weights.
template <class S>
GRAPHX_INLINE double row_scale(const Hop<S>& h, std::int64_t start, std::int64_t stop) {
    if (h.by_count || !h.weights) return stop > start ? h.weights_scale / static_cast<double>(stop - start) : 0.0;
    double degree = 0;
    for (std::int64_t s = start; s < stop; ++s) degree += h.weights[s];
    return degree > 0 ? 1.0 / degree : 0.0;
}

// Columns from `column` on, as long as `Count` lanes of them are left.
template <bool Packed, int Count, int Size, template <int> class Kind, int Step, class S>
GRAPHX_INLINE void gather_columns(const Hop<S>& h, std::int64_t start, std::int64_t stop, std::int64_t entries,
                                  std::int64_t& column, double scale, float* row, S* to) {
    for (; column + Count * Step <= h.columns; column += Count * Step)
        gather_lanes<Packed, Count, Size, Kind, Step>(h, start, stop, entries, column, scale, row, to);
}

// The row in float, rounded as it will be stored; or `Packed`, then it is in the target and nowhere else.
template <int Size, bool Packed, class S>
GRAPHX_INLINE void gather_row(const Hop<S>& h, std::int64_t u, std::int64_t entries, float* row) {
    S* to = Packed ? h.target + u * h.columns : nullptr;
    const std::int64_t start = h.indptr[u], stop = h.indptr[u + 1];
    const double scale = row_scale(h, start, stop);
    std::int64_t column = 0;
#if defined(__GNUC__)
    if constexpr (sizeof(S) == 2 && std::endian::native == std::endian::little) {
        gather_columns<Packed, 4, Size, Pair, 2 * Size>(h, start, stop, entries, column, scale, row, to);
        gather_columns<Packed, 2, Size, Pair, 2 * Size>(h, start, stop, entries, column, scale, row, to);
    }
#endif
    const std::int64_t packed = Packed ? column : 0;
    // half of plain's registers
    gather_columns<false, 8, Size, Lane, Size>(h, start, stop, entries, column, scale, row, to);
    gather_columns<false, 4, Size, Lane, Size>(h, start, stop, entries, column, scale, row, to);
    gather_columns<false, 1, Size, Lane, Size>(h, start, stop, entries, column, scale, row, to);
    for (; column < h.columns; ++column) gather_one(h, start, stop, column, scale, row);
    if constexpr (Packed) store_row(row + packed, h.columns - packed, to + packed);
    else round_row<S>(row, h.columns);
}

template <class S>
GRAPHX_INLINE void prefetch_row(const S* row, std::int64_t columns) {
    for (std::int64_t j = 0; j < columns; j += 64 / static_cast<std::int64_t>(sizeof(S))) prefetch<1>(row + j);
}

// From sparse rows: nothing but the few nodes with an entry is touched.
template <class S>
GRAPHX_INLINE void gather_sparse(const Hop<S>& h, std::int64_t u, const Present& present, float* row) {
    const std::int64_t start = h.indptr[u], stop = h.indptr[u + 1], columns = h.columns;
    const double scale = row_scale(h, start, stop);
    std::memset(row, 0, static_cast<std::size_t>(columns) * sizeof(float));
    bool any = false;
    present.visit(h.indices, start, stop, [&](std::int64_t s, const std::int64_t* at) GRAPHX_LAMBDA {
        any = true;
        const float value = h.weights ? static_cast<float>(h.weights[s] * scale) : 1.0F;
        for (std::int64_t i = at[0]; i < at[1]; ++i) row[h.sparse_columns[i]] += value * h.sparse_values[i];
    });
    if (!any) return;
    const float value = h.weights ? 1.0F : static_cast<float>(scale);
    for (std::int64_t j = 0; j < columns; ++j) row[j] *= value;
    round_row<S>(row, columns);
}

template <class S>
GRAPHX_INLINE void finish_row(const Hop<S>& h, std::int64_t u, const float* row, float* own) {
    const std::int64_t columns = h.columns;
    if (h.target) store_row(row, columns, h.target + u * columns);
    if (!h.out) return;
    float* out = h.out + u * columns;
    float factor = 0, more = 0;
    if (h.own_weight != 0) {
        if (h.source) {
            widen_row(h.source + (h.own_row + u) * columns, columns, own);
        } else {
            const std::int64_t v = h.own_row + u;
            std::memset(own, 0, static_cast<std::size_t>(columns) * sizeof(float));
            for (std::int64_t i = h.sparse_indptr[v]; i < h.sparse_indptr[v + 1]; ++i)
                own[h.sparse_columns[i]] = h.sparse_values[i];
        }
        factor = row_factor(own, columns, h.own_weight, h.normalize);
    }
    if (h.new_weight != 0) more = row_factor(row, columns, h.new_weight, h.normalize);
    if (h.own_weight != 0 && h.new_weight != 0) put_row(out, h.accumulate, factor, own, more, row, columns);
    else if (h.own_weight != 0) put_row(out, h.accumulate, factor, own, columns);
    else if (h.new_weight != 0) put_row(out, h.accumulate, more, row, columns);
    else if (!h.accumulate) std::memset(out, 0, static_cast<std::size_t>(columns) * sizeof(float));
}

template <int Size, class S>
GRAPHX_INLINE void hop_body(const Hop<S>& h, std::int64_t begin, std::int64_t end, std::int64_t entries,
                            const Present* present, float* row) {
    const bool own = h.own_weight != 0 && h.out && h.source;
    const bool packed = sizeof(S) == 2 && !h.out && h.target && !present;
    for (std::int64_t u = begin; u < end; ++u) {
        if (own) prefetch_row(h.source + (h.own_row + std::min(u + kOwnAhead, h.rows - 1)) * h.columns, h.columns);
        if (present) gather_sparse(h, u, *present, row);
        else if (packed) gather_row<Size, true>(h, u, entries, row);
        else gather_row<Size, false>(h, u, entries, row);
        if (packed) continue;
        finish_row(h, u, row, row + h.columns);
    }
}

template <class S>
GRAPHX_INLINE void accumulate_body(const S* source, std::int64_t columns, std::int64_t begin, std::int64_t end,
                                   const float* factors, float weight, bool normalize, bool add, float* out,
                                   float* row) {
    for (std::int64_t u = begin; u < end; ++u) {
        const S* from = source + u * columns;
        widen_row(from, columns, row);
        const float factor = factors ? factors[u] : row_factor(row, columns, weight, normalize);
        put_row(out + u * columns, add, factor, row, columns);
    }
}

#define GRAPHX_LEVEL(NAME, TARGET, SIZE)                                                                              \
    template <class S>                                                                                                \
    TARGET void hop_##NAME(const Hop<S>& h, std::int64_t begin, std::int64_t end, std::int64_t entries,               \
                           const Present* present, float* row) {                                                \
        hop_body<SIZE>(h, begin, end, entries, present, row);                                                         \
    }                                                                                                                 \
    template <class S>                                                                                                \
    TARGET void accumulate_##NAME(const S* source, std::int64_t columns, std::int64_t begin, std::int64_t end,        \
                                  const float* factors, float weight, bool normalize, bool add, float* out,           \
                                  float* row) {                                                                       \
        accumulate_body(source, columns, begin, end, factors, weight, normalize, add, out, row);                      \
    }
GRAPHX_LEVEL(plain, , 4)
#if defined(GRAPHX_X86)
GRAPHX_LEVEL(avx2, GRAPHX_AVX2, 8)
GRAPHX_LEVEL(avx512, GRAPHX_AVX512, 16)
#endif
#undef GRAPHX_LEVEL

template <class S>
auto hop_here() {
    auto chosen = hop_plain<S>;
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx2) chosen = hop_avx2<S>;
    if (simd_level() == Simd::avx512) chosen = hop_avx512<S>;
#endif
    return chosen;
}

template <class S>
auto accumulate_here() {
    auto chosen = accumulate_plain<S>;
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx2) chosen = accumulate_avx2<S>;
    if (simd_level() == Simd::avx512) chosen = accumulate_avx512<S>;
#endif
    return chosen;
}

// Calls body(first, last, worker) over blocks of rows of a size that does not depend on the number of threads.
template <class F>
void for_blocks(Control& control, std::int64_t rows, std::int64_t size, F&& body) {
    parallel_for(control, (rows + size - 1) / size, [&](std::int64_t task, int worker) {
        control.checkpoint();
        body(task * size, std::min(rows, (task + 1) * size), worker);
    });
}

}  // namespace

template <class S>
void hop(const Hop<S>& h, Control& control) {
    const auto rows = hop_here<S>();
    const std::int64_t entries = h.rows ? h.indptr[h.rows] : 0;
    std::optional<Present> present;
    if (!h.source) present.emplace(h.sparse_indptr, h.sparse_rows);
    const auto bounds =
        balanced_tasks(h.rows, 64L * control.threads(), [&](std::int64_t u) { return h.indptr[u + 1] - h.indptr[u]; });
    std::vector<std::vector<float>> space(static_cast<std::size_t>(control.threads()));
    parallel_for(control, static_cast<std::int64_t>(bounds.size()) - 1, [&](std::int64_t task, int worker) {
        auto& row = space[static_cast<std::size_t>(worker)];
        row.resize(static_cast<std::size_t>(2 * h.columns));
        for (std::int64_t u = bounds[task]; u < bounds[task + 1]; u += kBlock) {
            control.checkpoint();
            const std::int64_t stop = std::min(bounds[task + 1], u + kBlock);
            rows(h, u, stop, entries, present ? &*present : nullptr, row.data());
            control.advance(stop - u);
        }
    });
}

template <class S>
void accumulate(const S* source, std::int64_t rows, std::int64_t columns, float weight, bool normalize, bool add,
                float* out, Control& control) {
    const auto body = accumulate_here<S>();
    for_blocks(control, rows, 1024, [&](std::int64_t first, std::int64_t last, int) {
        std::vector<float> row(static_cast<std::size_t>(columns));
        body(source, columns, first, last, nullptr, weight, normalize, add, out, row.data());
    });
}

template <class S>
void accumulate_scaled(const S* source, std::int64_t rows, std::int64_t columns, const float* factors, bool add,
                       float* out, Control& control) {
    const auto body = accumulate_here<S>();
    for_blocks(control, rows, 1024, [&](std::int64_t first, std::int64_t last, int) {
        std::vector<float> row(static_cast<std::size_t>(columns));
        body(source, columns, first, last, factors, 1.0F, false, add, out, row.data());
    });
}

template <class S>
void group_squares(const S* source, std::int64_t rows, std::int64_t columns, double* out, Control& control) {
    const std::int64_t groups = (columns + kGroup - 1) / kGroup;
    for_blocks(control, rows, 1024, [&](std::int64_t first, std::int64_t last, int) {
        float x[kGroup];
        for (std::int64_t u = first; u < last; ++u)
            for (std::int64_t g = 0; g < groups; ++g) {
                const std::int64_t count = std::min(kGroup, columns - g * kGroup);
                for (std::int64_t j = 0; j < count; ++j) x[j] = widened(source[u * columns + g * kGroup + j]);
                out[u * groups + g] = squares(x, count);
            }
    });
}

#define GRAPHX_INSTANTIATE(S)                                                                                          \
    template void hop(const Hop<S>&, Control&);                                                                        \
    template void accumulate(const S*, std::int64_t, std::int64_t, float, bool, bool, float*, Control&);               \
    template void accumulate_scaled(const S*, std::int64_t, std::int64_t, const float*, bool, float*, Control&);       \
    template void group_squares(const S*, std::int64_t, std::int64_t, double*, Control&);
GRAPHX_INSTANTIATE(float)
GRAPHX_INSTANTIATE(std::uint16_t)
#undef GRAPHX_INSTANTIATE

}  // namespace graphx
