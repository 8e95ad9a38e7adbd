// Edge-list text read in every way there is: as a file and as a stream, by one thread and by several, in small pieces
// and in large ones.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "graphx/edgelist.hpp"
#include "test.hpp"

namespace graphx::test {

inline constexpr std::int64_t kTextChunk = std::int64_t{4} << 20;  // bytes of one task, as in edgelist.cpp

// From the bytes [before, before + text) of a temporary file, or, with `piece` > 0, from a stream of so many bytes a time.
inline EdgeList read_text(const std::string& text, int threads, std::size_t piece, const EdgeListOptions& options = {},
                          const std::string& before = "", const std::string& after = "") {
    Control control(threads);
    TextSource source;
    std::size_t at = 0;
    if (piece > 0) {
        source.read = [&](char* into, std::size_t most) {
            const std::size_t size = std::min({most, text.size() - at, piece});
            text.copy(into, size, at);
            at += size;
            return size;
        };
        source.rewind = [&] { at = 0; };
        return read_edge_list(control, source, options);
    }
    std::FILE* file = std::tmpfile();
    CHECK(file != nullptr);
    for (const std::string* part : {&before, &text, &after}) std::fwrite(part->data(), 1, part->size(), file);
    std::fflush(file);
    source.file = fileno(file);
    source.begin = static_cast<std::int64_t>(before.size());
    source.end = source.begin + static_cast<std::int64_t>(text.size());
    EdgeList list = read_edge_list(control, source, options);
    std::fclose(file);
    return list;
}

template <class T>
bool same_bits(const Buffer<T>& a, const Buffer<T>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

template <class T>
std::vector<T> list(const Buffer<T>& buffer) {
    return {buffer.begin(), buffer.end()};
}

inline bool same(const Problem& a, const Problem& b) {
    return a.line == b.line && a.column == b.column && a.message == b.message;
}

inline bool same(const EdgeList& a, const EdgeList& b) {
    if (a.refused || b.refused) return a.refused == b.refused && same(a.problem, b.problem);
    return a.num_nodes == b.num_nodes && a.weighted == b.weighted && a.weights_ignored == b.weights_ignored &&
           a.lines == b.lines && a.comments == b.comments && a.edges == b.edges && a.header == b.header &&
           same(a.text_because, b.text_because) && a.text_names == b.text_names &&
           same_bits(a.integer_names, b.integer_names) && a.csr.loops == b.csr.loops &&
           a.csr.duplicates == b.csr.duplicates && a.csr.clash_source == b.csr.clash_source &&
           a.csr.clash_target == b.csr.clash_target && same_bits(a.csr.indptr, b.csr.indptr) &&
           same_bits(a.csr.indices, b.csr.indices) && same_bits(a.csr.weights, b.csr.weights);
}

inline EdgeList read_all_ways(const std::string& text, const EdgeListOptions& options = {}) {
    EdgeList first = read_text(text, 1, 0, options);
    CHECK(same(first, read_text(text, 3, 0, options)));
    CHECK(same(first, read_text(text, 1, 70001, options)));
    CHECK(same(first, read_text(text, 3, 70001, options)));
    CHECK(same(first, read_text(text, 2, 0, options, "# another part\n1 x\n", "7 8 9\n")));
    if (text.size() < 2000) CHECK(same(first, read_text(text, 2, 1, options)));
    return first;
}

// "line:column: message", or "" where nothing is wrong.
inline std::string told(const EdgeList& list) {
    if (!list.refused) return "";
    return std::to_string(list.problem.line) + ":" + std::to_string(list.problem.column) + ": " + list.problem.message;
}

}  // namespace graphx::test
