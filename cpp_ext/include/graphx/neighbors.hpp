// Common neighbours of pairs of rows: counts, scores, lists, differences, and fused sums of feature rows.
//
// A pair (s, t) asks for the intersection of row s of A1 [R1, N] and row t of A2 [R2, N]. Whichever way a pair is
// answered (comparing, searching, a bit set of one row, two bit rows), its common neighbours come in ascending order, so
// sums have the same bits for any choice and any number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "graphx/buffer.hpp"
#include "graphx/parallel.hpp"

namespace graphx {

// A checked CSR with as many columns as its partner: rows ascending, without duplicates.
struct NeighborSide {
    std::int64_t num_rows = 0;
    const std::int64_t* indptr = nullptr;    // [num_rows + 1]
    const std::int32_t* indices = nullptr;   // [nnz]
    const double* weights = nullptr;         // [nnz] or none
    const std::uint64_t* bits = nullptr;     // [num_rows, words] or none: bit u of row s is A[s, u] != 0
    const std::uint64_t* absent = nullptr;   // a bit for each entry, or none: such entries count as not there

    std::int64_t num_entries() const { return indptr[num_rows]; }
    bool is_absent(std::int64_t entry) const { return absent && (absent[entry >> 6] >> (entry & 63) & 1); }
};

struct PairQuery {
    NeighborSide first;
    NeighborSide second;
    std::int64_t num_columns = 0;
    const std::int64_t* sources = nullptr;  // [num_pairs], rows of first, in range
    const std::int64_t* targets = nullptr;  // [num_pairs], rows of second, in range
    std::int64_t num_pairs = 0;

    std::int64_t words() const { return (num_columns + 63) / 64; }
    bool weighted() const { return first.weights || second.weights; }
};

// Rows of different lengths one after the other; values only where weighted.
struct NeighborLists {
    Buffer<std::int64_t> rowptr;
    Buffer<std::int32_t> columns;
    Buffer<double> values;
};

// The entries (row, column) that exist, as positions in `indices`; with `both` also (column, row). Not sorted. Rows are
// searched; in a square matrix with bit rows, the bits before are counted.
Buffer<std::int64_t> find_entries(const NeighborSide& side, const std::int64_t* rows, const std::int64_t* columns,
                                  std::int64_t num_edges, bool both, Control& control);

// Excluded entries in the form the kernels read: a bit for each entry (an eighth of a byte each, so it is made anew for
// every call and nothing is left to clear), and a copy of the bit rows without them.
// They are of malloc, which as a rule has the memory of the call before at hand; fresh pages took as long as the rest.
struct Exclusion {
    std::vector<std::uint64_t> absent;
    std::unique_ptr<std::uint64_t[]> bits;
};
Exclusion make_exclusion(const NeighborSide& side, std::int64_t num_columns, const std::int64_t* entries,
                         std::int64_t num_entries, Control& control);

// The rows as bit sets: rows * ceil(N / 64) words.
Buffer<std::uint64_t> make_bits(const NeighborSide& side, std::int64_t num_columns, Control& control);

void count_common(const PairQuery& query, std::int64_t* counts, Control& control);

// out[b] = sum over common u of w1(s, u) w2(t, u) c(u); c is 1 where node_weights is none.
void score_common(const PairQuery& query, const double* node_weights, double* out, Control& control);

// The common neighbours, with w1 w2 as values where weighted.
NeighborLists list_common(const PairQuery& query, Control& control);

// Row s without row t, and row t without row s; no values.
std::pair<NeighborLists, NeighborLists> list_differences(const PairQuery& query, Control& control);

// out[b, :] = sum over common u of w1 w2 x[u, :]; counts[b] their number. Lists are never kept.
template <class T>
void pool_common(const PairQuery& query, const T* x, std::int64_t channels, T* out, std::int64_t* counts,
                 Control& control);

// grad_x[u, :] = sum over the pairs b with u in common, in ascending b, of w1 w2 grad_out[b, :]. Each task owns a range
// of nodes and walks the pairs with counts[b] > 0, so no two threads write one row and nothing is atomic.
template <class T>
void pool_common_backward(const PairQuery& query, const std::int64_t* counts, const T* grad_out, std::int64_t channels,
                          T* grad_x, Control& control);

}  // namespace graphx
