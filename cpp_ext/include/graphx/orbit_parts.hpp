// The explicit sparse parts of matrix-free products with orbit adjacencies: what lies on the edges, and the pairs across
// squares and diamonds. Values are float.
#pragma once

#include <cstdint>
#include <vector>

#include "graphx/buffer.hpp"
#include "graphx/orbits.hpp"
#include "graphx/rows.hpp"

namespace graphx {

// A CSR without zeros; with indptr empty, its pattern is that of the graph.
struct Part {
    Buffer<std::int64_t> indptr;
    Buffer<std::int32_t> indices;
    Buffer<float> values;
};

// What a product with the matrix of a key takes from the edges beside its sparse products: the matrix itself for hop 1,
// and for the others the term E of the formulas in graphx/gradco/_tiles.py on the edges. [2]8_8 and [2]12_12 have none.
template <class I>
std::vector<Part> edge_parts(const EdgeBasis<I>& basis, const std::vector<int>& keys, Control& control);

// [2]8_8 and [2]12_12, both symmetric. `tables` are made for keys beyond hop 1 and have lists. Memory of the entries
// stays below `most_bytes`; otherwise `fits` is false and nothing is made.
struct SquarePairs {
    Part squares, diamonds;
    bool fits = true;
};
template <class I>
SquarePairs square_pairs(const EdgeBasis<I>& basis, const RowTables<I>& tables, std::int64_t most_bytes,
                         Control& control);

}  // namespace graphx
