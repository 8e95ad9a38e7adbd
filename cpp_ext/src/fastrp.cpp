#include "graphx/fastrp.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "graphx/bfloat16.hpp"
#include "graphx/orbits.hpp"
#include "graphx/simd.hpp"

namespace graphx {
namespace {

constexpr std::int64_t kBlock = 256;  // rows between two looks for Ctrl-C
constexpr std::int64_t kAhead = 24;   // entries between asking for a neighbour's row and reading it

// The sum of squares of at most kGroup numbers, always added in the same tree.
GRAPHX_INLINE double squares(const float* x, std::int64_t count) {
    double q[kGroup];
    if (count == kGroup) {
        for (int i = 0; i < kGroup; ++i) q[i] = static_cast<double>(x[i]) * static_cast<double>(x[i]);
    } else {
        for (int i = 0; i < kGroup; ++i) q[i] = i < count ? static_cast<double>(x[i]) * static_cast<double>(x[i]) : 0.0;
    }
    for (int i = 0; i < 8; ++i) q[i] += q[i + 8];
    for (int i = 0; i < 4; ++i) q[i] += q[i + 4];
    return (q[0] + q[2]) + (q[1] + q[3]);
}

GRAPHX_INLINE float row_factor(const float* row, std::int64_t columns, float weight, bool normalize) {
    if (!normalize) return weight;
    double sum = 0;
    std::int64_t j = 0;
    for (; j + kGroup <= columns; j += kGroup) sum += squares(row + j, kGroup);
    if (j < columns) sum += squares(row + j, columns - j);
    return sum > 0 ? static_cast<float>(static_cast<double>(weight) / std::sqrt(sum)) : 0.0F;
}

// `Size` floats in one register. Written with the compiler's vectors, because gcc turns the same loops over arrays into
// an outer loop unrolled around memory.
template <int Size>
struct Lane;
#if defined(__GNUC__)
#define GRAPHX_LANE(SIZE)                                                                                  \
    template <>                                                                                            \
    struct Lane<SIZE> {                                                                                    \
        typedef float Floats __attribute__((vector_size(4 * SIZE)));                                       \
        typedef float Loose __attribute__((vector_size(4 * SIZE), aligned(4), may_alias));                 \
        typedef std::uint16_t Halves __attribute__((vector_size(2 * SIZE), aligned(2), may_alias));        \
        typedef std::uint32_t Bits __attribute__((vector_size(4 * SIZE)));                                 \
        Floats values;                                                                                     \
        GRAPHX_INLINE void clear() { values = Floats{}; }                                                  \
        GRAPHX_INLINE void add(const float* x) { values += *reinterpret_cast<const Loose*>(x); }           \
        GRAPHX_INLINE void add(const std::uint16_t* x) {                                                   \
            values += (Floats)(__builtin_convertvector(*reinterpret_cast<const Halves*>(x), Bits) << 16);  \
        }                                                                                                  \
        GRAPHX_INLINE void add(const float* x, float factor) {                                             \
            values += *reinterpret_cast<const Loose*>(x) * factor;                                         \
        }                                                                                                  \
        GRAPHX_INLINE void add(const std::uint16_t* x, float factor) {                                     \
            values += (Floats)(__builtin_convertvector(*reinterpret_cast<const Halves*>(x), Bits) << 16) * factor; \
        }                                                                                                  \
        GRAPHX_INLINE void store(float* to, float factor) const {                                          \
            *reinterpret_cast<Loose*>(to) = values * factor;                                               \
        }                                                                                                  \
    };
GRAPHX_LANE(4)
GRAPHX_LANE(8)
GRAPHX_LANE(16)
#undef GRAPHX_LANE
#else
template <int Size>
struct Lane {
    float values[Size];
    void clear() { std::fill_n(values, Size, 0.0F); }
    template <class S>
    void add(const S* x) {
        for (int j = 0; j < Size; ++j) values[j] += widened(x[j]);
    }
    template <class S>
    void add(const S* x, float factor) {
        for (int j = 0; j < Size; ++j) values[j] += widened(x[j]) * factor;
    }
    void store(float* to, float factor) const {
        for (int j = 0; j < Size; ++j) to[j] = values[j] * factor;
    }
};
#endif

template <int Bytes>
GRAPHX_INLINE void prefetch(const void* at) {
    for (int line = 0; line < Bytes; line += 64) __builtin_prefetch(static_cast<const char*>(at) + line);
}

// Sums of `Count` lanes of columns over the neighbours of one row.
template <int Count, int Size, class S>
GRAPHX_INLINE void gather_lanes(const Hop<S>& h, std::int64_t start, std::int64_t stop, std::int64_t entries,
                                std::int64_t column, double scale, float* row) {
    Lane<Size> sum[Count];
    for (int i = 0; i < Count; ++i) sum[i].clear();
    const S* base = h.source + column;
    const std::int64_t columns = h.columns;
    const std::int32_t* indices = h.indices;
    const std::int64_t ahead = std::max(start, std::min(stop, entries - kAhead));
    constexpr int bytes = Count * Size * static_cast<int>(sizeof(S));
    if (h.weights) {
        for (std::int64_t s = start; s < stop; ++s) {
            if (s < ahead) prefetch<bytes>(base + indices[s + kAhead] * columns);
            const auto value = static_cast<float>(h.weights[s] * scale);
            const S* x = base + indices[s] * columns;
            for (int i = 0; i < Count; ++i) sum[i].add(x + i * Size, value);
        }
        for (int i = 0; i < Count; ++i) sum[i].store(row + column + i * Size, 1.0F);
        return;
    }
    std::int64_t s = start;
    for (; s < ahead; ++s) {
        prefetch<bytes>(base + indices[s + kAhead] * columns);
        const S* x = base + indices[s] * columns;
        for (int i = 0; i < Count; ++i) sum[i].add(x + i * Size);
    }
    for (; s < stop; ++s) {
        const S* x = base + indices[s] * columns;
        for (int i = 0; i < Count; ++i) sum[i].add(x + i * Size);
    }
    const auto value = static_cast<float>(scale);
    for (int i = 0; i < Count; ++i) sum[i].store(row + column + i * Size, value);
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

template <class S>
GRAPHX_INLINE void round_row(float* row, std::int64_t columns) {
    if constexpr (sizeof(S) == 2)
        for (std::int64_t j = 0; j < columns; ++j) row[j] = widened(to_bfloat16(row[j]));
}

// The factor of a row's sum: 1 / D times what is common to all weights.
template <class S>
GRAPHX_INLINE double row_scale(const Hop<S>& h, std::int64_t start, std::int64_t stop) {
    if (h.by_count || !h.weights) return stop > start ? h.weights_scale / static_cast<double>(stop - start) : 0.0;
    double degree = 0;
    for (std::int64_t s = start; s < stop; ++s) degree += h.weights[s];
    return degree > 0 ? 1.0 / degree : 0.0;
}

template <int Size, class S>
GRAPHX_INLINE void gather_row(const Hop<S>& h, std::int64_t u, std::int64_t entries, float* row) {
    constexpr int eight = 8;  // registers: half of what the smallest level has
    const std::int64_t start = h.indptr[u], stop = h.indptr[u + 1];
    const double scale = row_scale(h, start, stop);
    std::int64_t column = 0;
    for (; column + eight * Size <= h.columns; column += eight * Size)
        gather_lanes<eight, Size>(h, start, stop, entries, column, scale, row);
    for (; column + Size <= h.columns; column += Size)
        gather_lanes<1, Size>(h, start, stop, entries, column, scale, row);
    for (; column < h.columns; ++column) gather_one(h, start, stop, column, scale, row);
    round_row<S>(row, h.columns);
}

// From sparse rows: nothing but the few nodes with an entry is touched; `present` has a bit for each.
template <class S>
GRAPHX_INLINE void gather_sparse(const Hop<S>& h, std::int64_t u, const std::uint64_t* present, float* row) {
    const std::int64_t start = h.indptr[u], stop = h.indptr[u + 1];
    const double scale = row_scale(h, start, stop);
    std::memset(row, 0, static_cast<std::size_t>(h.columns) * sizeof(float));
    bool any = false;
    for (std::int64_t s = start; s < stop; ++s) {
        const std::int32_t v = h.indices[s];
        if (!(present[v >> 6] >> (v & 63) & 1)) continue;
        any = true;
        const float value = h.weights ? static_cast<float>(h.weights[s] * scale) : 1.0F;
        for (std::int64_t i = h.sparse_indptr[v]; i < h.sparse_indptr[v + 1]; ++i)
            row[h.sparse_columns[i]] += value * h.sparse_values[i];
    }
    if (!any) return;
    const float value = h.weights ? 1.0F : static_cast<float>(scale);
    for (std::int64_t j = 0; j < h.columns; ++j) row[j] *= value;
    round_row<S>(row, h.columns);
}

template <class S>
GRAPHX_INLINE void finish_row(const Hop<S>& h, std::int64_t u, const float* row, float* own) {
    if (h.target) {
        S* to = h.target + u * h.columns;
        for (std::int64_t j = 0; j < h.columns; ++j) to[j] = stored<S>(row[j]);
    }
    if (!h.out) return;
    float* out = h.out + u * h.columns;
    bool add = h.accumulate;
    if (h.own_weight != 0) {
        if (h.source) {
            const S* mine = h.source + (h.own_row + u) * h.columns;
            for (std::int64_t j = 0; j < h.columns; ++j) own[j] = widened(mine[j]);
        } else {
            const std::int64_t v = h.own_row + u;
            std::memset(own, 0, static_cast<std::size_t>(h.columns) * sizeof(float));
            for (std::int64_t i = h.sparse_indptr[v]; i < h.sparse_indptr[v + 1]; ++i)
                own[h.sparse_columns[i]] = h.sparse_values[i];
        }
        const float factor = row_factor(own, h.columns, h.own_weight, h.normalize);
        if (h.new_weight != 0) {  // both at once: the output is touched once
            const float more = row_factor(row, h.columns, h.new_weight, h.normalize);
            if (add)
                for (std::int64_t j = 0; j < h.columns; ++j) out[j] = (out[j] + factor * own[j]) + more * row[j];
            else
                for (std::int64_t j = 0; j < h.columns; ++j) out[j] = factor * own[j] + more * row[j];
            return;
        }
        if (add)
            for (std::int64_t j = 0; j < h.columns; ++j) out[j] += factor * own[j];
        else
            for (std::int64_t j = 0; j < h.columns; ++j) out[j] = factor * own[j];
        return;
    }
    if (h.new_weight != 0) {
        const float factor = row_factor(row, h.columns, h.new_weight, h.normalize);
        if (add)
            for (std::int64_t j = 0; j < h.columns; ++j) out[j] += factor * row[j];
        else
            for (std::int64_t j = 0; j < h.columns; ++j) out[j] = factor * row[j];
    } else if (!add) {
        std::memset(out, 0, static_cast<std::size_t>(h.columns) * sizeof(float));
    }
}

template <int Size, class S>
GRAPHX_INLINE void hop_body(const Hop<S>& h, std::int64_t begin, std::int64_t end, std::int64_t entries,
                            const std::uint64_t* present, float* row) {
    for (std::int64_t u = begin; u < end; ++u) {
        if (present) gather_sparse(h, u, present, row);
        else gather_row<Size>(h, u, entries, row);
        finish_row(h, u, row, row + h.columns);
    }
}

template <class S>
GRAPHX_INLINE void accumulate_body(const S* source, std::int64_t columns, std::int64_t begin, std::int64_t end,
                                   const float* factors, float weight, bool normalize, bool add, float* out,
                                   float* row) {
    for (std::int64_t u = begin; u < end; ++u) {
        const S* from = source + u * columns;
        for (std::int64_t j = 0; j < columns; ++j) row[j] = widened(from[j]);
        const float factor = factors ? factors[u] : row_factor(row, columns, weight, normalize);
        float* to = out + u * columns;
        if (add)
            for (std::int64_t j = 0; j < columns; ++j) to[j] += factor * row[j];
        else
            for (std::int64_t j = 0; j < columns; ++j) to[j] = factor * row[j];
    }
}

#define GRAPHX_LEVEL(NAME, TARGET, SIZE)                                                                              \
    template <class S>                                                                                                \
    TARGET void hop_##NAME(const Hop<S>& h, std::int64_t begin, std::int64_t end, std::int64_t entries,               \
                           const std::uint64_t* present, float* row) {                                                \
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
    std::vector<std::uint64_t> present;
    if (!h.source) {
        present.assign(static_cast<std::size_t>(h.sparse_rows / 64 + 1), 0);
        for (std::int64_t v = 0; v < h.sparse_rows; ++v)
            if (h.sparse_indptr[v + 1] > h.sparse_indptr[v]) present[static_cast<std::size_t>(v >> 6)] |= 1ull << (v & 63);
    }
    const auto bounds =
        balanced_tasks(h.rows, 64L * control.threads(), [&](std::int64_t u) { return h.indptr[u + 1] - h.indptr[u]; });
    std::vector<std::vector<float>> space(static_cast<std::size_t>(control.threads()));
    parallel_for(control, static_cast<std::int64_t>(bounds.size()) - 1, [&](std::int64_t task, int worker) {
        auto& row = space[static_cast<std::size_t>(worker)];
        row.resize(static_cast<std::size_t>(2 * h.columns));
        for (std::int64_t u = bounds[task]; u < bounds[task + 1]; u += kBlock) {
            control.checkpoint();
            const std::int64_t stop = std::min(bounds[task + 1], u + kBlock);
            rows(h, u, stop, entries, present.empty() ? nullptr : present.data(), row.data());
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

void narrow(const float* source, std::int64_t size, std::uint16_t* out, Control& control) {
    for_blocks(control, size, 1 << 16, [&](std::int64_t first, std::int64_t last, int) {
        for (std::int64_t i = first; i < last; ++i) out[i] = to_bfloat16(source[i]);
    });
}

void widen(const std::uint16_t* source, std::int64_t size, float* out, Control& control) {
    for_blocks(control, size, 1 << 16, [&](std::int64_t first, std::int64_t last, int) {
        for (std::int64_t i = first; i < last; ++i) out[i] = widened(source[i]);
    });
}

void column_moments(const float* x, std::int64_t rows, std::int64_t columns, double* mean, double* variance,
                    Control& control) {
    constexpr std::int64_t size = 1024;
    const auto d = static_cast<std::size_t>(columns);
    const std::int64_t blocks = (rows + size - 1) / size;
    std::vector<double> means(static_cast<std::size_t>(blocks) * d), squares_of(static_cast<std::size_t>(blocks) * d);
    for_blocks(control, rows, size, [&](std::int64_t first, std::int64_t last, int) {
        double* m = means.data() + static_cast<std::size_t>(first / size) * d;
        double* s = squares_of.data() + static_cast<std::size_t>(first / size) * d;
        for (std::int64_t u = first; u < last; ++u)
            for (std::size_t j = 0; j < d; ++j) m[j] += static_cast<double>(x[static_cast<std::size_t>(u) * d + j]);
        for (std::size_t j = 0; j < d; ++j) m[j] /= static_cast<double>(last - first);
        for (std::int64_t u = first; u < last; ++u)
            for (std::size_t j = 0; j < d; ++j) {
                const double away = static_cast<double>(x[static_cast<std::size_t>(u) * d + j]) - m[j];
                s[j] += away * away;
            }
    });
    std::fill_n(mean, columns, 0.0);
    std::fill_n(variance, columns, 0.0);
    double count = 0;
    for (std::int64_t block = 0; block < blocks; ++block) {
        const auto more = static_cast<double>(std::min(size, rows - block * size));
        for (std::size_t j = 0; j < d; ++j) {
            const double away = means[static_cast<std::size_t>(block) * d + j] - mean[j];
            variance[j] += squares_of[static_cast<std::size_t>(block) * d + j] + away * away * (count * more / (count + more));
            mean[j] += away * (more / (count + more));
        }
        count += more;
    }
    if (count > 0)
        for (std::size_t j = 0; j < d; ++j) variance[j] /= count;
}

void standardize(float* x, std::int64_t rows, std::int64_t columns, const float* mean, const float* factor,
                 Control& control) {
    for_blocks(control, rows, 1024, [&](std::int64_t first, std::int64_t last, int) {
        for (std::int64_t u = first; u < last; ++u) {
            float* row = x + u * columns;
            for (std::int64_t j = 0; j < columns; ++j) row[j] = (row[j] - mean[j]) * factor[j];
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
