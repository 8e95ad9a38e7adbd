#include <vector>

#include "graphs.hpp"
#include "graphx/orbits.hpp"
#include "graphx/rows.hpp"
#include "graphx/spmm.hpp"
#include "test.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

template <class I>
std::vector<std::int64_t> dense(const EdgeBasis<I>& basis, const RowTables<I>& tables, int key, std::int64_t bytes,
                                Control& control) {
    const auto n = static_cast<std::size_t>(basis.graph.num_nodes);
    std::vector<std::int64_t> made(n * n, 0);
    RowStream<I> stream(basis, tables, kAllKeys);
    while (stream.next(bytes, control)) {
        const auto entries = static_cast<std::size_t>(stream.num_entries(key));
        std::vector<std::int64_t> indptr(static_cast<std::size_t>(stream.stop() - stream.start()) + 1);
        std::vector<std::int32_t> indices(entries);
        std::vector<I> values(entries);
        stream.copy({{key, 0, indptr.data(), indices.data(), values.data(), static_cast<int>(sizeof(I))}}, control);
        for (std::int64_t u = stream.start(); u < stream.stop(); ++u)
            for (std::int64_t i = indptr[u - stream.start()]; i < indptr[u - stream.start() + 1]; ++i)
                made[static_cast<std::size_t>(u) * n + static_cast<std::size_t>(indices[i])] = values[i];
    }
    return made;
}

template <class I>
void equals_enumeration(const TestGraph& g, int threads) {
    const Matrices expected = enumerate(g);
    Control control(threads);
    const auto basis = count_edge_basis<I>(g.csr(), control);
    const auto tables = make_row_tables(basis, kAllKeys, control);
    const auto sums = summarize_rows(basis, tables, kAllKeys, control);
    for (int key = 0; key < kNumKeys; ++key) {
        for (const std::int64_t bytes : {std::int64_t{1}, std::int64_t{1} << 20})
            CHECK(dense(basis, tables, key, bytes, control) == expected[key]);
        std::int64_t total = 0, most = 0, nonzeros = 0;
        for (const std::int64_t value : expected[key]) {
            total += value;
            most = std::max(most, value);
            nonzeros += value != 0;
        }
        CHECK_EQ(sums[key].total, total);
        CHECK_EQ(sums[key].maximum, most);
        CHECK_EQ(sums[key].num_nonzeros, nonzeros);
    }
}

}  // namespace

TEST(orbits_equal_enumeration) {
    for (unsigned seed = 0; seed < 6; ++seed)
        for (const double density : {0.1, 0.3, 0.7, 1.0})
            for (const int threads : {1, 3}) {
                equals_enumeration<std::int32_t>(random_graph(5 + 3 * seed, density, seed), threads);
                equals_enumeration<std::int64_t>(random_graph(5 + 3 * seed, density, seed), threads);
            }
    equals_enumeration<std::int32_t>(random_graph(0, 0.5, 0), 2);
    equals_enumeration<std::int32_t>(random_graph(1, 0.5, 0), 2);
    equals_enumeration<std::int32_t>(star(24), 2);
}

// 34 nodes of degree above 64: bitsets of several words inside neighbourhoods, dense tiles of hop 3.
TEST(orbits_of_dense_graphs_agree_between_widths_and_threads) {
    const TestGraph g = random_graph(150, 0.6, 9);
    Control one(1), four(4);
    const auto narrow = count_edge_basis<std::int32_t>(g.csr(), one);
    const auto wide = count_edge_basis<std::int64_t>(g.csr(), four);
    const auto a = make_row_tables(narrow, kAllKeys, one);
    const auto b = make_row_tables(wide, kAllKeys, four);
    CHECK(!a.has_lists());
    for (const int key : {+k1_14_14, +k2_9_10, +k2_12_12, +k3_4_4})
        CHECK(dense(narrow, a, key, 1 << 16, one) == dense(wide, b, key, 1 << 18, four));
}

TEST(degrees_of_a_star_beyond_int32) {
    const std::int64_t leaves = 60000;
    std::vector<std::int64_t> indptr{0, leaves};
    std::vector<std::int32_t> indices;
    for (std::int64_t v = 1; v <= leaves; ++v) indices.push_back(static_cast<std::int32_t>(v));
    for (std::int64_t v = 1; v <= leaves; ++v) {
        indices.push_back(0);
        indptr.push_back(leaves + v);
    }
    Control control(2);
    const Csr csr{leaves + 1, indptr.data(), indices.data()};
    const auto basis = count_edge_basis<std::int64_t>(csr, control);
    std::vector<std::int64_t> degrees(static_cast<std::size_t>(leaves + 1) * 15);
    graphlet_degrees(basis, degrees.data(), control);
    CHECK_EQ(degrees[2], leaves * (leaves - 1) / 2);
    CHECK_EQ(degrees[7], leaves * (leaves - 1) * (leaves - 2) / 6);
    CHECK_EQ(degrees[15 + 6], (leaves - 1) * (leaves - 2) / 2);
}

TEST(products_equal_matrices) {
    const TestGraph g = random_graph(40, 0.3, 4);
    const auto n = static_cast<std::int64_t>(g.size());
    Control control(3);
    const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
    const auto tables = make_row_tables(basis, kAllKeys, control);
    const Matrices expected = enumerate(g);
    for (const std::int64_t columns : {1, 5, 37, 130}) {
        std::vector<std::int64_t> x(static_cast<std::size_t>(n * columns)), out(x.size());
        for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::int64_t>(i * 7919 % 101) - 50;
        auto product = [&](const std::vector<std::int64_t>& m) {
            std::vector<std::int64_t> y(x.size(), 0);
            for (std::int64_t u = 0; u < n; ++u)
                for (std::int64_t v = 0; v < n; ++v)
                    for (std::int64_t j = 0; j < columns; ++j) y[u * columns + j] += m[u * n + v] * x[v * columns + j];
            return y;
        };
        multiply_rows(basis, tables, k2_8_8, x.data(), columns, out.data(), control);
        CHECK(out == product(expected[k2_8_8]));
        std::vector<std::int32_t> values(static_cast<std::size_t>(g.csr().num_entries()));
        hop1_values(basis, k1_9_11, values.data(), control);
        Product<std::int32_t, std::int64_t> p;
        p.pattern = g.csr();
        p.values = values.data();
        p.x = x.data();
        p.out = out.data();
        p.columns = columns;
        multiply(p, control);
        CHECK(out == product(expected[k1_9_11]));
        // B B^T = K on edges, 12_12 on pairs at distance two, triangles at the node on the diagonal.
        std::vector<std::int64_t> gram(expected[k2_12_12]);
        for (std::size_t i = 0; i < gram.size(); ++i) gram[i] += expected[k1_14_14][i];
        for (std::int64_t u = 0; u < n; ++u) gram[u * n + u] = basis.triangles[static_cast<std::size_t>(u)];
        std::fill(out.begin(), out.end(), 0);
        multiply_triangles(make_triangle_lists(basis, control), x.data(), columns, 1, out.data(), control);
        CHECK(out == product(gram));
    }
}

namespace {

struct Blocks {  // what a stream made: where each block ends, and all entries of (3, 4, 4), one after the other
    std::vector<std::int64_t> stops;
    std::vector<std::int32_t> values;
    bool operator==(const Blocks&) const = default;
};

// Takes up to `most` blocks of the stream; every `skip`-th is not copied.
template <class I>
Blocks take(RowStream<I>& stream, Control& control, std::size_t most, std::size_t skip = 0) {
    Blocks made;
    while (made.stops.size() < most && stream.next(1 << 12, control)) {
        const auto entries = static_cast<std::size_t>(stream.num_entries(k3_4_4)), old = made.values.size();
        made.stops.push_back(stream.stop());
        if (skip && made.stops.size() % skip == 0) continue;
        std::vector<std::int64_t> indptr(static_cast<std::size_t>(stream.stop() - stream.start()) + 1);
        std::vector<std::int32_t> indices(entries);
        std::vector<I> values(entries);
        stream.copy({{k3_4_4, 0, indptr.data(), indices.data(), values.data(), static_cast<int>(sizeof(I))}}, control);
        made.values.resize(old + entries);
        std::copy(values.begin(), values.end(), made.values.begin() + static_cast<std::ptrdiff_t>(old));
    }
    return made;
}

}  // namespace

TEST(a_stream_is_the_same_for_any_number_of_threads) {
    const TestGraph g = random_graph(150, 0.1, 5);
    Control one(1);
    const auto basis = count_edge_basis<std::int32_t>(g.csr(), one);
    const auto tables = make_row_tables(basis, kAllKeys, one);
    RowStream<std::int32_t> alone(basis, tables, kAllKeys);
    const Blocks expected = take(alone, one, 1000);
    CHECK(expected.stops.size() > 10);
    CHECK_EQ(expected.stops.back(), 150);
    for (const int threads : {2, 3, 7}) {
        Control control(threads);
        RowStream<std::int32_t> stream(basis, tables, kAllKeys);
        CHECK(take(stream, control, 1000) == expected);
        CHECK(!stream.next(1 << 12, control));
    }
}

TEST(a_stream_may_be_left_at_any_block_and_blocks_be_skipped) {
    const TestGraph g = random_graph(120, 0.1, 6);
    Control control(3);
    const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
    const auto tables = make_row_tables(basis, kAllKeys, control);
    RowStream<std::int32_t> whole(basis, tables, kAllKeys);
    const Blocks all = take(whole, control, 1000);
    for (std::size_t blocks = 0; blocks < 6; ++blocks) {
        RowStream<std::int32_t> stream(basis, tables, kAllKeys);
        CHECK_EQ(take(stream, control, blocks).stops.size(), blocks);
    }
    RowStream<std::int32_t> some(basis, tables, kAllKeys);
    CHECK(take(some, control, 1000, 2).stops == all.stops);
}

TEST(a_stream_that_was_stopped_takes_up_where_it_was) {
    const TestGraph g = random_graph(120, 0.1, 7);
    Control control(2);
    const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
    const auto tables = make_row_tables(basis, kAllKeys, control);
    RowStream<std::int32_t> whole(basis, tables, kAllKeys), stream(basis, tables, kAllKeys);
    const Blocks all = take(whole, control, 1000);
    Blocks made = take(stream, control, 3);
    Control stopped(2);
    stopped.request_stop();
    bool cancelled = false;
    try {
        take(stream, stopped, 1000);
    } catch (const Cancelled&) {
        cancelled = true;
    }
    CHECK(cancelled);
    const Blocks rest = take(stream, control, 1000);
    made.values.insert(made.values.end(), rest.values.begin(), rest.values.end());
    CHECK(made.values == all.values);
}

TEST(counting_stops_when_asked) {
    const TestGraph g = random_graph(400, 0.5, 1);
    Control control(2, [](std::int64_t) { return true; });
    control.request_stop();
    CHECK_THROWS(Cancelled, count_edge_basis<std::int32_t>(g.csr(), control));
}
