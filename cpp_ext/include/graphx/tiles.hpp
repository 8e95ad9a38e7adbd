// Products over column tiles: a dense [nodes, d] operand is kept as d / width pieces [nodes, width], each small enough
// that the rows gathered again and again stay in the cache, and each row a whole number of cache lines.
//
// Every product is summed in one fixed order, so it has the same bits for any number of threads, any tile width and any
// level of SIMD; the sums of squares depend on the width of the tiles that they are parts of.
#pragma once

#include <cstdint>
#include <vector>

#include "graphx/parallel.hpp"

namespace graphx {

// One summand S x. With indptr null, S is the diagonal matrix of `values`; with values null, its entries are ones.
struct TileTerm {
    const std::int64_t* indptr = nullptr;
    const std::int32_t* indices = nullptr;
    const float* values = nullptr;
    const float* x = nullptr;  // [nodes, width]; not used by multiply_projection
};

// out = diag(row_scale) (accumulate ? out : 0 + sum of terms); squares[u] = sum of the squares of row u of out.
// row_scale and squares may be null.
struct TileProduct {
    std::int64_t num_nodes = 0;
    std::int64_t width = 0;
    std::vector<TileTerm> terms;
    float* out = nullptr;
    bool accumulate = false;
    const float* row_scale = nullptr;
    double* squares = nullptr;
};

void multiply_tile(const TileProduct& product, Control& control);

// A sparse random projection R as CSR: columns ascend within each row.
struct SparseProjection {
    const std::int64_t* indptr = nullptr;
    const std::int32_t* columns = nullptr;
    const float* values = nullptr;
};

// The same for all tiles at once with x = R: out is [tiles, nodes, width], squares [tiles, nodes].
void multiply_projection(const TileProduct& product, const SparseProjection& projection, std::int64_t tiles, Control& control);

// target[u, first + t * width + j] (+)= factor[u] * tiles[t, u, j] for the first `columns` columns.
struct Merge {
    std::int64_t num_nodes = 0;
    std::int64_t width = 0;
    std::int64_t columns = 0;
    const float* tiles = nullptr;
    const float* factor = nullptr;
    float* target = nullptr;  // row-major, `stride` numbers a row
    std::int64_t stride = 0;
    bool accumulate = false;
};

void merge_tiles(const Merge& merge, Control& control);

}  // namespace graphx
