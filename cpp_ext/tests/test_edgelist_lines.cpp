// The grammar of one line, run by run: formats found, numbers of every length, names, quotes; and no byte read outside.
#include "graphx/edgelist_lines.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "guarded.hpp"
#include "test.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

constexpr std::size_t kReadable = 16;  // bytes behind the lines that parse_lines may read

struct Found {
    LineFormat format;
    Problem problem;
    std::int64_t before = 0;
};

Found detect(const std::string& text, const LineOptions& options = {}) {
    Found found;
    Guarded room(text, 0, true);
    detect_format(room.data(), room.data() + text.size(), options, found.format, found.before, found.problem);
    return found;
}

// The run that whole lines leave; they are the begin of a file.
LineRun parse(const std::string& text, const LineOptions& options = {}, bool at_end = true) {
    Guarded room(text, kReadable, at_end);
    LineFormat format;
    Problem problem;
    std::int64_t before = 0;
    detect_format(room.data(), room.data() + text.size(), options, format, before, problem);
    LineRun run;
    run.at_head = true;
    if (problem) {
        run.hard = problem;
        return run;
    }
    CHECK(format.known);
    Control control(1);
    parse_lines(control, room.data(), room.data() + text.size(), format, room.data() + format.first_offset, run);
    return run;
}

LineOptions as_text(char delimiter = 0) {
    LineOptions options;
    options.ids = Ids::text;
    options.delimiter = delimiter;
    options.header = Choice::no;
    return options;
}

std::vector<std::string> names(const LineRun& run) {
    std::vector<std::string> made;
    for (std::int64_t i = 0; i < 2 * run.edges; ++i)
        made.emplace_back(run.strings.text(static_cast<std::size_t>(run.id(i))));
    return made;
}

std::string told(const Problem& problem) {
    return problem ? std::to_string(problem.line) + ":" + std::to_string(problem.column) + ": " + problem.message : "";
}

}  // namespace

TEST(the_first_line_fixes_the_format) {
    const struct {
        const char* text;
        char delimiter;
        int columns, weight;
        std::int64_t before;
        const char* first_line;
    } cases[] = {
        {"1 2\n", ' ', 2, -1, 0, "1 2"},
        {"1\t2\t3\n", ' ', 3, 2, 0, "1\t2\t3"},
        {"#\n%\n\n \t\n  1  2  \n", ' ', 2, -1, 4, "1  2"},
        {"1, 2;3\n", ',', 2, -1, 0, "1, 2;3"},  // a comma before a semicolon
        {"1;2;3\r\n", ';', 3, 2, 0, "1;2;3"},
        {"\"a,b\" \"c;d\"\n", ' ', 2, -1, 0, "\"a,b\" \"c;d\""},  // inside quotes nothing separates
        {"\"a,b\";c\n", ';', 2, -1, 0, "\"a,b\";c"},
        {"\xef\xbb\xbf" "1 2 {}\n", ' ', 2, -1, 0, "1 2 {}"},
        {"1,2,\n", ',', 3, 2, 0, "1,2,"},
    };
    for (const auto& one : cases) {
        const Found found = detect(one.text);
        CHECK_EQ(told(found.problem), "");
        CHECK(found.format.known);
        CHECK_EQ(found.format.delimiter, one.delimiter);
        CHECK_EQ(found.format.columns, one.columns);
        CHECK_EQ(found.format.weight, one.weight);
        CHECK_EQ(found.before, one.before);
        CHECK_EQ(found.format.first_line_number, one.before + 1);
        CHECK_EQ(found.format.first_line, one.first_line);
        CHECK_EQ(std::string(one.text).substr(static_cast<std::size_t>(found.format.first_offset)).find(one.first_line),
                 std::string(one.text).substr(static_cast<std::size_t>(found.format.first_offset)).find_first_not_of(" \xef\xbb\xbf"));
    }
    for (const char* nothing : {"", "# 1 2\n", "\n\n", "1 2"}) {  // the last has no newline: more may come
        const Found found = detect(nothing);
        CHECK(!found.format.known && !found.problem);
    }
}

TEST(a_head_of_a_table_is_told_from_names) {
    const struct {
        const char* text;
        bool looks, skip;
    } cases[] = {
        {"source target\n", true, true},   {"Source_ID,TARGET-id\n", true, true}, {"node.1;Node 2\n", true, true},
        {"from to weight\n", true, true},  {"alice bob\n", true, false},          {"alice bob likes\n", true, true},
        {"alice bob 3\n", true, false},    {"source 7\n", false, false},          {"source bob\n", true, false},
        {"FromNodeId\tToNodeId\n", true, true}, {"1 2\n", false, false},          {"-1 x\n", false, false},
        {"1.5 to\n", false, false},        {"protein1 protein2 combined_score\n", true, true},
    };
    for (const auto& one : cases) {
        const Found found = detect(one.text);
        CHECK_EQ(found.format.first_looks_like_header, one.looks);
        CHECK_EQ(found.format.skip_first, one.skip);
        LineOptions options;
        options.header = Choice::yes;
        CHECK(detect(one.text, options).format.skip_first);
        options.header = Choice::no;
        CHECK(!detect(one.text, options).format.skip_first);
        CHECK(!detect(one.text, options).format.first_looks_like_header);
    }
}

// Runs of up to 20 digits: seven are read at once, eight to nineteen one by one, twenty the slow way.
TEST(integers_of_every_length_are_read) {
    std::vector<std::string> numbers{"0", "18446744073709551615", "18446744073709551614", "10000000000000000000",
                                     "9999999999999999999", "4294967295", "4294967296"};
    for (int length = 1; length <= 19; ++length)
        for (const char digit : {'1', '7', '9'}) {
            numbers.push_back(std::string(static_cast<std::size_t>(length), digit));
            numbers.push_back(digit + std::string(static_cast<std::size_t>(length - 1), '0'));
        }
    for (const char* between : {" ", "\t", ",", ";", "  "})
        for (const char* end : {"\n", "\r\n", " \n"})
            for (const char* weight : {"", "2.5"}) {
                std::string text = "5" + std::string(between) + "6" + (*weight ? between : "") + weight + end;
                for (std::size_t i = 0; i < numbers.size(); ++i)
                    text += numbers[i] + between + numbers[numbers.size() - 1 - i] + (*weight ? between : "") + weight + end;
                for (const bool at_end : {false, true}) {
                    const LineRun run = parse(text, {}, at_end);
                    CHECK_EQ(told(run.hard) + told(run.soft) + told(run.text), "");
                    CHECK_EQ(run.edges, static_cast<std::int64_t>(numbers.size()) + 1);
                    CHECK_EQ(run.lines, run.edges);
                    CHECK(run.is_wide);
                    CHECK_EQ(run.pairs.size(), 0u);
                    CHECK_EQ(run.wide.size(), 2 * static_cast<std::size_t>(run.edges));
                    CHECK_EQ(run.max_id, ~std::uint64_t{0});
                    CHECK_EQ(run.id(0), 5u);
                    for (std::size_t i = 0; i < numbers.size(); ++i) {
                        CHECK_EQ(std::to_string(run.id(static_cast<std::int64_t>(2 * i + 2))), numbers[i]);
                        CHECK_EQ(std::to_string(run.id(static_cast<std::int64_t>(2 * i + 3))), numbers[numbers.size() - 1 - i]);
                    }
                    CHECK_EQ(run.weights.size(), *weight ? static_cast<std::size_t>(run.edges) : 0);
                    for (const double value : run.weights) CHECK_EQ(value, 2.5);
                }
            }
}

TEST(ids_widen_at_the_edge_that_needs_it) {
    for (const std::int64_t wide_at : {0, 1, 2, 99, 100}) {
        std::string text;
        for (std::int64_t i = 0; i < 100; ++i)
            text += std::to_string(i) + " " + (i == wide_at ? "4294967296" : "4294967295") + "\n";
        const LineRun run = parse(text);
        CHECK_EQ(run.edges, 100);
        CHECK_EQ(run.is_wide, wide_at < 100);
        CHECK_EQ(run.max_id, wide_at < 100 ? 4294967296u : 4294967295u);
        for (std::int64_t i = 0; i < 100; ++i) {
            CHECK_EQ(run.id(2 * i), static_cast<std::uint64_t>(i));
            CHECK_EQ(run.id(2 * i + 1), 4294967295ull + (i == wide_at));
        }
    }
}

TEST(what_is_no_integer_is_negative_decimal_or_a_name) {
    const struct {
        const char* id;
        char kind;  // i, n, d or t
    } cases[] = {
        {"0", 'i'},    {"18446744073709551615", 'i'}, {"18446744073709551616", 't'}, {"00", 't'},   {"01", 't'},
        {"-1", 'n'},   {"-0", 'n'},    {"-01", 'n'},   {"-", 't'},    {"+1", 't'},   {"+", 't'},    {"--1", 't'},
        {"1.0", 'd'},  {"-1.5", 'd'},  {".5", 'd'},    {"5.", 'd'},   {".", 't'},    {"-.", 't'},   {"1.2.3", 't'},
        {"1.5e3", 'd'}, {"1.5e+3", 'd'}, {"1.5E-3", 'd'}, {"1e3", 't'}, {"1.+3", 't'}, {"e1.5", 't'}, {"1.5x", 't'},
        {"0x1f", 't'}, {"1_000", 't'}, {"\xd9\xa1", 't'}, {"1-2", 't'}, {"+1.5", 't'},
    };
    LineOptions options;
    options.header = Choice::no;
    for (const auto& one : cases)
        for (const bool first : {true, false}) {
            const std::string text = first ? std::string(one.id) + " 2\n" : "2 " + std::string(one.id) + "\n";
            for (const bool at_end : {false, true}) {
                const LineRun run = parse(text, options, at_end);
                CHECK(!run.hard);
                CHECK_EQ(run.edges, one.kind == 'i' ? 1 : 0);
                CHECK_EQ(static_cast<bool>(run.text), one.kind == 't');
                CHECK_EQ(run.soft.message.find("the negative node id '"), one.kind == 'n' ? 0 : std::string::npos);
                CHECK_EQ(run.soft.message.find("the number '"), one.kind == 'd' ? 0 : std::string::npos);
                const Problem& problem = run.text ? run.text : run.soft;
                if (one.kind != 'i') CHECK_EQ(problem.column, first ? 1 : 3);
            }
        }
}

TEST(quotes_are_as_in_a_table) {
    const struct {
        const char* text;
        char delimiter;
        std::vector<std::string> names;
        const char* told;
    } cases[] = {
        {"\"a b\" c\n", ' ', {"a b", "c"}, ""},
        {"\"a\"\"b\",\"\"\"\"\n", ',', {"a\"b", "\""}, ""},
        {"\"a,b\" , \" c \"\n", ',', {"a,b", " c "}, ""},
        {"a\"b c\"\n", ' ', {"a\"b", "c\""}, ""},  // a quote inside a field is a character
        {"\"a\tb\"\tc d\n", '\t', {"a\tb", "c d"}, ""},
        {"\"a\"\t \"b\" \n", '\t', {"a", "b"}, ""},
        {"\"a b\n", ' ', {}, "1:1: a quote that does not close its field; expected \"...\" with \"\" inside"},
        {"a \"b\"\"\n", ' ', {}, "1:3: a quote that does not close its field; expected \"...\" with \"\" inside"},
        {"\"a\"b c\n", ' ', {}, "1:4: a quote that does not close its field; expected \"...\" with \"\" inside"},
        {"\xc3\xa9 \"x\"y\n", ' ', {}, "1:6: a quote that does not close its field; expected \"...\" with \"\" inside"},
        {"\"\" b\n", ' ', {}, "1:2: an empty node id; expected an integer or a name"},
        {"a|\"b|c\"\n", '|', {"a", "b|c"}, ""},
    };
    for (const auto& one : cases) {
        const LineRun run = parse(one.text, as_text(one.delimiter));
        CHECK_EQ(told(run.hard), one.told);
        if (!run.hard) CHECK(names(run) == one.names);
    }
}

// Bytes of the second name; the table of RFC 3629, section 4, with each border from both sides.
TEST(names_are_utf8) {
    const struct {
        const char* name;
        std::int64_t bad;  // column of the byte that is not; 0: good
    } cases[] = {
        {"\x7e", 0},             {"\x80", 3},             {"\xbf", 3},             {"\xc1\xbf", 3},
        {"\xc2\x80", 0},         {"\xdf\xbf", 0},         {"\xc3(", 3},            {"\xc3", 3},
        {"\xe0\x9f\xbf", 3},     {"\xe0\xa0\x80", 0},     {"\xed\x9f\xbf", 0},     {"\xed\xa0\x80", 3},
        {"\xee\x80\x80", 0},     {"\xef\xbf\xbf", 0},     {"\xe2\x82", 3},         {"\xf0\x8f\xbf\xbf", 3},
        {"\xf0\x90\x80\x80", 0}, {"\xf4\x8f\xbf\xbf", 0}, {"\xf4\x90\x80\x80", 3}, {"\xf5\x80\x80\x80", 3},
        {"\xf0\x9f\x98", 3},     {"ab\xff", 5},           {"\xc3\xa9\xfe", 4},     {"\xe2\x82\xac\xe2\x82\xac", 0},
    };
    for (const auto& one : cases)
        for (const char* end : {"\n", "\r\n"}) {
            const LineRun run = parse("a " + std::string(one.name) + end, as_text());
            CHECK_EQ(run.hard.line, one.bad ? 1 : 0);
            CHECK_EQ(run.hard.column, one.bad);
            if (one.bad == 0) CHECK(names(run) == (std::vector<std::string>{"a", one.name}));
            else CHECK_EQ(run.hard.message, "a name that is not UTF-8; expected UTF-8: convert it, say with iconv");
        }
}

TEST(control_characters_are_no_text) {
    for (int byte = 1; byte < 0x80; ++byte) {
        const bool control = (byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7f;
        if (byte == '\n') continue;
        const LineRun run = parse("1;2\n3;4" + std::string(1, static_cast<char>(byte)) + "x\n", as_text(';'));
        CHECK_EQ(static_cast<bool>(run.hard), control || byte == ';');
        if (!control) continue;
        CHECK_EQ(told(run.hard).substr(0, 5), "2:4: ");
        const char hex[] = "0123456789abcdef";
        const std::string name = std::string("the byte 0x") + hex[byte >> 4] + hex[byte & 15] + "; expected text";
        CHECK_EQ(run.hard.message.find(byte == '\r' ? "a carriage return inside the line" : name), 0u);
    }
}

TEST(a_string_table_numbers_by_first_appearance) {
    StringTable table;
    std::map<std::string, std::uint32_t> expected;
    std::vector<std::string> order;
    std::mt19937 random(5);
    for (int i = 0; i < 20000; ++i) {
        std::string text;
        for (std::size_t length = random() % 4; length > 0; --length) text += static_cast<char>(random() % 9);  // zeros too
        if (i % 7 == 0) text += std::string(random() % 300, 'x');
        const auto [entry, fresh] = expected.emplace(text, static_cast<std::uint32_t>(order.size()));
        if (fresh) order.push_back(text);
        CHECK_EQ(table.number(text), entry->second);
        CHECK_EQ(table.size(), order.size());
    }
    for (std::size_t i = 0; i < order.size(); ++i) CHECK_EQ(std::string(table.text(i)), order[i]);
    CHECK(expected.count("") == 1);
}

// Random bytes with newlines: whatever they are, nothing outside the promised bytes is read, and lines add up.
TEST(random_lines_are_read_within_their_bytes) {
    std::mt19937_64 random(11);
    const std::string alphabet = "01234567899 \t,;\"#%\r\n-+.eE{}x\xc3\xa9\xff";
    for (int round = 0; round < 3000; ++round) {
        std::string text = round % 3 == 0 ? "1 2 3\n" : round % 3 == 1 ? "1,2\n" : "";
        for (std::uint64_t left = random() % 60; left > 0; --left) text += alphabet[random() % alphabet.size()];
        text += '\n';
        for (const bool at_end : {false, true})
            for (const Ids ids : {Ids::automatic, Ids::text}) {
                LineOptions options;
                options.ids = ids;
                Guarded room(text, kReadable, at_end);
                LineFormat format;
                Problem problem;
                std::int64_t before = 0;
                detect_format(room.data(), room.data() + text.size(), options, format, before, problem);
                if (problem || !format.known) continue;
                LineRun run;
                Control control(1);
                parse_lines(control, room.data(), room.data() + text.size(), format, nullptr, run);
                const auto lines = static_cast<std::int64_t>(std::count(text.begin(), text.end(), '\n'));
                if (!run.hard && !run.text) CHECK_EQ(run.lines, lines);
                CHECK(run.hard.line <= lines && run.soft.line <= lines && run.text.line <= lines);
                CHECK(run.edges + run.comments <= run.lines);
                CHECK_EQ(run.is_wide ? run.wide.size() : run.pairs.size(), 2 * static_cast<std::size_t>(run.edges));
            }
    }
}

TEST(a_request_to_stop_is_seen_before_the_first_line) {
    Control control(1);
    control.request_stop();
    LineFormat format;
    LineRun run;
    Guarded room("1 2\n", kReadable, true);
    CHECK_THROWS(Cancelled, parse_lines(control, room.data(), room.data() + 4, format, nullptr, run));
    CHECK_EQ(run.edges, 0);
}
