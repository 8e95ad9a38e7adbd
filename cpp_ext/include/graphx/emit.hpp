// The innermost loops of the row counter, chosen once by instruction set: each is one body compiled several times, and
// all levels give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "graphx/csr.hpp"

namespace graphx {

inline constexpr std::size_t kEmitSlack = 32;  // entries that output arrays hold beyond what is kept
inline constexpr std::int64_t kLanes = 16;     // rows that share a dense tile

template <class I>
struct Emitter {
    using Far = std::conditional_t<sizeof(I) == 4, std::uint16_t, std::uint32_t>;

    // Keeps the entries that are not zero; raises *most to the largest. Returns how many.
    std::int64_t (*compress)(const std::int32_t* columns, const I* values, std::int64_t size, std::int32_t* out_columns,
                             I* out_values, I* most);
    void (*summarize)(const I* values, std::int64_t size, std::int64_t* nonzeros, std::int64_t* total,
                      std::int64_t* maximum);
    // Values of a hop-2 key from the pair sums c, G, G', S, q and the degrees of u and v.
    void (*hop2)(int key, std::int64_t size, I du, const I* c, const I* g, const I* gt, const I* s, const I* q,
                 const I* dv, I* out);
    // twice_edges[v] += |members[w] & members[v]| for every v of `row`, bitsets of `words` words.
    void (*intersect)(const std::uint64_t* members, int words, std::int64_t w, const std::int32_t* row,
                      std::int64_t size, I* twice_edges);
    // dense[v] += sum of far[y] over neighbours y of v, 16 lanes at once, for v in [start, stop).
    void (*spread)(const Csr& graph, std::int64_t start, std::int64_t stop, const Far* far, I* dense);
    // Turns dense [nodes, 16] into `rows` sparse rows at distance `stride` and zeroes it.
    void (*drain)(std::int64_t nodes, int rows, I* dense, std::int64_t stride, std::int32_t* columns, I* values,
                  std::int64_t* sizes, I* most);
    void (*drain_summary)(std::int64_t nodes, I* dense, std::int64_t* nonzeros, std::int64_t* total,
                          std::int64_t* maximum);
};

template <class I>
Emitter<I> emitter();

}  // namespace graphx
