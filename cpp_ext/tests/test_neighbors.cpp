// Common neighbours against sets: every way to answer a pair, exclusion, weights, any number of threads, cancelling.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <random>
#include <vector>

#include "graphx/neighbors.hpp"
#include "test.hpp"

using namespace graphx;

namespace {

struct Matrix {
    std::vector<std::int64_t> indptr{0};
    std::vector<std::int32_t> indices;
    std::vector<double> weights;

    NeighborSide side(bool weighted) const {
        NeighborSide out;
        out.num_rows = static_cast<std::int64_t>(indptr.size()) - 1;
        out.indptr = indptr.data();
        out.indices = indices.data();
        out.weights = weighted ? weights.data() : nullptr;
        return out;
    }
    std::map<std::int32_t, double> row(std::int64_t r, const std::vector<std::int64_t>& absent, bool weighted) const {
        std::map<std::int32_t, double> out;
        for (std::int64_t e = indptr[r]; e < indptr[r + 1]; ++e)
            if (std::find(absent.begin(), absent.end(), e) == absent.end()) out[indices[e]] = weighted ? weights[e] : 1.0;
        return out;
    }
};

// Rows of very different lengths, the first and last empty.
Matrix random_matrix(std::int64_t rows, std::int64_t columns, unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> uniform;
    Matrix m;
    for (std::int64_t r = 0; r < rows; ++r) {
        const double density = r == 0 || r == rows - 1 ? 0.0 : std::pow(static_cast<double>(r) / rows, 4.0);
        for (std::int64_t u = 0; u < columns; ++u)
            if (uniform(random) < density) {
                m.indices.push_back(static_cast<std::int32_t>(u));
                m.weights.push_back(1.0 + static_cast<double>(random() % 7));
            }
        m.indptr.push_back(static_cast<std::int64_t>(m.indices.size()));
    }
    return m;
}

struct Pairs {
    std::vector<std::int64_t> sources, targets;
};

Pairs random_pairs(std::int64_t rows1, std::int64_t rows2, std::size_t size, bool runs, unsigned seed) {
    std::mt19937 random(seed);
    Pairs p;
    for (std::size_t b = 0; b < size; ++b) {
        p.sources.push_back(runs && b % 40 ? p.sources.back() : static_cast<std::int64_t>(random() % rows1));
        p.targets.push_back(static_cast<std::int64_t>(random() % rows2));
    }
    return p;
}

struct Case {
    Matrix first, second;
    Pairs pairs;
    std::vector<std::int64_t> absent;
    bool weighted, bits, shared;
    std::int64_t columns;
};

void check(const Case& c, std::int64_t channels = 21) {
    Control one(1);
    NeighborSide first = c.first.side(c.weighted);
    NeighborSide second = c.shared ? first : c.second.side(c.weighted);
    Buffer<std::uint64_t> bits1, bits2;
    if (c.bits) {
        bits1 = make_bits(first, c.columns, one);
        bits2 = make_bits(second, c.columns, one);
        first.bits = bits1.data();
        second.bits = c.shared ? bits1.data() : bits2.data();
    }
    Exclusion exclusion;
    if (!c.absent.empty()) {
        exclusion = make_exclusion(first, c.columns, c.absent.data(), static_cast<std::int64_t>(c.absent.size()),
                                   one);
        first.absent = exclusion.absent.data();
        if (c.bits) first.bits = exclusion.bits.data();
        if (c.shared) second = first;
    }
    const PairQuery query{first, second, c.columns, c.pairs.sources.data(), c.pairs.targets.data(),
                          static_cast<std::int64_t>(c.pairs.sources.size())};
    const auto size = c.pairs.sources.size();
    std::mt19937 random(9);
    std::vector<double> x(static_cast<std::size_t>(c.columns * channels)), g(size * channels);
    for (auto& v : x) v = static_cast<double>(random() % 17) - 8;
    for (auto& v : g) v = static_cast<double>(random() % 17) - 8;

    std::vector<std::int64_t> counts(size);
    std::vector<double> scores(size), sums(size * channels), grad(x.size(), 0.0);
    std::vector<std::int32_t> common, only[2];
    for (std::size_t b = 0; b < size; ++b) {
        const auto r1 = c.first.row(c.pairs.sources[b], c.absent, c.weighted);
        const auto r2 = (c.shared ? c.first : c.second)
                            .row(c.pairs.targets[b], c.shared ? c.absent : std::vector<std::int64_t>{}, c.weighted);
        for (const auto& [u, w] : r1) {
            const auto at = r2.find(u);
            if (at == r2.end()) {
                only[0].push_back(u);
                continue;
            }
            common.push_back(u);
            ++counts[b];
            scores[b] += w * at->second;
            for (std::int64_t j = 0; j < channels; ++j) {
                sums[b * channels + j] += w * at->second * x[u * channels + j];
                grad[u * channels + j] += w * at->second * g[b * channels + j];
            }
        }
        for (const auto& [u, w] : r2)
            if (!r1.count(u)) only[1].push_back(u);
    }
    for (const char* level : {"plain", "avx2", "avx512"}) {
        setenv("GRAPHX_SIMD", level, 1);
        for (int threads : {1, 3}) {
            Control control(threads);
            std::vector<std::int64_t> got(size);
            count_common(query, got.data(), control);
            CHECK(got == counts);
            std::vector<double> scored(size);
            score_common(query, nullptr, scored.data(), control);
            CHECK(scored == scores);
            const auto lists = list_common(query, control);
            CHECK(std::equal(lists.columns.begin(), lists.columns.end(), common.begin(), common.end()));
            CHECK_EQ(lists.values.size(), c.weighted ? common.size() : 0U);
            const auto differences = list_differences(query, control);
            CHECK(std::equal(differences.first.columns.begin(), differences.first.columns.end(), only[0].begin(),
                             only[0].end()));
            CHECK(std::equal(differences.second.columns.begin(), differences.second.columns.end(), only[1].begin(),
                             only[1].end()));
            std::vector<double> pooled(sums.size()), spread(x.size());
            pool_common(query, x.data(), channels, pooled.data(), got.data(), control);
            CHECK(pooled == sums);  // small whole numbers: exact
            CHECK(got == counts);
            pool_common_backward(query, counts.data(), g.data(), channels, spread.data(), control);
            CHECK(spread == grad);
        }
    }
    unsetenv("GRAPHX_SIMD");
}

}  // namespace

TEST(common_neighbours_by_every_way) {
    for (bool runs : {false, true})
        for (bool weighted : {false, true})
            for (bool bits : {false, true})
                for (bool exclude : {false, true})
                    for (bool shared : {false, true}) {
                        const std::int64_t rows = 30, columns = 700;
                        Case c{random_matrix(rows, columns, 1), random_matrix(12, columns, 2),
                               random_pairs(rows, shared ? rows : 12, 300, runs, 3), {}, weighted, bits, shared, columns};
                        if (exclude)
                            for (std::int64_t e = 0; e < static_cast<std::int64_t>(c.first.indices.size()); e += 5)
                                c.absent.push_back(e);
                        check(c);
                    }
}

// Hubs and small rows, so that short rows are searched in long ones, and nodes that share a bit with others.
Matrix hubs(std::int64_t rows, std::int64_t columns, unsigned seed) {
    std::mt19937 random(seed);
    Matrix m;
    for (std::int64_t r = 0; r < rows; ++r) {
        const std::size_t size = r % 3 == 0 ? 3000 : r % 3 == 1 ? 12 : 150;
        std::vector<std::int32_t> row;
        // half of the columns repeat at distances of 2^18, where sets fold them onto one bit
        for (std::size_t k = 0; k < size; ++k)
            row.push_back(static_cast<std::int32_t>(k % 2 ? random() % columns : ((random() % 900) + ((random() % 3) << 18)) % columns));
        std::sort(row.begin(), row.end());
        row.erase(std::unique(row.begin(), row.end()), row.end());
        for (auto u : row) {
            m.indices.push_back(u);
            m.weights.push_back(1.0 + static_cast<double>(random() % 7));
        }
        m.indptr.push_back(static_cast<std::int64_t>(m.indices.size()));
    }
    return m;
}

TEST(rows_of_far_different_lengths_and_nodes_that_share_a_bit) {
    for (std::int64_t columns : {std::int64_t{5000}, (std::int64_t{1} << 19) + 77})
        for (bool runs : {false, true})
            for (bool weighted : {false, true})
                for (bool exclude : {false, true}) {
                    Case c{hubs(9, columns, 1), hubs(6, columns, 2), random_pairs(9, 6, 60, runs, 3), {}, weighted, false,
                           false, columns};
                    if (exclude)
                        for (std::int64_t e = 0; e < static_cast<std::int64_t>(c.first.indices.size()); e += 3)
                            c.absent.push_back(e);
                    check(c, columns > 100'000 ? 1 : 5);
                    std::swap(c.pairs.sources, c.pairs.targets);  // runs of targets: the two sides change places
                    for (auto& r : c.pairs.sources) r %= 9;
                    for (auto& r : c.pairs.targets) r %= 6;
                    check(c, columns > 100'000 ? 1 : 5);
                }
}

TEST(sums_of_every_width_in_both_number_types) {
    const auto m = random_matrix(20, 300, 1);
    const auto pairs = random_pairs(20, 20, 80, true, 3);
    for (bool weighted : {false, true}) {
        const PairQuery query{m.side(weighted), m.side(weighted), 300, pairs.sources.data(), pairs.targets.data(), 80};
        for (std::int64_t channels : {1, 7, 8, 16, 40, 64, 200, 300}) {
            std::vector<float> x(static_cast<std::size_t>(300 * channels));
            for (std::size_t k = 0; k < x.size(); ++k) x[k] = static_cast<float>(k * 2654435761U % 9);
            std::vector<float> g(static_cast<std::size_t>(80 * channels), 2.0F);
            for (const char* level : {"plain", "avx2", "avx512"}) {
                setenv("GRAPHX_SIMD", level, 1);
                Control control(2);
                std::vector<float> out(static_cast<std::size_t>(80 * channels)), grad(x.size());
                std::vector<std::int64_t> counts(80);
                pool_common(query, x.data(), channels, out.data(), counts.data(), control);
                pool_common_backward(query, counts.data(), g.data(), channels, grad.data(), control);
                std::vector<float> slow(out.size()), back(grad.size());
                for (std::size_t b = 0; b < 80; ++b) {
                    const auto r1 = m.row(pairs.sources[b], {}, weighted), r2 = m.row(pairs.targets[b], {}, weighted);
                    for (const auto& [u, w] : r1)
                        if (const auto at = r2.find(u); at != r2.end())
                            for (std::int64_t j = 0; j < channels; ++j) {
                                slow[b * channels + j] += static_cast<float>(w * at->second) * x[u * channels + j];
                                back[u * channels + j] += static_cast<float>(w * at->second) * 2.0F;
                            }
                }
                CHECK(out == slow);  // whole numbers: exact in single precision too
                CHECK(grad == back);
            }
            unsetenv("GRAPHX_SIMD");
        }
    }
}

TEST(entries_that_are_not_there_are_left_out) {
    const auto m = hubs(9, 5000, 1);
    std::vector<std::int64_t> rows, columns, expected;
    for (std::int64_t r = 0; r < 9; ++r)
        for (std::int64_t u = r; u < 5000; u += 7) {
            rows.push_back(r);
            columns.push_back(u);
            const auto* begin = m.indices.data() + m.indptr[r];
            const auto* end = m.indices.data() + m.indptr[r + 1];
            const auto* at = std::lower_bound(begin, end, static_cast<std::int32_t>(u));
            if (at != end && *at == u) expected.push_back(at - m.indices.data());
        }
    for (int threads : {1, 3}) {
        Control control(threads);
        const auto found = find_entries(m.side(false), rows.data(), columns.data(), static_cast<std::int64_t>(rows.size()),
                                        false, control);
        CHECK(std::equal(found.begin(), found.end(), expected.begin(), expected.end()));
    }
    Matrix empty;
    empty.indptr = {0, 0, 0};
    Control control(2);
    const std::int64_t zero[] = {0, 1};
    CHECK_EQ(find_entries(empty.side(false), zero, zero, 2, true, control).size(), 0U);
}

TEST(no_pairs_and_no_columns) {
    check(Case{random_matrix(4, 70, 1), random_matrix(4, 70, 1), Pairs{}, {}, false, false, true, 70});
    Matrix empty;
    empty.indptr = {0, 0, 0};
    check(Case{empty, empty, Pairs{{0, 1}, {1, 1}}, {}, false, true, true, 0});
}

TEST(entries_are_found_in_both_directions) {
    Matrix m;
    m.indptr = {0, 2, 3, 4};
    m.indices = {1, 2, 0, 0};
    const std::int64_t rows[] = {0, 1, 2}, columns[] = {1, 2, 0};
    Control control(2);
    auto found = find_entries(m.side(false), rows, columns, 3, true, control);
    std::sort(found.begin(), found.end());
    const std::vector<std::int64_t> expected{0, 1, 2, 3};
    CHECK(std::equal(found.begin(), found.end(), expected.begin(), expected.end()));
    CHECK_EQ(find_entries(m.side(false), rows, columns, 3, false, control).size(), 2U);
}

TEST(a_request_to_stop_ends_the_counting) {
    const auto m = random_matrix(30, 700, 1);
    const auto pairs = random_pairs(30, 30, 100'000, false, 3);
    const PairQuery query{m.side(false), m.side(false), 700, pairs.sources.data(), pairs.targets.data(), 100'000};
    std::vector<std::int64_t> counts(100'000);
    Control control(2);
    control.request_stop();
    CHECK_THROWS(Cancelled, count_common(query, counts.data(), control));
}
