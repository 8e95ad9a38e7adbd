// Graphlet degrees by enumeration, and on paper for families that are too large to enumerate.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "families.hpp"

namespace graphx::test {

using Degrees = std::array<std::int64_t, 15>;  // of one node, orbit by orbit

// Every connected induced subgraph on two to four nodes, counted once at each of its nodes.
inline std::vector<Degrees> node_orbits(const TestGraph& g) {
    const std::size_t n = g.size();
    std::vector<Degrees> made(n, Degrees{});
    const auto count = [&](std::initializer_list<std::size_t> nodes) {
        const int size = static_cast<int>(nodes.size());
        int edges = 0, most = 0, least = size;
        std::array<int, 4> degree{};
        for (int a = 0; a < size; ++a) {
            for (int b = 0; b < size; ++b) degree[a] += g.adjacent[nodes.begin()[a]][nodes.begin()[b]];
            edges += degree[a];
            most = std::max(most, degree[a]);
            least = std::min(least, degree[a]);
        }
        edges /= 2;
        if (edges < size - 1 || least == 0) return;  // on four nodes, three edges and no lone node connect
        for (int a = 0; a < size; ++a) ++made[nodes.begin()[a]][static_cast<std::size_t>(orbit_of(size, edges, degree[a], most))];
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

inline std::int64_t choose(std::int64_t n, std::int64_t k) {
    std::int64_t value = 1;
    for (std::int64_t i = 0; i < k; ++i) value = value * (n - i) / (i + 1);
    return n < k ? 0 : value;
}

// A graph and the graphlet degrees of some of its nodes.
struct Paper {
    TestGraph graph;
    std::vector<std::pair<std::size_t, Degrees>> nodes;
};

//                                             orbit 0   1     2           3         4  5  6 ...
inline Paper complete_on_paper(std::int64_t n) {
    const Degrees all{n - 1, 0, 0, choose(n - 1, 2), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, choose(n - 1, 3)};
    return {complete(static_cast<std::size_t>(n)), {{0, all}, {static_cast<std::size_t>(n) - 1, all}}};
}

// Each node ends two paths of three and of four nodes and is inside one of three and two of four.
inline Paper cycle_on_paper(std::int64_t n) {
    const Degrees all{2, 2, 1, 0, 2, 2};
    return {cycle(static_cast<std::size_t>(n)), {{0, all}, {static_cast<std::size_t>(n) / 2, all}}};
}

inline Paper star_on_paper(std::int64_t leaves) {
    const Degrees centre{leaves, 0, choose(leaves, 2), 0, 0, 0, 0, choose(leaves, 3)};
    const Degrees leaf{1, leaves - 1, 0, 0, 0, 0, choose(leaves - 1, 2)};
    return {star(static_cast<std::size_t>(leaves)), {{0, centre}, {static_cast<std::size_t>(leaves), leaf}}};
}

// A node of the side with a - 1 others: a claw's leaf has its centre and two more on the sides, a square two of b.
inline Paper bipartite_on_paper(std::int64_t a, std::int64_t b) {
    const auto side = [](std::int64_t mine, std::int64_t others) {
        return Degrees{others, others * (mine - 1), choose(others, 2), 0, 0, 0, others * choose(mine - 1, 2), choose(others, 3),
                       (mine - 1) * choose(others, 2)};
    };
    return {bipartite(static_cast<std::size_t>(a), static_cast<std::size_t>(b)),
            {{0, side(a, b)}, {static_cast<std::size_t>(a), side(b, a)}}};
}

// The hub of a wheel: three nodes of the rim of which no two meet, a rim edge and a node away from it, a rim path.
inline Paper wheel_on_paper(std::int64_t rim) {
    Degrees hub{rim, 0, choose(rim, 2) - rim, rim};
    hub[7] = rim * (rim - 4) * (rim - 5) / 6;
    hub[11] = rim * (rim - 4);
    hub[13] = rim;
    return {wheel(static_cast<std::size_t>(rim)), {{0, hub}}};
}

// Two nodes with every page in common, and a page.
inline Paper book_on_paper(std::int64_t pages) {
    Degrees spine{pages + 1, 0, choose(pages, 2), pages}, page{2, 2 * (pages - 1), 0, 1};
    spine[7] = choose(pages, 3);
    spine[13] = choose(pages, 2);
    page[6] = 2 * choose(pages - 1, 2);
    page[12] = pages - 1;
    return {book(static_cast<std::size_t>(pages)), {{0, spine}, {1, spine}, {2, page}, {static_cast<std::size_t>(pages) + 1, page}}};
}

// The node that all triangles share: of each other triangle one node at most is in an independent set.
inline Paper windmill_on_paper(std::int64_t count) {
    Degrees centre{2 * count, 0, choose(2 * count, 2) - count, count}, blade{2, 2 * count - 2, 0, 1};
    centre[7] = 8 * choose(count, 3);
    centre[11] = count * (2 * count - 2);
    blade[6] = 4 * choose(count - 1, 2);
    blade[9] = count - 1;
    blade[10] = 2 * count - 2;
    return {windmill(static_cast<std::size_t>(count)), {{0, centre}, {1, blade}, {static_cast<std::size_t>(count) * 2, blade}}};
}

}  // namespace graphx::test
