#include "graphx/neighbors_rows.hpp"

#include <algorithm>
#include <bit>

#if defined(GRAPHX_X86)
#include <immintrin.h>
#endif

namespace graphx::neighbors {

namespace {

// -- two sorted rows --------------------------------------------------------------------------------------------------

// Steps that double, then halving.
template <bool Emit>
std::int64_t gallop(const std::int32_t* a, std::int64_t na, const std::int32_t* b, std::int64_t nb, std::int32_t* at_a,
                    std::int32_t* at_b) {
    std::int64_t j = 0, found = 0;
    for (std::int64_t i = 0; i < na && j < nb; ++i) {
        const std::int32_t x = a[i];
        std::int64_t step = 1, low = j;
        while (low + step < nb && b[low + step] < x) {
            low += step;
            step *= 2;
        }
        j = std::lower_bound(b + low, b + std::min(nb, low + step + 1), x) - b;
        if (j < nb && b[j] == x) {
            if constexpr (Emit) {
                at_a[found] = static_cast<std::int32_t>(i);
                at_b[found] = static_cast<std::int32_t>(j);
            }
            ++found;
        }
    }
    return found;
}

#if defined(GRAPHX_X86)
// Halving for a whole register of entries at a time: no branch depends on what they are, and their misses overlap.
template <bool Emit>
GRAPHX_AVX2 std::int64_t search_avx2(const std::int32_t* a, std::int64_t na, const std::int32_t* b, std::int64_t nb,
                                     std::int32_t* at_a, std::int32_t* at_b) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), zero = _mm256_setzero_si256();
    std::int64_t found = 0;
    for (std::int64_t i = 0; i < na; i += 8) {
        const __m256i live = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<std::int32_t>(std::min<std::int64_t>(na - i, 8))), lanes);
        const __m256i x = _mm256_maskload_epi32(a + i, live);
        __m256i base = zero;
        for (std::int64_t size = nb; size > 1;) {
            const std::int64_t half = size / 2;
            const __m256i y = _mm256_mask_i32gather_epi32(zero, b + (half - 1), base, live, 4);
            const __m256i less = _mm256_cmpgt_epi32(x, y);
            base = _mm256_add_epi32(base, _mm256_and_si256(less, _mm256_set1_epi32(static_cast<std::int32_t>(half))));
            size -= half;
        }
        const __m256i equal = _mm256_and_si256(live, _mm256_cmpeq_epi32(x, _mm256_mask_i32gather_epi32(zero, b, base, live, 4)));
        auto hits = static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(equal)));
        if constexpr (Emit) {
            alignas(32) std::int32_t at[8];
            _mm256_store_si256(reinterpret_cast<__m256i*>(at), base);
            for (; hits; hits &= hits - 1) {
                const int lane = __builtin_ctz(hits);
                at_a[found] = static_cast<std::int32_t>(i) + lane;
                at_b[found++] = at[lane];
            }
        } else {
            found += std::popcount(hits);
        }
    }
    return found;
}

template <bool Emit>
GRAPHX_AVX512 std::int64_t search_avx512(const std::int32_t* a, std::int64_t na, const std::int32_t* b, std::int64_t nb,
                                         std::int32_t* at_a, std::int32_t* at_b) {
    const __m512i zero = _mm512_setzero_si512();
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    std::int64_t found = 0;
    for (std::int64_t i = 0; i < na; i += 16) {
        const auto live = static_cast<__mmask16>(na - i >= 16 ? 0xFFFF : (1 << (na - i)) - 1);
        const __m512i x = _mm512_maskz_loadu_epi32(live, a + i);
        __m512i base = zero;
        for (std::int64_t size = nb; size > 1;) {
            const std::int64_t half = size / 2;
            const __m512i y = _mm512_mask_i32gather_epi32(zero, live, base, b + (half - 1), 4);
            const __mmask16 less = _mm512_mask_cmplt_epi32_mask(live, y, x);
            base = _mm512_mask_add_epi32(base, less, base, _mm512_set1_epi32(static_cast<std::int32_t>(half)));
            size -= half;
        }
        const __m512i y = _mm512_mask_i32gather_epi32(zero, live, base, b, 4);
        const __mmask16 hits = _mm512_mask_cmpeq_epi32_mask(live, x, y);
        if constexpr (Emit) {
            if (hits) {
                const __m512i own = _mm512_maskz_add_epi32(0xFFFF, lanes, _mm512_set1_epi32(static_cast<std::int32_t>(i)));
                _mm512_storeu_si512(at_a + found, _mm512_maskz_compress_epi32(hits, own));
                _mm512_storeu_si512(at_b + found, _mm512_maskz_compress_epi32(hits, base));
            }
        }
        found += std::popcount(static_cast<unsigned>(hits));
    }
    return found;
}

// Eight entries of a, each in a register of its own, against eight entries of b at a time: a few instructions for 64
// comparisons, and no branch but the ends of the two loops. Both rows ascend, so the positions do.
template <bool Emit>
GRAPHX_AVX2 std::int64_t compare_avx2(const std::int32_t* a, std::int64_t na, const std::int32_t* b, std::int64_t nb,
                                      std::int32_t* at_b) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), ones = _mm256_set1_epi32(-1),
                  two = _mm256_set1_epi32(-2);
    auto lanes_left = [&](std::int64_t left) GRAPHX_AVX2 {
        return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<std::int32_t>(std::min<std::int64_t>(left, 8))), lanes);
    };
    std::int64_t found = 0;
    for (std::int64_t i = 0; i < na; i += 8) {
        const __m256i own = lanes_left(na - i);
        const __m256i x = _mm256_or_si256(_mm256_maskload_epi32(a + i, own), _mm256_andnot_si256(own, ones));
        __m256i each[8];
        for (int k = 0; k < 8; ++k) each[k] = _mm256_permutevar8x32_epi32(x, _mm256_set1_epi32(k));
        for (std::int64_t j = 0; j < nb; j += 8) {
            const __m256i live = lanes_left(nb - j);
            const __m256i y = _mm256_or_si256(_mm256_maskload_epi32(b + j, live), _mm256_andnot_si256(live, two));
            __m256i equal = _mm256_cmpeq_epi32(y, each[0]);
            for (int k = 1; k < 8; ++k) equal = _mm256_or_si256(equal, _mm256_cmpeq_epi32(y, each[k]));
            auto hits = static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(equal)));
            if constexpr (Emit) {
                for (; hits; hits &= hits - 1) at_b[found++] = static_cast<std::int32_t>(j) + __builtin_ctz(hits);
            } else {
                found += std::popcount(hits);
            }
        }
    }
    return found;
}
#endif

// -- bit rows ---------------------------------------------------------------------------------------------------------

GRAPHX_INLINE std::int64_t count_bits_body(const std::uint64_t* a, const std::uint64_t* b, std::int64_t words) {
    std::int64_t found = 0;
    for (std::int64_t w = 0; w < words; ++w) found += std::popcount(a[w] & b[w]);
    return found;
}
std::int64_t count_bits_plain(const std::uint64_t* a, const std::uint64_t* b, std::int64_t words) {
    return count_bits_body(a, b, words);
}
#if defined(GRAPHX_X86)
GRAPHX_AVX2 std::int64_t count_bits_avx2(const std::uint64_t* a, const std::uint64_t* b, std::int64_t words) {
    return count_bits_body(a, b, words);
}
#endif

std::int64_t count_marked_plain(const std::uint32_t* mark, std::uint32_t fold, const std::int32_t* row,
                                std::int64_t size) {
    std::int64_t found = 0;
    for (std::int64_t k = 0; k < size; ++k) found += marked(mark, fold, row[k]);
    return found;
}
std::int64_t find_marked_plain(const std::uint32_t* mark, std::uint32_t fold, const std::int32_t* row, std::int64_t size,
                               std::int32_t* at) {
    std::int64_t found = 0;
    for (std::int64_t k = 0; k < size; ++k) {
        at[found] = static_cast<std::int32_t>(k);
        found += marked(mark, fold, row[k]);
    }
    return found;
}
#if defined(GRAPHX_X86)
// Which of 16 entries have their bit set. (gcc 12 takes the forms without a mask for uses of an undefined register.)
GRAPHX_AVX512 inline __mmask16 test_marked_avx512(const std::uint32_t* mark, __m512i fold, const std::int32_t* row,
                                                  __mmask16 live) {
    const __m512i u = _mm512_and_si512(_mm512_maskz_loadu_epi32(live, row), fold);
    const __m512i word = _mm512_maskz_srli_epi32(live, u, 5);
    const __m512i words = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), live, word, mark, 4);
    const __m512i bits = _mm512_maskz_sllv_epi32(live, _mm512_set1_epi32(1), _mm512_and_si512(u, _mm512_set1_epi32(31)));
    return _mm512_mask_test_epi32_mask(live, words, bits);
}
GRAPHX_AVX512 inline __mmask16 lanes_left(std::int64_t left) {
    return static_cast<__mmask16>(left >= 16 ? 0xFFFF : (1 << left) - 1);
}
GRAPHX_AVX512 std::int64_t count_marked_avx512(const std::uint32_t* mark, std::uint32_t fold, const std::int32_t* row,
                                               std::int64_t size) {
    const __m512i folded = _mm512_set1_epi32(static_cast<std::int32_t>(fold));
    std::int64_t found = 0;
    for (std::int64_t k = 0; k < size; k += 16)
        found += std::popcount(static_cast<unsigned>(test_marked_avx512(mark, folded, row + k, lanes_left(size - k))));
    return found;
}
GRAPHX_AVX512 std::int64_t find_marked_avx512(const std::uint32_t* mark, std::uint32_t fold, const std::int32_t* row,
                                              std::int64_t size, std::int32_t* at) {
    const __m512i folded = _mm512_set1_epi32(static_cast<std::int32_t>(fold));
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    std::int64_t found = 0;
    for (std::int64_t k = 0; k < size; k += 16) {
        const __mmask16 hits = test_marked_avx512(mark, folded, row + k, lanes_left(size - k));
        if (!hits) continue;
        const __m512i own = _mm512_add_epi32(lanes, _mm512_set1_epi32(static_cast<std::int32_t>(k)));
        _mm512_storeu_si512(at + found, _mm512_maskz_compress_epi32(hits, own));
        found += std::popcount(static_cast<unsigned>(hits));
    }
    return found;
}
#endif

}  // namespace

RowKernels row_kernels() {
    RowKernels made{gallop<false>,    gallop<true>,       nullptr,           nullptr,
                    count_bits_plain, count_marked_plain, find_marked_plain, 24};
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx2)
        made = {search_avx2<false>, search_avx2<true>,  compare_avx2<false>, compare_avx2<true>,
                count_bits_avx2,    count_marked_plain, find_marked_plain,   12};
    if (simd_level() == Simd::avx512)
        made = {search_avx512<false>, search_avx512<true>,  compare_avx2<false>, compare_avx2<true>,
                count_bits_avx2,      count_marked_avx512, find_marked_avx512,  32};
#endif
    return made;
}

}  // namespace graphx::neighbors
