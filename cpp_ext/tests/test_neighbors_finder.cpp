// One worker's way through pairs: whichever way a pair is answered, in whatever order pairs are asked for, and
// restricted to whatever columns, the same neighbours come with the same weights.
#include "graphx/neighbors_finder.hpp"

#include <algorithm>
#include <numeric>

#include "draws.hpp"
#include "every_level.hpp"
#include "sides.hpp"

using namespace graphx;
using namespace graphx::neighbors;
using namespace graphx::test;

namespace {

// The common neighbours of pair b within [low, high), asked for and counted, against those of the two maps.
void check_pair(Finder& finder, const Sides& sides, const Pairs& pairs, std::int64_t b, std::int64_t low,
                std::int64_t high) {
    std::vector<std::int32_t> nodes;
    std::vector<double> weights;
    const auto at = static_cast<std::size_t>(b);
    for (const auto& [u, w] : sides.common(pairs.sources[at], pairs.targets[at]))
        if (u >= low && u < high) {
            nodes.push_back(u);
            weights.push_back(w);
        }
    CHECK_EQ(finder.find(b, false, low, high), static_cast<std::int64_t>(nodes.size()));
    const std::int64_t found = finder.find(b, true, low, high);
    CHECK_EQ(found, static_cast<std::int64_t>(nodes.size()));
    CHECK(std::equal(nodes.begin(), nodes.end(), finder.nodes()));
    if (sides.weighted1 || sides.weighted2)
        CHECK(std::equal(weights.begin(), weights.end(), finder.weights()));
    else
        CHECK(finder.weights() == nullptr);
}

void check_all(Sides& sides, const Pairs& pairs) {
    const PairQuery query = sides.query(pairs);
    const std::int64_t n = sides.columns, middle = n / 128 * 64;
    const std::pair<std::int64_t, std::int64_t> ranges[] = {
        {0, n}, {0, middle}, {middle, n}, {64, 192}, {n / 64 * 64, n}};
    std::vector<std::int64_t> order(static_cast<std::size_t>(pairs.size()));
    std::iota(order.begin(), order.end(), 0);
    at_every_level([&](Simd) {
        Finder finder(query);
        for (const auto& [low, high] : ranges)  // again and again from the first pair, as the backward pass goes
            for (const std::int64_t b : order) {
                finder.prefetch_after(b);
                check_pair(finder, sides, pairs, b, low, high);
            }
        std::shuffle(order.begin(), order.end(), std::mt19937(1));
        for (const std::int64_t b : order) check_pair(finder, sides, pairs, b, 0, n);
    });
}

}  // namespace

TEST(pairs_are_answered_alike_in_every_way_and_range) {
    const std::int64_t n = 577;  // a last word of one bit
    for (int way = 0; way < 32; ++way) {
        const bool w1 = way & 1, w2 = way & 2, bits = way & 4, runs = way & 8, exclude = way & 16;
        Sides sides(random_matrix(14, n, 4), random_matrix(11, n, 5), n, w1, w2, bits, exclude ? 3 : 0,
                    exclude ? 4 : 0);
        check_all(sides, random_pairs(14, 11, 50, runs, static_cast<unsigned>(way)));
    }
}

TEST(long_rows_and_shared_bits_are_answered_alike) {
    for (const std::int64_t n : {std::int64_t{4096}, (std::int64_t{3} << 18) - 5})
        for (int way = 0; way < 6; ++way) {
            Sides sides(hubs(6, n, 7), hubs(6, n, 8), n, way % 2, way == 3, false, way / 2 == 1 ? 3 : 0,
                        way / 2 == 2 ? 2 : 0);
            check_all(sides, random_pairs(6, 6, 14, way % 2, 9));
        }
}

// A long run of pairs of one row makes a set of it; the next run's set must hold nothing of it.
TEST(a_set_is_cleared_for_the_next_row) {
    std::mt19937 random(3);
    Matrix rows;
    for (std::int32_t r = 0; r < 4; ++r) {  // row r holds what is r modulo 4, and 1000
        std::vector<std::int32_t> row{1000};
        for (std::int32_t u = r; u < 800; u += 4) row.push_back(u);
        rows.push(std::move(row), random);
    }
    Matrix all;
    std::vector<std::int32_t> every(1001);
    std::iota(every.begin(), every.end(), 0);
    all.push(every, random);
    Pairs pairs;
    for (int round = 0; round < 3; ++round)
        for (std::int64_t s = 0; s < 4; ++s)
            for (int k = 0; k < 7; ++k) {
                pairs.sources.push_back(s);
                pairs.targets.push_back(0);
            }
    for (const bool weighted : {false, true})
        for (const std::int64_t every1 : {0, 5}) {
            Sides sides(rows, all, 1001, weighted, false, false, every1, 0);
            check_all(sides, pairs);
        }
}

TEST(pairs_that_share_their_targets_are_turned) {
    const Matrix a = random_matrix(5, 90, 1), b = random_matrix(7, 90, 2);
    Pairs pairs{{0, 1, 2, 3, 4, 1}, {6, 6, 6, 2, 2, 2}};
    const PairQuery given = query_of(a.side(false), b.side(true), 90, pairs);
    const PairQuery turned = oriented(given);
    CHECK(turned.sources == given.targets && turned.targets == given.sources);
    CHECK_EQ(turned.first.num_rows, 7);
    CHECK(turned.first.weights != nullptr && turned.second.weights == nullptr);
    CHECK_EQ(turned.num_pairs, 6);
    std::swap(pairs.sources, pairs.targets);
    const PairQuery kept = oriented(query_of(b.side(true), a.side(false), 90, pairs));
    CHECK(kept.sources == pairs.sources.data() && kept.first.weights != nullptr);
    const Pairs none;
    CHECK_EQ(oriented(query_of(a.side(false), b.side(false), 90, none)).num_pairs, 0);
}
