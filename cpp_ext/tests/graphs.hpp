// Small graphs for the C++ tests, and the 28 matrices by enumeration: every connected induced subgraph on two to four
// nodes, orbits from degrees inside it, hops by powers of its adjacency.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "graphx/csr.hpp"
#include "graphx/orbits.hpp"

namespace graphx::test {

struct TestGraph {
    std::vector<std::int64_t> indptr;
    std::vector<std::int32_t> indices;
    std::vector<std::vector<char>> adjacent;

    Csr csr() const { return {static_cast<std::int64_t>(indptr.size()) - 1, indptr.data(), indices.data()}; }
    std::size_t size() const { return adjacent.size(); }
};

inline TestGraph from_adjacency(std::vector<std::vector<char>> adjacent) {
    TestGraph g;
    g.indptr.push_back(0);
    for (const auto& row : adjacent) {
        for (std::size_t v = 0; v < row.size(); ++v)
            if (row[v]) g.indices.push_back(static_cast<std::int32_t>(v));
        g.indptr.push_back(static_cast<std::int64_t>(g.indices.size()));
    }
    g.adjacent = std::move(adjacent);
    return g;
}

inline TestGraph random_graph(std::size_t n, double density, unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> uniform;
    std::vector<std::vector<char>> adjacent(n, std::vector<char>(n, 0));
    for (std::size_t u = 0; u < n; ++u)
        for (std::size_t v = 0; v < u; ++v) adjacent[u][v] = adjacent[v][u] = uniform(random) < density;
    return from_adjacency(std::move(adjacent));
}

inline TestGraph star(std::size_t leaves) {
    std::vector<std::vector<char>> adjacent(leaves + 1, std::vector<char>(leaves + 1, 0));
    for (std::size_t v = 1; v <= leaves; ++v) adjacent[0][v] = adjacent[v][0] = 1;
    return from_adjacency(std::move(adjacent));
}

// (hop, orbit of u, orbit of v) of each key.
inline constexpr int kNames[kNumKeys][3] = {
    {1, 0, 0},   {1, 1, 2},   {1, 2, 1},   {1, 3, 3},   {1, 4, 5},   {1, 5, 4},   {1, 5, 5},   {1, 6, 7},   {1, 7, 6},
    {1, 8, 8},   {1, 9, 11},  {1, 11, 9},  {1, 10, 10}, {1, 10, 11}, {1, 11, 10}, {1, 12, 13}, {1, 13, 12}, {1, 13, 13},
    {1, 14, 14}, {2, 1, 1},   {2, 4, 5},   {2, 5, 4},   {2, 6, 6},   {2, 8, 8},   {2, 9, 10},  {2, 10, 9},  {2, 12, 12},
    {3, 4, 4}};

// The orbit of a node from its degree and the edges of a connected graphlet of that size; -1 where there is none.
inline int orbit_of(int size, int edges, int degree, int largest) {
    if (size == 2) return 0;
    if (size == 3) return edges == 3 ? 3 : degree;
    if (edges == 3) return largest == 3 ? (degree == 3 ? 7 : 6) : (degree == 1 ? 4 : 5);
    if (edges == 4) return largest == 2 ? 8 : 8 + degree;
    if (edges == 5) return degree == 2 ? 12 : 13;
    return 14;
}

using Matrices = std::vector<std::vector<std::int64_t>>;  // [28][n * n]

inline Matrices enumerate(const TestGraph& g) {
    const std::size_t n = g.size();
    Matrices made(kNumKeys, std::vector<std::int64_t>(n * n, 0));
    auto count = [&](const std::vector<std::size_t>& nodes) {
        const int size = static_cast<int>(nodes.size());
        std::array<int, 4> degree{};
        int edges = 0;
        for (int a = 0; a < size; ++a)
            for (int b = 0; b < size; ++b) degree[a] += g.adjacent[nodes[a]][nodes[b]];
        for (int a = 0; a < size; ++a) edges += degree[a];
        edges /= 2;
        if (edges < size - 1) return;
        int hops[4][4];
        for (int a = 0; a < size; ++a)
            for (int b = 0; b < size; ++b) hops[a][b] = a == b ? 0 : g.adjacent[nodes[a]][nodes[b]] ? 1 : 9;
        for (int k = 0; k < size; ++k)
            for (int a = 0; a < size; ++a)
                for (int b = 0; b < size; ++b) hops[a][b] = std::min(hops[a][b], hops[a][k] + hops[k][b]);
        for (int a = 0; a < size; ++a)
            if (hops[0][a] > 3) return;  // not connected
        const int largest = *std::max_element(degree.begin(), degree.begin() + size);
        for (int a = 0; a < size; ++a)
            for (int b = 0; b < size; ++b) {
                if (a == b) continue;
                const int name[3] = {hops[a][b], orbit_of(size, edges, degree[a], largest),
                                     orbit_of(size, edges, degree[b], largest)};
                for (int key = 0; key < kNumKeys; ++key)
                    if (std::equal(name, name + 3, kNames[key])) ++made[key][nodes[a] * n + nodes[b]];
            }
    };
    for (std::size_t a = 0; a < n; ++a)
        for (std::size_t b = a + 1; b < n; ++b) {
            count({a, b});
            for (std::size_t c = b + 1; c < n; ++c) {
                count({a, b, c});
                for (std::size_t d = c + 1; d < n; ++d) count({a, b, c, d});
            }
        }
    return made;
}

}  // namespace graphx::test
