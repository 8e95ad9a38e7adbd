#include "graphx/emit.hpp"

#include <algorithm>
#include <cstring>

#include "graphx/orbits.hpp"
#include "graphx/simd.hpp"

#if defined(GRAPHX_X86)
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)  // gcc 12 takes the "undefined" operand of its own intrinsics for a read
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#endif

namespace graphx {

namespace {

template <class I>
GRAPHX_INLINE std::int64_t compress_body(const std::int32_t* columns, const I* values, std::int64_t size,
                                         std::int32_t* out_columns, I* out_values, I* most) {
    std::int64_t kept = 0;
    I largest = *most;
    for (std::int64_t i = 0; i < size; ++i) {  // no branch: zeros are as likely as not
        const I value = values[i];
        out_columns[kept] = columns[i];
        out_values[kept] = value;
        kept += value != 0;
        largest = std::max(largest, value);
    }
    *most = largest;
    return kept;
}

template <class I>
GRAPHX_INLINE void summarize_body(const I* values, std::int64_t size, std::int64_t* nonzeros, std::int64_t* total,
                                  std::int64_t* maximum) {
    std::int64_t kept = 0, sum = 0;
    I largest = 0;
    for (std::int64_t i = 0; i < size; ++i) {
        kept += values[i] != 0;
        sum += values[i];
        largest = std::max(largest, values[i]);
    }
    *nonzeros += kept;
    *total += sum;
    *maximum = std::max<std::int64_t>(*maximum, largest);
}

template <class I>
GRAPHX_INLINE void hop2_body(int key, std::int64_t size, I du, const I* __restrict c, const I* __restrict g,
                             const I* __restrict gt, const I* __restrict s, const I* __restrict q,
                             const I* __restrict dv, I* __restrict out) {
    switch (key) {
        case k2_1_1:
            for (std::int64_t i = 0; i < size; ++i) out[i] = c[i];
            break;
        case k2_4_5:
            for (std::int64_t i = 0; i < size; ++i) out[i] = c[i] * (dv[i] - c[i]) - g[i] + 2 * q[i];
            break;
        case k2_5_4:
            for (std::int64_t i = 0; i < size; ++i) out[i] = c[i] * (du - c[i]) - gt[i] + 2 * q[i];
            break;
        case k2_6_6:
            for (std::int64_t i = 0; i < size; ++i) out[i] = s[i] - g[i] - gt[i] + 2 * q[i];
            break;
        case k2_8_8:
            for (std::int64_t i = 0; i < size; ++i) out[i] = c[i] * (c[i] - 1) / 2 - q[i];
            break;
        case k2_9_10:
            for (std::int64_t i = 0; i < size; ++i) out[i] = g[i] - 2 * q[i];
            break;
        case k2_10_9:
            for (std::int64_t i = 0; i < size; ++i) out[i] = gt[i] - 2 * q[i];
            break;
        case k2_12_12:
            for (std::int64_t i = 0; i < size; ++i) out[i] = q[i];
            break;
        default: break;
    }
}

template <int Words, class I>
GRAPHX_INLINE void intersect_words(const std::uint64_t* members, std::int64_t w, const std::int32_t* row,
                                   std::int64_t size, I* twice_edges) {
    std::uint64_t mine[Words];
    for (int i = 0; i < Words; ++i) mine[i] = members[w * Words + i];
    for (std::int64_t j = 0; j < size; ++j) {
        const std::uint64_t* other = members + static_cast<std::int64_t>(row[j]) * Words;
        int common = 0;
        for (int i = 0; i < Words; ++i) common += __builtin_popcountll(mine[i] & other[i]);
        twice_edges[row[j]] += static_cast<I>(common);
    }
}

template <class I>
GRAPHX_INLINE void intersect_body(const std::uint64_t* members, int words, std::int64_t w, const std::int32_t* row,
                                  std::int64_t size, I* twice_edges) {
    switch (words) {
        case 1: intersect_words<1>(members, w, row, size, twice_edges); break;
        case 2: intersect_words<2>(members, w, row, size, twice_edges); break;
        case 4: intersect_words<4>(members, w, row, size, twice_edges); break;
        default: intersect_words<8>(members, w, row, size, twice_edges); break;
    }
}

template <class I>
GRAPHX_INLINE void spread_body(const Csr& graph, std::int64_t start, std::int64_t stop,
                               const typename Emitter<I>::Far* far, I* dense) {
    for (std::int64_t v = start; v < stop; ++v) {
        I sum[kLanes] = {};
        for (const std::int32_t* y = graph.begin(v); y != graph.end(v); ++y) {
            const auto* more = far + static_cast<std::int64_t>(*y) * kLanes;
            for (int r = 0; r < kLanes; ++r) sum[r] += static_cast<I>(more[r]);
        }
        std::memcpy(dense + v * kLanes, sum, sizeof(sum));
    }
}

// Sums stay below 2^16 on most graphs. A lane that ever passes it leaves a bit in `passed`: the carry of an addition.
GRAPHX_INLINE bool spread16_body(const Csr& graph, std::int64_t start, std::int64_t stop, const std::uint16_t* far,
                                 std::uint16_t* dense) {
    std::uint16_t passed[kLanes] = {};
    for (std::int64_t v = start; v < stop; ++v) {
        std::uint16_t sum[kLanes] = {};
        for (const std::int32_t* y = graph.begin(v); y != graph.end(v); ++y) {
            const std::uint16_t* more = far + static_cast<std::int64_t>(*y) * kLanes;
            for (int r = 0; r < kLanes; ++r) {
                sum[r] = static_cast<std::uint16_t>(sum[r] + more[r]);
                passed[r] = static_cast<std::uint16_t>(passed[r] | (sum[r] < more[r]));
            }
        }
        std::memcpy(dense + v * kLanes, sum, sizeof(sum));
    }
    for (int r = 0; r < kLanes; ++r)
        if (passed[r]) return true;
    return false;
}

template <class D>
GRAPHX_INLINE void count_body(std::int64_t nodes, const D* dense, std::int64_t* nonzeros, std::int64_t* total,
                              std::int64_t* maximum) {
    D largest[kLanes] = {};
    for (int r = 0; r < kLanes; ++r) nonzeros[r] = 0;
    constexpr std::int64_t stretch = 32768;  // so many sums of 16-bit numbers fit 32 bits
    for (std::int64_t start = 0; start < nodes; start += stretch) {
        using Sum = std::conditional_t<sizeof(D) == 2, std::uint32_t, std::int64_t>;
        Sum sum[kLanes] = {};
        std::uint32_t found[kLanes] = {};
        for (std::int64_t v = start; v < std::min(nodes, start + stretch); ++v)
            for (int r = 0; r < kLanes; ++r) {
                const D value = dense[v * kLanes + r];
                sum[r] += value;
                found[r] += value != 0;
                largest[r] = std::max(largest[r], value);
            }
        for (int r = 0; r < kLanes; ++r) {
            *total += static_cast<std::int64_t>(sum[r]);
            nonzeros[r] += found[r];
        }
    }
    for (int r = 0; r < kLanes; ++r) *maximum = std::max<std::int64_t>(*maximum, largest[r]);
}

// One value at a time and never past the end of a row: the next row may be another thread's.
template <class V, class D>
GRAPHX_INLINE void drain_rows(std::int64_t nodes, int rows, const D* dense, const TileTarget& target) {
    for (int r = 0; r < rows; ++r) {
        std::int32_t* columns = target.columns[r];
        V* values = reinterpret_cast<V*>(target.values[r]);
        for (std::int64_t v = 0; v < nodes; ++v)
            if (const D value = dense[v * kLanes + r]) {
                *columns++ = static_cast<std::int32_t>(v);
                *values++ = static_cast<V>(value);
            }
    }
}

template <class D>
GRAPHX_INLINE void drain_body(std::int64_t nodes, int rows, const D* dense, const TileTarget& target) {
    if (target.width == 2) drain_rows<std::int16_t>(nodes, rows, dense, target);
    else if (target.width == 4) drain_rows<std::int32_t>(nodes, rows, dense, target);
    else drain_rows<std::int64_t>(nodes, rows, dense, target);
}

#define GRAPHX_LEVEL(NAME, ATTRIBUTE)                                                                                  \
    template <class I>                                                                                                 \
    struct NAME {                                                                                                      \
        using Far = typename Emitter<I>::Far;                                                                          \
        ATTRIBUTE static std::int64_t compress(const std::int32_t* columns, const I* values, std::int64_t size,        \
                                               std::int32_t* out_columns, I* out_values, I* most) {                    \
            return compress_body(columns, values, size, out_columns, out_values, most);                                \
        }                                                                                                              \
        ATTRIBUTE static void summarize(const I* values, std::int64_t size, std::int64_t* nonzeros,                    \
                                        std::int64_t* total, std::int64_t* maximum) {                                  \
            summarize_body(values, size, nonzeros, total, maximum);                                                    \
        }                                                                                                              \
        ATTRIBUTE static void hop2(int key, std::int64_t size, I du, const I* c, const I* g, const I* gt, const I* s,  \
                                   const I* q, const I* dv, I* out) {                                                  \
            hop2_body(key, size, du, c, g, gt, s, q, dv, out);                                                         \
        }                                                                                                              \
        ATTRIBUTE static void intersect(const std::uint64_t* members, int words, std::int64_t w,                       \
                                        const std::int32_t* row, std::int64_t size, I* twice_edges) {                  \
            intersect_body(members, words, w, row, size, twice_edges);                                                 \
        }                                                                                                              \
ATTRIBUTE static bool spread16(const Csr& graph, std::int64_t start, std::int64_t stop,                        \
                                       const std::uint16_t* far, std::uint16_t* dense) {                               \
            return spread16_body(graph, start, stop, far, dense);                                                      \
        }                                                                                                              \
        ATTRIBUTE static void spread(const Csr& graph, std::int64_t start, std::int64_t stop, const Far* far,          \
                                     I* dense) {                                                                       \
            spread_body<I>(graph, start, stop, far, dense);                                                            \
        }                                                                                                              \
        ATTRIBUTE static void count16(std::int64_t nodes, const std::uint16_t* dense, std::int64_t* nonzeros,          \
                                      std::int64_t* total, std::int64_t* maximum) {                                    \
            count_body(nodes, dense, nonzeros, total, maximum);                                                        \
        }                                                                                                              \
        ATTRIBUTE static void count(std::int64_t nodes, const I* dense, std::int64_t* nonzeros,                        \
                                    std::int64_t* total, std::int64_t* maximum) {                                      \
            count_body(nodes, dense, nonzeros, total, maximum);                                                        \
        }                                                                                                              \
        ATTRIBUTE static void drain16(std::int64_t nodes, int rows, const std::uint16_t* dense,                        \
                                      const TileTarget& target) {                                                      \
            drain_body(nodes, rows, dense, target);                                                                    \
        }                                                                                                              \
        ATTRIBUTE static void drain(std::int64_t nodes, int rows, const I* dense, const TileTarget& target) {          \
            drain_body(nodes, rows, dense, target);                                                                    \
        }                                                                                                              \
        static Emitter<I> table() {                                                                                    \
            return {compress, summarize, hop2, intersect, spread16, spread, count16, count, drain16, drain};           \
        }                                                                                                              \
    };

GRAPHX_LEVEL(Plain, )
#if defined(GRAPHX_X86)
GRAPHX_LEVEL(Avx2, GRAPHX_AVX2)
GRAPHX_LEVEL(Avx512, GRAPHX_AVX512)

GRAPHX_AVX512 std::int64_t compress_avx512(const std::int32_t* columns, const std::int32_t* values, std::int64_t size,
                                           std::int32_t* out_columns, std::int32_t* out_values, std::int32_t* most) {
    std::int64_t kept = 0;
    __m512i largest = _mm512_set1_epi32(*most);
    for (std::int64_t i = 0; i < size; i += 16) {
        const __mmask16 live = size - i >= 16 ? 0xFFFF : static_cast<__mmask16>((1U << (size - i)) - 1);
        const __m512i value = _mm512_maskz_loadu_epi32(live, values + i);
        const __m512i column = _mm512_maskz_loadu_epi32(live, columns + i);
        const __mmask16 nonzero = _mm512_test_epi32_mask(value, value);
        largest = _mm512_max_epi32(largest, value);
        _mm512_storeu_si512(out_values + kept, _mm512_maskz_compress_epi32(nonzero, value));
        _mm512_storeu_si512(out_columns + kept, _mm512_maskz_compress_epi32(nonzero, column));
        kept += __builtin_popcount(nonzero);
    }
    *most = _mm512_reduce_max_epi32(largest);
    return kept;
}

// Transposes 16 x 16 numbers in registers: row[i] lane j becomes row[j] lane i.
GRAPHX_AVX512 inline void transpose16(__m512i* row) {
    __m512i t[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(row[i], row[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(row[i], row[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        row[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        row[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        row[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        row[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; ++i) {
        t[i] = _mm512_shuffle_i32x4(row[i], row[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(row[i], row[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(row[i + 8], row[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(row[i + 8], row[i + 12], 0xdd);
    }
    for (int i = 0; i < 4; ++i) {
        row[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        row[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
        row[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
        row[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

GRAPHX_AVX512 bool spread16_avx512(const Csr& graph, std::int64_t start, std::int64_t stop, const std::uint16_t* far,
                                   std::uint16_t* dense) {
    const __m512i top = _mm512_set1_epi16(-1);
    __mmask32 passed = 0;
    for (std::int64_t v = start; v < stop; ++v) {
        __m512i sum = _mm512_setzero_si512();
        for (const std::int32_t* y = graph.begin(v); y != graph.end(v); ++y)
            sum = _mm512_adds_epu16(sum, _mm512_loadu_si512(far + static_cast<std::int64_t>(*y) * kLanes));
        passed |= _mm512_cmpeq_epi16_mask(sum, top);
        _mm512_storeu_si512(dense + v * kLanes, sum);
    }
    return passed != 0;
}

// The lanes 16 * half .. 16 * half + 15 of one node as 32-bit numbers.
GRAPHX_AVX512 inline __m512i lanes_of(const std::uint16_t* dense, int half) {
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(dense + 16 * half)));
}
GRAPHX_AVX512 inline __m512i lanes_of(const std::int32_t* dense, int half) {
    return _mm512_loadu_si512(dense + 16 * half);
}

// Sixteen nodes by sixteen rows at a time: transpose in registers, squeeze out the zeros, store what is left exactly.
template <class D>
GRAPHX_AVX512 void drain_avx512(std::int64_t nodes, int rows, const D* dense, const TileTarget& target) {
    if (target.width == 8) {
        drain_rows<std::int64_t>(nodes, rows, dense, target);
        return;
    }
    const __m512i count_up = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (int half = 0; 16 * half < rows; ++half) {
        std::int64_t kept[16] = {};
        const int some = std::min(16, rows - 16 * half);
        for (std::int64_t v = 0; v < nodes; v += kStep) {
            __m512i tile[16];
            for (int j = 0; j < 16; ++j) tile[j] = lanes_of(dense + (v + j) * kLanes, half);
            transpose16(tile);
            const __m512i column = _mm512_add_epi32(count_up, _mm512_set1_epi32(static_cast<std::int32_t>(v)));
            for (int r = 0; r < some; ++r) {
                const __mmask16 nonzero = _mm512_test_epi32_mask(tile[r], tile[r]);
                const int size = __builtin_popcount(nonzero);
                const auto store = static_cast<__mmask16>(_bzhi_u32(0xFFFF, static_cast<unsigned>(size)));
                const __m512i value = _mm512_maskz_compress_epi32(nonzero, tile[r]);
                char* values = target.values[16 * half + r] + kept[r] * target.width;
                _mm512_mask_storeu_epi32(target.columns[16 * half + r] + kept[r], store,
                                         _mm512_maskz_compress_epi32(nonzero, column));
                if (target.width == 2)
                    _mm256_mask_storeu_epi16(values, store, _mm512_cvtepi32_epi16(value));
                else
                    _mm512_mask_storeu_epi32(values, store, value);
                kept[r] += size;
            }
        }
    }
}
#endif

}  // namespace

template <>
Emitter<std::int32_t> emitter() {
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx512) {
        Emitter<std::int32_t> table = Avx512<std::int32_t>::table();
        table.compress = compress_avx512;
        table.spread16 = spread16_avx512;
        table.drain16 = drain_avx512<std::uint16_t>;
        table.drain = drain_avx512<std::int32_t>;
        return table;
    }
    if (simd_level() == Simd::avx2) return Avx2<std::int32_t>::table();
#endif
    return Plain<std::int32_t>::table();
}

template <>
Emitter<std::int64_t> emitter() {
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx512) return Avx512<std::int64_t>::table();
    if (simd_level() == Simd::avx2) return Avx2<std::int64_t>::table();
#endif
    return Plain<std::int64_t>::table();
}

}  // namespace graphx
