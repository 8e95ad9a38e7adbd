// Text is read chunk by chunk, side by side: what comes of it must not show where a chunk ends.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "edgelist_reference.hpp"
#include "graphx/edgelist.hpp"
#include "read_text.hpp"
#include "test.hpp"

using namespace graphx::test;

namespace {

graphx::EdgeListOptions no_header() {
    graphx::EdgeListOptions options;
    options.lines.header = graphx::Choice::no;
    return options;
}

// `size` bytes of comment lines.
std::string padding(std::int64_t size) {
    std::string made;
    while (size > 0) {
        const std::int64_t line = size > 70000 ? 60000 : size;
        made += line > 1 ? "#" + std::string(static_cast<std::size_t>(line) - 2, 'x') + "\n" : "\n";
        size -= line;
    }
    return made;
}

}  // namespace

TEST(a_line_on_the_border_of_two_chunks_is_read_once) {
    const std::string lines = "10 4294967299 2.5\r\n \t11  10 -1\n12 13 .5 \n";
    const auto size = static_cast<std::int64_t>(lines.size());
    for (std::int64_t inside = 0; inside <= size; ++inside) {  // bytes of the lines that lie in the first chunk
        const std::string head = "10 11 1\n";
        const std::string text =
            head + padding(kTextChunk - inside - static_cast<std::int64_t>(head.size())) + lines + "14 10 3";
        const graphx::EdgeListOptions options = no_header();
        const graphx::EdgeList file = read_text(text, inside % 2 ? 1 : 3, 0, options);
        CHECK_EQ(told(file), "");
        CHECK_EQ(file.edges, 5);
        CHECK_EQ(file.lines - file.comments, 5);
        CHECK(list(file.integer_names) == (std::vector<std::uint64_t>{10, 11, 12, 13, 14, 4294967299}));
        // two edges between 10 and 11 of different weight are told, as they are not to be merged
        CHECK_EQ(file.csr.clash_source, 0);
        CHECK_EQ(file.csr.clash_target, 1);
        CHECK_EQ(file.csr.indices.size(), 8u);
        CHECK_EQ(file.csr.weights[1], 3.0);   // 10 - 14
        CHECK_EQ(file.csr.weights[2], 2.5);   // 10 - 4294967299
        if (inside % 4 == 0) CHECK(same(file, read_text(text, 1, std::size_t{1} << 20, options)));
    }
}

TEST(the_first_edge_may_lie_in_any_chunk) {
    for (const std::int64_t skipped : {kTextChunk - 1, kTextChunk, 2 * kTextChunk + 5}) {
        const std::string text = padding(skipped) + "source;target\n3;4\n4;5\n";
        const graphx::EdgeList made = read_text(text, 2, 0);
        CHECK_EQ(told(made), "");
        CHECK_EQ(made.header, "source;target");
        CHECK_EQ(made.edges, 2);
        CHECK_EQ(made.lines, made.comments + 3);
        for (const int threads : {1, 3}) CHECK(same(made, read_text(text, threads, 1 << 20)));
        const graphx::EdgeList bad = read_text(padding(skipped) + "3;4\n4\n", 2, 0);
        CHECK_EQ(bad.problem.line, made.comments + 2);
        CHECK(same(bad, read_text(padding(skipped) + "3;4\n4\n", 1, 1 << 20)));
    }
}

TEST(what_is_wrong_first_is_told_wherever_a_line_too_long_lies) {
    const std::string wide(std::size_t{9} << 20, 'x'), exact(std::size_t{1} << 20, '7');
    const std::string long_line = "a line longer than 1 MiB; expected an edge a line: is this an edge list?";
    const struct {
        std::string text, told;
    } cases[] = {
        {"1 2\n" + wide, "2:1: " + long_line},
        {"1 2\n3 4\n" + wide + "\n1\n", "3:1: " + long_line},
        {"# a\n\n" + wide, "3:1: " + long_line},  // no edge before it
        {"# a\n" + wide + "\n1 2\n", "2:1: " + long_line},
        {padding(kTextChunk + 5) + wide, std::to_string(kTextChunk / 60000 + 2) + ":1: " + long_line},
        {"1 2\n1\n" + wide, "2:1: 1 column ('1'); expected 2 as on line 1: mend or remove the line"},
        {"1 2\n-3 4\n" + wide, "2:1: the negative node id '-3'; expected integers from 0 on, or names: remove the line if it "
                               "stands for a missing node, or pass ids='text' to take every id as a name"},
        {"1 2\n# " + exact.substr(2) + "\n3 4\n", ""},  // just as long as is allowed
        {"1 2\n#  " + exact.substr(2) + "\n3 4\n", "2:1: " + long_line},
    };
    for (const auto& one : cases)
        for (const int threads : {1, 3}) {
            CHECK_EQ(told(read_text(one.text, threads, 0)), one.told);
            CHECK_EQ(told(read_text(one.text, threads, 1000003)), one.told);
        }
}

// A mark at the head of the file is skipped; one further on, as of files put together, is part of an id wherever it lies.
TEST(a_byte_order_mark_is_skipped_at_the_head_only) {
    const std::string mark = "\xef\xbb\xbf";
    for (const std::int64_t before : {std::int64_t{8}, kTextChunk, kTextChunk + 5}) {
        const std::string text = mark + "1 2\n" + padding(before - 7) + mark + "1 3\n";
        const graphx::EdgeList made = read_text(text, 1, 0);
        CHECK(made.text_names == (std::vector<std::string>{"1", "2", "3", mark + "1"}));
        CHECK(same(made, read_text(text, 3, 0)));
        CHECK(same(made, read_text(text, 1, 1 << 16)));
        CHECK(same(made, read_text(text, 3, 1 << 16)));
    }
    for (const std::string& text : {mark + "# x\n" + mark + "1 2\n", mark + "\n" + mark + "1 2\n"})
        CHECK(read_all_ways(text).text_names.size() == 2);
}

namespace {

// Pieces are read side by side, but what is told must be what one reader from top to bottom would say: a name makes all
// ids names, unless a line that is no edge came before it; of a number that is no id and such a line the earlier counts.
std::string said_from_top_to_bottom(const std::map<std::int64_t, std::string>& oddities) {
    const std::string broken = ":1: 1 column ('x'); expected 2 as on line 1: mend or remove the line";
    bool names = false;
    for (const auto& [line, text] : oddities) {
        if (text == "x") break;
        names = names || text[0] == 'n';
    }
    for (const auto& [line, text] : oddities) {
        if (text == "x") return std::to_string(line) + broken;
        if (text[0] == '-' && !names)
            return std::to_string(line) + ":1: the negative node id '-7'; expected integers from 0 on, or names: remove the line if "
                                          "it stands for a missing node, or pass ids='text' to take every id as a name";
    }
    return "";
}

}  // namespace

TEST(oddities_in_several_chunks_are_told_as_from_top_to_bottom) {
    const std::int64_t lines = 600000;  // 16 bytes each: three chunks
    std::string plain;
    for (std::int64_t line = 0; line < lines; ++line) plain += "1000000 2000000\n";
    std::mt19937_64 random(3);
    const std::string kinds[] = {"x", "-7 5", "name 3"};
    for (int round = 0; round < 10; ++round) {
        std::map<std::int64_t, std::string> oddities;
        for (std::uint64_t left = 1 + random() % 3; left > 0; --left)
            oddities[2 + static_cast<std::int64_t>(random() % (lines - 1))] = kinds[random() % 3];
        std::string text = plain;
        for (const auto& [line, odd] : oddities)  // a blank end keeps the length
            text.replace(static_cast<std::size_t>(16 * (line - 1)), 16, odd + std::string(15 - odd.size(), ' ') + "\n");
        const graphx::EdgeList file = read_text(text, 3, 0, no_header());
        CHECK_EQ(told(file), said_from_top_to_bottom(oddities));
        CHECK(same(file, read_text(text, 1, 0, no_header())));
        CHECK(same(file, read_text(text, 2, 1 << 20, no_header())));
        if (file.refused || file.text_names.empty()) continue;
        std::int64_t first = 0;
        for (const auto& [line, odd] : oddities)
            if (odd[0] == 'n' && first == 0) first = line;
        CHECK_EQ(file.text_because.line, first);
        CHECK_EQ(file.edges, lines);
    }
}

TEST(names_and_weights_of_several_chunks_are_put_together) {
    for (const bool text_ids : {true, false}) {
        std::mt19937_64 random(12);
        std::string text;
        while (text.size() < static_cast<std::size_t>(kTextChunk) + 300000) {
            const std::uint64_t u = random() % 900, v = random() % 900;
            text += (text_ids ? "node-" : "77000000000") + std::to_string(u) + " " + (text_ids ? "node-" : "77000000000") +
                    std::to_string(v) + " " + std::to_string(random() % 8) + "." + (random() % 2 ? "5" : "25") + "\n";
        }
        graphx::EdgeListOptions options = no_header();
        options.duplicates = graphx::Duplicates::sum;
        const graphx::EdgeList file = read_text(text, 2, 0, options);
        check_graph(file, read_slowly(text), options);
        CHECK(same(file, read_text(text, 3, 1 << 18, options)));
    }
}

// A head of words is set aside until the ids are known; a name three chunks later makes it an edge.
TEST(a_head_that_was_set_aside_is_an_edge_when_ids_are_names) {
    const std::string text = "alice bob\n" + padding(kTextChunk) + "1 2\n" + padding(2 * kTextChunk) + "2 carol\n";
    const graphx::EdgeList made = read_text(text, 2, 0);
    CHECK_EQ(told(made), "");
    CHECK(made.text_names == (std::vector<std::string>{"1", "2", "alice", "bob", "carol"}));
    CHECK_EQ(made.header, "");
    CHECK_EQ(made.text_because.line, 1);
    CHECK(same(made, read_text(text, 1, 1 << 20)));
    const std::string numbers = "alice bob\n" + padding(2 * kTextChunk) + "1 2\n";
    CHECK_EQ(read_text(numbers, 2, 0).header, "alice bob");
    CHECK_EQ(read_text(numbers, 2, 1 << 20).edges, 1);
}

TEST(a_poll_can_stop_the_reading_of_files_and_streams) {
    std::string text;
    for (int i = 0; i < 100000; ++i) text += "123 456\n";
    for (const int threads : {1, 3}) {
        graphx::Control control(threads, [](std::int64_t) { return true; });
        std::this_thread::sleep_for(std::chrono::milliseconds(60));  // so that the first look already asks
        graphx::TextSource source;
        std::size_t at = 0;
        source.read = [&](char* into, std::size_t most) {
            const std::size_t size = std::min(most, text.size() - at);
            text.copy(into, size, at);
            at += size;
            return size;
        };
        CHECK_THROWS(graphx::Cancelled, graphx::read_edge_list(control, source, {}));
    }
}
