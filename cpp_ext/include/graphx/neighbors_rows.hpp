// Two sorted rows, or bit rows, intersected: the innermost loops of neighbors.hpp, for the instructions of this machine.
#pragma once

#include <cstdint>

#include "graphx/simd.hpp"

namespace graphx::neighbors {

// Each entry of the short row a is looked up in the long row b: writes the positions of equal entries in both (room for
// 16 more than the short row has), returns how many there are.
using Search = std::int64_t (*)(const std::int32_t* a, std::int64_t na, const std::int32_t* b, std::int64_t nb,
                                std::int32_t* at_a, std::int32_t* at_b);
// The same for a short row, every entry of it compared with every one of b: writes the positions in b alone.
using Compare = std::int64_t (*)(const std::int32_t* a, std::int64_t na, const std::int32_t* b, std::int64_t nb,
                                 std::int32_t* at_b);
using CountBits = std::int64_t (*)(const std::uint64_t* a, const std::uint64_t* b, std::int64_t words);
// How many entries u of a row have the bit `u & fold` set; and where they are (room for 16 more than the row has).
using CountMarked = std::int64_t (*)(const std::uint32_t* mark, std::uint32_t fold, const std::int32_t* row,
                                     std::int64_t size);
using FindMarked = std::int64_t (*)(const std::uint32_t* mark, std::uint32_t fold, const std::int32_t* row,
                                    std::int64_t size, std::int32_t* at);

GRAPHX_INLINE bool bit(const std::uint64_t* row, std::int32_t u) { return row[u >> 6] >> (u & 63) & 1; }
GRAPHX_INLINE bool marked(const std::uint32_t* mark, std::uint32_t fold, std::int32_t u) {
    const std::uint32_t at = static_cast<std::uint32_t>(u) & fold;
    return mark[at >> 5] >> (at & 31) & 1;
}

struct RowKernels {
    Search search_count, search_emit;
    Compare compare_count, compare_emit;  // none where no instruction compares eight at once
    CountBits count_bits;
    CountMarked count_marked;
    FindMarked find_marked;
    std::int64_t search_from;  // a row that many times longer is searched; below, it is tested against a bit set
};
RowKernels row_kernels();

}  // namespace graphx::neighbors
