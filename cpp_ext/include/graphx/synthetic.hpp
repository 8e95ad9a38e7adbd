// Random graphs whose construction is sequential.
#pragma once

#include <cstdint>

#include "graphx/buffer.hpp"
#include "graphx/parallel.hpp"

namespace graphx {

// Barabasi-Albert: a star of m + 1 nodes, then every node joins m different nodes chosen in proportion to degree.
// Writes m * (num_nodes - m) edges; the same for the same seed on every machine.
void barabasi_albert(Control& control, std::int64_t num_nodes, std::int64_t m, std::uint64_t seed,
                     Buffer<std::int64_t>& sources, Buffer<std::int64_t>& targets);

}  // namespace graphx
