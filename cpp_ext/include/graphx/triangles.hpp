// The graph with nodes renumbered by (degree, id): the space in which triangles, 4-cliques and 4-cycles are counted in
// time O(edges * arboricity) (Chiba and Nishizeki, SIAM J. Comput. 14, 1985).
#pragma once

#include <cstdint>

#include "graphx/buffer.hpp"
#include "graphx/csr.hpp"
#include "graphx/parallel.hpp"

namespace graphx {

// Neighbours ascending by rank. An undirected edge is numbered by its entry in the row of the higher rank, lower
// neighbours first: edge(u, j) = first_edge[u] + j for the j-th neighbour, if that neighbour is lower than u.
struct RankGraph {
    std::int64_t num_nodes = 0;
    std::int64_t num_edges = 0;
    Buffer<std::int32_t> rank;           // [num_nodes] of the node
    Buffer<std::int32_t> node;           // [num_nodes] at the rank
    Buffer<std::int64_t> indptr;         // [num_nodes + 1]
    Buffer<std::int64_t> first_edge;     // [num_nodes + 1]
    Buffer<std::int32_t> indices;        // [2 num_edges]
    Buffer<std::uint32_t> upper_edge;    // [num_edges]: edge numbers of the upper entries, row after row

    std::int64_t degree(std::int64_t u) const { return indptr[u + 1] - indptr[u]; }
    std::int64_t num_lower(std::int64_t u) const { return first_edge[u + 1] - first_edge[u]; }
    std::int64_t first_upper(std::int64_t u) const { return indptr[u] - first_edge[u]; }  // row of u in upper_edge
    // Edge number of the j-th entry of row u.
    std::uint32_t edge(std::int64_t u, std::int64_t j) const {
        const std::int64_t lower = num_lower(u);
        return j < lower ? static_cast<std::uint32_t>(first_edge[u] + j)
                         : upper_edge[static_cast<std::size_t>(first_upper(u) + j - lower)];
    }
};

RankGraph build_rank_graph(const Csr& graph, Control& control);

// Number of common neighbours of the endpoints of every edge: out [num_edges].
template <class I>
void count_triangles(const RankGraph& graph, I* out, std::int64_t stride, Control& control);

}  // namespace graphx
