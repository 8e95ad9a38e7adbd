// Random operands of products over column tiles, and the product number by number.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "graphx/tiles.hpp"

namespace graphx::test {

struct Sparse {
    std::vector<std::int64_t> indptr{0};
    std::vector<std::int32_t> indices;
    std::vector<float> values;
};

inline float fraction(std::mt19937& random) {  // no sum of these is exact: another order gives other bits
    return static_cast<float>(random() % 20001) / 7000.0F - 1.4F;
}

inline Sparse random_rows(std::int64_t rows, std::int64_t columns, unsigned most, std::mt19937& random) {
    Sparse made;
    for (std::int64_t u = 0; u < rows; ++u) {
        const unsigned degree = u % 37 == 5 ? 5 * most : random() % (most + 1);
        for (unsigned i = 0; i < degree; ++i) {
            made.indices.push_back(static_cast<std::int32_t>(random() % static_cast<unsigned>(columns)));
            made.values.push_back(fraction(random));
        }
        made.indptr.push_back(static_cast<std::int64_t>(made.indices.size()));
    }
    return made;
}

inline std::vector<float> random_floats(std::int64_t count, std::mt19937& random) {
    std::vector<float> made(static_cast<std::size_t>(count));
    for (float& x : made) x = fraction(random);
    return made;
}

// What the header promises, number by number.
inline void multiply_slowly(const TileProduct& p, std::vector<float>& out) {
    for (std::int64_t u = 0; u < p.num_nodes; ++u)
        for (std::int64_t j = 0; j < p.width; ++j) {
            float& to = out[static_cast<std::size_t>(u * p.width + j)];
            float sum = p.accumulate ? to : 0.0F;
            for (const TileTerm& term : p.terms) {
                if (!term.indptr) {
                    sum += term.values[u] * term.x[u * p.width + j];
                    continue;
                }
                for (std::int64_t s = term.indptr[u]; s < term.indptr[u + 1]; ++s)
                    sum += (term.values ? term.values[s] : 1.0F) * term.x[term.indices[s] * p.width + j];
            }
            to = p.row_scale ? sum * p.row_scale[u] : sum;
        }
}

}  // namespace graphx::test
