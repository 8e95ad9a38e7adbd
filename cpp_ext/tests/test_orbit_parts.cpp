// The explicit parts of matrix-free products: what lies on the edges completes the programs of products, and the pairs
// across squares and diamonds are those of the definitions.
#include <vector>

#include "families.hpp"
#include "graphx/orbit_parts.hpp"
#include "levels.hpp"
#include "row_matrices.hpp"
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

namespace {

// Integer matrices [n, n] with the few operations that the programs take.
struct Dense {
    std::size_t n;
    Matrix at;
    friend Dense operator*(const Dense& a, const Dense& b) {
        Dense c{a.n, Matrix(a.n * a.n, 0)};
        for (std::size_t i = 0; i < a.n; ++i)
            for (std::size_t k = 0; k < a.n; ++k)
                if (const std::int64_t x = a.at[i * a.n + k])
                    for (std::size_t j = 0; j < a.n; ++j) c.at[i * a.n + j] += x * b.at[k * a.n + j];
        return c;
    }
    friend Dense operator*(std::int64_t factor, Dense a) {
        for (auto& x : a.at) x *= factor;
        return a;
    }
    friend Dense operator+(Dense a, const Dense& b) {
        for (std::size_t i = 0; i < a.at.size(); ++i) a.at[i] += b.at[i];
        return a;
    }
    friend Dense operator-(const Dense& a, const Dense& b) { return a + -1 * b; }
};

template <class F>
Dense diagonal(std::size_t n, F&& value) {
    Dense made{n, Matrix(n * n, 0)};
    for (std::size_t u = 0; u < n; ++u) made.at[u * n + u] = value(u);
    return made;
}

// The formulas at the head of graphx/gradco/_tiles.py: products of A and T, an explicit part on the edges (from the
// routine under test), a diagonal, the two matrices of pairs. All of it together is the enumerated matrix.
template <class I>
void check_programs(const TestGraph& g, int threads) {
    const Matrices expected = enumerate(g);
    const std::size_t n = g.size();
    Control control(threads);
    const auto basis = count_edge_basis<I>(g.csr(), control);
    const std::vector<int> keys{k2_1_1, k2_4_5, k2_5_4, k2_6_6, k2_9_10, k2_10_9, k3_4_4, k2_8_8, k2_12_12};
    const auto parts = edge_parts(basis, keys, control);
    const auto known = [&](int key) { return Dense{n, expected[static_cast<std::size_t>(key)]}; };
    const auto part = [&](std::size_t i) { return Dense{n, dense(parts[i], g.csr())}; };
    const auto degree = [&](std::size_t u) { return g.indptr[u + 1] - g.indptr[u]; };
    const auto triangles = [&](std::size_t u) { return static_cast<std::int64_t>(basis.triangles[u]); };
    const auto around = [&](std::size_t u) {
        std::int64_t sum = 0;
        for (std::size_t v = 0; v < n; ++v) sum += g.adjacent[u][v] ? degree(v) : 0;
        return sum;
    };
    const Dense a = known(k1_0_0), t = known(k1_3_3), q = known(k2_12_12), square = known(k2_8_8);
    const Dense d = diagonal(n, degree), tau = diagonal(n, triangles), less = diagonal(n, [&](std::size_t u) { return degree(u) - 1; }),
                fewer = diagonal(n, [&](std::size_t u) { return degree(u) - 2; });
    CHECK((a * a + part(0) - d).at == expected[k2_1_1]);
    const Dense rest = 2 * tau - d * less - 2 * square;
    CHECK((a * known(k1_1_2) + part(1) + rest).at == expected[k2_4_5]);
    CHECK((known(k1_2_1) * a + part(2) + rest).at == expected[k2_5_4]);
    CHECK((a * (fewer * a - t) - t * a + part(3) + 2 * q + 2 * d - diagonal(n, around) + 4 * tau).at == expected[k2_6_6]);
    CHECK((a * t + part(4) - 2 * tau - 2 * q).at == expected[k2_9_10]);
    CHECK((t * a + part(5) - 2 * tau - 2 * q).at == expected[k2_10_9]);
    CHECK((a * (a * a - t - less) - t * a - d * a + part(6) + 2 * tau + 2 * q).at == expected[k3_4_4]);
    for (const std::size_t none : {7, 8}) CHECK_EQ(parts[none].values.size(), 0u);
}

}  // namespace

TEST(edge_parts_complete_the_programs_of_products) {
    for (const auto& [name, graph] : families())
        for (const char* level : levels()) {
            const AtLevel at(level);
            check_programs<std::int32_t>(graph, 1);
            check_programs<std::int64_t>(graph, 3);
        }
}

TEST(parts_of_families_equal_enumeration_at_every_level) {
    for (const auto& [name, graph] : families())
        for (const char* level : levels()) {
            const AtLevel at(level);
            parts_equal_enumeration<std::int32_t>(graph, 2);
        }
}

TEST(pairs_across_squares_and_diamonds_are_as_defined) {
    const TestGraph graphs[] = {random_graph(120, 0.08, 2), random_graph(90, 0.2, 3), relabelled(with_hub(100, 0.06, 4), random_order(100, 1)),
                                grid(9, 11), bipartite(20, 31)};
    for (const TestGraph& g : graphs) {
        const auto sums = pair_sums(g);
        Matrix squares = sums[0];
        for (std::size_t i = 0; i < squares.size(); ++i) squares[i] = sums[0][i] * (sums[0][i] - 1) / 2 - sums[4][i];
        for (const int threads : {1, 3}) {
            Control control(threads);
            const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
            const auto tables = make_row_tables(basis, kHop2Keys, control);
            CHECK(tables.has_lists());
            const auto pairs = square_pairs(basis, tables, std::int64_t{1} << 30, control);
            CHECK(pairs.fits);
            CHECK(dense(pairs.squares, g.csr()) == squares);
            CHECK(dense(pairs.diamonds, g.csr()) == sums[4]);
        }
    }
}

// Sixteen bytes for each entry right of the diagonal: they fit to the last, whatever the number of threads.
TEST(pairs_are_made_where_they_fit_and_else_not_at_all) {
    const TestGraph g = random_graph(80, 0.15, 5);
    for (const int threads : {1, 2, 5}) {
        Control control(threads);
        const auto basis = count_edge_basis<std::int64_t>(g.csr(), control);
        const auto tables = make_row_tables(basis, kHop2Keys, control);
        const auto all = square_pairs(basis, tables, std::int64_t{1} << 30, control);
        const auto bytes = static_cast<std::int64_t>(8 * (all.squares.indices.size() + all.diamonds.indices.size()));
        CHECK(bytes > 0 && all.diamonds.indices.size() > 0);
        const auto exact = square_pairs(basis, tables, bytes, control);
        CHECK(exact.fits);
        CHECK(dense(exact.squares, g.csr()) == dense(all.squares, g.csr()));
        for (const std::int64_t less : {bytes - 1, bytes / 2, std::int64_t{0}}) {
            const auto none = square_pairs(basis, tables, less, control);
            CHECK(!none.fits);
            CHECK_EQ(none.squares.values.size() + none.diamonds.values.size() + none.squares.indptr.size(), 0u);
        }
    }
    Control control(1);
    const TestGraph tree = star(5);  // nothing to keep fits into nothing
    const auto basis = count_edge_basis<std::int32_t>(tree.csr(), control);
    CHECK(square_pairs(basis, make_row_tables(basis, kHop2Keys, control), 0, control).fits);
}

TEST(parts_stop_when_asked) {
    const TestGraph g = random_graph(150, 0.1, 1);
    for (const int threads : {1, 3}) {
        Control control(threads);
        const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
        const auto tables = make_row_tables(basis, kHop2Keys, control);
        control.request_stop();
        CHECK_THROWS(Cancelled, edge_parts(basis, {k1_4_5, k2_6_6}, control));
        CHECK_THROWS(Cancelled, square_pairs(basis, tables, 1 << 30, control));
    }
}
