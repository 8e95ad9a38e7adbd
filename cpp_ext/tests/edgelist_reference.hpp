// The edge-list grammar of blank-separated lines, read one character at a time with maps and strings, and the graph that
// must come of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "read_text.hpp"

namespace graphx::test {

struct SlowEdge {
    std::string source, target;
    double weight = 0;
};

struct SlowEdges {
    std::vector<SlowEdge> edges;
    std::int64_t lines = 0, comments = 0;
    bool weighted = false;
    bool integers = true;
};

inline bool is_integer(const std::string& id) {
    const std::string largest = "18446744073709551615";
    if (id.empty() || id.find_first_not_of("0123456789") != std::string::npos) return false;
    if (id.size() > 1 && id[0] == '0') return false;
    return id.size() < largest.size() || (id.size() == largest.size() && id <= largest);
}

inline SlowEdges read_slowly(const std::string& text) {
    SlowEdges out;
    std::size_t at = 0;
    while (at < text.size()) {
        std::size_t stop = text.find('\n', at);
        if (stop == std::string::npos) stop = text.size();
        std::string line = text.substr(at, stop - at);
        at = stop + 1;
        ++out.lines;
        if (!line.empty() && line.back() == '\r') line.pop_back();
        std::istringstream words(line);
        std::vector<std::string> fields;
        for (std::string word; words >> word;) fields.push_back(word);
        if (fields.empty() || fields[0][0] == '#' || fields[0][0] == '%') {
            ++out.comments;
            continue;
        }
        SlowEdge edge{fields[0], fields[1]};
        if (fields.size() > 2) {
            out.weighted = true;
            edge.weight = std::strtod(fields[2].c_str(), nullptr);
        }
        out.integers = out.integers && is_integer(edge.source) && is_integer(edge.target);
        out.edges.push_back(std::move(edge));
    }
    return out;
}

// Names in the order of the nodes: by value if all are integers, else by bytes.
inline std::vector<std::string> names_of(const SlowEdges& slow) {
    std::set<std::string> names;
    for (const SlowEdge& edge : slow.edges) names.insert({edge.source, edge.target});
    std::vector<std::string> order(names.begin(), names.end());
    if (slow.integers)
        std::stable_sort(order.begin(), order.end(), [](const std::string& a, const std::string& b) {
            return a.size() != b.size() ? a.size() < b.size() : a < b;
        });
    return order;
}

// The list is the graph of these edges, in every number it tells.
inline void check_graph(const EdgeList& list, const SlowEdges& slow, const EdgeListOptions& options) {
    CHECK_EQ(told(list), "");
    const std::vector<std::string> names = names_of(slow);
    std::map<std::string, std::int64_t> number;
    for (const std::string& name : names) number.emplace(name, static_cast<std::int64_t>(number.size()));
    CHECK_EQ(list.num_nodes, static_cast<std::int64_t>(names.size()));
    CHECK_EQ(list.lines, slow.lines);
    CHECK_EQ(list.comments, slow.comments);
    CHECK_EQ(list.edges, static_cast<std::int64_t>(slow.edges.size()));
    CHECK_EQ(list.weighted, slow.weighted);
    bool numbered = slow.integers;  // 0..N-1 need no names
    for (std::size_t i = 0; i < names.size(); ++i) {
        numbered = numbered && names[i] == std::to_string(i);
        if (slow.integers && list.integer_names.size() > 0) CHECK_EQ(std::to_string(list.integer_names[i]), names[i]);
        if (!slow.integers) CHECK_EQ(list.text_names[i], names[i]);
    }
    CHECK_EQ(list.integer_names.size(), slow.integers && !numbered ? names.size() : 0);
    CHECK_EQ(list.text_names.size(), slow.integers ? 0 : names.size());

    std::map<std::pair<std::int64_t, std::int64_t>, double> entries;
    std::set<std::pair<std::int64_t, std::int64_t>> edges;
    std::int64_t loops = 0, duplicates = 0;
    for (const SlowEdge& edge : slow.edges) {
        const std::int64_t u = number[edge.source], v = number[edge.target];
        loops += u == v;
        if (u == v && options.drop_loops) continue;
        const std::pair<std::int64_t, std::int64_t> key =
            options.directed ? std::pair{u, v} : std::pair{std::min(u, v), std::max(u, v)};
        duplicates += !edges.insert(key).second;
        entries[{u, v}] += edge.weight;
        if (!options.directed && u != v) entries[{v, u}] += edge.weight;
    }
    CHECK_EQ(list.csr.loops, loops);
    CHECK_EQ(list.csr.duplicates, duplicates);
    CHECK_EQ(list.csr.indices.size(), entries.size());
    CHECK_EQ(list.csr.indptr.size(), names.size() + 1);
    std::size_t place = 0;
    for (const auto& [entry, weight] : entries) {
        CHECK_EQ(list.csr.indices[place], entry.second);
        if (slow.weighted) CHECK_EQ(list.csr.weights[place], weight);
        const auto row = static_cast<std::size_t>(entry.first);
        CHECK(list.csr.indptr[row] <= static_cast<std::int64_t>(place));
        CHECK(list.csr.indptr[row + 1] > static_cast<std::int64_t>(place));
        ++place;
    }
    CHECK_EQ(list.csr.weights.size(), slow.weighted ? entries.size() : 0);
}

}  // namespace graphx::test
