// Sums of rows of float or bfloat16 in registers, and the loops over one row of float. All of it is inlined into
// functions that are compiled for one level of instructions each (simd.hpp).
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "graphx/bfloat16.hpp"
#include "graphx/simd.hpp"

namespace graphx {

inline constexpr std::int64_t kGroup = 16;  // columns whose squares are summed together

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define GRAPHX_SHUFFLE 1
#endif
#endif

// `Size` floats in one register. Written with the compiler's vectors, because gcc turns the same loops over arrays into
// an outer loop unrolled around memory.
template <int Size>
struct Lane;
#if defined(__GNUC__)
#define GRAPHX_LANE(SIZE)                                                                                  \
    template <>                                                                                            \
    struct Lane<SIZE> {                                                                                    \
        typedef float Floats __attribute__((vector_size(4 * SIZE)));                                       \
        typedef float Loose __attribute__((vector_size(4 * SIZE), aligned(4), may_alias));                 \
        typedef std::uint16_t Halves __attribute__((vector_size(2 * SIZE), aligned(2), may_alias));        \
        typedef std::uint32_t Bits __attribute__((vector_size(4 * SIZE)));                                 \
        Floats values;                                                                                     \
        GRAPHX_INLINE void clear() { values = Floats{}; }                                                  \
        GRAPHX_INLINE void add(const float* x) { values += *reinterpret_cast<const Loose*>(x); }           \
        GRAPHX_INLINE void add(const std::uint16_t* x) {                                                   \
            values += (Floats)(__builtin_convertvector(*reinterpret_cast<const Halves*>(x), Bits) << 16);  \
        }                                                                                                  \
        GRAPHX_INLINE void add(const float* x, float factor) {                                             \
            values += *reinterpret_cast<const Loose*>(x) * factor;                                         \
        }                                                                                                  \
        GRAPHX_INLINE void add(const std::uint16_t* x, float factor) {                                     \
            values += (Floats)(__builtin_convertvector(*reinterpret_cast<const Halves*>(x), Bits) << 16) * factor; \
        }                                                                                                  \
        GRAPHX_INLINE void store(float* to, float factor) const {                                          \
            *reinterpret_cast<Loose*>(to) = values * factor;                                               \
        }                                                                                                  \
    };
GRAPHX_LANE(4)
GRAPHX_LANE(8)
GRAPHX_LANE(16)
#undef GRAPHX_LANE
#else
template <int Size>
struct Lane {
    float values[Size];
    void clear() { std::fill_n(values, Size, 0.0F); }
    template <class S>
    void add(const S* x) {
        for (int j = 0; j < Size; ++j) values[j] += widened(x[j]);
    }
    template <class S>
    void add(const S* x, float factor) {
        for (int j = 0; j < Size; ++j) values[j] += widened(x[j]) * factor;
    }
    void store(float* to, float factor) const {
        for (int j = 0; j < Size; ++j) to[j] = values[j] * factor;
    }
};
#endif

#if defined(__GNUC__)
// As Lane, for twice as many bfloat16: even and odd columns apart, because taking the halves of 32 bits costs one
// operation and widening 16 of them in a row costs five.
template <int Size>
struct Pair {
    typedef typename Lane<Size>::Floats Floats;
    typedef typename Lane<Size>::Bits Bits;
    typedef std::uint32_t Loose __attribute__((vector_size(4 * Size), aligned(2), may_alias));
    Floats even, odd;
    GRAPHX_INLINE void clear() { even = odd = Floats{}; }
    GRAPHX_INLINE void add(const std::uint16_t* x) {
        const Bits both = (Bits)(*reinterpret_cast<const Loose*>(x));
        even += (Floats)(both << 16);
        odd += (Floats)(both & 0xffff0000u);
    }
    GRAPHX_INLINE void add(const std::uint16_t* x, float factor) {
        const Bits both = (Bits)(*reinterpret_cast<const Loose*>(x));
        even += (Floats)(both << 16) * factor;
        odd += (Floats)(both & 0xffff0000u) * factor;
    }
    // The numbers times the factor as bfloat16, rounded as to_bfloat16 does, where they lie: nothing is interleaved.
    GRAPHX_INLINE void pack(std::uint16_t* to, float factor) const {
        Bits low = (Bits)(even * factor), high = (Bits)(odd * factor);
        round(low);
        round(high);
        *reinterpret_cast<Loose*>(to) = (Loose)((low >> 16) | (high & 0xffff0000u));
    }
    static GRAPHX_INLINE void round(Bits& bits) {
        const Bits nan = (Bits)((bits & 0x7fffffffu) > 0x7f800000u);
        bits = ((bits | 0x400000u) & nan) | ((bits + 0x7fffu + ((bits >> 16) & 1u)) & ~nan);
    }
    GRAPHX_INLINE void store(float* to, float factor) const {
#if defined(GRAPHX_SHUFFLE)
        interleave(to, even * factor, odd * factor, std::make_integer_sequence<int, Size>{});
#else
        for (int j = 0; j < Size; ++j) {
            to[2 * j] = even[j] * factor;
            to[2 * j + 1] = odd[j] * factor;
        }
#endif
    }
#if defined(GRAPHX_SHUFFLE)
    template <int... I>
    static GRAPHX_INLINE void interleave(float* to, const Floats& a, const Floats& b, std::integer_sequence<int, I...>) {
        typedef typename Lane<Size>::Loose Out;
        *reinterpret_cast<Out*>(to) = __builtin_shufflevector(a, b, (I % 2 * Size + I / 2)...);
        *reinterpret_cast<Out*>(to + Size) = __builtin_shufflevector(a, b, (I % 2 * Size + I / 2 + Size / 2)...);
    }
#endif
};
#endif

// Into the second level of cache: a core can wait for three times as many lines there as in the first. Every line is
// asked for: where rows come from memory, leaving every other to the processor's own prefetching takes a third longer.
template <int Bytes>
GRAPHX_INLINE void prefetch(const void* at) {
#if defined(__GNUC__)
    for (int line = 0; line < Bytes; line += 64) __builtin_prefetch(static_cast<const char*>(at) + line, 0, 2);
#else
    (void)at;
#endif
}

// The sum of squares of at most kGroup numbers, always added in the same tree.
GRAPHX_INLINE double squares(const float* x, std::int64_t count) {
    double q[kGroup];
    for (int i = 0; i < kGroup; ++i) q[i] = i < count ? static_cast<double>(x[i]) * static_cast<double>(x[i]) : 0.0;
    for (int i = 0; i < 8; ++i) q[i] += q[i + 8];
    for (int i = 0; i < 4; ++i) q[i] += q[i + 4];
    return (q[0] + q[2]) + (q[1] + q[3]);
}

// The same tree for kGroup numbers.
GRAPHX_INLINE double squares(const float* x) {
#if defined(__GNUC__)
    typedef float Floats __attribute__((vector_size(32), aligned(4), may_alias));
    typedef double Doubles __attribute__((vector_size(64)));
    const Doubles a = __builtin_convertvector(reinterpret_cast<const Floats*>(x)[0], Doubles);
    const Doubles b = __builtin_convertvector(reinterpret_cast<const Floats*>(x)[1], Doubles);
    const Doubles q = a * a + b * b;
    return ((q[0] + q[4]) + (q[2] + q[6])) + ((q[1] + q[5]) + (q[3] + q[7]));
#else
    return squares(x, kGroup);
#endif
}

GRAPHX_INLINE double squares_of_row(const float* row, std::int64_t columns) {
    double sum = 0;
    std::int64_t j = 0;
    for (; j + kGroup <= columns; j += kGroup) sum += squares(row + j);
    if (j < columns) sum += squares(row + j, columns - j);
    return sum;
}

// weight / |row|, or the weight itself; the largest float for a row so short that the factor is none.
GRAPHX_INLINE float row_factor(const float* row, std::int64_t columns, float weight, bool normalize) {
    if (!normalize) return weight;
    const double sum = squares_of_row(row, columns);
    constexpr double most = std::numeric_limits<float>::max();
    return sum > 0 ? static_cast<float>(std::clamp(static_cast<double>(weight) / std::sqrt(sum), -most, most)) : 0.0F;
}

template <class S>
GRAPHX_INLINE void widen_row(const S* __restrict from, std::int64_t columns, float* __restrict to) {
    for (std::int64_t j = 0; j < columns; ++j) to[j] = widened(from[j]);
}

template <class S>
GRAPHX_INLINE void round_row(float* row, std::int64_t columns) {
    if constexpr (sizeof(S) == 2)
        for (std::int64_t j = 0; j < columns; ++j) row[j] = widened(to_bfloat16(row[j]));
}

template <class S>
GRAPHX_INLINE void store_row(const float* __restrict row, std::int64_t columns, S* __restrict to) {
    for (std::int64_t j = 0; j < columns; ++j) to[j] = stored<S>(row[j]);
}

// out (+)= a x
GRAPHX_INLINE void put_row(float* __restrict out, bool add, float a, const float* __restrict x, std::int64_t columns) {
    if (add)
        for (std::int64_t j = 0; j < columns; ++j) out[j] += a * x[j];
    else
        for (std::int64_t j = 0; j < columns; ++j) out[j] = a * x[j];
}

// out (+)= a x, then b y, so that the output is touched once.
GRAPHX_INLINE void put_row(float* __restrict out, bool add, float a, const float* __restrict x, float b,
                           const float* __restrict y, std::int64_t columns) {
    if (add)
        for (std::int64_t j = 0; j < columns; ++j) out[j] = (out[j] + a * x[j]) + b * y[j];
    else
        for (std::int64_t j = 0; j < columns; ++j) out[j] = a * x[j] + b * y[j];
}

}  // namespace graphx
