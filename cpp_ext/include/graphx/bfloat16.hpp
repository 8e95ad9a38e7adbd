// bfloat16: the upper half of a float, held in std::uint16_t; arithmetic is float's.
#pragma once

#include <bit>
#include <cstdint>

#include "graphx/simd.hpp"

namespace graphx {

GRAPHX_INLINE float widened(float value) { return value; }
GRAPHX_INLINE float widened(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

// To nearest, ties to even; a NaN stays one.
GRAPHX_INLINE std::uint16_t to_bfloat16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    const std::uint32_t nan = (bits >> 16) | 0x40u;
    return static_cast<std::uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

template <class S>
GRAPHX_INLINE S stored(float value) {
    if constexpr (sizeof(S) == 2) return to_bfloat16(value);
    else return value;
}

}  // namespace graphx
