#include <vector>

#include "graphs.hpp"
#include "graphx/orbit_parts.hpp"
#include "test.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

std::vector<std::int64_t> dense(const Part& part, const Csr& graph) {
    const auto n = static_cast<std::size_t>(graph.num_nodes);
    std::vector<std::int64_t> made(n * n, 0);
    const std::int64_t* indptr = part.indptr.size() ? part.indptr.data() : graph.indptr;
    const std::int32_t* indices = part.indptr.size() ? part.indices.data() : graph.indices;
    for (std::size_t u = 0; u < n; ++u)
        for (std::int64_t s = indptr[u]; s < indptr[u + 1]; ++s) {
            CHECK(part.values[static_cast<std::size_t>(s)] != 0 || part.indptr.size() == 0);
            CHECK(s == indptr[u] || indices[s - 1] < indices[s]);
            made[u * n + static_cast<std::size_t>(indices[s])] =
                static_cast<std::int64_t>(part.values[static_cast<std::size_t>(s)]);
        }
    return made;
}

template <class I>
void parts_equal_enumeration(const TestGraph& g, int threads) {
    const Matrices expected = enumerate(g);
    Control control(threads);
    const auto basis = count_edge_basis<I>(g.csr(), control);
    std::vector<int> keys;
    for (int key = 0; key < kNumHop1; ++key) keys.push_back(key);
    const auto parts = edge_parts(basis, keys, control);
    for (int key = 0; key < kNumHop1; ++key) CHECK(dense(parts[static_cast<std::size_t>(key)], g.csr()) == expected[key]);
    // [2]1_1 takes -T from the edges
    const auto near = edge_parts(basis, {k2_1_1}, control);
    auto minus = expected[k1_3_3];
    for (auto& value : minus) value = -value;
    CHECK(dense(near[0], g.csr()) == minus);

    const auto tables = make_row_tables(basis, kHop2Keys, control);
    if (!tables.has_lists() && basis.num_triangles) return;
    const auto pairs = square_pairs(basis, tables, std::int64_t{1} << 30, control);
    CHECK(pairs.fits);
    CHECK(dense(pairs.squares, g.csr()) == expected[k2_8_8]);
    CHECK(dense(pairs.diamonds, g.csr()) == expected[k2_12_12]);
    if (pairs.squares.indices.size()) CHECK(!square_pairs(basis, tables, 8, control).fits);
}

}  // namespace

TEST(orbit_parts_equal_enumeration) {
    for (unsigned seed = 0; seed < 4; ++seed)
        for (const double density : {0.1, 0.3, 0.7})
            for (const int threads : {1, 3}) {
                const TestGraph g = random_graph(18, density, seed);
                parts_equal_enumeration<std::int32_t>(g, threads);
                parts_equal_enumeration<std::int64_t>(g, threads);
            }
    parts_equal_enumeration<std::int32_t>(star(9), 2);
}
