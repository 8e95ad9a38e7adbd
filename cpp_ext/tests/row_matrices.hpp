// Streams of rows as whole matrices, and the pair sums and far pairs of a graph by their definitions: for graphs that are
// too large to enumerate.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "graphs.hpp"
#include "graphx/rows.hpp"
#include "test.hpp"

namespace graphx::test {

using Matrix = std::vector<std::int64_t>;  // [n * n]

// Every selected key of a stream, all copied block by block; the other keys stay empty.
template <class I>
Matrices stream_matrices(const EdgeBasis<I>& basis, const RowTables<I>& tables, std::uint32_t keys, std::int64_t block_bytes,
                         Control& control) {
    const auto n = static_cast<std::size_t>(basis.graph.num_nodes);
    Matrices made(kNumKeys);
    for (int key = 0; key < kNumKeys; ++key)
        if (has_key(keys, key)) made[static_cast<std::size_t>(key)].assign(n * n, 0);
    RowStream<I> stream(basis, tables, keys);
    std::int64_t next = 0;
    while (stream.next(block_bytes, control)) {
        CHECK_EQ(stream.start(), next);
        CHECK(stream.stop() > stream.start());
        const std::int64_t first = stream.start(), rows = stream.stop() - first;
        next = stream.stop();
        std::vector<std::vector<std::int64_t>> indptr;
        std::vector<std::vector<std::int32_t>> indices;
        std::vector<std::vector<I>> values;
        std::vector<CopyTarget> targets;
        for (int key = 0; key < kNumKeys; ++key) {
            if (!has_key(keys, key)) continue;
            const auto entries = static_cast<std::size_t>(stream.num_entries(key));
            indptr.emplace_back(static_cast<std::size_t>(rows) + 1);
            indices.emplace_back(entries);
            values.emplace_back(entries);
            targets.push_back({key, 0, indptr.back().data(), indices.back().data(), values.back().data(), sizeof(I)});
        }
        stream.copy(targets, control);
        for (std::size_t k = 0; k < targets.size(); ++k) {
            CHECK_EQ(indptr[k].back(), static_cast<std::int64_t>(values[k].size()));
            Matrix& matrix = made[static_cast<std::size_t>(targets[k].key)];
            for (std::int64_t r = 0; r < rows; ++r)
                for (std::int64_t i = indptr[k][static_cast<std::size_t>(r)]; i < indptr[k][static_cast<std::size_t>(r) + 1]; ++i) {
                    const auto at = static_cast<std::size_t>(i);
                    CHECK(values[k][at] != 0);
                    CHECK(i == indptr[k][static_cast<std::size_t>(r)] || indices[k][at - 1] < indices[k][at]);
                    matrix[static_cast<std::size_t>(first + r) * n + static_cast<std::size_t>(indices[k][at])] = values[k][at];
                }
        }
    }
    CHECK_EQ(next, basis.graph.num_nodes);
    return made;
}

inline KeySummary summary_of(const Matrix& matrix) {
    KeySummary sum;
    for (const std::int64_t value : matrix) {
        sum.num_nonzeros += value != 0;
        sum.total += value;
        sum.maximum = std::max(sum.maximum, value);
    }
    return sum;
}

inline void check_summary(const KeySummary& found, const KeySummary& expected) {
    CHECK_EQ(found.num_nonzeros, expected.num_nonzeros);
    CHECK_EQ(found.total, expected.total);
    CHECK_EQ(found.maximum, expected.maximum);
}

// c, G, G', S and q of every pair that is not adjacent and has a common neighbour, from their definitions.
inline std::array<Matrix, kNumPairSums> pair_sums(const TestGraph& g) {
    const std::size_t n = g.size();
    std::array<Matrix, kNumPairSums> sums;
    for (Matrix& matrix : sums) matrix.assign(n * n, 0);
    Matrix triangles(n * n, 0), degree(n, 0);
    for (std::size_t u = 0; u < n; ++u)
        for (std::size_t v = 0; v < n; ++v) {
            degree[u] += g.adjacent[u][v];
            if (!g.adjacent[u][v]) continue;
            for (std::size_t w = 0; w < n; ++w) triangles[u * n + v] += g.adjacent[u][w] && g.adjacent[v][w];
        }
    std::vector<std::size_t> common;
    for (std::size_t u = 0; u < n; ++u)
        for (std::size_t v = 0; v < n; ++v) {
            if (u == v || g.adjacent[u][v]) continue;
            common.clear();
            for (std::size_t w = 0; w < n; ++w)
                if (g.adjacent[u][w] && g.adjacent[v][w]) common.push_back(w);
            const std::size_t at = u * n + v;
            for (const std::size_t w : common) {
                ++sums[0][at];
                sums[1][at] += triangles[w * n + v];
                sums[2][at] += triangles[u * n + w];
                sums[3][at] += degree[w] - 2;
                for (const std::size_t x : common) sums[4][at] += x < w && g.adjacent[w][x];
            }
        }
    return sums;
}

// (3, 4, 4): the induced paths between u and v, found from the edge in their middle.
inline Matrix far_pairs(const TestGraph& g) {
    const std::size_t n = g.size();
    Matrix made(n * n, 0);
    std::vector<std::size_t> left, right;
    for (std::size_t a = 0; a < n; ++a)
        for (std::size_t b = 0; b < n; ++b) {
            if (!g.adjacent[a][b]) continue;
            left.clear();
            right.clear();
            for (std::size_t u = 0; u < n; ++u) {
                if (u != b && g.adjacent[a][u] && !g.adjacent[b][u]) left.push_back(u);
                if (u != a && g.adjacent[b][u] && !g.adjacent[a][u]) right.push_back(u);
            }
            for (const std::size_t u : left)
                for (const std::size_t v : right)
                    if (!g.adjacent[u][v]) ++made[u * n + v];
        }
    return made;
}

// Two sides of k nodes, i on one side joined to all on the other but the i-th: far pairs are the twins, of which each
// has (k - 1)(k - 2) induced paths.
inline TestGraph crown(std::size_t k) {
    std::vector<std::vector<char>> adjacent(2 * k, std::vector<char>(2 * k, 0));
    for (std::size_t i = 0; i < k; ++i)
        for (std::size_t j = 0; j < k; ++j)
            if (i != j) adjacent[i][k + j] = adjacent[k + j][i] = 1;
    return from_adjacency(std::move(adjacent));
}

// Makes edges inside common neighbourhoods come from bitsets, whatever would be faster.
template <class I>
void drop_lists(RowTables<I>& tables) {
    tables.common_start.release();
    tables.common.release();
}

}  // namespace graphx::test
