// Integer sparse times dense, and the products with orbit adjacencies that never build them.
//
// X is [nodes, columns] row-major, float, double or int64. Every output number is summed in one fixed order, so the
// result has the same bits for any number of threads.
#pragma once

#include <cstdint>

#include "graphx/buffer.hpp"
#include "graphx/orbits.hpp"
#include "graphx/rows.hpp"

namespace graphx {

// out = (accumulate ? out : 0) + scale * S X + diag(diagonal) Y, with S a CSR of values of type V, or of ones if null;
// diagonal and Y may be null.
template <class V, class T>
struct Product {
    Csr pattern;
    const V* values = nullptr;
    const T* x = nullptr;
    T* out = nullptr;
    std::int64_t columns = 0;
    std::int64_t scale = 1;
    bool accumulate = false;
    const std::int64_t* diagonal = nullptr;
    const T* y = nullptr;
};

template <class V, class T>
void multiply(const Product<V, T>& product, Control& control);

// The same on the calling thread, for pieces of a larger parallel loop.
template <class V, class T>
void multiply_serial(const Product<V, T>& product);

// The triangles of a graph as incidence lists: for every edge in a triangle its common neighbours, for every node the
// edges that close a triangle with it.
struct TriangleLists {
    std::int64_t num_nodes = 0;
    Buffer<std::int64_t> edge_start;     // [edges in triangles + 1]
    Buffer<std::int32_t> edge_nodes;     // [3 num_triangles]
    Buffer<std::int64_t> node_start;     // [num_nodes + 1]
    Buffer<std::uint32_t> node_edges;    // [3 num_triangles]
};

template <class I>
TriangleLists make_triangle_lists(const EdgeBasis<I>& basis, Control& control);

// out += scale * B B^T X for the node-triangle-edge incidence B of the lists.
template <class T>
void multiply_triangles(const TriangleLists& lists, const T* x, std::int64_t columns, std::int64_t scale, T* out,
                        Control& control);

// out = M X by rows that are made, used and forgotten: for the three keys with a squared common-neighbour count.
template <class I, class T>
void multiply_rows(const EdgeBasis<I>& basis, const RowTables<I>& tables, int key, const T* x, std::int64_t columns,
                   T* out, Control& control);

}  // namespace graphx
