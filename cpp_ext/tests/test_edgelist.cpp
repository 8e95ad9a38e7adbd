// The parser and the CSR build without Python: against an obvious reference, and on damaged text. Meant for the
// sanitizers as well: every input goes through one and three threads, as a file and as a stream.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "graphx/edgelist.hpp"
#include "test.hpp"

namespace {

graphx::EdgeList parse(const std::string& text, int threads, bool stream, graphx::EdgeListOptions options = {}) {
    graphx::Control control(threads);
    graphx::TextSource source;
    std::FILE* file = std::tmpfile();
    std::size_t at = 0;
    if (stream) {
        source.read = [&](char* into, std::size_t most) {
            const std::size_t size = std::min({most, text.size() - at, std::size_t{70001}});
            text.copy(into, size, at);
            at += size;
            return size;
        };
        source.rewind = [&] { at = 0; };
    } else {
        std::fwrite(text.data(), 1, text.size(), file);
        std::fflush(file);
        source.file = fileno(file);
        source.end = static_cast<std::int64_t>(text.size());
    }
    graphx::EdgeList list = graphx::read_edge_list(control, source, options);
    std::fclose(file);
    return list;
}

bool same(const graphx::EdgeList& a, const graphx::EdgeList& b) {
    return a.refused == b.refused && a.problem.message == b.problem.message && a.problem.line == b.problem.line &&
           a.num_nodes == b.num_nodes && a.text_names == b.text_names && a.csr.duplicates == b.csr.duplicates &&
           std::equal(a.csr.indices.begin(), a.csr.indices.end(), b.csr.indices.begin(), b.csr.indices.end()) &&
           std::equal(a.csr.indptr.begin(), a.csr.indptr.end(), b.csr.indptr.begin(), b.csr.indptr.end());
}

graphx::EdgeList parse_all_ways(const std::string& text, const graphx::EdgeListOptions& options = {}) {
    graphx::EdgeList first = parse(text, 1, false, options);
    CHECK(same(first, parse(text, 3, false, options)));
    CHECK(same(first, parse(text, 1, true, options)));
    CHECK(same(first, parse(text, 3, true, options)));
    return first;
}

}  // namespace

TEST(random_graphs_equal_a_set_of_pairs) {
    std::mt19937_64 random(1);
    for (const std::uint64_t scale : {1ull, 13ull, 1000003ull, 1ull << 40}) {
        for (const bool directed : {false, true}) {
            std::set<std::pair<std::uint64_t, std::uint64_t>> pairs;
            std::set<std::uint64_t> nodes;
            std::string text = "# random\n";
            for (int i = 0; i < 600000; ++i) {
                const std::uint64_t u = random() % 3000 * scale, v = random() % 3000 * scale;
                text += std::to_string(u) + (i % 1000 == 7 ? "  \t" : " ") + std::to_string(v) + (i % 50 == 0 ? "\r\n" : "\n");
                nodes.insert(u);
                nodes.insert(v);
                if (u == v) continue;
                pairs.insert({u, v});
                if (!directed) pairs.insert({v, u});
            }
            graphx::EdgeListOptions options;
            options.directed = directed;
            const graphx::EdgeList list = parse_all_ways(text, options);
            CHECK(!list.refused && list.num_nodes == static_cast<std::int64_t>(nodes.size()));
            CHECK(list.csr.indices.size() == pairs.size());
            const std::vector<std::uint64_t> ids(nodes.begin(), nodes.end());
            auto pair = pairs.begin();
            bool equal = true;
            for (std::int64_t row = 0; row < list.num_nodes; ++row)
                for (auto i = list.csr.indptr[static_cast<std::size_t>(row)]; i < list.csr.indptr[static_cast<std::size_t>(row) + 1]; ++i, ++pair) {
                    const auto column = static_cast<std::size_t>(list.csr.indices[static_cast<std::size_t>(i)]);
                    equal &= pair->first == ids[static_cast<std::size_t>(row)] && pair->second == ids[column];
                }
            CHECK(equal);
        }
    }
}

TEST(damaged_text_is_told_alike_by_every_way_of_reading) {
    std::mt19937_64 random(2);
    const std::string alphabet = "0123456789 \t,;\"#%\n\r-.exy{}\xc3\xa9\xff";
    for (int round = 0; round < 4000; ++round) {
        std::string text;
        const bool weights = random() % 2;
        for (int line = 0; line < 12; ++line) {
            text += std::to_string(random() % 30) + " " + std::to_string(random() % 30);
            text += weights ? " " + std::to_string(random() % 9) + ".5\n" : "\n";
        }
        for (std::uint64_t hits = random() % 4; hits > 0; --hits) {
            const std::size_t at = random() % text.size();
            if (random() % 3 == 0) text.erase(at, 1 + random() % 5);
            else if (random() % 2) text.insert(at, 1, alphabet[random() % alphabet.size()]);
            else text[std::min(at, text.size() - 1)] = alphabet[random() % alphabet.size()];
            if (text.empty()) text = "1";
        }
        parse_all_ways(text);
    }
    for (int round = 0; round < 200; ++round) {  // not text at all
        std::string bytes(random() % 5000, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random());
        parse_all_ways(bytes);
    }
}

TEST(a_request_to_stop_ends_the_reading) {
    std::string text;
    for (int i = 0; i < 400000; ++i) text += std::to_string(i) + " " + std::to_string(i * 7 % 100000) + "\n";
    std::FILE* file = std::tmpfile();
    std::fwrite(text.data(), 1, text.size(), file);
    std::fflush(file);
    graphx::TextSource source;
    source.file = fileno(file);
    source.end = static_cast<std::int64_t>(text.size());
    graphx::Control control(2);
    control.request_stop();
    bool thrown = false;
    try {
        graphx::read_edge_list(control, source, {});
    } catch (const graphx::Cancelled&) {
        thrown = true;
    }
    CHECK(thrown);
    std::fclose(file);
}
