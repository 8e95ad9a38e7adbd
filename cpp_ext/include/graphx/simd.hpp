// Which instructions this processor has. Hot loops are written once as always-inline bodies and compiled for each
// level by a function attribute; the level is chosen when the loop starts, so one binary runs on every machine.
#pragma once

#include <cstdlib>
#include <cstring>

#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(__i386__))
#define GRAPHX_X86 1
#define GRAPHX_AVX2 __attribute__((target("avx2,fma,popcnt,bmi,bmi2,lzcnt")))
#define GRAPHX_AVX512                                                                                        \
    __attribute__((target("avx2,fma,popcnt,bmi,bmi2,lzcnt,avx512f,avx512vl,avx512bw,avx512dq,avx512cd,"       \
                          "prefer-vector-width=512")))
#endif
#if defined(__GNUC__) || defined(__clang__)
#define GRAPHX_INLINE inline __attribute__((always_inline))
#else
#define GRAPHX_INLINE inline
#endif

namespace graphx {

enum class Simd : int { plain = 0, avx2 = 1, avx512 = 2 };

// The best level of this processor, or the lower one that the environment variable GRAPHX_SIMD names (plain, avx2,
// avx512): for tests, and for comparing. Read at every call, so that a test can change it within one process.
inline Simd simd_level() {
    Simd best = Simd::plain;
#if defined(GRAPHX_X86)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") &&
        __builtin_cpu_supports("popcnt"))
        best = Simd::avx2;
    if (best == Simd::avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd"))
        best = Simd::avx512;
#endif
    if (const char* wish = std::getenv("GRAPHX_SIMD")) {
        Simd level = best;
        if (std::strcmp(wish, "plain") == 0) level = Simd::plain;
        if (std::strcmp(wish, "avx2") == 0) level = Simd::avx2;
        return level < best ? level : best;
    }
    return best;
}

}  // namespace graphx
