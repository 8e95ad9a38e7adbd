// The innermost loops of common neighbours at every level: searching, bit rows, and sets of bits that nodes may share.
#include "graphx/neighbors_rows.hpp"

#include <algorithm>
#include <set>

#include "draws.hpp"
#include "every_level.hpp"
#include "guarded.hpp"

using namespace graphx;
using namespace graphx::neighbors;
using namespace graphx::test;

namespace {

std::vector<std::int32_t> random_row(std::int64_t size, std::int64_t limit, std::mt19937& random) {
    std::set<std::int32_t> row;
    while (static_cast<std::int64_t>(row.size()) < size)
        row.insert(static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(limit)));
    return {row.begin(), row.end()};
}

using Places = std::vector<std::pair<std::int32_t, std::int32_t>>;

// Positions of equal entries, each looked up on its own.
Places places_of_equals(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
    Places made;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (const auto at = std::find(b.begin(), b.end(), a[i]); at != b.end())
            made.emplace_back(static_cast<std::int32_t>(i), static_cast<std::int32_t>(at - b.begin()));
    return made;
}

void check_search(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
    const Places expected = places_of_equals(a, b);
    const auto na = static_cast<std::int64_t>(a.size()), nb = static_cast<std::int64_t>(b.size());
    at_every_level([&](Simd) {
        const RowKernels rows = row_kernels();
        CHECK_EQ(rows.search_count(a.data(), na, b.data(), nb, nullptr, nullptr),
                 static_cast<std::int64_t>(expected.size()));
        Fenced<std::int32_t> at_a(na + 16), at_b(na + 16);
        const auto found = rows.search_emit(a.data(), na, b.data(), nb, at_a.data(), at_b.data());
        CHECK(at_a.whole() && at_b.whole());
        CHECK_EQ(found, static_cast<std::int64_t>(expected.size()));
        for (std::int64_t k = 0; k < found; ++k) {
            CHECK_EQ(at_a[k], expected[static_cast<std::size_t>(k)].first);
            CHECK_EQ(at_b[k], expected[static_cast<std::size_t>(k)].second);
        }
        if (!rows.compare_count) return;
        CHECK_EQ(rows.compare_count(a.data(), na, b.data(), nb, nullptr), found);
        Fenced<std::int32_t> at(na);
        CHECK_EQ(rows.compare_emit(a.data(), na, b.data(), nb, at.data()), found);
        CHECK(at.whole());
        for (std::int64_t k = 0; k < found; ++k) CHECK_EQ(at[k], at_b[k]);
    });
}

}  // namespace

TEST(short_rows_are_found_in_long_ones) {
    std::mt19937 random(1);
    for (const std::int64_t na : widths())
        for (const std::int64_t nb : {1, 2, 3, 15, 16, 17, 64, 129, 1000}) {
            const std::int64_t limit = 2 * std::max(na, nb);  // so that about half of them are there
            check_search(random_row(na, limit, random), random_row(nb, limit, random));
        }
}

TEST(searches_at_the_ends_of_rows) {
    std::vector<std::int32_t> all, even, odd;
    for (std::int32_t u = 0; u < 400; ++u) {
        all.push_back(u);
        (u % 2 ? odd : even).push_back(u);
    }
    check_search(all, all);
    check_search(even, odd);  // nothing, with an entry between any two
    check_search(even, all);
    constexpr std::int32_t last = 2147483647;
    check_search({0, last}, {0, 5, last});
    check_search({0}, {1, 2, 3});     // before all
    check_search({9, last}, {1, 2});  // behind all
    check_search({1}, {1});
    check_search({last - 1}, {last});
}

TEST(comparing_reads_nothing_outside_the_rows) {
    std::mt19937 random(4);
    for (const std::int64_t na : {1, 7, 8, 9, 16, 17})
        for (const std::int64_t nb : {1, 7, 8, 9, 15, 128})
            for (const bool at_end : {false, true}) {
                const auto a = random_row(na, 40, random), b = random_row(nb, 2 * nb, random);
                Guarded own(a.size() * 4, at_end), other(b.size() * 4, at_end);
                std::copy(a.begin(), a.end(), own.as<std::int32_t>());
                std::copy(b.begin(), b.end(), other.as<std::int32_t>());
                const auto expected = static_cast<std::int64_t>(places_of_equals(a, b).size());
                at_every_level([&](Simd level) {
                    const RowKernels rows = row_kernels();
                    CHECK_EQ(rows.compare_count != nullptr, level != Simd::plain);
                    if (!rows.compare_count) return;
                    CHECK_EQ(rows.compare_count(own.as<std::int32_t>(), na, other.as<std::int32_t>(), nb, nullptr),
                             expected);
                });
            }
}

TEST(bits_of_two_rows_are_counted) {
    std::mt19937_64 random(2);
    for (const std::int64_t words : widths(0)) {
        std::vector<std::uint64_t> a(static_cast<std::size_t>(words)), b(a.size());
        std::int64_t expected = 0;
        for (std::size_t w = 0; w < a.size(); ++w) {
            a[w] = w % 5 == 0 ? ~std::uint64_t{0} : random();
            b[w] = w % 7 == 0 ? ~std::uint64_t{0} : random();
            for (int i = 0; i < 64; ++i) expected += static_cast<std::int64_t>((a[w] >> i & 1) & (b[w] >> i & 1));
        }
        at_every_level([&](Simd) { CHECK_EQ(row_kernels().count_bits(a.data(), b.data(), words), expected); });
    }
}

TEST(marked_entries_are_counted_and_found) {
    std::mt19937 random(3);
    for (const std::int64_t bits : {32, 64, 4096, 262144}) {
        const auto fold = static_cast<std::uint32_t>(bits - 1);
        std::vector<std::uint32_t> mark(static_cast<std::size_t>(bits / 32), 0);
        std::set<std::int64_t> in;
        for (std::int64_t k = 0; k < bits / 3; ++k) {
            const auto at = static_cast<std::int64_t>(random() % static_cast<std::uint32_t>(bits));
            in.insert(at);
            mark[static_cast<std::size_t>(at / 32)] |= 1U << (at % 32);
        }
        for (const std::int64_t size : widths(0)) {
            auto row = random_row(size, std::int64_t{1} << 31, random);
            if (size > 3) row.back() = 2147483647;  // the last node there can be
            std::vector<std::int32_t> expected;
            for (std::size_t k = 0; k < row.size(); ++k)
                if (in.count(row[k] % bits)) expected.push_back(static_cast<std::int32_t>(k));
            at_every_level([&](Simd) {
                const RowKernels rows = row_kernels();
                CHECK_EQ(rows.count_marked(mark.data(), fold, row.data(), size),
                         static_cast<std::int64_t>(expected.size()));
                Fenced<std::int32_t> at(size + 16);
                const std::int64_t found = rows.find_marked(mark.data(), fold, row.data(), size, at.data());
                CHECK(at.whole());
                CHECK_EQ(found, static_cast<std::int64_t>(expected.size()));
                CHECK(std::equal(expected.begin(), expected.end(), at.data()));
            });
        }
    }
}

TEST(single_bits_are_told_apart) {
    const std::uint64_t words[] = {std::uint64_t{1} << 63, 1};
    const std::uint32_t halves[] = {0x80000000U, 1};
    for (std::int32_t u = 0; u < 128; ++u) {
        CHECK_EQ(bit(words, u), u == 63 || u == 64);
        CHECK_EQ(marked(halves, 63, u), u % 64 == 31 || u % 64 == 32);
    }
}
