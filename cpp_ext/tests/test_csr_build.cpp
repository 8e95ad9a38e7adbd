// Edges to CSR: sorted rows, merged duplicates, what is counted and what is told; and the checks of a CSR that came.
#include "graphx/csr_build.hpp"

#include <cstdint>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "graphx/synthetic.hpp"
#include "test.hpp"

using namespace graphx;

namespace {

using Ints = std::vector<std::int64_t>;
using Columns = std::vector<std::int32_t>;

BuiltCsr built(const Ints& u, const Ints& v, const BuildOptions& options, const std::vector<double>& w = {}, int threads = 1) {
    Control control(threads);
    return csr_from_arrays(control, u.data(), v.data(), w.empty() ? nullptr : w.data(),
                           static_cast<std::int64_t>(u.size()), options);
}

template <class T>
std::vector<T> list(const Buffer<T>& buffer) {
    return {buffer.data(), buffer.data() + buffer.size()};
}

CsrFault fault(const Ints& indptr, const Columns& indices) {
    Control control(2);
    return check_csr(control, indptr.data(), static_cast<std::int64_t>(indptr.size()) - 1, indices.data(),
                     static_cast<std::int64_t>(indices.size()))
        .kind;
}

CsrFacts facts(const Ints& indptr, const Columns& indices, const double* weights = nullptr) {
    Control control(2);
    return csr_facts(control, Csr{static_cast<std::int64_t>(indptr.size()) - 1, indptr.data(), indices.data()}, weights);
}

}  // namespace

TEST(both_directions_sorted_with_loops_counted) {
    const BuiltCsr csr = built({2, 0, 1, 1}, {0, 1, 1, 0}, {.num_nodes = 3, .duplicates = Duplicates::merge});
    CHECK(list(csr.indptr) == (Ints{0, 2, 4, 5}));
    CHECK(list(csr.indices) == (Columns{1, 2, 0, 1, 0}));
    CHECK_EQ(csr.loops, 1);
    CHECK_EQ(csr.duplicates, 1);
    CHECK_EQ(csr.clash_source, -1);
}

TEST(one_direction_without_loops) {
    const BuiltCsr csr = built({2, 0, 1}, {0, 1, 1}, {.num_nodes = 3, .symmetric = false, .drop_loops = true});
    CHECK(list(csr.indptr) == (Ints{0, 1, 1, 2}));
    CHECK(list(csr.indices) == (Columns{1, 0}));
}

TEST(duplicates_are_told_merged_or_added) {
    const Ints u{0, 0, 1}, v{1, 1, 2};
    const BuiltCsr told = built(u, v, {.num_nodes = 3, .symmetric = false});
    CHECK_EQ(told.clash_source, 0);
    CHECK_EQ(told.clash_target, 1);
    const BuiltCsr uneven = built(u, v, {.num_nodes = 3, .symmetric = false, .duplicates = Duplicates::merge}, {1, 2, 4});
    CHECK_EQ(uneven.clash_source, 0);
    CHECK_EQ(uneven.clash_first + uneven.clash_second, 3.0);
    const BuiltCsr summed = built(u, v, {.num_nodes = 3, .symmetric = false, .duplicates = Duplicates::sum}, {1, 2, 4});
    CHECK(list(summed.weights) == (std::vector<double>{3, 4}));
    CHECK_EQ(summed.duplicates, 1);
}

TEST(many_edges_equal_a_map_for_any_number_of_threads) {
    std::mt19937_64 random(1);
    const std::int64_t nodes = 3000, edges = 200000;
    Ints u(edges), v(edges);
    std::vector<double> w(edges);
    std::map<std::pair<std::int64_t, std::int64_t>, double> expected;
    for (std::int64_t i = 0; i < edges; ++i) {
        u[i] = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(nodes));
        v[i] = static_cast<std::int64_t>(random() % 50);  // crowded columns: many duplicates
        w[i] = static_cast<double>(random() % 8);
        expected[{u[i], v[i]}] += w[i];
    }
    const BuildOptions options{.num_nodes = nodes, .symmetric = false, .duplicates = Duplicates::sum};
    const BuiltCsr one = built(u, v, options, w, 1), three = built(u, v, options, w, 3);
    CHECK(list(one.indptr) == list(three.indptr) && list(one.indices) == list(three.indices));
    CHECK(list(one.weights) == list(three.weights));
    CHECK_EQ(one.indices.size(), expected.size());
    std::size_t place = 0;
    for (const auto& [edge, weight] : expected) {
        CHECK_EQ(one.indices[place], edge.second);
        CHECK_EQ(one.weights[place], weight);
        CHECK(one.indptr[static_cast<std::size_t>(edge.first)] <= static_cast<std::int64_t>(place));
        ++place;
    }
    CHECK_EQ(one.duplicates, edges - static_cast<std::int64_t>(expected.size()));
}

TEST(what_is_no_csr_is_told) {
    CHECK(fault({0, 1, 2}, {1, 0}) == CsrFault::none);
    CHECK(fault({1, 1, 2}, {1, 0}) == CsrFault::start);
    CHECK(fault({0, 2, 1}, {1}) == CsrFault::decreasing);
    CHECK(fault({0, 1, 2}, {1}) == CsrFault::length);
    CHECK(fault({0, 1, 2}, {1, 2}) == CsrFault::range);
    CHECK(fault({0, 1, 2}, {-1, 0}) == CsrFault::range);
    CHECK(fault({0, 2, 2}, {1, 0}) == CsrFault::unsorted);
    CHECK(fault({0, 2, 2}, {1, 1}) == CsrFault::duplicate);
}

TEST(loops_one_way_edges_and_uneven_weights_are_counted) {
    const double weights[] = {1, 5, 9, 5.5, 1, 2};
    // 0: {0, 1, 2}; 1: {0}; 2: {1, 2}: loops at 0 and 2, no way back from 0 to 2 and from 2 to 1; 5 against 5.5, seen from both
    const CsrFacts found = facts({0, 3, 4, 6}, {0, 1, 2, 0, 1, 2}, weights);
    CHECK_EQ(found.loops, 2);
    CHECK_EQ(found.one_way, 2);
    CHECK_EQ(found.uneven, 2);
    CHECK_EQ(found.max_degree, 3);
    CHECK_EQ(facts({0, 3, 4, 6}, {0, 1, 2, 0, 1, 2}).uneven, 0);
}

TEST(barabasi_albert_is_a_star_that_grows) {
    Control control(2);
    Buffer<std::int64_t> u, v, again_u, again_v;
    barabasi_albert(control, 2000, 3, 7, u, v);
    barabasi_albert(control, 2000, 3, 7, again_u, again_v);
    CHECK(list(u) == list(again_u) && list(v) == list(again_v));
    CHECK_EQ(u.size(), 3u * 1997u);
    const BuiltCsr csr = built(list(u), list(v), {.num_nodes = 2000});  // a duplicate would be a clash
    CHECK_EQ(csr.clash_source, -1);
    CHECK_EQ(csr.loops, 0);
    for (std::size_t i = 3; i < u.size(); ++i) CHECK(v[i] < u[i]);
    barabasi_albert(control, 2000, 3, 8, again_u, again_v);
    CHECK(list(v) != list(again_v));
}
