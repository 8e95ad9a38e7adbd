// Sparse times dense against sums by hand: every kind of value and number, every width and option; triangles as
// incidences, in one tile of columns and in several.
#include "graphx/spmm.hpp"

#include <limits>

#include "draws.hpp"
#include "every_level.hpp"
#include "graphs.hpp"
#include "stopping.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

// Rows of every length from none to two hundred, columns in any number.
struct Sparse {
    std::int64_t columns;
    std::vector<std::int64_t> indptr{0};
    std::vector<std::int32_t> indices;

    Sparse(std::int64_t rows, std::int64_t n, unsigned seed) : columns(n) {
        std::mt19937 random(seed);
        for (std::int64_t u = 0; u < rows; ++u) {
            const std::int64_t most = u % 5 == 0    ? 0
                                      : u % 41 == 7 ? std::min<std::int64_t>(n, 200)
                                                    : static_cast<std::int64_t>(random() % 9);
            std::vector<std::int32_t> row;
            for (std::int64_t k = 0; k < most; ++k)
                row.push_back(static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(n)));
            std::sort(row.begin(), row.end());
            row.erase(std::unique(row.begin(), row.end()), row.end());
            indices.insert(indices.end(), row.begin(), row.end());
            indptr.push_back(static_cast<std::int64_t>(indices.size()));
        }
    }
    std::int64_t rows() const { return static_cast<std::int64_t>(indptr.size()) - 1; }
    Csr csr() const { return {rows(), indptr.data(), indices.data()}; }
};

// What a product should be, in whole numbers, which are exact in every type here.
template <class V, class T>
std::vector<T> slowly(const Product<V, T>& p, const std::vector<T>& before) {
    std::vector<T> made(before);
    for (std::int64_t u = 0; u < p.pattern.num_nodes; ++u)
        for (std::int64_t j = 0; j < p.columns; ++j) {
            std::int64_t sum = 0;
            for (std::int64_t s = p.pattern.indptr[u]; s < p.pattern.indptr[u + 1]; ++s)
                sum += (p.values ? static_cast<std::int64_t>(p.values[s]) : 1) *
                       static_cast<std::int64_t>(p.x[p.pattern.indices[s] * p.columns + j]);
            sum *= p.scale;
            if (p.diagonal) sum += p.diagonal[u] * static_cast<std::int64_t>(p.y[u * p.columns + j]);
            const auto at = static_cast<std::size_t>(u * p.columns + j);
            made[at] = static_cast<T>((p.accumulate ? static_cast<std::int64_t>(before[at]) : 0) + sum);
        }
    return made;
}

template <class V, class T>
void check_products() {
    const Sparse s(90, 70, 3);
    const auto values = wholes<V>(static_cast<std::int64_t>(s.indices.size()), 4, 9);
    const auto diagonal = wholes<std::int64_t>(s.rows(), 5, 30);
    std::vector<std::int64_t> columns = widths(0);
    columns.insert(columns.end(), {144, 255, 256, 257});
    for (const std::int64_t width : columns)
        for (int way = static_cast<int>(width % 2); way < 8; way += 2) {  // half of the ways at each width
            const auto x = wholes<T>(70 * width, 6), y = wholes<T>(90 * width, 7), before = wholes<T>(90 * width, 8);
            Product<V, T> p;
            p.pattern = s.csr();
            p.columns = width;
            p.x = x.data();
            if (way & 1) p.values = values.data();
            if (way & 2) p.diagonal = diagonal.data(), p.y = y.data();
            p.accumulate = way & 4;
            p.scale = way & 4 ? -3 : 2;
            const auto expected = slowly(p, before);
            at_every_level([&](Simd) {
                for (const int threads : {0, 1, 3}) {  // 0: on this thread, as part of another loop
                    Fenced<T> out(90 * width);
                    std::copy(before.begin(), before.end(), out.data());
                    p.out = out.data();
                    Control control(threads);
                    if (threads)
                        multiply(p, control);
                    else
                        multiply_serial(p);
                    CHECK(out.whole());
                    CHECK(out.values() == expected);
                }
            });
        }
}

// B B^T x of the node-triangle-edge incidence, from the definition: for every triangle u v w, the edge v w is one that
// closes it for u, and brings the sum of x over all that v and w have in common.
std::vector<std::int64_t> triangles_slowly(const TestGraph& g, const std::vector<std::int64_t>& x, std::int64_t columns,
                                           std::int64_t scale) {
    const std::size_t n = g.size(), width = static_cast<std::size_t>(columns);
    std::vector<std::int64_t> made(x.size(), 0);
    for (std::size_t v = 0; v < n; ++v)
        for (std::size_t w = v + 1; w < n; ++w) {
            if (!g.adjacent[v][w]) continue;
            std::vector<std::size_t> common;
            for (std::size_t u = 0; u < n; ++u)
                if (g.adjacent[v][u] && g.adjacent[w][u]) common.push_back(u);
            for (const std::size_t u : common)
                for (const std::size_t z : common)
                    for (std::size_t j = 0; j < width; ++j) made[u * width + j] += scale * x[z * width + j];
        }
    return made;
}

template <class I, class T>
void check_triangles(const TestGraph& g, std::int64_t columns) {
    const auto x = wholes<std::int64_t>(static_cast<std::int64_t>(g.size()) * columns, 3);
    const auto expected = triangles_slowly(g, x, columns, -2);
    const std::vector<T> from(x.begin(), x.end());
    for (const int threads : {1, 4}) {
        Control control(threads);
        const auto basis = count_edge_basis<I>(g.csr(), control);
        const TriangleLists lists = make_triangle_lists(basis, control);
        CHECK_EQ(lists.num_nodes, static_cast<std::int64_t>(g.size()));
        CHECK_EQ(static_cast<std::int64_t>(lists.edge_nodes.size()), 3 * basis.num_triangles);
        CHECK_EQ(static_cast<std::int64_t>(lists.node_edges.size()), 3 * basis.num_triangles);
        std::vector<T> out(from.size(), T{100});  // added to
        multiply_triangles(lists, from.data(), columns, -2, out.data(), control);
        for (std::size_t i = 0; i < out.size(); ++i) CHECK_EQ(out[i], static_cast<T>(expected[i] + 100));
    }
}

}  // namespace

TEST(products_of_floats) {
    check_products<std::int32_t, float>();
    check_products<std::int64_t, float>();
}
TEST(products_of_doubles) {
    check_products<std::int32_t, double>();
    check_products<std::int64_t, double>();
}
TEST(products_of_integers) {
    check_products<std::int32_t, std::int64_t>();
    check_products<std::int64_t, std::int64_t>();
}

TEST(products_by_hand) {
    // [[0, 2, 3], [0, 0, 0], [5, 0, 0]] times [1, 10, 100]
    const std::int64_t indptr[] = {0, 2, 2, 3};
    const std::int32_t indices[] = {1, 2, 0}, values[] = {2, 3, 5};
    const double x[] = {1, 10, 100}, y[] = {7, 7, 7};
    const std::int64_t diagonal[] = {1, 2, 3};
    double out[] = {1000, 1000, 1000};
    Product<std::int32_t, double> p;
    p.pattern = {3, indptr, indices};
    p.values = values;
    p.x = x;
    p.out = out;
    p.columns = 1;
    Control control(2);
    multiply(p, control);
    CHECK(out[0] == 320 && out[1] == 0 && out[2] == 5);
    p.values = nullptr, p.scale = 10, p.accumulate = true, p.diagonal = diagonal, p.y = y;
    multiply(p, control);
    CHECK(out[0] == 320 + 1100 + 7 && out[1] == 14 && out[2] == 5 + 10 + 21);
}

TEST(products_have_the_same_bits_for_any_threads_and_columns_among_others) {
    const Sparse s(3000, 500, 9);
    const auto x = normals<float>(500 * 37, 1);
    const auto values = wholes<std::int32_t>(static_cast<std::int64_t>(s.indices.size()), 2, 1000);
    std::vector<float> one(3000 * 37), many(one.size());
    Product<std::int32_t, float> p;
    p.pattern = s.csr();
    p.values = values.data();
    p.columns = 37;
    p.x = x.data();
    p.out = one.data();
    multiply_serial(p);
    p.out = many.data();
    for (const int threads : {2, 7}) {
        Control control(threads);
        multiply(p, control);
        CHECK(one == many);
    }
    for (const std::int64_t j : {0, 15, 16, 35, 36}) {  // a column alone is summed as among others
        std::vector<float> column, alone(3000);
        for (std::int64_t v = 0; v < 500; ++v) column.push_back(x[static_cast<std::size_t>(v * 37 + j)]);
        Product<std::int32_t, float> narrow = p;
        narrow.columns = 1, narrow.x = column.data(), narrow.out = alone.data();
        multiply_serial(narrow);
        for (std::size_t u = 0; u < 3000; ++u) CHECK_EQ(alone[u], one[u * 37 + static_cast<std::size_t>(j)]);
    }
}

TEST(integers_of_any_size_are_multiplied_exactly) {
    const std::int64_t indptr[] = {0, 2}, values[] = {std::int64_t{1} << 40, -3};
    const std::int32_t indices[] = {0, 1};
    const std::int64_t x[] = {(std::int64_t{1} << 21) + 1, std::numeric_limits<std::int64_t>::max() / 8};
    std::int64_t out[1];
    Product<std::int64_t, std::int64_t> p;
    p.pattern = {1, indptr, indices};
    p.values = values, p.x = x, p.out = out, p.columns = 1;
    multiply_serial(p);
    CHECK_EQ(out[0],
             (std::int64_t{1} << 61) + (std::int64_t{1} << 40) - 3 * (std::numeric_limits<std::int64_t>::max() / 8));
}

TEST(triangle_products_match_the_definition) {
    for (const std::int64_t columns : {1, 3, 16, 21}) {
        check_triangles<std::int32_t, std::int64_t>(random_graph(40, 0.3, 1), columns);
        check_triangles<std::int64_t, double>(random_graph(25, 0.7, 2), columns);
        check_triangles<std::int32_t, float>(random_graph(30, 0.1, 3), columns);
        check_triangles<std::int32_t, std::int64_t>(star(20), columns);                 // no triangle at all
        check_triangles<std::int32_t, std::int64_t>(random_graph(9, 1.0, 4), columns);  // a clique
    }
}

TEST(lists_of_triangles_by_hand) {
    // a triangle 0 1 2, with 3 beside the edge 1 2: the edges {0,1} {0,2} {1,2} {1,3} {2,3}, and 4 on a tail
    std::vector<std::vector<char>> adjacent(5, std::vector<char>(5, 0));
    for (const auto& [u, v] : {std::pair{0, 1}, {0, 2}, {1, 2}, {1, 3}, {2, 3}, {3, 4}})
        adjacent[u][v] = adjacent[v][u] = 1;
    const TestGraph g = from_adjacency(adjacent);
    Control control(2);
    const TriangleLists lists = make_triangle_lists(count_edge_basis<std::int32_t>(g.csr(), control), control);
    CHECK_EQ(lists.edge_start.size(), 6U);  // five edges are in triangles
    std::vector<std::int64_t> closing;
    for (std::size_t u = 0; u < 5; ++u) closing.push_back(lists.node_start[u + 1] - lists.node_start[u]);
    CHECK((closing == std::vector<std::int64_t>{1, 2, 2, 1, 0}));  // triangles at each node
    std::vector<std::size_t> sizes;
    for (std::size_t e = 0; e < 5; ++e)
        sizes.push_back(static_cast<std::size_t>(lists.edge_start[e + 1] - lists.edge_start[e]));
    std::sort(sizes.begin(), sizes.end());
    CHECK((sizes == std::vector<std::size_t>{1, 1, 1, 1, 2}));
    // 0 is closed by {1,2}, whose common nodes are 0 and 3
    const std::int64_t e = lists.node_edges[static_cast<std::size_t>(lists.node_start[0])];
    std::vector<std::int32_t> common(lists.edge_nodes.begin() + lists.edge_start[e],
                                     lists.edge_nodes.begin() + lists.edge_start[e + 1]);
    CHECK((common == std::vector<std::int32_t>{0, 3}));
}

TEST(triangle_products_in_tiles_of_columns) {
    // 8,000 cliques of six: 120,000 edges in triangles, so that 70 columns of eight bytes do not fit into one tile. In
    // a clique the ten edges without u have u in common and the four others: those count x[z] for each of six edges.
    const std::int64_t cliques = 8000, n = 6 * cliques, columns = 70;
    std::vector<std::int64_t> indptr{0};
    std::vector<std::int32_t> indices;
    for (std::int64_t u = 0; u < n; ++u) {
        for (std::int64_t v = u / 6 * 6; v < u / 6 * 6 + 6; ++v)
            if (v != u) indices.push_back(static_cast<std::int32_t>(v));
        indptr.push_back(static_cast<std::int64_t>(indices.size()));
    }
    Control control(2);
    const auto basis = count_edge_basis<std::int32_t>(Csr{n, indptr.data(), indices.data()}, control);
    const TriangleLists lists = make_triangle_lists(basis, control);
    const auto x = wholes<std::int64_t>(n * columns, 5);
    std::vector<std::int64_t> out(x.size(), 1);
    multiply_triangles(lists, x.data(), columns, 1, out.data(), control);
    for (std::int64_t u = 0; u < n; u += 37)
        for (std::int64_t j = 0; j < columns; ++j) {
            std::int64_t expected = 1 + 4 * x[static_cast<std::size_t>(u * columns + j)];
            for (std::int64_t z = u / 6 * 6; z < u / 6 * 6 + 6; ++z)
                expected += 6 * x[static_cast<std::size_t>(z * columns + j)];
            CHECK_EQ(out[static_cast<std::size_t>(u * columns + j)], expected);
        }
}

TEST(products_stop_in_the_middle) {
    const Sparse s(3000, 50, 9);
    const std::vector<double> x(50 * 4, 1.0);
    std::vector<double> out(3000 * 4, -7.0);
    Product<std::int32_t, double> p;
    p.pattern = s.csr();
    p.columns = 4;
    p.x = x.data();
    p.out = out.data();
    check_stops([&](Control& control) { multiply(p, control); }, 5);
    CHECK(out.front() != -7.0 && out.back() == -7.0);
    const TestGraph g = random_graph(40, 0.5, 1);
    Control control(1);
    const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
    check_stops([&](Control& c) { make_triangle_lists(basis, c); }, 3);
    const TriangleLists lists = make_triangle_lists(basis, control);
    std::vector<double> sums(40, 0.0), ones(40, 1.0);
    check_stops([&](Control& c) { multiply_triangles(lists, ones.data(), 1, 1, sums.data(), c); }, 6);
    CHECK(sums.back() == 0.0);
}
