// Rows that have entries: found by bits and counts, as by looking at every row.
#include "graphx/present.hpp"

#include <random>
#include <vector>

#include "test.hpp"

using namespace graphx;

namespace {

struct Visit {
    std::int64_t s, first, last;
    bool operator==(const Visit&) const = default;
};

void check_present(const std::vector<std::int64_t>& indptr, std::mt19937& random) {
    const auto rows = static_cast<std::int64_t>(indptr.size()) - 1;
    const Present present(indptr.data(), rows);
    for (std::int64_t v = 0; v < rows; ++v)
        CHECK_EQ(present.has(v), indptr[static_cast<std::size_t>(v)] < indptr[static_cast<std::size_t>(v) + 1]);
    if (rows == 0) return;
    for (const std::int64_t count : {0, 1, 255, 256, 257, 700}) {  // visited in pieces of 256
        std::vector<std::int32_t> indices;
        for (std::int64_t i = 0; i < count + 10; ++i)
            indices.push_back(static_cast<std::int32_t>(random() % static_cast<unsigned>(rows)));
        std::vector<Visit> expected, found;
        for (std::int64_t s = 5; s < 5 + count; ++s) {
            const auto v = static_cast<std::size_t>(indices[static_cast<std::size_t>(s)]);
            if (indptr[v] < indptr[v + 1]) expected.push_back({s, indptr[v], indptr[v + 1]});
        }
        present.visit(indices.data(), 5, 5 + count, [&](std::int64_t s, const std::int64_t* at) GRAPHX_LAMBDA {
            found.push_back({s, at[0], at[1]});
        });
        CHECK(found == expected);
    }
}

}  // namespace

TEST(rows_with_entries_are_found_with_where_they_begin_and_end) {
    std::mt19937 random(1);
    for (const std::size_t rows : {0, 1, 2, 63, 64, 65, 127, 128, 129, 1000})
        for (const unsigned filled : {0u, 1u, 5u, 9u, 10u}) {  // of ten
            std::vector<std::int64_t> indptr{0};
            for (std::size_t v = 0; v < rows; ++v)
                indptr.push_back(indptr.back() + (random() % 10 < filled ? 1 + static_cast<std::int64_t>(random() % 4) : 0));
            check_present(indptr, random);
        }
}

TEST(a_matrix_that_is_a_piece_of_another_begins_elsewhere) {
    std::mt19937 random(2);
    check_present({40, 40, 43, 43, 44}, random);
    check_present({7, 9}, random);
}
