// Products over column tiles: a dense [nodes, d] operand is kept as d / width pieces [nodes, width], so that what
// lies between the products of a chain takes little memory, and each row is a whole number of cache lines.
//
// Operands and results may be rows of bfloat16: half the bytes to gather. Sums are float's, and a row is rounded once,
// when it is whole; its square is that of what was kept.
//
// Every number is summed in one fixed order, so it has the same bits for any number of threads, any tile width and any
// level of SIMD.
#pragma once

#include <cstdint>
#include <vector>

#include "graphx/parallel.hpp"

namespace graphx {

// A packed row of 128 columns: 128 bits that tell which are not 0, then those numbers. Where they are few, a line or
// two take half the time of a whole row to add; packing pays where the processor can spread numbers by a mask.
inline constexpr std::int64_t kPackedColumns = 128;
inline constexpr std::int64_t kPackedStride = 144;  // floats from row to row

// One summand S x. With indptr null, S is the diagonal matrix of `values`; with values null, its entries are ones.
struct TileTerm {
    const std::int64_t* indptr = nullptr;
    const std::int32_t* indices = nullptr;
    const float* values = nullptr;
    const float* x = nullptr;  // [nodes, width], or packed rows; not used by multiply_projection
    bool packed = false;
    const std::uint16_t* half = nullptr;  // instead of x: [nodes, width] of bfloat16
};

// What becomes of a row r that is not kept: target[u] (+)= factors[u] * own[u] + weight * rownorm(r). Rows whose scale
// and factor are 0 are passed over where they would be added.
struct Finish {
    const float* own = nullptr;  // [nodes, width], packed rows, or null
    bool own_packed = false;
    const std::uint16_t* half = nullptr;  // instead of own: [nodes, width] of bfloat16
    const float* factors = nullptr;
    float* target = nullptr;  // `stride` numbers a row
    std::int64_t stride = 0;
    std::int64_t columns = 0;  // of the width
    double weight = 0;
    bool normalize = true;
    bool accumulate = false;
};

// out = diag(row_scale) (accumulate ? out : 0 + sum of terms); squares[u] = sum of the squares of row u of out.
// row_scale and squares may be null. With `finish`, out and half are null and rows go there.
struct TileProduct {
    std::int64_t num_nodes = 0;
    std::int64_t width = 0;
    std::vector<TileTerm> terms;
    float* out = nullptr;
    std::uint16_t* half = nullptr;  // instead of out: bfloat16
    bool accumulate = false;
    const float* row_scale = nullptr;
    double* squares = nullptr;
    bool packed = false;  // one tile of 128 columns, nothing accumulated: out has packed rows
    bool rounded = false;  // packed rows hold what bfloat16 would, so that packing does not change a bit
    const Finish* finish = nullptr;
};

bool packing_pays();
void multiply_tile(const TileProduct& product, Control& control);

// A sparse random projection R as CSR: columns ascend within each row.
struct SparseProjection {
    const std::int64_t* indptr = nullptr;
    const std::int32_t* columns = nullptr;
    const float* values = nullptr;
};

// The same for all tiles at once with x = R: out is [tiles, nodes, width], squares [tiles, nodes].
void multiply_projection(const TileProduct& product, const SparseProjection& projection, std::int64_t tiles, Control& control);

// Tiles [t, nodes, width] of float or bfloat16, and a factor for each row.
struct MergeState {
    const float* x = nullptr;
    const std::uint16_t* half = nullptr;
    const float* factors = nullptr;
};

// target[u, t * width + j] (+)= sum over i of factors[i][u] * states[i][t, u, j] for the first `columns` columns.
struct Merge {
    std::int64_t num_nodes = 0;
    std::int64_t width = 0;
    std::int64_t columns = 0;
    std::vector<MergeState> states;
    float* target = nullptr;  // row-major, `stride` numbers a row
    std::int64_t stride = 0;
    bool accumulate = false;
};

void merge_tiles(const Merge& merge, Control& control);

}  // namespace graphx
