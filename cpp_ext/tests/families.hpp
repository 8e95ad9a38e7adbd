// Families of graphs whose orbits are known on paper, and what may be done to a graph without changing a count.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "graphs.hpp"

namespace graphx::test {

using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;

inline TestGraph from_pairs(std::size_t n, const Pairs& edges) {
    std::vector<std::vector<char>> adjacent(n, std::vector<char>(n, 0));
    for (const auto& [u, v] : edges) adjacent[u][v] = adjacent[v][u] = 1;
    return from_adjacency(std::move(adjacent));
}

inline TestGraph empty_graph(std::size_t n) { return from_pairs(n, {}); }

inline TestGraph complete(std::size_t n) {
    Pairs edges;
    for (std::size_t u = 0; u < n; ++u)
        for (std::size_t v = 0; v < u; ++v) edges.emplace_back(u, v);
    return from_pairs(n, edges);
}

inline TestGraph cycle(std::size_t n) {
    Pairs edges;
    for (std::size_t u = 0; u < n; ++u) edges.emplace_back(u, (u + 1) % n);
    return from_pairs(n, edges);
}

inline TestGraph path(std::size_t n) {
    Pairs edges;
    for (std::size_t u = 0; u + 1 < n; ++u) edges.emplace_back(u, u + 1);
    return from_pairs(n, edges);
}

// Nodes 0..a-1 on one side, a..a+b-1 on the other.
inline TestGraph bipartite(std::size_t a, std::size_t b) {
    Pairs edges;
    for (std::size_t u = 0; u < a; ++u)
        for (std::size_t v = 0; v < b; ++v) edges.emplace_back(u, a + v);
    return from_pairs(a + b, edges);
}

// Node 0 joined to every node of a cycle 1..n.
inline TestGraph wheel(std::size_t n) {
    Pairs edges;
    for (std::size_t u = 0; u < n; ++u) {
        edges.emplace_back(0, u + 1);
        edges.emplace_back(u + 1, (u + 1) % n + 1);
    }
    return from_pairs(n + 1, edges);
}

// The edge {0, 1} and `pages` triangles on it.
inline TestGraph book(std::size_t pages) {
    Pairs edges{{0, 1}};
    for (std::size_t page = 0; page < pages; ++page) {
        edges.emplace_back(0, page + 2);
        edges.emplace_back(1, page + 2);
    }
    return from_pairs(pages + 2, edges);
}

// `count` triangles that share node 0.
inline TestGraph windmill(std::size_t count) {
    Pairs edges;
    for (std::size_t i = 0; i < count; ++i) {
        edges.emplace_back(0, 2 * i + 1);
        edges.emplace_back(0, 2 * i + 2);
        edges.emplace_back(2 * i + 1, 2 * i + 2);
    }
    return from_pairs(2 * count + 1, edges);
}

inline TestGraph grid(std::size_t rows, std::size_t columns) {
    Pairs edges;
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c) {
            if (c + 1 < columns) edges.emplace_back(r * columns + c, r * columns + c + 1);
            if (r + 1 < rows) edges.emplace_back(r * columns + c, (r + 1) * columns + c);
        }
    return from_pairs(rows * columns, edges);
}

// A random graph with one node joined to all the others.
inline TestGraph with_hub(std::size_t n, double density, unsigned seed) {
    auto adjacent = random_graph(n, density, seed).adjacent;
    const std::size_t hub = n / 3;
    for (std::size_t v = 0; v < n; ++v) adjacent[hub][v] = adjacent[v][hub] = v != hub;
    return from_adjacency(std::move(adjacent));
}

// Side by side: the nodes of `b` follow those of `a`.
inline TestGraph disjoint(const TestGraph& a, const TestGraph& b) {
    const std::size_t n = a.size() + b.size();
    std::vector<std::vector<char>> adjacent(n, std::vector<char>(n, 0));
    for (std::size_t u = 0; u < a.size(); ++u) std::copy(a.adjacent[u].begin(), a.adjacent[u].end(), adjacent[u].begin());
    for (std::size_t u = 0; u < b.size(); ++u)
        std::copy(b.adjacent[u].begin(), b.adjacent[u].end(),
                  adjacent[a.size() + u].begin() + static_cast<std::ptrdiff_t>(a.size()));
    return from_adjacency(std::move(adjacent));
}

inline std::vector<std::size_t> random_order(std::size_t n, unsigned seed) {
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::mt19937 random(seed);
    std::shuffle(order.begin(), order.end(), random);
    return order;
}

// Node u becomes order[u].
inline TestGraph relabelled(const TestGraph& g, const std::vector<std::size_t>& order) {
    std::vector<std::vector<char>> adjacent(g.size(), std::vector<char>(g.size(), 0));
    for (std::size_t u = 0; u < g.size(); ++u)
        for (std::size_t v = 0; v < g.size(); ++v) adjacent[order[u]][order[v]] = g.adjacent[u][v];
    return from_adjacency(std::move(adjacent));
}

struct NamedGraph {
    std::string name;
    TestGraph graph;
};

// One or two of each family, small enough to be enumerated.
inline std::vector<NamedGraph> families() {
    std::vector<NamedGraph> all;
    const auto add = [&](std::string name, TestGraph graph) { all.push_back({std::move(name), std::move(graph)}); };
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) add("empty", empty_graph(n));
    add("one edge", complete(2));
    add("triangle", complete(3));
    add("complete", complete(11));
    for (const std::size_t n : {std::size_t{4}, std::size_t{5}, std::size_t{13}}) add("cycle", cycle(n));
    add("path", path(4));
    add("path", path(17));
    add("star", star(3));
    add("star", star(20));
    add("bipartite", bipartite(4, 7));
    add("wheel", wheel(3));  // is complete(4)
    add("wheel", wheel(12));
    add("book", book(9));
    add("windmill", windmill(7));
    add("grid", grid(4, 5));
    add("hub", with_hub(19, 0.2, 3));
    add("disjoint", disjoint(complete(5), disjoint(empty_graph(3), path(6))));
    add("random", random_graph(24, 0.15, 1));
    add("random", random_graph(21, 0.5, 2));
    return all;
}

// A graph too large for a matrix: rows of its CSR only.
struct ListGraph {
    std::vector<std::int64_t> indptr;
    std::vector<std::int32_t> indices;
    Csr csr() const { return {static_cast<std::int64_t>(indptr.size()) - 1, indptr.data(), indices.data()}; }
};

inline ListGraph list_graph(std::int64_t n, const std::vector<std::pair<std::int32_t, std::int32_t>>& edges) {
    std::vector<std::vector<std::int32_t>> rows(static_cast<std::size_t>(n));
    for (const auto& [u, v] : edges) {
        rows[static_cast<std::size_t>(u)].push_back(v);
        rows[static_cast<std::size_t>(v)].push_back(u);
    }
    ListGraph g;
    g.indptr.push_back(0);
    for (auto& row : rows) {
        std::sort(row.begin(), row.end());
        row.erase(std::unique(row.begin(), row.end()), row.end());
        g.indices.insert(g.indices.end(), row.begin(), row.end());
        g.indptr.push_back(static_cast<std::int64_t>(g.indices.size()));
    }
    return g;
}

}  // namespace graphx::test
