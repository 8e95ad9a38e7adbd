// The innermost loops of the row counter, chosen once by instruction set: each is one body compiled several times, and
// all levels give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "graphx/csr.hpp"

namespace graphx {

inline constexpr std::size_t kEmitSlack = 32;  // entries that output arrays hold beyond what is kept
inline constexpr std::int64_t kLanes = 32;     // rows that share a dense tile
inline constexpr std::int64_t kStep = 16;      // nodes that a dense tile is padded to a multiple of

// Where the sparse rows of a dense tile go; values are integers of `width` bytes.
struct TileTarget {
    std::int32_t* columns[kLanes];
    char* values[kLanes];
    int width;
};

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
    // dense[v] = sum of far[y] over neighbours y of v, kLanes at once, for v in [start, stop). The narrow one saturates
    // and then returns true.
    bool (*spread16)(const Csr& graph, std::int64_t start, std::int64_t stop, const std::uint16_t* far,
                     std::uint16_t* dense);
    void (*spread)(const Csr& graph, std::int64_t start, std::int64_t stop, const Far* far, I* dense);
    // Nonzeros of each lane, sum and largest value of dense [nodes, kLanes].
    void (*count16)(std::int64_t nodes, const std::uint16_t* dense, std::int64_t* nonzeros, std::int64_t* total,
                    std::int64_t* maximum);
    void (*count)(std::int64_t nodes, const I* dense, std::int64_t* nonzeros, std::int64_t* total,
                  std::int64_t* maximum);
    // Turns dense [nodes, kLanes] into `rows` sparse rows; writes exactly what count found.
    void (*drain16)(std::int64_t nodes, int rows, const std::uint16_t* dense, const TileTarget& target);
    void (*drain)(std::int64_t nodes, int rows, const I* dense, const TileTarget& target);
};

template <class I>
Emitter<I> emitter();

}  // namespace graphx
