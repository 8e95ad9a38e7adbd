// The parser and the CSR build without Python: against an obvious reference, and on damaged text. Meant for the
// sanitizers as well: every input goes through one and three threads, as a file and as a stream.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <utility>

#include "edgelist_reference.hpp"
#include "graphx/edgelist.hpp"
#include "read_text.hpp"
#include "test.hpp"

using namespace graphx::test;

TEST(random_graphs_equal_a_set_of_pairs) {
    std::mt19937_64 random(1);
    for (const std::uint64_t scale : {1ull, 13ull, 1000003ull, 1ull << 40}) {
        for (const bool directed : {false, true}) {
            std::vector<std::pair<std::uint64_t, std::uint64_t>> pairs;
            std::vector<std::uint64_t> ids;
            std::string text = "# random\n";
            for (int i = 0; i < 450000; ++i) {
                const std::uint64_t u = random() % 3000 * scale, v = random() % 3000 * scale;
                text += std::to_string(u) + (i % 1000 == 7 ? "  \t" : " ") + std::to_string(v) + (i % 50 == 0 ? "\r\n" : "\n");
                ids.insert(ids.end(), {u, v});
                if (u == v) continue;
                pairs.emplace_back(u, v);
                if (!directed) pairs.emplace_back(v, u);
            }
            const auto make_set = [](auto& list) {
                std::sort(list.begin(), list.end());
                list.erase(std::unique(list.begin(), list.end()), list.end());
            };
            make_set(pairs);
            make_set(ids);
            graphx::EdgeListOptions options;
            options.directed = directed;
            const graphx::EdgeList list = read_all_ways(text, options);
            CHECK(!list.refused && list.num_nodes == static_cast<std::int64_t>(ids.size()));
            CHECK(list.csr.indices.size() == pairs.size());
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
        read_all_ways(text);
    }
    for (int round = 0; round < 200; ++round) {  // not text at all
        std::string bytes(random() % 5000, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random());
        read_all_ways(bytes);
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

namespace {

// Lines that all say the same, written as untidily as is allowed.
class Untidy {
public:
    explicit Untidy(unsigned seed) : random_(seed) {}

    std::string text(int lines, const std::function<std::string()>& id, bool weighted) {
        std::string made;
        for (int line = 0; line < lines; ++line) {
            if (pick(9) == 0) made += one_of({"\n", "# 1 2\n", "   % x\n", " \t \r\n", "#\r\n"});
            made += one_of({"", "", "", " ", "\t", "  \t"});
            made += id() + one_of({" ", " ", "\t", "   ", " \t"}) + id();
            if (weighted) made += one_of({" ", "\t"}) + one_of({"1", "0.5", "+2", "-3.25", "4e-1", "1E2", ".75"});
            made += one_of({"", "", " ", "\t "});
            made += line + 1 == lines && pick(2) ? "" : one_of({"\n", "\n", "\r\n"});
        }
        return made;
    }
    std::uint64_t pick(std::uint64_t below) { return random_() % below; }

private:
    std::string one_of(std::initializer_list<const char*> choices) {
        return choices.begin()[pick(choices.size())];
    }
    std::mt19937_64 random_;
};

graphx::EdgeListOptions no_header() {
    graphx::EdgeListOptions options;
    options.lines.header = graphx::Choice::no;
    return options;
}

}  // namespace

TEST(untidy_text_equals_the_slow_reader) {
    for (unsigned seed = 0; seed < 60; ++seed) {
        Untidy untidy(seed);
        const std::uint64_t kind = seed % 6, nodes = 3 + untidy.pick(40);
        const std::function<std::string()> ids[] = {
            [&] { return std::to_string(untidy.pick(nodes)); },
            [&] { return std::to_string(untidy.pick(nodes) * 4000000007ull); },  // both sides of 32 bits
            [&] { return std::to_string(~std::uint64_t{0} - untidy.pick(nodes)); },
            [&] { return std::to_string(untidy.pick(nodes) << 33 | untidy.pick(2)); },
            [&] { return "n" + std::to_string(untidy.pick(nodes)); },
            [&] { return (untidy.pick(9) ? "" : "0") + std::to_string(untidy.pick(nodes)); },  // leading zeros: names
        };
        const bool weighted = seed % 4 == 1;
        const std::string text = untidy.text(40, ids[kind], weighted);
        graphx::EdgeListOptions options = no_header();
        options.lines.delimiter = ' ';
        options.directed = seed % 3 == 0;
        options.drop_loops = seed % 2 == 0;
        options.duplicates = weighted ? graphx::Duplicates::sum : graphx::Duplicates::merge;
        check_graph(read_all_ways(text, options), read_slowly(text), options);
    }
}

TEST(the_order_of_lines_is_no_matter) {
    std::mt19937_64 random(4);
    for (const bool text_ids : {false, true}) {
        std::vector<std::string> lines;
        for (int i = 0; i < 3000; ++i)
            lines.push_back((text_ids ? "a" : "") + std::to_string(random() % 5000000000) + " " +
                            std::to_string(random() % 700) + " " + std::to_string(random() % 16) + "\n");
        graphx::EdgeListOptions options = no_header();
        options.duplicates = graphx::Duplicates::sum;
        const auto read = [&] {
            std::string text;
            for (const std::string& line : lines) text += line;
            graphx::EdgeList made = read_text(text, 2, 0, options);
            made.text_because = {};  // where the first name stands does change
            return made;
        };
        const graphx::EdgeList first = read();
        for (int round = 0; round < 3; ++round) {
            std::shuffle(lines.begin(), lines.end(), random);
            CHECK(same(first, read()));
        }
    }
}

// Sixteen ids a part; which of them are there is the same, whether the ids lie close (a bit each) or far apart (a hash).
TEST(ids_on_both_sides_of_the_bit_set_make_one_graph) {
    const std::uint64_t edges = 300, limit = 8 * (4 * edges + (1u << 20));  // from here on: hash
    for (const std::uint64_t largest : {limit - 1, limit + 7, limit + 8, limit * 1000, ~std::uint64_t{0}}) {
        std::mt19937_64 random(8);
        std::string text = std::to_string(largest) + " 0\n";
        for (std::uint64_t i = 1; i < edges; ++i) {
            const std::uint64_t u = random() % 90 * 11, v = random() % 90 * 11;
            text += std::to_string(random() % 20 ? u : largest) + " " + std::to_string(v) + "\n";
        }
        const graphx::EdgeListOptions options = no_header();
        check_graph(read_all_ways(text, options), read_slowly(text), options);
    }
}

TEST(many_far_ids_outgrow_the_hash_table) {
    std::string text;
    for (std::uint64_t i = 0; i < 5000; ++i)
        text += std::to_string(i * 0x9e3779b97f4a7c15ull) + " " + std::to_string((i + 1) * 0x9e3779b97f4a7c15ull) + "\n";
    const graphx::EdgeListOptions options = no_header();
    check_graph(read_text(text, 2, 0, options), read_slowly(text), options);
}

TEST(a_file_that_ends_early_is_read_as_far_as_it_goes) {
    std::FILE* file = std::tmpfile();
    std::fputs("1 2\n2 3", file);
    std::fflush(file);
    for (const std::int64_t end : {std::int64_t{7}, std::int64_t{100}, 3 * kTextChunk}) {
        graphx::TextSource source;
        source.file = fileno(file);
        source.end = end;
        graphx::Control control(2);
        const graphx::EdgeList made = graphx::read_edge_list(control, source, {});
        CHECK_EQ(told(made), "");
        CHECK_EQ(made.edges, 2);
        CHECK(list(made.integer_names) == (std::vector<std::uint64_t>{1, 2, 3}));
    }
    std::fclose(file);
}

TEST(what_the_stream_throws_reaches_the_caller) {
    for (const int good : {0, 1, 5}) {
        int reads = 0;
        graphx::TextSource source;
        source.read = [&](char* into, std::size_t) -> std::size_t {
            if (reads++ == good) throw std::out_of_range("damaged");
            std::string("12 34\n").copy(into, 6);
            return 6;
        };
        graphx::Control control(2);
        CHECK_THROWS(std::out_of_range, graphx::read_edge_list(control, source, {}));
        CHECK_EQ(reads, good + 1);
    }
}

TEST(a_stream_that_never_ends_can_be_stopped) {
    for (const int threads : {1, 3}) {
        graphx::Control control(threads);
        std::int64_t reads = 0;
        graphx::TextSource source;
        source.read = [&](char* into, std::size_t most) {
            if (++reads == 40) control.request_stop();
            std::size_t size = 0;
            for (; size + 4 <= std::min(most, std::size_t{1} << 17); size += 4) std::string("7 8\n").copy(into + size, 4);
            return size;
        };
        CHECK_THROWS(graphx::Cancelled, graphx::read_edge_list(control, source, {}));
        CHECK_EQ(reads, 40);
    }
}

// ---- options ----

TEST(a_number_of_nodes_bounds_the_ids) {
    graphx::EdgeListOptions options = no_header();
    const struct {
        const char* text;
        std::int64_t num_nodes;
        const char* told;
    } cases[] = {
        {"0 4\n", 5, ""},
        {"0 5\n", 5, "0:0: the node id 5; expected ids below num_nodes=5: raise it, or leave it out"},
        {"# none\n", 0, ""},
        {"# none\n", 3, ""},
        {"0 0\n", 0, "0:0: the node id 0; expected ids below num_nodes=0: raise it, or leave it out"},
        {"0 18446744073709551615\n", 5,
         "0:0: the node id 18446744073709551615; expected ids below num_nodes=5: raise it, or leave it out"},
        {"0 1\n", std::int64_t{1} << 31, "0:0: 2147483648 nodes; expected at most 2^31 - 1, as node numbers are 32-bit"},
        {"0 5000000000\n", std::int64_t{1} << 40,
         "0:0: 1099511627776 nodes; expected at most 2^31 - 1, as node numbers are 32-bit"},
        {"a b\n", 5, "0:0: ids are text; expected integers below num_nodes: leave num_nodes out"},
    };
    for (const auto& one : cases) {
        options.num_nodes = one.num_nodes;
        const graphx::EdgeList made = read_all_ways(one.text, options);
        CHECK_EQ(told(made), one.told);
        if (made.refused) continue;
        CHECK_EQ(made.csr.indptr.size(), static_cast<std::size_t>(one.num_nodes) + 1);
        CHECK_EQ(made.integer_names.size(), 0u);
    }
}

TEST(chosen_columns_are_taken_wherever_the_line_begins) {
    graphx::EdgeListOptions options = no_header();
    options.lines.delimiter = '\t';
    options.lines.source = 1;
    options.lines.target = 2;
    // an empty first field is a field: the chosen ones are 6 and 7 on both lines
    const graphx::EdgeList made = read_all_ways("5\t6\t7\t9\n\t6\t8\t9\n\t# a comment\n\t \n", options);
    CHECK_EQ(told(made), "");
    CHECK(list(made.integer_names) == (std::vector<std::uint64_t>{6, 7, 8}));
    CHECK_EQ(made.comments, 2);
    CHECK_EQ(told(read_all_ways("\t6\t7\t9\n\t\t8\n", options)), "2:2: an empty node id; expected an integer or a name");
    options.lines.source = 62;
    options.lines.target = 63;
    options.lines.weight = 0;
    options.lines.delimiter = 0;
    std::string line = "0.5";
    for (int column = 1; column < 70; ++column) line += "," + std::to_string(100 + column);
    const graphx::EdgeList far = read_all_ways(line + "\n", options);
    CHECK(list(far.integer_names) == (std::vector<std::uint64_t>{162, 163}));
    CHECK_EQ(far.csr.weights[0], 0.5);
    CHECK_EQ(told(read_all_ways(line + "\n0,1\n", options)), "2:1: 2 columns; expected 64 at least, as columns= asks");
}

TEST(a_weight_has_one_sign) {
    const struct {
        const char* text;
        bool good;
        double value;
    } cases[] = {
        {"+2", true, 2},    {"-2", true, -2},     {"+.5", true, 0.5},  {"1e-400", true, 0},  {"-0", true, 0},
        {"+-2", false, 0},  {"++2", false, 0},    {"-+2", false, 0},   {"--2", false, 0},    {"+", false, 0},
        {"-", false, 0},    {"1e400", false, 0},  {"-1e400", false, 0}, {"1.2.3", false, 0}, {"1,5", false, 0},
        {"inf", false, 0},  {"-inf", false, 0},   {"nan", false, 0},   {"0x1p3", false, 0},  {"1e", false, 0},
        {"1e+5", true, 1e5}, {"1.", true, 1},     {".", false, 0},     {"1e5.0", false, 0},  {"1_000", false, 0},
    };
    for (const auto& one : cases) {
        const graphx::EdgeList made = read_all_ways("0 1 1\n1 2 " + std::string(one.text) + "\n", no_header());
        CHECK_EQ(!made.refused, one.good);
        if (!one.good) {
            CHECK_EQ(made.problem.line, 2);
            CHECK_EQ(made.problem.column, 5);
            CHECK_EQ(made.problem.message.find("the weight '" + std::string(one.text) + "'"), 0u);
            continue;
        }
        CHECK_EQ(made.csr.weights[3], one.value);
        CHECK(!std::signbit(made.csr.weights[3]) || one.value < 0);  // -0 is 0: equal weights have equal bits
    }
}

TEST(written_edges_are_read_again) {
    const std::int64_t most = std::numeric_limits<std::int64_t>::max(), least = std::numeric_limits<std::int64_t>::min();
    const std::vector<std::int64_t> u{0, 9, most, least, -1, 1234567890123456789}, v{1, 10, least, most, 0, 99};
    graphx::Buffer<char> out;
    graphx::format_edges(u.data(), v.data(), 6, '\t', out);
    std::string expected;
    for (std::size_t i = 0; i < u.size(); ++i) expected += std::to_string(u[i]) + "\t" + std::to_string(v[i]) + "\n";
    CHECK_EQ(std::string(out.begin(), out.end()), expected);
    graphx::format_edges(u.data(), v.data(), 0, ' ', out);
    CHECK_EQ(out.size(), 0u);
    graphx::format_edges(u.data(), v.data(), 3, ';', out);
    const graphx::EdgeList made = read_all_ways("0;1\n9;10\n9223372036854775807;99\n", no_header());
    CHECK(list(made.integer_names) == (std::vector<std::uint64_t>{0, 1, 9, 10, 99, static_cast<std::uint64_t>(most)}));
}
