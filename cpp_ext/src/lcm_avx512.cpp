// The kernels of lcm_body.hpp for AVX-512: 8 x 3 and 6 x 4 tiles of 16 numbers, 24 of the 32 registers.
#include "graphx/lcm.hpp"
#include "graphx/simd.hpp"

#if defined(GRAPHX_X86)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512vl,avx512bw,avx512dq"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512vl,avx512bw,avx512dq,prefer-vector-width=512")
#endif

namespace graphx::lcm::avx512 {

namespace {

using V = __m512;
constexpr int kLanes = 16, kGateRows = 8, kWide = 4, kWideRows = 6, kTileRows = 24;

inline V load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, V v) { _mm512_storeu_ps(p, v); }
inline V set1(float x) { return _mm512_set1_ps(x); }
inline V add(V a, V b) { return _mm512_add_ps(a, b); }
inline V sub(V a, V b) { return _mm512_sub_ps(a, b); }
inline V mul(V a, V b) { return _mm512_mul_ps(a, b); }
inline V div(V a, V b) { return _mm512_div_ps(a, b); }
inline V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
inline V vmax(V bound, V x) { return _mm512_maskz_max_ps(0xffff, bound, x); }  // x where it is NaN
inline V vmin(V bound, V x) { return _mm512_maskz_min_ps(0xffff, bound, x); }
inline V select_less(V x, V y, V yes, V no) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, y, _CMP_LT_OQ), no, yes);
}
// The number whose exponent is in the low bits of `shifted`.
inline V power_of(V shifted) {
    return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(0xffff, _mm512_castps_si512(shifted), 23));
}

}  // namespace

}  // namespace graphx::lcm::avx512

#define GRAPHX_LCM_LEVEL avx512
#include "graphx/lcm_body.hpp"

namespace graphx::lcm {
const Level avx512_level = {avx512::packed_floats, avx512::pack, avx512::forward, avx512::backward};
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
