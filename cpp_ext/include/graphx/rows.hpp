// Orbit adjacency matrices row by row: any selection of the 28 keys, any range of rows, in bounded memory.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "graphx/buffer.hpp"
#include "graphx/orbits.hpp"
#include "graphx/parallel.hpp"

namespace graphx {

// What rows need beside the edge basis; made once for a selection of keys, shared by every later call.
template <class I>
struct RowTables {
    bool near = false;               // made for keys beyond hop 1, which need the arrays here
    bool inside = false;             // made for keys that need the edges inside common neighbourhoods
    Buffer<std::int32_t> triangles;  // [2 num_edges] t(u, v) of each CSR entry
    Buffer<std::int32_t> degrees;    // [num_nodes]
    Buffer<std::int64_t> wedges;     // [num_nodes] sum over neighbours w of d(w)
    // Common neighbours of the endpoints of each edge; empty where bitsets find edges inside neighbourhoods faster.
    Buffer<std::int64_t> common_start;  // [num_edges + 1]
    Buffer<std::int32_t> common;        // [3 num_triangles]
    bool has_lists() const { return common_start.size() != 0; }
};

bool needs_inside_edges(std::uint32_t keys);

template <class I>
RowTables<I> make_row_tables(const EdgeBasis<I>& basis, std::uint32_t keys, Control& control);

struct KeySummary {
    std::int64_t num_nonzeros = 0;
    std::int64_t total = 0;
    std::int64_t maximum = 0;
};

// Number of nonzeros, sum and maximum of every selected key, nothing stored.
template <class I>
std::array<KeySummary, kNumKeys> summarize_rows(const EdgeBasis<I>& basis, const RowTables<I>& tables,
                                                std::uint32_t keys, Control& control);

// The five sums of a pair (u, v) at distance two, C = common neighbours, of which the eight hop-2 matrices are made:
// c = |C|, G = sum t(w, v), G' = sum t(u, w), S = sum d(w) - 2 over w in C, q = edges inside C.
inline constexpr int kNumPairSums = 5;

// Where a key of the block goes: indptr [stop - start + 1] counts from `offset`; values are integers of `width` bytes
// (2, 4 or 8; narrower than I where the maximum fits); a null `indices` copies values only, of any key but (3, 4, 4).
struct CopyTarget {
    int key;
    std::int64_t offset;
    std::int64_t* indptr;
    std::int32_t* indices;
    void* values;
    int width;
};

// Produces blocks of rows in ascending order. With more than one thread, helpers that live as long as the stream compute
// the next rows while the caller copies and uses a block. Memory: the block, and for each thread about 150 bytes a node
// and, from the second on, a quarter of a block. Blocks are the same for any number of threads, and after a fork.
template <class I>
class RowStream {
public:
    // With `pairs` the stream produces the pair sums of hop 2 instead of matrices, as "keys" 0..4 on one pattern.
    RowStream(const EdgeBasis<I>& basis, const RowTables<I>& tables, std::uint32_t keys, bool pairs = false);
    ~RowStream();
    RowStream(const RowStream&) = delete;
    RowStream& operator=(const RowStream&) = delete;

    // Rows start..stop only; before the first next().
    void limit(std::int64_t start, std::int64_t stop);
    // Goes to the next rows, about `block_bytes` of output, two rows at least. False at the end.
    bool next(std::int64_t block_bytes, Control& control);
    std::int64_t start() const;
    std::int64_t stop() const;

    // Of the current block: entries and largest value of a key.
    std::int64_t num_entries(int key) const;
    std::int64_t maximum(int key) const;
    // Copies keys of the block and gives its memory to the rows that follow; afterwards only next() may be called. What
    // next() or copy() throws leaves the stream before the block, which a later next() makes again.
    void copy(const std::vector<CopyTarget>& targets, Control& control);

    struct State;

private:
    std::unique_ptr<State> state_;
};

// One hop-2 matrix out of a stored pair basis: counts the nonzeros of each row into indptr [num_nodes + 1], then fills.
template <class I>
struct PairBasis {
    Buffer<std::int64_t> indptr;
    Buffer<std::int32_t> indices;
    std::array<Buffer<I>, kNumPairSums> sums;
};

template <class I>
void pair_matrix(const EdgeBasis<I>& basis, const PairBasis<I>& pairs, int key, Buffer<std::int64_t>& indptr,
                 Buffer<std::int32_t>& indices, Buffer<I>& values, Control& control);

}  // namespace graphx
