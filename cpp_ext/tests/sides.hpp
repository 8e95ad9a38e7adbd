// Sparse rows and pairs of them for the tests of common neighbours, and the answers by looking.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "graphx/neighbors.hpp"

namespace graphx::test {

struct Matrix {
    std::vector<std::int64_t> indptr{0};
    std::vector<std::int32_t> indices;
    std::vector<double> weights;

    std::int64_t rows() const { return static_cast<std::int64_t>(indptr.size()) - 1; }
    std::int64_t entries() const { return static_cast<std::int64_t>(indices.size()); }
    NeighborSide side(bool weighted) const {
        NeighborSide out;
        out.num_rows = rows();
        out.indptr = indptr.data();
        out.indices = indices.data();
        out.weights = weighted ? weights.data() : nullptr;
        return out;
    }
    std::map<std::int32_t, double> row(std::int64_t r, const std::vector<std::int64_t>& absent, bool weighted) const {
        std::map<std::int32_t, double> out;
        for (std::int64_t e = indptr[r]; e < indptr[r + 1]; ++e)
            if (std::find(absent.begin(), absent.end(), e) == absent.end())
                out[indices[e]] = weighted ? weights[e] : 1.0;
        return out;
    }
    // Sorted and without duplicates first; small whole weights, unlike one another.
    void push(std::vector<std::int32_t> row, std::mt19937& random) {
        std::sort(row.begin(), row.end());
        row.erase(std::unique(row.begin(), row.end()), row.end());
        for (const std::int32_t u : row) {
            indices.push_back(u);
            weights.push_back(1.0 + static_cast<double>(random() % 7));
        }
        indptr.push_back(entries());
    }
};

// Rows of very different lengths, the first and last empty.
inline Matrix random_matrix(std::int64_t rows, std::int64_t columns, unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> uniform;
    Matrix m;
    for (std::int64_t r = 0; r < rows; ++r) {
        const double density = r == 0 || r == rows - 1 ? 0.0 : std::pow(static_cast<double>(r) / rows, 4.0);
        std::vector<std::int32_t> row;
        for (std::int64_t u = 0; u < columns; ++u)
            if (uniform(random) < density) row.push_back(static_cast<std::int32_t>(u));
        m.push(std::move(row), random);
    }
    return m;
}

// Hubs and small rows, so that short rows are searched in long ones, and nodes that share a bit with others.
inline Matrix hubs(std::int64_t rows, std::int64_t columns, unsigned seed) {
    std::mt19937 random(seed);
    Matrix m;
    for (std::int64_t r = 0; r < rows; ++r) {
        const std::size_t size = r % 3 == 0 ? 3000 : r % 3 == 1 ? 12 : 150;
        std::vector<std::int32_t> row;
        // half of the columns repeat at distances of 2^18, where sets fold them onto one bit
        for (std::size_t k = 0; k < size; ++k)
            row.push_back(static_cast<std::int32_t>(k % 2 ? random() % columns
                                                          : ((random() % 900) + ((random() % 3) << 18)) % columns));
        m.push(std::move(row), random);
    }
    return m;
}

struct Pairs {
    std::vector<std::int64_t> sources, targets;
    std::int64_t size() const { return static_cast<std::int64_t>(sources.size()); }
};

inline Pairs random_pairs(std::int64_t rows1, std::int64_t rows2, std::size_t size, bool runs, unsigned seed) {
    std::mt19937 random(seed);
    Pairs p;
    for (std::size_t b = 0; b < size; ++b) {
        p.sources.push_back(runs && b % 40 ? p.sources.back() : static_cast<std::int64_t>(random() % rows1));
        p.targets.push_back(static_cast<std::int64_t>(random() % rows2));
    }
    return p;
}

inline PairQuery query_of(const NeighborSide& first, const NeighborSide& second, std::int64_t columns,
                          const Pairs& pairs) {
    return {first, second, columns, pairs.sources.data(), pairs.targets.data(), pairs.size()};
}

// Two matrices asked about in one of the ways there are: bit rows, weights and absent entries on either side.
struct Sides {
    Matrix first, second;
    std::int64_t columns;
    bool weighted1, weighted2, bits;
    std::vector<std::int64_t> absent1, absent2;
    Buffer<std::uint64_t> bits1, bits2;
    Exclusion exclusion1, exclusion2;

    Sides(Matrix a, Matrix b, std::int64_t n, bool w1, bool w2, bool with_bits, std::int64_t every1,
          std::int64_t every2)
        : first(std::move(a)), second(std::move(b)), columns(n), weighted1(w1), weighted2(w2), bits(with_bits) {
        if (every1)
            for (std::int64_t e = every1 / 2; e < first.entries(); e += every1) absent1.push_back(e);
        if (every2)
            for (std::int64_t e = every2 / 3; e < second.entries(); e += every2) absent2.push_back(e);
    }
    PairQuery query(const Pairs& pairs) {
        return query_of(side(first, weighted1, absent1, bits1, exclusion1),
                        side(second, weighted2, absent2, bits2, exclusion2), columns, pairs);
    }
    // Column, and the product of the weights, of what rows s and t have in common.
    std::map<std::int32_t, double> common(std::int64_t s, std::int64_t t) const {
        std::map<std::int32_t, double> made;
        const auto r1 = first.row(s, absent1, weighted1), r2 = second.row(t, absent2, weighted2);
        for (const auto& [u, w] : r1)
            if (const auto at = r2.find(u); at != r2.end()) made[u] = w * at->second;
        return made;
    }

private:
    NeighborSide side(const Matrix& m, bool weighted, const std::vector<std::int64_t>& absent,
                      Buffer<std::uint64_t>& own, Exclusion& exclusion) const {
        Control control(1);
        NeighborSide made = m.side(weighted);
        if (bits) {
            own = make_bits(made, columns, control);
            made.bits = own.data();
        }
        if (!absent.empty()) {
            exclusion = make_exclusion(made, columns, absent.data(), static_cast<std::int64_t>(absent.size()), control);
            made.absent = exclusion.absent.data();
            if (bits) made.bits = exclusion.bits.get();
        }
        return made;
    }
};

}  // namespace graphx::test
