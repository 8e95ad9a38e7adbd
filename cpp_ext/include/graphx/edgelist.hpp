// Edge-list text to CSR: parallel, in bounded memory, the first bad line told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "graphx/csr_build.hpp"
#include "graphx/edgelist_lines.hpp"
#include "graphx/parallel.hpp"

namespace graphx {

// Where text comes from: a file that any thread can read at any place, or a stream that one thread reads in order.
struct TextSource {
    int file = -1;                    // a descriptor of a regular file ...
    std::int64_t begin = 0, end = 0;  // ... and the bytes of it to read
    std::function<std::size_t(char* into, std::size_t most)> read;  // otherwise: 0 at the end
    std::function<void()> rewind;
};

struct EdgeListOptions {
    LineOptions lines;
    std::int64_t num_nodes = -1;      // ids are 0..num_nodes-1, no relabelling; -1: the ids that occur are the nodes
    bool directed = false;
    bool drop_loops = true;
    Duplicates duplicates = Duplicates::merge;
};

struct EdgeList {
    BuiltCsr csr;
    bool weighted = false;
    bool weights_ignored = false;
    std::int64_t num_nodes = 0;
    Buffer<std::uint64_t> integer_names;    // ascending; empty unless the ids are integers other than 0..N-1
    std::vector<std::string> text_names;    // ascending bytes; empty unless the ids are text
    std::int64_t lines = 0, comments = 0, edges = 0;
    std::string header;                     // the line that was skipped
    Problem text_because;                   // the first id that was no integer
    Problem problem;                        // the file is refused: line and column (0: the file as a whole)
    bool refused = false;
};

EdgeList read_edge_list(Control& control, const TextSource& source, const EdgeListOptions& options);

// Lines "source<delimiter>target\n".
void format_edges(const std::int64_t* sources, const std::int64_t* targets, std::int64_t num_edges, char delimiter,
                  Buffer<char>& out);

}  // namespace graphx
