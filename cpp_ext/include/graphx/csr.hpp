// A borrowed view of a checked CSR: indices sorted within each row, no duplicates, all in range.
#pragma once

#include <cstdint>

namespace graphx {

struct Csr {
    std::int64_t num_nodes = 0;
    const std::int64_t* indptr = nullptr;   // [num_nodes + 1]
    const std::int32_t* indices = nullptr;  // [indptr[num_nodes]]

    std::int64_t num_entries() const { return indptr[num_nodes]; }
    std::int64_t degree(std::int64_t node) const { return indptr[node + 1] - indptr[node]; }
    const std::int32_t* begin(std::int64_t node) const { return indices + indptr[node]; }
    const std::int32_t* end(std::int64_t node) const { return indices + indptr[node + 1]; }
};

}  // namespace graphx
