// What one processor register does for the kernels of mobius_level.hpp, for each instruction set.
//   V, N          a register and its numbers                M, P          rows and registers of one micro product
//   Wide          sums in double precision: dot() adds x y of all lanes, total() adds them up
#pragma once

#include <cmath>
#include <cstdint>

#include "graphx/simd.hpp"

#if defined(GRAPHX_X86)
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)  // gcc 12 takes the "undefined" operand of its own intrinsics for a read
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#endif

namespace graphx {

template <class T>
struct PlainLanes {
    static constexpr int N = 4, M = 4, P = 2;
    struct V {
        T a[N];
    };
    struct Wide {
        double a[N];
    };
    static GRAPHX_INLINE V zero() { return V{}; }
    static GRAPHX_INLINE Wide wide() { return Wide{}; }
    static GRAPHX_INLINE V all(T x) { return V{{x, x, x, x}}; }
    static GRAPHX_INLINE V load(const T* p) { return V{{p[0], p[1], p[2], p[3]}}; }
    static GRAPHX_INLINE void store(T* p, V v) {
        for (int i = 0; i < N; ++i) p[i] = v.a[i];
    }
    static GRAPHX_INLINE void stream(T* p, V v) { store(p, v); }
    static GRAPHX_INLINE V add(V x, V y) {
        for (int i = 0; i < N; ++i) x.a[i] += y.a[i];
        return x;
    }
    static GRAPHX_INLINE V mul(V x, V y) {
        for (int i = 0; i < N; ++i) x.a[i] *= y.a[i];
        return x;
    }
    static GRAPHX_INLINE V fma(V x, V y, V z) {
        for (int i = 0; i < N; ++i) z.a[i] += x.a[i] * y.a[i];
        return z;
    }
    static GRAPHX_INLINE Wide dot(V x, V y, Wide sum) {
        for (int i = 0; i < N; ++i) sum.a[i] += static_cast<double>(x.a[i]) * static_cast<double>(y.a[i]);
        return sum;
    }
    static GRAPHX_INLINE double total(Wide s) { return (s.a[0] + s.a[2]) + (s.a[1] + s.a[3]); }
    static GRAPHX_INLINE void fence() {}
};

#if defined(GRAPHX_X86)

template <class T>
struct Avx2Lanes;
template <class T>
struct Avx512Lanes;

#define GRAPHX_LANE(TARGET) TARGET static GRAPHX_INLINE

template <>
struct Avx2Lanes<float> {
    static constexpr int N = 8, M = 4, P = 2;
    using V = __m256;
    struct Wide {
        __m256d low, high;
    };
    GRAPHX_LANE(GRAPHX_AVX2) V zero() { return _mm256_setzero_ps(); }
    GRAPHX_LANE(GRAPHX_AVX2) Wide wide() { return {_mm256_setzero_pd(), _mm256_setzero_pd()}; }
    GRAPHX_LANE(GRAPHX_AVX2) V all(float x) { return _mm256_set1_ps(x); }
    GRAPHX_LANE(GRAPHX_AVX2) V load(const float* p) { return _mm256_loadu_ps(p); }
    GRAPHX_LANE(GRAPHX_AVX2) void store(float* p, V v) { _mm256_storeu_ps(p, v); }
    GRAPHX_LANE(GRAPHX_AVX2) void stream(float* p, V v) { _mm256_stream_ps(p, v); }
    GRAPHX_LANE(GRAPHX_AVX2) V add(V x, V y) { return _mm256_add_ps(x, y); }
    GRAPHX_LANE(GRAPHX_AVX2) V mul(V x, V y) { return _mm256_mul_ps(x, y); }
    GRAPHX_LANE(GRAPHX_AVX2) V fma(V x, V y, V z) { return _mm256_fmadd_ps(x, y, z); }
    GRAPHX_LANE(GRAPHX_AVX2) Wide dot(V x, V y, Wide s) {
        s.low = _mm256_fmadd_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(x)),
                                _mm256_cvtps_pd(_mm256_castps256_ps128(y)), s.low);
        s.high = _mm256_fmadd_pd(_mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)),
                                 _mm256_cvtps_pd(_mm256_extractf128_ps(y, 1)), s.high);
        return s;
    }
    GRAPHX_LANE(GRAPHX_AVX2) double total(Wide s) {
        double a[4];
        _mm256_storeu_pd(a, _mm256_add_pd(s.low, s.high));
        return (a[0] + a[2]) + (a[1] + a[3]);
    }
    GRAPHX_LANE(GRAPHX_AVX2) void fence() { _mm_sfence(); }
};

template <>
struct Avx2Lanes<double> {
    static constexpr int N = 4, M = 4, P = 2;
    using V = __m256d;
    using Wide = __m256d;
    GRAPHX_LANE(GRAPHX_AVX2) V zero() { return _mm256_setzero_pd(); }
    GRAPHX_LANE(GRAPHX_AVX2) Wide wide() { return _mm256_setzero_pd(); }
    GRAPHX_LANE(GRAPHX_AVX2) V all(double x) { return _mm256_set1_pd(x); }
    GRAPHX_LANE(GRAPHX_AVX2) V load(const double* p) { return _mm256_loadu_pd(p); }
    GRAPHX_LANE(GRAPHX_AVX2) void store(double* p, V v) { _mm256_storeu_pd(p, v); }
    GRAPHX_LANE(GRAPHX_AVX2) void stream(double* p, V v) { _mm256_stream_pd(p, v); }
    GRAPHX_LANE(GRAPHX_AVX2) V add(V x, V y) { return _mm256_add_pd(x, y); }
    GRAPHX_LANE(GRAPHX_AVX2) V mul(V x, V y) { return _mm256_mul_pd(x, y); }
    GRAPHX_LANE(GRAPHX_AVX2) V fma(V x, V y, V z) { return _mm256_fmadd_pd(x, y, z); }
    GRAPHX_LANE(GRAPHX_AVX2) Wide dot(V x, V y, Wide s) { return _mm256_fmadd_pd(x, y, s); }
    GRAPHX_LANE(GRAPHX_AVX2) double total(Wide s) {
        double a[4];
        _mm256_storeu_pd(a, s);
        return (a[0] + a[2]) + (a[1] + a[3]);
    }
    GRAPHX_LANE(GRAPHX_AVX2) void fence() { _mm_sfence(); }
};

template <>
struct Avx512Lanes<float> {
    static constexpr int N = 16, M = 8, P = 2;
    using V = __m512;
    struct Wide {
        __m512d low, high;
    };
    GRAPHX_LANE(GRAPHX_AVX512) V zero() { return _mm512_setzero_ps(); }
    GRAPHX_LANE(GRAPHX_AVX512) Wide wide() { return {_mm512_setzero_pd(), _mm512_setzero_pd()}; }
    GRAPHX_LANE(GRAPHX_AVX512) V all(float x) { return _mm512_set1_ps(x); }
    GRAPHX_LANE(GRAPHX_AVX512) V load(const float* p) { return _mm512_loadu_ps(p); }
    GRAPHX_LANE(GRAPHX_AVX512) void store(float* p, V v) { _mm512_storeu_ps(p, v); }
    GRAPHX_LANE(GRAPHX_AVX512) void stream(float* p, V v) { _mm512_stream_ps(p, v); }
    GRAPHX_LANE(GRAPHX_AVX512) V add(V x, V y) { return _mm512_add_ps(x, y); }
    GRAPHX_LANE(GRAPHX_AVX512) V mul(V x, V y) { return _mm512_mul_ps(x, y); }
    GRAPHX_LANE(GRAPHX_AVX512) V fma(V x, V y, V z) { return _mm512_fmadd_ps(x, y, z); }
    GRAPHX_LANE(GRAPHX_AVX512) Wide dot(V x, V y, Wide s) {
        s.low = _mm512_fmadd_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(x)),
                                _mm512_cvtps_pd(_mm512_castps512_ps256(y)), s.low);
        s.high = _mm512_fmadd_pd(_mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1)),
                                 _mm512_cvtps_pd(_mm512_extractf32x8_ps(y, 1)), s.high);
        return s;
    }
    GRAPHX_LANE(GRAPHX_AVX512) double total(Wide s) { return _mm512_reduce_add_pd(_mm512_add_pd(s.low, s.high)); }
    GRAPHX_LANE(GRAPHX_AVX512) void fence() { _mm_sfence(); }
};

template <>
struct Avx512Lanes<double> {
    static constexpr int N = 8, M = 8, P = 2;
    using V = __m512d;
    using Wide = __m512d;
    GRAPHX_LANE(GRAPHX_AVX512) V zero() { return _mm512_setzero_pd(); }
    GRAPHX_LANE(GRAPHX_AVX512) Wide wide() { return _mm512_setzero_pd(); }
    GRAPHX_LANE(GRAPHX_AVX512) V all(double x) { return _mm512_set1_pd(x); }
    GRAPHX_LANE(GRAPHX_AVX512) V load(const double* p) { return _mm512_loadu_pd(p); }
    GRAPHX_LANE(GRAPHX_AVX512) void store(double* p, V v) { _mm512_storeu_pd(p, v); }
    GRAPHX_LANE(GRAPHX_AVX512) void stream(double* p, V v) { _mm512_stream_pd(p, v); }
    GRAPHX_LANE(GRAPHX_AVX512) V add(V x, V y) { return _mm512_add_pd(x, y); }
    GRAPHX_LANE(GRAPHX_AVX512) V mul(V x, V y) { return _mm512_mul_pd(x, y); }
    GRAPHX_LANE(GRAPHX_AVX512) V fma(V x, V y, V z) { return _mm512_fmadd_pd(x, y, z); }
    GRAPHX_LANE(GRAPHX_AVX512) Wide dot(V x, V y, Wide s) { return _mm512_fmadd_pd(x, y, s); }
    GRAPHX_LANE(GRAPHX_AVX512) double total(Wide s) { return _mm512_reduce_add_pd(s); }
    GRAPHX_LANE(GRAPHX_AVX512) void fence() { _mm_sfence(); }
};

#undef GRAPHX_LANE

#endif

}  // namespace graphx
