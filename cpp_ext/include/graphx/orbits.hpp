// The edge basis: six counts an undirected edge and three a node, from which every hop-1 orbit adjacency, the graphlet
// degree vectors and the edge graphlet degree vectors follow by arithmetic.
//
// Every count is at most max_degree^2, so the integer width I is chosen once: int32 up to degree 46,340, int64 above.
#pragma once

#include <cstdint>

#include "graphx/buffer.hpp"
#include "graphx/csr.hpp"
#include "graphx/parallel.hpp"

namespace graphx {

// The 28 orbit adjacencies in the order of the public names: (hop, orbit of the row node, orbit of the column node).
enum Key : int {
    k1_0_0, k1_1_2, k1_2_1, k1_3_3, k1_4_5, k1_5_4, k1_5_5, k1_6_7, k1_7_6, k1_8_8, k1_9_11, k1_11_9, k1_10_10,
    k1_10_11, k1_11_10, k1_12_13, k1_13_12, k1_13_13, k1_14_14,
    k2_1_1, k2_4_5, k2_5_4, k2_6_6, k2_8_8, k2_9_10, k2_10_9, k2_12_12,
    k3_4_4
};
inline constexpr int kNumKeys = 28;
inline constexpr int kNumHop1 = 19;
inline constexpr std::uint32_t kAllKeys = (std::uint32_t{1} << kNumKeys) - 1;
inline constexpr std::uint32_t kHop1Keys = (std::uint32_t{1} << kNumHop1) - 1;
inline constexpr std::uint32_t kHop3Keys = std::uint32_t{1} << k3_4_4;
inline constexpr std::uint32_t kHop2Keys = kAllKeys & ~kHop1Keys & ~kHop3Keys;
inline constexpr std::int64_t kMaxDegreeInt32 = 46340;  // the largest d with d * d < 2^31

constexpr bool has_key(std::uint32_t keys, int key) { return (keys >> key) & 1U; }

// Counts on the edge {hi, lo}; hi is the endpoint of higher (degree, id). W = common neighbours of hi and lo.
template <class I>
struct EdgeCounts {
    I triangles;   // t = |W|
    I cliques;     // k: 4-cliques on the edge
    I cycles;      // c4: 4-cycles through the edge, chords allowed
    I sum_hi;      // sum over w in W of t(hi, w)
    I sum_lo;      // sum over w in W of t(lo, w)
    I sum_degree;  // sum over w in W of d(w)
};

template <class I>
struct EdgeBasis {
    Csr graph;
    std::int64_t num_edges = 0;
    std::int64_t max_degree = 0;
    std::int64_t num_triangles = 0;
    std::int64_t sum_squared_triangles = 0;  // sum of t^2 over edges: the work of listing edges inside neighbourhoods
    Buffer<EdgeCounts<I>> edges;             // [num_edges], in the order of (hi, lo) by rank
    Buffer<std::uint32_t> slots;             // [2 num_edges]: for each CSR entry (u, v) 2 * edge + (u is hi)
    Buffer<I> triangles;                     // [num_nodes] T: triangles at a node
    Buffer<I> paths;                         // [num_nodes] D: sum over neighbours x of d(x) - 1 - t(x)
};

// What the hop-1 formulas need about the CSR entry (u, v).
template <class I>
struct EdgeView {
    I t, k, c4, s1, s1t, s2;  // s1 = sum of t(v, w), s1t = sum of t(u, w)
    I du, dv, tu, tv, pu, pv;
};

template <class I>
inline EdgeView<I> edge_view(const EdgeBasis<I>& basis, std::int64_t u, std::int64_t slot) {
    const std::uint32_t code = basis.slots[static_cast<std::size_t>(slot)];
    const EdgeCounts<I>& e = basis.edges[code >> 1];
    const std::int64_t v = basis.graph.indices[slot];
    const bool u_is_hi = code & 1U;
    return {e.triangles,
            e.cliques,
            e.cycles,
            u_is_hi ? e.sum_lo : e.sum_hi,
            u_is_hi ? e.sum_hi : e.sum_lo,
            e.sum_degree,
            static_cast<I>(basis.graph.degree(u)),
            static_cast<I>(basis.graph.degree(v)),
            basis.triangles[static_cast<std::size_t>(u)],
            basis.triangles[static_cast<std::size_t>(v)],
            basis.paths[static_cast<std::size_t>(u)],
            basis.paths[static_cast<std::size_t>(v)]};
}

// The hop-1 formulas for the stored 13 keys; the other six are the same formula of the reversed edge.
template <class I>
inline EdgeView<I> reversed(const EdgeView<I>& e) {
    return {e.t, e.k, e.c4, e.s1t, e.s1, e.s2, e.dv, e.du, e.tv, e.tu, e.pv, e.pu};
}

template <int K, class I>
inline I hop1_value(const EdgeView<I>& e) {
    if constexpr (K == k1_2_1) return hop1_value<k1_1_2>(reversed(e));
    else if constexpr (K == k1_5_4) return hop1_value<k1_4_5>(reversed(e));
    else if constexpr (K == k1_7_6) return hop1_value<k1_6_7>(reversed(e));
    else if constexpr (K == k1_11_9) return hop1_value<k1_9_11>(reversed(e));
    else if constexpr (K == k1_11_10) return hop1_value<k1_10_11>(reversed(e));
    else if constexpr (K == k1_13_12) return hop1_value<k1_12_13>(reversed(e));
    else {
        const I a = e.du - 1 - e.t, b = e.dv - 1 - e.t;
        if constexpr (K == k1_0_0) return 1;
        if constexpr (K == k1_1_2) return b;
        if constexpr (K == k1_3_3) return e.t;
        if constexpr (K == k1_14_14) return e.k;
        if constexpr (K == k1_13_13) return e.t * (e.t - 1) / 2 - e.k;
        if constexpr (K == k1_12_13) return e.s1 - e.t - 2 * e.k;
        if constexpr (K == k1_10_10) return e.s2 - e.s1 - e.s1t + 2 * e.k;
        if constexpr (K == k1_10_11) return e.t * (e.dv - e.t) - e.s1 + 2 * e.k;
        if constexpr (K == k1_9_11) return e.tv - e.s1 + e.k;
        if constexpr (K == k1_6_7) return b * (b - 1) / 2 - (e.tv - e.s1 + e.k);
        const I square = e.c4 - e.s1 - e.s1t + 2 * e.t + 2 * e.k;
        if constexpr (K == k1_8_8) return square;
        if constexpr (K == k1_5_5) return a * b - square;
        if constexpr (K == k1_4_5) return e.pv - a - (e.s2 - e.t - e.s1) - square;
    }
}

// Calls f.template operator()<K>() for the hop-1 key of that number.
template <class F>
inline void with_hop1_key(int key, F&& f) {
    switch (key) {
#define GRAPHX_CASE(K) \
    case K: f.template operator()<K>(); break;
        GRAPHX_CASE(k1_0_0) GRAPHX_CASE(k1_1_2) GRAPHX_CASE(k1_2_1) GRAPHX_CASE(k1_3_3) GRAPHX_CASE(k1_4_5)
        GRAPHX_CASE(k1_5_4) GRAPHX_CASE(k1_5_5) GRAPHX_CASE(k1_6_7) GRAPHX_CASE(k1_7_6) GRAPHX_CASE(k1_8_8)
        GRAPHX_CASE(k1_9_11) GRAPHX_CASE(k1_11_9) GRAPHX_CASE(k1_10_10) GRAPHX_CASE(k1_10_11) GRAPHX_CASE(k1_11_10)
        GRAPHX_CASE(k1_12_13) GRAPHX_CASE(k1_13_12) GRAPHX_CASE(k1_13_13) GRAPHX_CASE(k1_14_14)
#undef GRAPHX_CASE
        default: break;
    }
}

// Counts the edge basis of a simple undirected graph (symmetric CSR without loops). Progress: one unit a node and pass.
template <class I>
EdgeBasis<I> count_edge_basis(const Csr& graph, Control& control);
inline constexpr int kBasisPasses = 5;

// Node orbits 0..14 of every node, row-major [num_nodes, 15].
template <class I>
void graphlet_degrees(const EdgeBasis<I>& basis, std::int64_t* out, Control& control);

// Edge orbits of every edge u < v in row-major order of the CSR, [num_edges, 12], columns as in the public table. A sum
// of both directions can reach 2 max_degree^2, so O = int32 is for max_degree <= kMaxDegreeInt32 / sqrt(2) only.
inline constexpr std::int64_t kMaxDegreeInt32Edges = 32767;
template <class I, class O>
void edge_graphlet_degrees(const EdgeBasis<I>& basis, O* out, Control& control);

// Values of one hop-1 matrix on every CSR entry, zeros included: out [2 num_edges].
template <class I>
void hop1_values(const EdgeBasis<I>& basis, int key, I* out, Control& control);

// Node numbers cut into tasks of similar work; work(u) >= 0. Returns task boundaries, first 0 and last num_nodes.
template <class Work>
std::vector<std::int64_t> balanced_tasks(std::int64_t num_nodes, std::int64_t most_tasks, Work&& work) {
    std::int64_t total = 0;
    for (std::int64_t u = 0; u < num_nodes; ++u) total += work(u) + 1;
    const std::int64_t share = total / std::max<std::int64_t>(most_tasks, 1) + 1;
    std::vector<std::int64_t> bounds{0};
    std::int64_t sum = 0;
    for (std::int64_t u = 0; u < num_nodes; ++u) {
        sum += work(u) + 1;
        if (sum >= share) {
            bounds.push_back(u + 1);
            sum = 0;
        }
    }
    if (bounds.back() != num_nodes) bounds.push_back(num_nodes);
    return bounds;
}

}  // namespace graphx
