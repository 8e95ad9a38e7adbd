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
    using Far = typename Emitter<I>::Far;
    typedef I Wide __attribute__((vector_size(kLanes * sizeof(I))));
    typedef Far Narrow __attribute__((vector_size(kLanes * sizeof(Far))));
    for (std::int64_t v = start; v < stop; ++v) {
        Wide sum;  // loaded by memcpy: the arrays are aligned for single numbers only
        std::memcpy(&sum, dense + v * kLanes, sizeof(Wide));
        for (const std::int32_t* y = graph.begin(v); y != graph.end(v); ++y) {
            Narrow more;
            std::memcpy(&more, far + static_cast<std::int64_t>(*y) * kLanes, sizeof(Narrow));
            sum += __builtin_convertvector(more, Wide);
        }
        std::memcpy(dense + v * kLanes, &sum, sizeof(Wide));
    }
}

template <class I>
GRAPHX_INLINE void drain_body(std::int64_t nodes, int rows, I* dense, std::int64_t stride, std::int32_t* columns,
                              I* values, std::int64_t* sizes, I* most) {
    std::int64_t kept[kLanes] = {};
    I largest = *most;
    for (std::int64_t v = 0; v < nodes; v += kLanes) {
        I* tile = dense + v * kLanes;
        for (int r = 0; r < rows; ++r) {
            std::int32_t* out_columns = columns + r * stride + kept[r];
            I* out_values = values + r * stride + kept[r];
            std::int64_t at = 0;
            for (std::int64_t j = 0; j < kLanes; ++j) {
                const I value = tile[j * kLanes + r];
                out_columns[at] = static_cast<std::int32_t>(v + j);
                out_values[at] = value;
                at += value != 0;
                largest = std::max(largest, value);
            }
            kept[r] += at;
        }
        std::memset(tile, 0, sizeof(I) * kLanes * kLanes);
    }
    for (int r = 0; r < rows; ++r) sizes[r] = kept[r];
    *most = largest;
}

template <class I>
GRAPHX_INLINE void drain_summary_body(std::int64_t nodes, I* dense, std::int64_t* nonzeros, std::int64_t* total,
                                      std::int64_t* maximum) {
    summarize_body(dense, nodes * kLanes, nonzeros, total, maximum);
    std::memset(dense, 0, static_cast<std::size_t>(nodes * kLanes) * sizeof(I));
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
        ATTRIBUTE static void spread(const Csr& graph, std::int64_t start, std::int64_t stop, const Far* far,          \
                                     I* dense) {                                                                       \
            spread_body<I>(graph, start, stop, far, dense);                                                            \
        }                                                                                                              \
        ATTRIBUTE static void drain(std::int64_t nodes, int rows, I* dense, std::int64_t stride,                       \
                                    std::int32_t* columns, I* values, std::int64_t* sizes, I* most) {                  \
            drain_body(nodes, rows, dense, stride, columns, values, sizes, most);                                      \
        }                                                                                                              \
        ATTRIBUTE static void drain_summary(std::int64_t nodes, I* dense, std::int64_t* nonzeros, std::int64_t* total, \
                                            std::int64_t* maximum) {                                                   \
            drain_summary_body(nodes, dense, nonzeros, total, maximum);                                                \
        }                                                                                                              \
        static Emitter<I> table() {                                                                                    \
            return {compress, summarize, hop2, intersect, spread, drain, drain_summary};                               \
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

GRAPHX_AVX512 void drain_avx512(std::int64_t nodes, int rows, std::int32_t* dense, std::int64_t stride,
                                std::int32_t* columns, std::int32_t* values, std::int64_t* sizes, std::int32_t* most) {
    std::int64_t kept[kLanes] = {};
    __m512i largest = _mm512_set1_epi32(*most);
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (std::int64_t v = 0; v < nodes; v += kLanes) {
        __m512i tile[16];
        for (int j = 0; j < 16; ++j) {
            tile[j] = _mm512_loadu_si512(dense + (v + j) * kLanes);
            largest = _mm512_max_epi32(largest, tile[j]);
            _mm512_storeu_si512(dense + (v + j) * kLanes, _mm512_setzero_si512());
        }
        transpose16(tile);
        const __m512i column = _mm512_add_epi32(lanes, _mm512_set1_epi32(static_cast<std::int32_t>(v)));
        for (int r = 0; r < rows; ++r) {
            const std::int64_t at = r * stride + kept[r];
            const __mmask16 nonzero = _mm512_test_epi32_mask(tile[r], tile[r]);
            _mm512_storeu_si512(values + at, _mm512_maskz_compress_epi32(nonzero, tile[r]));
            _mm512_storeu_si512(columns + at, _mm512_maskz_compress_epi32(nonzero, column));
            kept[r] += __builtin_popcount(nonzero);
        }
    }
    for (int r = 0; r < rows; ++r) sizes[r] = kept[r];
    *most = _mm512_reduce_max_epi32(largest);
}
#endif

}  // namespace

template <>
Emitter<std::int32_t> emitter() {
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx512) {
        Emitter<std::int32_t> table = Avx512<std::int32_t>::table();
        table.compress = compress_avx512;
        table.drain = drain_avx512;
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
