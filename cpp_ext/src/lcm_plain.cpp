// The kernels of lcm_body.hpp for any processor: vectors of four numbers, which the compiler maps to what is there.
// Products are rounded before they are added, so the last bits differ from those of the levels with fused products.
#include "graphx/lcm.hpp"

namespace graphx::lcm::plain {

namespace {

using V = float __attribute__((vector_size(16)));
using Bits = std::int32_t __attribute__((vector_size(16)));
constexpr int kLanes = 4, kGateRows = 4, kWide = 2, kWideRows = 6, kTileRows = 12;

inline V load(const float* p) {
    V v;
    __builtin_memcpy(&v, p, sizeof(v));
    return v;
}
inline void store(float* p, V v) { __builtin_memcpy(p, &v, sizeof(v)); }
inline V set1(float x) { return V{x, x, x, x}; }
inline V add(V a, V b) { return a + b; }
inline V sub(V a, V b) { return a - b; }
inline V mul(V a, V b) { return a * b; }
inline V div(V a, V b) { return a / b; }
inline V fma(V a, V b, V c) { return a * b + c; }
inline V choose(Bits mask, V yes, V no) { return (V)(((Bits)yes & mask) | ((Bits)no & ~mask)); }
inline V vmax(V bound, V x) { return choose(bound > x, bound, x); }  // x where it is NaN
inline V vmin(V bound, V x) { return choose(bound < x, bound, x); }
inline V select_less(V x, V y, V yes, V no) { return choose(x < y, yes, no); }
// The number whose exponent is in the low bits of `shifted`.
inline V power_of(V shifted) { return (V)((Bits)shifted << 23); }

}  // namespace

}  // namespace graphx::lcm::plain

#define GRAPHX_LCM_LEVEL plain
#include "graphx/lcm_body.hpp"

namespace graphx::lcm {
const Level plain_level = {plain::packed_floats, plain::pack, plain::forward, plain::backward};
}
