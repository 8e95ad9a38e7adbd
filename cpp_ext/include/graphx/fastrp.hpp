// FastRP: the random start, one hop of averaging over neighbours, and what is done to rows and columns of the result.
//
// A state U is [rows, columns] row-major, float or bfloat16 (std::uint16_t holds its bits); sums are float. Every number
// is made in one fixed order, so that results have the same bits for any number of threads, any level of instructions,
// and any cut of the rows into blocks or of the columns into tiles of a multiple of kGroup.
#pragma once

#include <cstdint>

#include "graphx/buffer.hpp"
#include "graphx/lanes.hpp"
#include "graphx/parallel.hpp"

namespace graphx {

// Random entries that depend on (seed, id of the row, column) only.
struct Projection {
    std::uint64_t seed = 0;
    const std::uint64_t* ids = nullptr;  // [rows], or null for first + row
    std::uint64_t first = 0;
    double density = 1;       // probability of an entry other than 0; signs are fair. 0: normal variates
    float scale = 1;          // of the entries
    const float* rows_scale = nullptr;  // [rows], a factor for each row, or null
    std::int64_t rows = 0;
    std::int64_t begin = 0, end = 0;  // columns
};

// R as rows of a few entries.
struct SparseRows {
    Buffer<std::int64_t> indptr;
    Buffer<std::int32_t> columns;
    Buffer<float> values;
};

template <class S>
void project(const Projection& projection, S* out, Control& control);
SparseRows project_sparse(const Projection& projection, Control& control);

// target = D^-1 A source, and out = (accumulate ? out : 0) + own_weight * rownorm(own row of source)
//                                + new_weight * rownorm(target).
template <class S>
struct Hop {
    std::int64_t rows = 0;
    const std::int64_t* indptr = nullptr;   // [rows + 1]
    const std::int32_t* indices = nullptr;  // rows of the source
    const double* weights = nullptr;        // of the entries, or null for ones
    double weights_scale = 1;               // common factor of the weights
    bool by_count = false;                  // D counts entries; otherwise it sums weights
    std::int64_t columns = 0;
    const S* source = nullptr;                      // dense, or
    const std::int64_t* sparse_indptr = nullptr;    // sparse rows
    const std::int32_t* sparse_columns = nullptr;
    const float* sparse_values = nullptr;
    std::int64_t sparse_rows = 0;
    std::int64_t own_row = 0;  // which row of the source is row 0 itself
    S* target = nullptr;       // null: not kept
    float* out = nullptr;      // null: nothing is accumulated
    bool accumulate = false;
    bool normalize = true;
    float own_weight = 0, new_weight = 0;
};

template <class S>
void hop(const Hop<S>& hop, Control& control);

// out = (accumulate ? out : 0) + weight * rownorm(source), or weight * source.
template <class S>
void accumulate(const S* source, std::int64_t rows, std::int64_t columns, float weight, bool normalize, bool add,
                float* out, Control& control);

// The sums of squares of each row by groups of kGroup columns: [rows, ceil(columns / kGroup)]. Their sum in ascending
// order is the square of the norm that `hop` and `accumulate` use.
template <class S>
void group_squares(const S* source, std::int64_t rows, std::int64_t columns, double* out, Control& control);

// out = (accumulate ? out : 0) + factors[row] * source.
template <class S>
void accumulate_scaled(const S* source, std::int64_t rows, std::int64_t columns, const float* factors, bool add,
                       float* out, Control& control);

void narrow(const float* source, std::int64_t size, std::uint16_t* out, Control& control);
void widen(const std::uint16_t* source, std::int64_t size, float* out, Control& control);

// Mean and population variance of each column, by blocks of rows merged in order (Chan, Golub, LeVeque 1979).
void column_moments(const float* x, std::int64_t rows, std::int64_t columns, double* mean, double* variance,
                    Control& control);
// out = (x - mean) * factor, column by column; rows of out are `stride` apart. out may be x.
void standardize(const float* x, std::int64_t rows, std::int64_t columns, const float* mean, const float* factor,
                 float* out, std::int64_t stride, Control& control);

}  // namespace graphx
