// The grammar of an edge-list line, and what parsing a run of lines leaves behind.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "graphx/buffer.hpp"
#include "graphx/parallel.hpp"

namespace graphx {

enum class Ids : int { automatic = 0, integers = 1, text = 2 };
enum class Choice : int { automatic = -1, no = 0, yes = 1 };

struct LineOptions {
    Ids ids = Ids::automatic;
    char delimiter = 0;               // 0: found on the first edge line
    Choice header = Choice::automatic;
    Choice weighted = Choice::automatic;
    int source = -1, target = -1, weight = -1;  // columns from 0; all -1: the first two and, if there, the third
};

// How the lines of this file look: fixed by the options and the first line that is no comment.
struct LineFormat {
    bool known = false;
    char delimiter = ' ';             // ' ': any run of blanks and tabs
    int columns = 0;                  // on every line; 0: any number that has the chosen ones
    int source = 0, target = 1, weight = -1;
    bool weights_ignored = false;
    bool ids_are_text = false;
    bool skip_first = false;          // the first line that is no comment is a header
    bool first_looks_like_header = false;
    std::string first_line;
    std::int64_t first_line_number = 0;
    std::int64_t first_offset = 0;    // of that line in the run of lines where it was found
};

struct Problem {
    std::int64_t line = 0;            // from 1, within the run of lines; 0: no problem
    std::int64_t column = 0;          // from 1, in characters
    std::string message;
    explicit operator bool() const { return line > 0; }
};

constexpr std::int64_t kMaxLine = std::int64_t{1} << 20;  // a longer line is no edge

inline Problem long_line(std::int64_t line) {
    return {line, 1, "a line longer than 1 MiB; expected an edge a line: is this an edge list?"};
}

// Strings to numbers 0, 1, ... in order of first appearance; owns their bytes.
class StringTable {
public:
    std::uint32_t number(std::string_view text);
    std::size_t size() const { return starts_.size(); }
    std::string_view text(std::size_t i) const {
        const std::size_t end = i + 1 < starts_.size() ? starts_[i + 1] : bytes_.size();
        return {bytes_.data() + starts_[i], end - starts_[i]};
    }

private:
    void rehash(std::size_t slots);
    std::vector<char> bytes_;
    std::vector<std::size_t> starts_;
    std::vector<std::size_t> hashes_;
    std::vector<std::uint32_t> slots_;  // number + 1, 0 when free
};

// Edges of one run of lines: pairs of ids, 32-bit while they fit, or numbers of `strings`.
struct LineRun {
    Buffer<std::uint32_t> pairs;      // [2 * edges] unless wide
    Buffer<std::uint64_t> wide;       // [2 * edges] if wide
    Buffer<double> weights;           // [edges] if the format has a weight column
    StringTable strings;
    bool is_wide = false;
    bool at_head = false;             // set before parsing: the file begins here, perhaps with a byte order mark
    std::int64_t edges = 0, lines = 0, comments = 0;
    std::uint64_t max_id = 0;
    Problem hard;                     // the run ends here
    Problem soft;                     // an id that is wrong unless all ids are text (negative, decimal)
    Problem text;                     // the first id that is no integer: all ids are text

    std::uint64_t id(std::int64_t i) const {
        return is_wide ? wide[static_cast<std::size_t>(i)] : pairs[static_cast<std::size_t>(i)];
    }
    void widen();
};

// Looks at whole lines in [begin, end) until one is no comment; fixes `format` by it. Lines before it are counted.
void detect_format(const char* begin, const char* end, const LineOptions& options, LineFormat& format,
                   std::int64_t& lines_before, Problem& problem);

// Parses whole lines in [begin, end): the last byte is a newline, and 16 readable bytes follow.
// `first_line` points to the first edge line of the file if this run holds it.
void parse_lines(Control& control, const char* begin, const char* end, const LineFormat& format, const char* first_line,
                 LineRun& run);

}  // namespace graphx
