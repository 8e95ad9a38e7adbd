// Sums of feature rows over common neighbours, and their gradient.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "graphx/buffer.hpp"
#include "graphx/neighbors.hpp"
#include "graphx/neighbors_finder.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace graphx {

using namespace neighbors;

namespace {

// Sums from here on leave the caches before anybody reads them. Their rows of zeros, which are most where pairs are drawn
// at random, are then written past the caches: a usual store would first read what it overwrites.
constexpr std::int64_t kStreamFrom = std::int64_t{8} << 20;

template <class T>
GRAPHX_INLINE bool stream_zeros(T* out, std::int64_t size) {
#if defined(__SSE2__)
    const std::int64_t bytes = size * static_cast<std::int64_t>(sizeof(T));
    if (reinterpret_cast<std::uintptr_t>(out) % 16 != 0 || bytes % 16 != 0) return false;
    auto* at = reinterpret_cast<__m128i*>(out);
    for (std::int64_t k = 0; k < bytes / 16; ++k) _mm_stream_si128(at + k, _mm_setzero_si128());
    return true;
#else
    (void)out;
    (void)size;
    return false;
#endif
}
inline void end_of_stream() {
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

// -- feature rows -----------------------------------------------------------------------------------------------------

template <int Width, class T>
GRAPHX_INLINE void sum_columns(const T* x, std::int64_t channels, const std::int32_t* nodes, const double* weights,
                               std::int64_t size, T* out) {
    T sum[Width] = {};
    for (std::int64_t k = 0; k < size; ++k) {
        if (k + kAhead < size) {
            const T* next = x + nodes[k + kAhead] * channels;
            for (int j = 0; j < Width; j += 64 / static_cast<int>(sizeof(T))) prefetch(next + j);
        }
        const T* row = x + nodes[k] * channels;
        if (weights) {
            const T w = static_cast<T>(weights[k]);
            for (int j = 0; j < Width; ++j) sum[j] += w * row[j];
        } else {
            for (int j = 0; j < Width; ++j) sum[j] += row[j];
        }
    }
    for (int j = 0; j < Width; ++j) out[j] = sum[j];
}

template <class T>
GRAPHX_INLINE void sum_rows_body(const T* x, std::int64_t channels, const std::int32_t* nodes, const double* weights,
                                 std::int64_t size, T* out) {
    constexpr int wide = 512 / static_cast<int>(sizeof(T));  // eight 64-byte registers
    std::int64_t c = 0;
    for (; c + wide <= channels; c += wide) sum_columns<wide>(x + c, channels, nodes, weights, size, out + c);
    for (; c + wide / 2 <= channels; c += wide / 2) sum_columns<wide / 2>(x + c, channels, nodes, weights, size, out + c);
    for (; c + wide / 4 <= channels; c += wide / 4) sum_columns<wide / 4>(x + c, channels, nodes, weights, size, out + c);
    for (; c + 8 <= channels; c += 8) sum_columns<8>(x + c, channels, nodes, weights, size, out + c);
    for (; c < channels; ++c) sum_columns<1>(x + c, channels, nodes, weights, size, out + c);
}

// grad_x[nodes[k], :] += w_k g for every k.
template <class T>
GRAPHX_INLINE void spread_rows_body(T* grad_x, std::int64_t channels, const std::int32_t* nodes, const double* weights,
                                    std::int64_t size, const T* g) {
    for (std::int64_t k = 0; k < size; ++k) {
        if (k + kAhead < size) {
            const T* next = grad_x + nodes[k + kAhead] * channels;
            for (std::int64_t j = 0; j < std::min<std::int64_t>(channels, 256 / sizeof(T)); j += 64 / sizeof(T))
                prefetch(next + j);
        }
        T* row = grad_x + nodes[k] * channels;
        if (weights) {
            const T w = static_cast<T>(weights[k]);
            for (std::int64_t j = 0; j < channels; ++j) row[j] += w * g[j];
        } else {
            for (std::int64_t j = 0; j < channels; ++j) row[j] += g[j];
        }
    }
}

template <class T>
void sum_rows_plain(const T* x, std::int64_t c, const std::int32_t* n, const double* w, std::int64_t size, T* out) {
    sum_rows_body(x, c, n, w, size, out);
}
template <class T>
void spread_rows_plain(T* x, std::int64_t c, const std::int32_t* n, const double* w, std::int64_t size, const T* g) {
    spread_rows_body(x, c, n, w, size, g);
}
#if defined(GRAPHX_X86)
template <class T>
GRAPHX_AVX2 void sum_rows_avx2(const T* x, std::int64_t c, const std::int32_t* n, const double* w, std::int64_t size,
                               T* out) {
    sum_rows_body(x, c, n, w, size, out);
}
template <class T>
GRAPHX_AVX512 void sum_rows_avx512(const T* x, std::int64_t c, const std::int32_t* n, const double* w,
                                   std::int64_t size, T* out) {
    sum_rows_body(x, c, n, w, size, out);
}
template <class T>
GRAPHX_AVX2 void spread_rows_avx2(T* x, std::int64_t c, const std::int32_t* n, const double* w, std::int64_t size,
                                  const T* g) {
    spread_rows_body(x, c, n, w, size, g);
}
template <class T>
GRAPHX_AVX512 void spread_rows_avx512(T* x, std::int64_t c, const std::int32_t* n, const double* w, std::int64_t size,
                                      const T* g) {
    spread_rows_body(x, c, n, w, size, g);
}
#endif

template <class T>
auto sum_rows_for_this_machine() {
    auto rows = sum_rows_plain<T>;
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx2) rows = sum_rows_avx2<T>;
    if (simd_level() == Simd::avx512) rows = sum_rows_avx512<T>;
#endif
    return rows;
}

template <class T>
auto spread_rows_for_this_machine() {
    auto rows = spread_rows_plain<T>;
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx2) rows = spread_rows_avx2<T>;
    if (simd_level() == Simd::avx512) rows = spread_rows_avx512<T>;
#endif
    return rows;
}

}  // namespace

template <class T>
void pool_common(const PairQuery& given, const T* x, std::int64_t channels, T* out, std::int64_t* counts,
                 Control& control) {
    const PairQuery query = oriented(given);
    const auto sum_rows = sum_rows_for_this_machine<T>();
    const std::int64_t bytes = query.num_pairs * channels * static_cast<std::int64_t>(sizeof(T));
    const bool stream = bytes >= kStreamFrom;
    prefer_huge_pages(out, bytes);
    for_pairs(query, true, control, [&](std::int64_t b, std::int64_t found, Finder& finder) {
        counts[b] = found;
        if (found > 0 || !stream || !stream_zeros(out + b * channels, channels))
            sum_rows(x, channels, finder.nodes(), finder.weights(), found, out + b * channels);
        if (stream && ((b + 1) % kPairsPerTask == 0 || b + 1 == query.num_pairs)) end_of_stream();
    });
}

template <class T>
void pool_common_backward(const PairQuery& given, const std::int64_t* counts, const T* grad_out, std::int64_t channels,
                          T* grad_x, Control& control) {
    const PairQuery query = oriented(given);
    const auto spread_rows = spread_rows_for_this_machine<T>();
    prefer_huge_pages(grad_x, query.num_columns * channels * static_cast<std::int64_t>(sizeof(T)));
    std::vector<std::int64_t> hit;
    for (std::int64_t b = 0; b < query.num_pairs; ++b)
        if (counts[b] > 0) hit.push_back(b);
    // Ranges of nodes with about the same number of entries, told by a sample of the columns; multiples of 64.
    const std::int64_t ranges = control.threads() == 1 ? 1 : 4L * control.threads();
    std::vector<std::int64_t> bounds{0};
    if (ranges > 1 && !hit.empty()) {
        std::vector<std::int32_t> sample;
        const std::size_t step = std::max<std::size_t>(1, hit.size() / 2048);
        for (std::size_t k = 0; k < hit.size(); k += step) {
            const std::int64_t s = query.sources[hit[k]];
            const std::int64_t start = query.first.indptr[s], stop = query.first.indptr[s + 1];
            for (std::int64_t e = start; e < stop; e += std::max<std::int64_t>(1, (stop - start) / 16))
                sample.push_back(query.first.indices[e]);
        }
        std::sort(sample.begin(), sample.end());
        for (std::int64_t r = 1; r < ranges; ++r) {
            const std::int64_t at = sample[sample.size() * static_cast<std::size_t>(r) / static_cast<std::size_t>(ranges)];
            if (at / 64 * 64 > bounds.back()) bounds.push_back(at / 64 * 64);
        }
    }
    bounds.push_back(query.num_columns);
    Finders finders(query, control);
    parallel_for(control, static_cast<std::int64_t>(bounds.size()) - 1, [&](std::int64_t task, int worker) {
        Finder& finder = finders.of(worker);
        const std::int64_t low = bounds[static_cast<std::size_t>(task)], high = bounds[static_cast<std::size_t>(task) + 1];
        std::fill(grad_x + low * channels, grad_x + high * channels, T{0});
        for (std::size_t k = 0; k < hit.size(); ++k) {
            if (k % 64 == 0) control.checkpoint();
            finder.prefetch_after(hit[k]);
            const std::int64_t found = finder.find(hit[k], true, low, high);
            spread_rows(grad_x, channels, finder.nodes(), finder.weights(), found, grad_out + hit[k] * channels);
        }
    });
}

template void pool_common<float>(const PairQuery&, const float*, std::int64_t, float*, std::int64_t*, Control&);
template void pool_common<double>(const PairQuery&, const double*, std::int64_t, double*, std::int64_t*, Control&);
template void pool_common_backward<float>(const PairQuery&, const std::int64_t*, const float*, std::int64_t, float*,
                                          Control&);
template void pool_common_backward<double>(const PairQuery&, const std::int64_t*, const double*, std::int64_t, double*,
                                           Control&);

}  // namespace graphx
