// Edges to CSR: sorted rows, merged duplicates, what is counted and what is told; and the checks of a CSR that came.
#include "graphx/csr_build.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <utility>
#include <vector>

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

// ---- against a map, in every combination ----

namespace {

template <bool Weighted>
struct ListedEdges {  // blocks of five edges, so that there are many
    static constexpr bool weighted = Weighted;
    const Ints& u;
    const Ints& v;
    const std::vector<double>& w;
    std::int64_t blocks() const { return (static_cast<std::int64_t>(u.size()) + 4) / 5; }
    std::int64_t size(std::int64_t block) const { return std::min<std::int64_t>(5, static_cast<std::int64_t>(u.size()) - 5 * block); }
    std::int64_t source(std::int64_t block, std::int64_t i) const { return u[static_cast<std::size_t>(5 * block + i)]; }
    std::int64_t target(std::int64_t block, std::int64_t i) const { return v[static_cast<std::size_t>(5 * block + i)]; }
    double weight(std::int64_t block, std::int64_t i) const { return w[static_cast<std::size_t>(5 * block + i)]; }
};

struct Expected {
    Ints indptr;
    Columns indices;
    std::vector<double> weights;
    std::int64_t loops = 0, duplicates = 0, clash_source = -1, clash_target = -1;
    double clash_first = 0, clash_second = 0;
};

Expected expect(const Ints& u, const Ints& v, const std::vector<double>& w, const BuildOptions& options) {
    Expected made;
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<double>> entries;
    for (std::size_t i = 0; i < u.size(); ++i) {
        made.loops += u[i] == v[i];
        if (u[i] == v[i] && options.drop_loops) continue;
        const double weight = w.empty() ? 0 : w[i];
        entries[{u[i], v[i]}].push_back(weight);
        if (options.symmetric && u[i] != v[i]) entries[{v[i], u[i]}].push_back(weight);
    }
    made.indptr.assign(static_cast<std::size_t>(options.num_nodes) + 1, 0);
    for (auto& [entry, weights] : entries) {
        std::sort(weights.begin(), weights.end());
        if (!options.symmetric || entry.second >= entry.first) made.duplicates += static_cast<std::int64_t>(weights.size()) - 1;
        const bool uneven = weights.front() != weights.back();
        const bool clash = options.duplicates == Duplicates::error ? weights.size() > 1
                           : options.duplicates == Duplicates::merge ? uneven
                                                                     : false;
        if (clash && made.clash_source < 0) {
            made.clash_source = entry.first;
            made.clash_target = entry.second;
            made.clash_first = weights.front();
            made.clash_second = options.duplicates == Duplicates::error
                                    ? weights[1]
                                    : *std::upper_bound(weights.begin(), weights.end(), weights.front());
        }
        double sum = weights.front();
        if (options.duplicates == Duplicates::sum)
            for (std::size_t i = 1; i < weights.size(); ++i) sum += weights[i];
        made.indices.push_back(static_cast<std::int32_t>(entry.second));
        if (!w.empty()) made.weights.push_back(sum);
        ++made.indptr[static_cast<std::size_t>(entry.first) + 1];
    }
    for (std::size_t row = 1; row < made.indptr.size(); ++row) made.indptr[row] += made.indptr[row - 1];
    return made;
}

void check_built(const BuiltCsr& csr, const Expected& expected) {
    CHECK(list(csr.indptr) == expected.indptr);
    CHECK(list(csr.indices) == expected.indices);
    CHECK(list(csr.weights) == expected.weights);
    CHECK_EQ(csr.loops, expected.loops);
    CHECK_EQ(csr.duplicates, expected.duplicates);
    CHECK_EQ(csr.clash_source, expected.clash_source);
    CHECK_EQ(csr.clash_target, expected.clash_target);
    CHECK_EQ(csr.clash_first, expected.clash_first);
    CHECK_EQ(csr.clash_second, expected.clash_second);
}

void check_every_build(const Ints& u, const Ints& v, const std::vector<double>& w, std::int64_t nodes) {
    for (const bool symmetric : {true, false})
        for (const bool drop_loops : {true, false})
            for (const Duplicates duplicates : {Duplicates::error, Duplicates::merge, Duplicates::sum}) {
                const BuildOptions options{nodes, symmetric, drop_loops, duplicates};
                const Expected plain = expect(u, v, {}, options), weighted = expect(u, v, w, options);
                for (const int threads : {1, 3}) {
                    Control control(threads);
                    int placed = 0;
                    const auto count = [&] { ++placed; };
                    check_built(built(u, v, options, {}, threads), plain);
                    check_built(detail::build_by_rows(control, ListedEdges<false>{u, v, w}, options, count), plain);
                    if (nodes > 0) check_built(detail::build_by_buckets(control, ListedEdges<false>{u, v, w}, options, count), plain);
                    check_built(build_csr(control, ListedEdges<true>{u, v, w}, options, count), weighted);
                    CHECK_EQ(placed, nodes > 0 ? 3 : 2);
                }
            }
}

}  // namespace

TEST(every_combination_of_options_equals_a_map) {
    std::mt19937_64 random(4);
    const struct {
        std::uint64_t nodes, edges, columns;
    } shapes[] = {{0, 0, 1}, {1, 0, 1}, {1, 4, 1}, {2, 9, 2}, {3, 40, 3}, {64, 30, 64}, {65, 2000, 65}, {1000, 1500, 7}, {5000, 300, 5000}};
    for (const auto& shape : shapes) {
        Ints u, v;
        std::vector<double> w;
        for (std::uint64_t i = 0; i < shape.edges; ++i) {
            u.push_back(static_cast<std::int64_t>(random() % shape.nodes));
            v.push_back(static_cast<std::int64_t>(random() % shape.columns));
            w.push_back(static_cast<double>(random() % 4) - 1.5);
        }
        check_every_build(u, v, w, static_cast<std::int64_t>(shape.nodes));
    }
}

// Enough edges for several blocks, tasks and buckets; a crowded row in the first and the last bucket.
TEST(many_buckets_equal_rows) {
    std::mt19937_64 random(5);
    for (const std::int64_t nodes : {300, 70000}) {
        Ints u, v;
        for (int i = 0; i < 70000; ++i) {
            u.push_back(i % 40 == 0 ? 0 : i % 40 == 1 ? nodes - 1 : static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(nodes)));
            v.push_back(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(nodes)));
        }
        const std::vector<double> none;
        for (const bool symmetric : {true, false}) {
            const BuildOptions options{nodes, symmetric, false, Duplicates::merge};
            const Expected expected = expect(u, v, {}, options);
            for (const int threads : {1, 2}) {
                Control control(threads);
                check_built(built(u, v, options, {}, threads), expected);
                check_built(detail::build_by_rows(control, ListedEdges<false>{u, v, none}, options, [] {}), expected);
            }
        }
    }
}

// Up to 2^22 nodes a row and a column share 32 bits; from there on entries go row by row.
TEST(the_border_of_packed_columns_changes_nothing) {
    const std::int64_t border = std::int64_t{1} << detail::kPackedColumnBits;
    for (const std::int64_t nodes : {border - 1, border, border + 1}) {
        const Ints u{nodes - 1, 0, nodes / 2, nodes - 1, 5, nodes / 2, 0}, v{0, nodes - 1, nodes - 1, nodes - 1, 5, nodes / 2 - 1, 1};
        CHECK_EQ(detail::column_bits(nodes) <= detail::kPackedColumnBits, nodes <= border);
        const BuiltCsr csr = built(u, v, {nodes, true, false, Duplicates::merge}, {}, 2);
        const auto last = static_cast<std::int32_t>(nodes - 1), half = static_cast<std::int32_t>(nodes / 2);
        CHECK(list(csr.indices) == (Columns{1, last, 0, 5, half, half - 1, last, 0, half, last}));
        CHECK_EQ(csr.duplicates, 1);
        CHECK_EQ(csr.loops, 2);
        const std::pair<std::int64_t, std::int64_t> starts[] = {{0, 0}, {1, 2}, {2, 3}, {5, 3}, {6, 4}, {half - 1, 4}, {half, 5}, {half + 1, 7}, {last, 7}, {nodes, 10}};
        for (const auto& [row, start] : starts) CHECK_EQ(csr.indptr[static_cast<std::size_t>(row)], start);
    }
}

TEST(keys_are_sorted_whatever_their_shape) {
    std::mt19937_64 random(6);
    for (const std::int64_t size : {0, 1, 2, 1023, 1024, 1025, 30000})
        for (const int low : {1, 5, 11, 12, 20, 22})
            for (const int rows : {0, 1, 8, 10})
                for (const int shape : {0, 1, 2}) {
                    std::vector<std::uint32_t> keys;
                    for (std::int64_t i = 0; i < size; ++i) {
                        const std::uint64_t row = shape == 1 ? 0 : random() % (std::uint64_t{1} << rows);  // one long row
                        const std::uint64_t column = random() % (std::uint64_t{1} << (shape == 2 ? std::min(low, 9) : low));
                        keys.push_back(static_cast<std::uint32_t>(row << low | column));
                    }
                    std::vector<std::uint32_t> expected = keys, copy = keys, room(keys.size()), more(keys.size());
                    std::sort(expected.begin(), expected.end());
                    std::uint32_t *sorted = keys.data(), *other = room.data();
                    detail::sort_keys(sorted, other, size, low, rows);
                    CHECK(std::equal(expected.begin(), expected.end(), sorted));
                    CHECK(sorted != other || size == 0);
                    sorted = copy.data();
                    other = more.data();
                    detail::radix_sort(sorted, other, size, low + rows);
                    CHECK(std::equal(expected.begin(), expected.end(), sorted));
                }
}

TEST(rows_are_split_into_runs_that_cover_them) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 50; ++round) {
        Ints indptr{0};
        const auto rows = static_cast<std::int64_t>(random() % 40);
        for (std::int64_t row = 0; row < rows; ++row)
            indptr.push_back(indptr.back() + static_cast<std::int64_t>(random() % 3 ? random() % 5 : random() % 900));
        for (const std::int64_t tasks : {1, 2, 7, 100}) {
            std::int64_t next = 0;
            for (std::int64_t task = 0; task < tasks; ++task) {
                const std::int64_t first = detail::row_split(indptr.data(), rows, task, tasks);
                const std::int64_t last = detail::row_split(indptr.data(), rows, task + 1, tasks);
                CHECK_EQ(first, next);
                CHECK(last >= first);
                next = last;
            }
            CHECK_EQ(next, rows);
        }
        for (std::int64_t length = 0; length < 60; ++length) {
            Columns row;
            for (std::int64_t i = 0; i < length; ++i) row.push_back(static_cast<std::int32_t>(random() % 20));
            Columns sorted = row;
            std::sort(sorted.begin(), sorted.end());
            detail::sort_row(row.data(), row.data() + length);
            CHECK(row == sorted);
        }
    }
}

// ---- what came as a CSR ----

TEST(the_first_fault_of_a_long_csr_is_told) {
    const std::int64_t rows = 3000, degree = 40;  // four tasks
    Ints indptr{0};
    Columns indices;
    for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t j = 0; j < degree; ++j) indices.push_back(static_cast<std::int32_t>(j * 70 + row % 70));
        indptr.push_back(static_cast<std::int64_t>(indices.size()));
    }
    const auto size = static_cast<std::int64_t>(indices.size());
    const auto check = [&](CsrFault kind, std::int64_t row, std::int64_t position) {
        for (const int threads : {1, 3}) {
            Control control(threads);
            const CsrCheck found = check_csr(control, indptr.data(), rows, indices.data(), size);
            CHECK(found.kind == kind);
            CHECK_EQ(found.row, row);
            CHECK_EQ(found.position, position);
        }
    };
    check(CsrFault::none, -1, -1);
    for (const std::int64_t row : {2999, 1700, 811, 810, 0}) {  // each earlier than the last
        const std::int64_t at = row * degree + 7;
        const std::int32_t before = indices[static_cast<std::size_t>(at - 1)];
        indices[static_cast<std::size_t>(at)] = row % 2 ? before : before - 1;
        check(row % 2 ? CsrFault::duplicate : CsrFault::unsorted, row, at);
        indices[static_cast<std::size_t>(at - 3)] = row % 2 ? 3000 : -1;
        check(CsrFault::range, row, at - 3);
    }
    indptr[1500] = indptr[1499] - 1;
    check(CsrFault::decreasing, 1499, 1500);
    indptr[0] = 1;
    check(CsrFault::start, 0, 0);
}

TEST(facts_equal_those_of_a_matrix) {
    std::mt19937_64 random(9);
    for (const std::int64_t nodes : {1, 5, 60, 400}) {
        const auto n = static_cast<std::size_t>(nodes);
        std::vector<double> matrix(n * n, 0), weights;
        Ints indptr{0};
        Columns indices;
        for (std::size_t u = 0; u < n; ++u)
            for (std::size_t v = 0; v < n; ++v) {
                if (random() % 3 == 0) matrix[u * n + v] = static_cast<double>(1 + random() % 3);
                if (v < u && random() % 3) matrix[u * n + v] = matrix[v * n + u];  // most, but not all, are even
            }
        for (std::size_t u = 0; u < n; ++u) {
            for (std::size_t v = 0; v < n; ++v) {
                if (matrix[u * n + v] == 0) continue;
                indices.push_back(static_cast<std::int32_t>(v));
                weights.push_back(matrix[u * n + v]);
            }
            indptr.push_back(static_cast<std::int64_t>(indices.size()));
        }
        CsrFacts expected;
        for (std::size_t u = 0; u < n; ++u) {
            expected.max_degree = std::max(expected.max_degree, indptr[u + 1] - indptr[u]);
            for (std::size_t v = 0; v < n; ++v) {
                if (matrix[u * n + v] == 0) continue;
                expected.loops += u == v;
                expected.one_way += matrix[v * n + u] == 0;
                expected.uneven += matrix[v * n + u] != 0 && matrix[v * n + u] != matrix[u * n + v];
            }
        }
        for (const bool weighted : {true, false}) {
            const CsrFacts found = facts(indptr, indices, weighted ? weights.data() : nullptr);
            CHECK_EQ(found.loops, expected.loops);
            CHECK_EQ(found.max_degree, expected.max_degree);
            CHECK_EQ(found.one_way, expected.one_way);
            CHECK_EQ(found.uneven, weighted ? expected.uneven : 0);
        }
    }
    CHECK_EQ(facts({0}, {}).max_degree, 0);
}

TEST(building_and_checking_stop_when_asked) {
    Ints u, v;
    for (std::int64_t i = 0; i < 1000; ++i) {
        u.push_back(i);
        v.push_back((i + 1) % 1000);
    }
    const std::vector<double> w(1000, 1.0);
    const BuiltCsr csr = built(u, v, {.num_nodes = 1000});
    for (const int threads : {1, 3}) {
        Control control(threads);
        control.request_stop();
        for (const double* weights : {static_cast<const double*>(nullptr), w.data()})
            CHECK_THROWS(Cancelled, csr_from_arrays(control, u.data(), v.data(), weights, 1000, {.num_nodes = 1000}));
        CHECK_THROWS(Cancelled, check_csr(control, csr.indptr.data(), 1000, csr.indices.data(), 2000));
        CHECK_THROWS(Cancelled, csr_facts(control, Csr{1000, csr.indptr.data(), csr.indices.data()}, nullptr));
    }
}
