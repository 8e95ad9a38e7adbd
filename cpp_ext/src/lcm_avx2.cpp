// The kernels of lcm_body.hpp for AVX2: 4 x 3 and 6 x 2 tiles of 8 numbers, 12 of the 16 registers.
#include "graphx/lcm.hpp"
#include "graphx/simd.hpp"

#if defined(GRAPHX_X86)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

namespace graphx::lcm::avx2 {

namespace {

using V = __m256;
constexpr int kLanes = 8, kGateRows = 4, kWide = 2, kWideRows = 6, kTileRows = 12;

inline V load(const float* p) { return _mm256_loadu_ps(p); }
inline void store(float* p, V v) { _mm256_storeu_ps(p, v); }
inline V set1(float x) { return _mm256_set1_ps(x); }
inline V add(V a, V b) { return _mm256_add_ps(a, b); }
inline V sub(V a, V b) { return _mm256_sub_ps(a, b); }
inline V mul(V a, V b) { return _mm256_mul_ps(a, b); }
inline V div(V a, V b) { return _mm256_div_ps(a, b); }
inline V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
inline V vmax(V bound, V x) { return _mm256_max_ps(bound, x); }  // x where it is NaN
inline V vmin(V bound, V x) { return _mm256_min_ps(bound, x); }
inline V select_less(V x, V y, V yes, V no) { return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(x, y, _CMP_LT_OQ)); }
// The number whose exponent is in the low bits of `shifted`.
inline V power_of(V shifted) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(shifted), 23)); }

}  // namespace

}  // namespace graphx::lcm::avx2

#define GRAPHX_LCM_LEVEL avx2
#include "graphx/lcm_body.hpp"

namespace graphx::lcm {
const Level avx2_level = {avx2::packed_floats, avx2::pack, avx2::forward, avx2::backward};
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
