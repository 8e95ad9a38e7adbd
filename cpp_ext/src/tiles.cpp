#include "graphx/tiles.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "graphx/lanes.hpp"
#include "graphx/present.hpp"
#include "graphx/simd.hpp"

#if defined(GRAPHX_X86)
#include <immintrin.h>
#endif

namespace graphx {

namespace {

constexpr std::int64_t kRows = 256;  // rows a task
constexpr std::int64_t kAhead = 48;  // entries between asking for a row and adding it
constexpr std::int64_t kOwnAhead = 4;  // rows between asking for what a finished row is added to and adding it

// Calls entry(x, value) for the rows that the entries of row u of a packed term name.
template <class F>
GRAPHX_INLINE void visit_packed(const TileTerm& term, std::int64_t u, std::int64_t nodes, F&& entry) {
    if (!term.indptr) {
        entry(term.x + u * kPackedStride, term.values[u]);
        return;
    }
    const std::int64_t stop = term.indptr[u + 1];
    const std::int64_t ahead = std::min(stop, term.indptr[nodes] - kAhead);
    for (std::int64_t s = term.indptr[u]; s < stop; ++s) {
        if (s < ahead) prefetch<128>(term.x + term.indices[s + kAhead] * kPackedStride);
        entry(term.x + term.indices[s] * kPackedStride, term.values ? term.values[s] : 1.0F);
    }
}

// sum[0 : count] += row u of a packed term, columns from `column` on.
GRAPHX_INLINE void add_packed(const TileTerm& term, std::int64_t u, std::int64_t nodes, std::int64_t column,
                              std::int64_t count, float* sum) {
    visit_packed(term, u, nodes, [&](const float* x, float value) GRAPHX_LAMBDA {
        std::uint64_t bits[2];
        std::memcpy(bits, x, sizeof bits);
        x += 4;
        for (std::int64_t j = 0; j < column + count; ++j) {
            if (!(bits[j >> 6] >> (j & 63) & 1)) continue;
            if (j >= column) sum[j - column] += *x * value;
            ++x;
        }
    });
}

void pack_row(const float* row, float* to) {
    std::uint64_t bits[2] = {};
    float* next = to + 4;
    for (std::int64_t j = 0; j < kPackedColumns; ++j) {
        if (row[j] == 0) continue;
        bits[j >> 6] |= 1ull << (j & 63);
        *next++ = row[j];
    }
    std::memcpy(to, bits, sizeof bits);
}

void unpack_row(const float* from, float* row) {
    std::uint64_t bits[2];
    std::memcpy(bits, from, sizeof bits);
    from += 4;
    for (std::int64_t j = 0; j < kPackedColumns; ++j) row[j] = bits[j >> 6] >> (j & 63) & 1 ? *from++ : 0.0F;
}

#if defined(GRAPHX_X86)
GRAPHX_AVX512 void add_packed_avx512(const TileTerm& term, std::int64_t u, std::int64_t nodes, float* sum) {
    __m512 lanes[8];
    for (int i = 0; i < 8; ++i) lanes[i] = _mm512_loadu_ps(sum + 16 * i);
    const std::int64_t first = term.indptr ? term.indptr[u] : u, stop = term.indptr ? term.indptr[u + 1] : u + 1;
    const std::int64_t ahead = term.indptr ? std::min(stop, term.indptr[nodes] - kAhead) : first;
    for (std::int64_t s = first; s < stop; ++s) {
        if (s < ahead) prefetch<128>(term.x + term.indices[s + kAhead] * kPackedStride);
        const float* x = term.x + (term.indptr ? term.indices[s] : u) * kPackedStride;
        const __m512 value = _mm512_set1_ps(term.values ? term.values[s] : 1.0F);
        std::uint64_t bits[2];
        std::memcpy(bits, x, sizeof bits);
        x += 4;
        for (int i = 0; i < 8; ++i) {
            const std::uint64_t mask = bits[i / 4] >> (16 * (i % 4)) & 0xffff;
            const __m512 numbers = _mm512_maskz_expandloadu_ps(static_cast<__mmask16>(mask), x);
            lanes[i] = _mm512_add_ps(lanes[i], _mm512_mul_ps(numbers, value));
            x += std::popcount(mask);
        }
    }
    for (int i = 0; i < 8; ++i) _mm512_storeu_ps(sum + 16 * i, lanes[i]);
}

GRAPHX_AVX512 void pack_row_avx512(const float* row, float* to) {
    std::uint64_t bits[2] = {};
    float* next = to + 4;
    for (int i = 0; i < 8; ++i) {
        const __m512 numbers = _mm512_loadu_ps(row + 16 * i);
        const __mmask16 mask = _mm512_cmp_ps_mask(numbers, _mm512_setzero_ps(), _CMP_NEQ_UQ);
        bits[i / 4] |= static_cast<std::uint64_t>(mask) << (16 * (i % 4));
        _mm512_storeu_ps(next, _mm512_maskz_compress_ps(mask, numbers));  // what follows the row is room
        next += std::popcount(static_cast<unsigned>(mask));
    }
    std::memcpy(to, bits, sizeof bits);
}

GRAPHX_AVX512 void unpack_row_avx512(const float* from, float* row) {
    std::uint64_t bits[2];
    std::memcpy(bits, from, sizeof bits);
    from += 4;
    for (int i = 0; i < 8; ++i) {
        const std::uint64_t mask = bits[i / 4] >> (16 * (i % 4)) & 0xffff;
        _mm512_storeu_ps(row + 16 * i, _mm512_maskz_expandloadu_ps(static_cast<__mmask16>(mask), from));
        from += std::popcount(mask);
    }
}
#endif

// The same at the level that goes with lanes of `Size`.
template <int Size>
GRAPHX_INLINE void pack(const float* row, float* to) {
#if defined(GRAPHX_X86)
    if constexpr (Size == 16) pack_row_avx512(row, to);
    else
#endif
        pack_row(row, to);
}

template <int Size>
GRAPHX_INLINE void unpack(const float* from, float* row) {
#if defined(GRAPHX_X86)
    if constexpr (Size == 16) unpack_row_avx512(from, row);
    else
#endif
        unpack_row(from, row);
}

// sum += row u of a term with rows x of float or bfloat16; each of `sum` has `Step` columns.
template <int Step, int Count, class L, class S>
GRAPHX_INLINE void add_term(const TileProduct& p, const TileTerm& term, const S* x, std::int64_t u, L (&sum)[Count]) {
    const std::int64_t width = p.width;
    if (!term.indptr) {
        const float value = term.values[u];
        for (int i = 0; i < Count; ++i) sum[i].add(x + u * width + i * Step, value);
        return;
    }
    const std::int64_t stop = term.indptr[u + 1];
    const std::int64_t ahead = std::min(stop, term.indptr[p.num_nodes] - kAhead);  // before it one may look ahead
    const std::int32_t* indices = term.indices;
    std::int64_t s = term.indptr[u];
    constexpr int bytes = Count * Step * static_cast<int>(sizeof(S));
    if (term.values) {
        for (; s < stop; ++s) {
            if (s < ahead) prefetch<bytes>(x + indices[s + kAhead] * width);
            const float value = term.values[s];
            const S* row = x + indices[s] * width;
            for (int i = 0; i < Count; ++i) sum[i].add(row + i * Step, value);
        }
    } else {
        for (; s < stop; ++s) {
            if (s < ahead) prefetch<bytes>(x + indices[s + kAhead] * width);
            const S* row = x + indices[s] * width;
            for (int i = 0; i < Count; ++i) sum[i].add(row + i * Step);
        }
    }
}

// `Count` lanes of `Size` columns of row u, into `out`.
template <int Count, int Size>
GRAPHX_INLINE void row_lanes(const TileProduct& p, std::int64_t u, std::int64_t column, float* out) {
    Lane<Size> sum[Count];
    out += column;
    for (int i = 0; i < Count; ++i) {
        sum[i].clear();
        if (p.accumulate) sum[i].add(out + i * Size);
    }
    for (const TileTerm& term : p.terms) {
        if (term.packed) {
            float room[Count * Size];
            for (int i = 0; i < Count; ++i) sum[i].store(room + i * Size, 1.0F);
#if defined(GRAPHX_X86)
            if constexpr (Count * Size == kPackedColumns) add_packed_avx512(term, u, p.num_nodes, room);
            else
#endif
                add_packed(term, u, p.num_nodes, column, Count * Size, room);
            for (int i = 0; i < Count; ++i) {
                sum[i].clear();
                sum[i].add(room + i * Size);
            }
            continue;
        }
        if (term.half) add_term<Size>(p, term, term.half + column, u, sum);
        else add_term<Size>(p, term, term.x + column, u, sum);
    }
    const float scale = p.row_scale ? p.row_scale[u] : 1.0F;
    for (int i = 0; i < Count; ++i) sum[i].store(out + i * Size, scale);
}

#if defined(__GNUC__)
// The same where all rows are bfloat16: `Count` pairs of lanes, into `out`, or rounded into `half`.
template <int Count, int Size>
GRAPHX_INLINE void row_pairs(const TileProduct& p, std::int64_t u, std::int64_t column, float* out,
                             std::uint16_t* half) {
    constexpr int Step = 2 * Size;
    Pair<Size> sum[Count];
    for (int i = 0; i < Count; ++i) {
        sum[i].clear();
        if (p.accumulate) sum[i].add(p.half + u * p.width + column + i * Step);
    }
    for (const TileTerm& term : p.terms) add_term<Step>(p, term, term.half + column, u, sum);
    const float scale = p.row_scale ? p.row_scale[u] : 1.0F;
    for (int i = 0; i < Count; ++i) {
        if (half) sum[i].pack(half + column + i * Step, scale);
        else sum[i].store(out + column + i * Step, scale);
    }
}
#endif

GRAPHX_INLINE void row_column(const TileProduct& p, std::int64_t u, std::int64_t column, float* out) {
    float sum = p.accumulate ? out[column] : 0.0F;
    for (const TileTerm& term : p.terms) {
        const auto at = [&](std::int64_t v) {
            return term.half ? widened(term.half[v * p.width + column]) : term.x[v * p.width + column];
        };
        if (!term.indptr) {
            sum += term.values[u] * at(u);
            continue;
        }
        for (std::int64_t s = term.indptr[u]; s < term.indptr[u + 1]; ++s)
            sum += (term.values ? term.values[s] : 1.0F) * at(term.indices[s]);
    }
    out[column] = p.row_scale ? sum * p.row_scale[u] : sum;
}

template <int Size>
GRAPHX_INLINE void finish_row(const Finish& f, std::int64_t u, float* row, std::int64_t width) {
    double weight = f.weight;
    if (f.normalize) {
        const double sum = squares_of_row(row, width);
        weight = sum > 0 ? f.weight / std::sqrt(sum) : 0.0;
    }
    float* to = f.target + u * f.stride;
    const auto factor = static_cast<float>(weight);
    const float* own = f.own + u * width;
    if (f.half) {
        widen_row(f.half + u * width, width, row + width);
        own = row + width;
    } else if (f.own && f.own_packed) {
        unpack<Size>(f.own + u * kPackedStride, row + width);
        own = row + width;
    }
    if (f.own || f.half) put_row(to, f.accumulate, f.factors[u], own, factor, row, f.columns);
    else put_row(to, f.accumulate, factor, row, f.columns);
}

GRAPHX_INLINE void prefetch_finish(const Finish& f, std::int64_t u, std::int64_t width) {
    if (f.own && f.own_packed) prefetch<128>(f.own + u * kPackedStride);
    for (std::int64_t j = 0; f.half && j < f.columns; j += 32) prefetch<1>(f.half + u * width + j);
    for (std::int64_t j = 0; j < f.columns; j += 16) {
        if (f.own && !f.own_packed) prefetch<1>(f.own + u * width + j);
        if (f.accumulate) prefetch<1>(f.target + u * f.stride + j);
    }
}

// Whether a row is 0 and so is what it would add: nothing need be read.
GRAPHX_INLINE bool adds_nothing(const TileProduct& p, std::int64_t u) {
    const Finish& f = *p.finish;
    return f.accumulate && p.row_scale && p.row_scale[u] == 0 && ((!f.own && !f.half) || f.factors[u] == 0);
}

// Whether all that is added to a row is bfloat16.
bool only_halves(const TileProduct& p) {
    if (std::endian::native != std::endian::little || (p.accumulate && !p.half)) return false;
    return std::all_of(p.terms.begin(), p.terms.end(), [](const TileTerm& term) { return term.half != nullptr; });
}

template <int Size>
GRAPHX_INLINE void rows_body(const TileProduct& p, std::int64_t start, std::int64_t stop, float* room) {
    const bool pairs = only_halves(p);
    for (std::int64_t u = start; u < stop; ++u) {
        std::int64_t column = 0;
        float* out = p.finish || p.packed || p.half ? room : p.out + u * p.width;
        std::uint16_t* half = p.half ? p.half + u * p.width : nullptr;
        if (p.finish) {
            const std::int64_t next = std::min(u + kOwnAhead, p.num_nodes - 1);
            if (!adds_nothing(p, next)) prefetch_finish(*p.finish, next, p.width);
            if (adds_nothing(p, u)) continue;
        }
#if defined(__GNUC__)
        if (pairs) {
            for (; column + 8 * Size <= p.width; column += 8 * Size) row_pairs<4, Size>(p, u, column, out, half);
            for (; column + 2 * Size <= p.width; column += 2 * Size) row_pairs<1, Size>(p, u, column, out, half);
        }
#endif
        const std::int64_t done = half ? column : 0;  // these are in `half`, rounded
        if (p.half && p.accumulate) widen_row(half + done, p.width - done, room + done);
        for (; column + 8 * Size <= p.width; column += 8 * Size) row_lanes<8, Size>(p, u, column, out);
        for (; column + 4 * Size <= p.width; column += 4 * Size) row_lanes<4, Size>(p, u, column, out);
        for (; column + Size <= p.width; column += Size) row_lanes<1, Size>(p, u, column, out);
        for (; column < p.width; ++column) row_column(p, u, column, out);
        if (p.rounded) round_row<std::uint16_t>(out, p.width);
        if (half) {
            store_row(room + done, p.width - done, half + done);
            if (p.squares) widen_row(half, p.width, room);
        }
        if (p.squares) p.squares[u] = squares_of_row(out, p.width);
        if (p.finish) finish_row<Size>(*p.finish, u, out, p.width);
        else if (p.packed) pack<Size>(out, p.out + u * kPackedStride);
    }
}

// Row u of the product with sparse rows, all tiles; `sum` has room for their columns.
template <int Size>
GRAPHX_INLINE void project_body(const TileProduct& p, const SparseProjection& r, const Present& present,
                                std::int64_t tiles, std::int64_t u, float* sum) {
    const std::int64_t width = p.width;
    for (std::int64_t t = 0; t < tiles; ++t) {
        float* part = sum + t * width;
        const std::int64_t at = (t * p.num_nodes + u) * width;
        if (p.accumulate && p.half) widen_row(p.half + at, width, part);
        else if (p.accumulate) std::copy_n(p.out + at, width, part);
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
    if (p.packed) {
        put_row(sum + width, false, scale, sum, width);
        if (p.rounded) round_row<std::uint16_t>(sum + width, width);
        if (p.squares) p.squares[u] = squares_of_row(sum + width, width);
        pack<Size>(sum + width, p.out + u * kPackedStride);
        return;
    }
    for (std::int64_t t = 0; t < tiles; ++t) {
        const std::int64_t at = (t * p.num_nodes + u) * width;
        float* out = p.half ? sum + tiles * width : p.out + at;
        put_row(out, false, scale, sum + t * width, width);
        if (p.half) {
            store_row(out, width, p.half + at);
            if (p.squares) widen_row(p.half + at, width, out);
        }
        if (p.squares) p.squares[t * p.num_nodes + u] = squares_of_row(out, width);
    }
}

// `count` numbers of a state from `at` on; bfloat16 become floats in `room`.
GRAPHX_INLINE const float* numbers_of(const MergeState& state, std::int64_t at, std::int64_t count, float* room) {
    if (!state.half) return state.x + at;
    widen_row(state.half + at, count, room);
    return room;
}

GRAPHX_INLINE void merge_body(const Merge& m, std::int64_t u, float* room) {
    for (std::int64_t column = 0; column < m.columns; column += m.width) {
        const std::int64_t count = std::min(m.width, m.columns - column);
        const std::int64_t at = (column / m.width * m.num_nodes + u) * m.width;
        float* to = m.target + u * m.stride + column;
        bool add = m.accumulate;
        std::size_t i = 0;
        for (; i + 2 <= m.states.size(); i += 2) {  // two at once: the target is touched once
            const MergeState &a = m.states[i], &b = m.states[i + 1];
            const float* x = numbers_of(a, at, count, room);
            put_row(to, add, a.factors[u], x, b.factors[u], numbers_of(b, at, count, room + m.width), count);
            add = true;
        }
        if (i < m.states.size()) {
            const MergeState& last = m.states[i];
            put_row(to, add, last.factors[u], numbers_of(last, at, count, room), count);
        }
    }
}

#define GRAPHX_LEVEL(NAME, TARGET, SIZE)                                                                            \
    TARGET void rows_##NAME(const TileProduct& p, std::int64_t start, std::int64_t stop, float* room) {             \
        rows_body<SIZE>(p, start, stop, room);                                                                      \
    }                                                                                                               \
    TARGET void project_##NAME(const TileProduct& p, const SparseProjection& r, const Present& present,             \
                               std::int64_t tiles, std::int64_t start, std::int64_t stop, float* sum) {             \
        for (std::int64_t u = start; u < stop; ++u) project_body<SIZE>(p, r, present, tiles, u, sum);               \
    }                                                                                                               \
    TARGET void merge_##NAME(const Merge& m, std::int64_t start, std::int64_t stop, float* room) {                  \
        for (std::int64_t u = start; u < stop; ++u) merge_body(m, u, room);                                         \
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

bool packing_pays() { return simd_level() == Simd::avx512; }

void multiply_tile(const TileProduct& product, Control& control) {
    const auto rows = rows_for_this_machine();
    std::vector<std::vector<float>> rooms(static_cast<std::size_t>(control.threads()));
    for_rows(product.num_nodes, control, [&](std::int64_t start, std::int64_t stop, int worker) {
        auto& room = rooms[static_cast<std::size_t>(worker)];
        room.resize(static_cast<std::size_t>(2 * product.width));
        rows(product, start, stop, room.data());
    });
}

void multiply_projection(const TileProduct& p, const SparseProjection& r, std::int64_t tiles, Control& control) {
    const auto rows = project_for_this_machine();
    const Present present(r.indptr, p.num_nodes);
    std::vector<std::vector<float>> sums(static_cast<std::size_t>(control.threads()));
    for_rows(p.num_nodes, control, [&](std::int64_t start, std::int64_t stop, int worker) {
        auto& sum = sums[static_cast<std::size_t>(worker)];
        sum.resize(static_cast<std::size_t>((tiles + (p.packed || p.half ? 1 : 0)) * p.width));
        rows(p, r, present, tiles, start, stop, sum.data());
    });
}

void merge_tiles(const Merge& m, Control& control) {
    auto rows = merge_plain;
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx2) rows = merge_avx2;
    if (simd_level() == Simd::avx512) rows = merge_avx512;
#endif
    std::vector<std::vector<float>> rooms(static_cast<std::size_t>(control.threads()));
    for_rows(m.num_nodes, control, [&](std::int64_t start, std::int64_t stop, int worker) {
        auto& room = rooms[static_cast<std::size_t>(worker)];
        room.resize(static_cast<std::size_t>(2 * m.width));
        rows(m, start, stop, room.data());
    });
}

}  // namespace graphx
