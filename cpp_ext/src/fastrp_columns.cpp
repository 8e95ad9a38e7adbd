// What is done to whole arrays: the storage changed, columns standardised.
#include <algorithm>
#include <vector>

#include "graphx/fastrp.hpp"
#include "graphx/simd.hpp"

#if defined(GRAPHX_X86)
#include <immintrin.h>
#endif

namespace graphx {

namespace {

constexpr std::int64_t kRows = 1024;  // rows of a block, whose moments are then merged

// Calls body(first, last) over blocks that do not depend on the number of threads.
template <class F>
void for_blocks(Control& control, std::int64_t rows, std::int64_t size, F&& body) {
    parallel_for(control, (rows + size - 1) / size, [&](std::int64_t task, int) {
        control.checkpoint();
        body(task * size, std::min(rows, (task + 1) * size));
    });
}

GRAPHX_INLINE void moments_body(const float* __restrict x, std::int64_t rows, std::int64_t columns,
                                double* __restrict mean, double* __restrict squares) {
    for (std::int64_t u = 0; u < rows; ++u)
        for (std::int64_t j = 0; j < columns; ++j) mean[j] += static_cast<double>(x[u * columns + j]);
    for (std::int64_t j = 0; j < columns; ++j) mean[j] /= static_cast<double>(rows);
    for (std::int64_t u = 0; u < rows; ++u)
        for (std::int64_t j = 0; j < columns; ++j) {
            const double away = static_cast<double>(x[u * columns + j]) - mean[j];
            squares[j] += away * away;
        }
}

GRAPHX_INLINE void standardize_body(const float* x, std::int64_t columns, const float* __restrict mean,
                                    const float* __restrict factor, float* out) {
    for (std::int64_t j = 0; j < columns; ++j) out[j] = (x[j] - mean[j]) * factor[j];
}

#if defined(GRAPHX_X86)
// Past the caches where rows are whole lines: nobody reads the result soon, and its lines need not be fetched first.
GRAPHX_AVX512 void standardize_stream(const float* x, std::int64_t rows, std::int64_t columns, const float* mean,
                                      const float* factor, float* out, std::int64_t stride) {
    for (std::int64_t u = 0; u < rows; ++u, x += columns, out += stride)
        for (std::int64_t j = 0; j < columns; j += 16) {
            const __m512 away = _mm512_sub_ps(_mm512_loadu_ps(x + j), _mm512_loadu_ps(mean + j));
            _mm512_stream_ps(out + j, _mm512_mul_ps(away, _mm512_loadu_ps(factor + j)));
        }
    _mm_sfence();
}
#endif

#define GRAPHX_LEVEL(NAME, TARGET)                                                                                   \
    TARGET void moments_##NAME(const float* x, std::int64_t rows, std::int64_t columns, double* mean,                \
                               double* squares) {                                                                    \
        moments_body(x, rows, columns, mean, squares);                                                               \
    }                                                                                                                \
    TARGET void standardize_##NAME(const float* x, std::int64_t rows, std::int64_t columns, const float* mean,       \
                                   const float* factor, float* out, std::int64_t stride) {                           \
        for (std::int64_t u = 0; u < rows; ++u)                                                                      \
            standardize_body(x + u * columns, columns, mean, factor, out + u * stride);                              \
    }
GRAPHX_LEVEL(plain, )
#if defined(GRAPHX_X86)
GRAPHX_LEVEL(avx2, GRAPHX_AVX2)
GRAPHX_LEVEL(avx512, GRAPHX_AVX512)
#define GRAPHX_CHOSEN(NAME) \
    (simd_level() == Simd::avx512 ? NAME##_avx512 : simd_level() == Simd::avx2 ? NAME##_avx2 : NAME##_plain)
#else
#define GRAPHX_CHOSEN(NAME) NAME##_plain
#endif
#undef GRAPHX_LEVEL

}  // namespace

void narrow(const float* source, std::int64_t size, std::uint16_t* out, Control& control) {
    for_blocks(control, size, 1 << 16, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) out[i] = to_bfloat16(source[i]);
    });
}

void widen(const std::uint16_t* source, std::int64_t size, float* out, Control& control) {
    for_blocks(control, size, 1 << 16, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) out[i] = widened(source[i]);
    });
}

void column_moments(const float* x, std::int64_t rows, std::int64_t columns, double* mean, double* variance,
                    Control& control) {
    const auto body = GRAPHX_CHOSEN(moments);
    const auto d = static_cast<std::size_t>(columns);
    const std::int64_t blocks = (rows + kRows - 1) / kRows;
    std::vector<double> means(static_cast<std::size_t>(blocks) * d), squares(static_cast<std::size_t>(blocks) * d);
    for_blocks(control, rows, kRows, [&](std::int64_t first, std::int64_t last) {
        const std::size_t at = static_cast<std::size_t>(first / kRows) * d;
        std::vector<double> own(2 * d);  // memory of this thread's: neighbours in one line would wait for one another
        body(x + first * columns, last - first, columns, own.data(), own.data() + d);
        std::copy_n(own.data(), d, means.data() + at);
        std::copy_n(own.data() + d, d, squares.data() + at);
    });
    std::fill_n(mean, columns, 0.0);
    std::fill_n(variance, columns, 0.0);
    double count = 0;
    for (std::int64_t block = 0; block < blocks; ++block) {
        const auto more = static_cast<double>(std::min(kRows, rows - block * kRows));
        const std::size_t at = static_cast<std::size_t>(block) * d;
        for (std::size_t j = 0; j < d; ++j) {
            const double away = means[at + j] - mean[j];
            variance[j] += squares[at + j] + away * away * (count * more / (count + more));
            mean[j] += away * (more / (count + more));
        }
        count += more;
    }
    if (count > 0)
        for (std::size_t j = 0; j < d; ++j) variance[j] /= count;
}

void standardize(const float* x, std::int64_t rows, std::int64_t columns, const float* mean, const float* factor,
                 float* out, std::int64_t stride, Control& control) {
    auto body = GRAPHX_CHOSEN(standardize);
#if defined(GRAPHX_X86)
    const bool lines = columns % 16 == 0 && stride % 16 == 0 && reinterpret_cast<std::uintptr_t>(out) % 64 == 0;
    if (simd_level() == Simd::avx512 && lines && out != x) body = standardize_stream;
#endif
    for_blocks(control, rows, kRows, [&](std::int64_t first, std::int64_t last) {
        body(x + first * columns, last - first, columns, mean, factor, out + first * stride, stride);
    });
}

}  // namespace graphx
