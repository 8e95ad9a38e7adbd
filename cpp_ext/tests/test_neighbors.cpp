// Common neighbours against sets: every way to answer a pair, exclusion, weights, any number of threads, cancelling.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <vector>

#include "draws.hpp"
#include "every_level.hpp"
#include "graphx/neighbors.hpp"
#include "sides.hpp"
#include "stopping.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

struct Question {
    Matrix first, second;
    Pairs pairs;
    std::vector<std::int64_t> absent;
    bool weighted, bits, shared;
    std::int64_t columns;
};

void check(const Question& c, std::int64_t channels = 21) {
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
        if (c.bits) first.bits = exclusion.bits.get();
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

void find_around_chunks(const Matrix& m, const NeighborSide& side, std::int64_t n) {
    std::mt19937 random(6);
    for (const std::int64_t size : {0, 1, 15, 16, 17, 2047, 2048, 2049, 5000}) {
        std::vector<std::int64_t> rows, columns, expected;
        for (std::int64_t k = 0; k < size; ++k) {
            rows.push_back(static_cast<std::int64_t>(random() % 40));
            columns.push_back(static_cast<std::int64_t>(random() % static_cast<unsigned>(n)));
        }
        for (std::size_t k = 0; k < rows.size(); ++k)
            for (std::int64_t e = m.indptr[static_cast<std::size_t>(rows[k])];
                 e < m.indptr[static_cast<std::size_t>(rows[k]) + 1]; ++e)
                if (m.indices[static_cast<std::size_t>(e)] == columns[k]) expected.push_back(e);
        for (const int threads : {1, 4}) {
            Control control(threads);
            const auto found = find_entries(side, rows.data(), columns.data(), size, false, control);
            CHECK(std::equal(found.begin(), found.end(), expected.begin(),
                             expected.end()));  // in the order they were asked for
        }
    }
}

}  // namespace

TEST(common_neighbours_by_every_way) {
    for (bool runs : {false, true})
        for (bool weighted : {false, true})
            for (bool bits : {false, true})
                for (bool exclude : {false, true})
                    for (bool shared : {false, true}) {
                        const std::int64_t rows = 30, columns = 700;
                        Question c{random_matrix(rows, columns, 1),
                                   random_matrix(12, columns, 2),
                                   random_pairs(rows, shared ? rows : 12, 300, runs, 3),
                                   {},
                                   weighted,
                                   bits,
                                   shared,
                                   columns};
                        if (exclude)
                            for (std::int64_t e = 0; e < static_cast<std::int64_t>(c.first.indices.size()); e += 5)
                                c.absent.push_back(e);
                        check(c);
                    }
}

TEST(rows_of_far_different_lengths_and_nodes_that_share_a_bit) {
    for (std::int64_t columns : {std::int64_t{5000}, (std::int64_t{1} << 19) + 77})
        for (bool runs : {false, true})
            for (bool weighted : {false, true})
                for (bool exclude : {false, true}) {
                    Question c{hubs(9, columns, 1),
                               hubs(6, columns, 2),
                               random_pairs(9, 6, 60, runs, 3),
                               {},
                               weighted,
                               false,
                               false,
                               columns};
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
    check(Question{random_matrix(4, 70, 1), random_matrix(4, 70, 1), Pairs{}, {}, false, false, true, 70});
    Matrix empty;
    empty.indptr = {0, 0, 0};
    check(Question{empty, empty, Pairs{{0, 1}, {1, 1}}, {}, false, true, true, 0});
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

namespace {

// Every answer of a query with both sides weighted, with bit rows or with absent entries, in whole numbers.
void check_answers(Sides& sides, const Pairs& pairs) {
    const PairQuery query = sides.query(pairs);
    const bool weighted = sides.weighted1 || sides.weighted2;
    const auto node_weights = wholes<double>(sides.columns, 11);
    std::vector<std::int64_t> counts, rowptr{0}, ptr1{0}, ptr2{0};
    std::vector<std::int32_t> columns, only1, only2;
    std::vector<double> values, scores, plain_scores;
    for (std::size_t b = 0; b < pairs.sources.size(); ++b) {
        const auto common = sides.common(pairs.sources[b], pairs.targets[b]);
        double score = 0, plain = 0;
        for (const auto& [u, w] : common) {
            columns.push_back(u);
            values.push_back(w);
            plain += w;
            score += w * node_weights[static_cast<std::size_t>(u)];
        }
        for (const auto& [u, w] : sides.first.row(pairs.sources[b], sides.absent1, false))
            if (!common.count(u)) only1.push_back(u);
        for (const auto& [u, w] : sides.second.row(pairs.targets[b], sides.absent2, false))
            if (!common.count(u)) only2.push_back(u);
        counts.push_back(static_cast<std::int64_t>(common.size()));
        rowptr.push_back(static_cast<std::int64_t>(columns.size()));
        ptr1.push_back(static_cast<std::int64_t>(only1.size()));
        ptr2.push_back(static_cast<std::int64_t>(only2.size()));
        scores.push_back(score);
        plain_scores.push_back(plain);
    }
    if (!weighted) values.clear();
    const auto same = [](const auto& buffer, const auto& vector) {
        return std::equal(buffer.begin(), buffer.end(), vector.begin(), vector.end());
    };
    at_every_level([&](Simd) {
        for (const int threads : {1, 3}) {
            Control control(threads);
            std::vector<std::int64_t> counted(counts.size(), -1);
            count_common(query, counted.data(), control);
            CHECK(counted == counts);
            std::vector<double> scored(counts.size(), -1);
            score_common(query, node_weights.data(), scored.data(), control);
            CHECK(scored == scores);
            score_common(query, nullptr, scored.data(), control);
            CHECK(scored == plain_scores);
            const auto lists = list_common(query, control);
            CHECK(same(lists.rowptr, rowptr) && same(lists.columns, columns) && same(lists.values, values));
            const auto [first, second] = list_differences(query, control);
            CHECK(same(first.rowptr, ptr1) && same(first.columns, only1) && first.values.size() == 0);
            CHECK(same(second.rowptr, ptr2) && same(second.columns, only2) && second.values.size() == 0);
        }
    });
}

}  // namespace

TEST(answers_for_two_sides_of_every_kind) {
    for (int way = 0; way < 64; ++way) {
        Sides sides(random_matrix(12, 200, 1), random_matrix(10, 200, 2), 200, way & 1, way & 2, way & 4,
                    way & 8 ? 3 : 0, way & 16 ? 2 : 0);
        Pairs pairs = random_pairs(12, 10, 60, way & 32, 3);
        check_answers(sides, pairs);
    }
}

TEST(answers_around_the_pairs_of_a_task) {
    Sides sides(random_matrix(12, 64, 1), random_matrix(10, 64, 2), 64, true, false, false, 0, 3);
    for (const std::size_t size : {1, 31, 32, 33, 255, 256, 257, 512, 513})
        check_answers(sides, random_pairs(12, 10, size, true, 3));
}

TEST(answers_for_complete_and_star_graphs) {
    std::mt19937 random(1);
    Matrix complete, star;
    for (std::int32_t u = 0; u < 130; ++u) {
        std::vector<std::int32_t> others, leaves;
        for (std::int32_t v = 0; v < 130; ++v) {
            if (v != u) others.push_back(v);
            if (v != u && (u == 0 || v == 0)) leaves.push_back(v);
        }
        complete.push(others, random);
        star.push(leaves, random);
    }
    std::vector<std::int64_t> counts(3);
    const Pairs pairs{{0, 5, 5}, {1, 9, 5}};
    Control control(2);
    for (const bool bits : {false, true}) {
        Sides k(complete, complete, 130, false, false, bits, 0, 0), s(star, star, 130, false, false, bits, 0, 0);
        count_common(k.query(pairs), counts.data(), control);
        CHECK((counts == std::vector<std::int64_t>{128, 128, 129}));
        count_common(s.query(pairs), counts.data(), control);
        CHECK((counts ==
               std::vector<std::int64_t>{0, 1, 1}));  // two leaves share the centre, a leaf and the centre nothing
        check_answers(k, pairs);
        check_answers(s, pairs);
    }
}

TEST(bit_rows_hold_the_entries_and_exclusion_takes_them_out) {
    for (const std::int64_t columns : {1, 63, 64, 65, 200})
        for (const std::int64_t rows : {1, 63, 64, 65, 127, 128, 129, 300}) {
            std::mt19937 random(static_cast<unsigned>(rows + columns));
            Matrix m;
            for (std::int64_t r = 0; r < rows; ++r) {
                std::vector<std::int32_t> row;
                for (std::int64_t u = 0; u < columns; ++u)
                    if (random() % 3 == 0 && r % 5 != 2) row.push_back(static_cast<std::int32_t>(u));
                m.push(row, random);
            }
            std::vector<std::int64_t> absent;
            for (std::int64_t e = 0; e < m.entries(); ++e)
                if (random() % 4 == 0) absent.push_back(e);
            std::vector<std::int64_t> twice(absent);  // in any order, and some of them twice
            twice.insert(twice.end(), absent.begin(), absent.begin() + static_cast<std::ptrdiff_t>(absent.size() / 2));
            std::shuffle(twice.begin(), twice.end(), random);
            for (const int threads : {1, 3}) {
                Control control(threads);
                NeighborSide side = m.side(false);
                const auto bits = make_bits(side, columns, control);
                side.bits = bits.data();
                const auto made =
                    make_exclusion(side, columns, twice.data(), static_cast<std::int64_t>(twice.size()), control);
                const std::int64_t words = (columns + 63) / 64;
                CHECK_EQ(bits.size(), static_cast<std::size_t>(rows * words));
                side.absent = made.absent.data();
                for (std::int64_t r = 0; r < rows; ++r) {
                    const auto all = m.row(r, {}, false), left = m.row(r, absent, false);
                    for (std::int32_t u = 0; u < words * 64; ++u) {
                        const auto at = static_cast<std::size_t>(r * words + u / 64);
                        CHECK_EQ(bits[at] >> (u % 64) & 1, all.count(u));
                        CHECK_EQ(made.bits[at] >> (u % 64) & 1, left.count(u));
                    }
                }
                for (std::int64_t e = 0; e < m.entries(); ++e)
                    CHECK_EQ(side.is_absent(e), std::binary_search(absent.begin(), absent.end(), e));
            }
        }
}

TEST(entries_are_found_around_the_searches_of_a_chunk) {
    for (const bool by_bits : {false, true}) {
        const std::int64_t n = by_bits ? 40 : 300;  // rows are searched in any matrix, bits counted in a square one
        const Matrix m = random_matrix(40, n, 5);
        NeighborSide side = m.side(false);
        Control one(1);
        const auto bits = make_bits(side, n, one);
        if (by_bits) side.bits = bits.data();
        find_around_chunks(m, side, n);
    }
}

TEST(entries_of_bit_rows_are_those_of_searches) {
    for (const std::int64_t n : {1, 63, 64, 65, 128, 700}) {
        const Matrix m = random_matrix(n, n, static_cast<unsigned>(n));
        const Pairs pairs = random_pairs(n, n, 3000, false, 3);
        at_every_level([&](Simd) {
            Control control(2);
            NeighborSide side = m.side(false);
            const auto find = [&] {
                return find_entries(side, pairs.sources.data(), pairs.targets.data(), 3000, true, control);
            };
            const auto searched = find();
            const auto bits = make_bits(side, n, control);
            side.bits = bits.data();
            const auto counted = find();
            CHECK(n == 1 || searched.size() > 0);
            CHECK(std::equal(counted.begin(), counted.end(), searched.begin(), searched.end()));
        });
    }
}

TEST(counting_listing_and_scoring_stop_in_the_middle) {
    const Matrix a = random_matrix(30, 200, 1);
    const Pairs pairs = random_pairs(30, 30, 2000, false, 3);
    const PairQuery query = query_of(a.side(false), a.side(false), 200, pairs);
    std::vector<std::int64_t> counts(2000, -1);
    check_stops([&](Control& c) { count_common(query, counts.data(), c); }, 4);
    CHECK(counts.front() >= 0 && counts.back() == -1);
    std::vector<double> scores(2000, -1);
    check_stops([&](Control& c) { score_common(query, nullptr, scores.data(), c); }, 4);
    CHECK(scores.front() >= 0 && scores.back() == -1);
    check_stops([&](Control& c) { list_common(query, c); }, 3);
    check_stops([&](Control& c) { list_differences(query, c); }, 3);
}
