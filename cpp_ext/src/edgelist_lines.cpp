#include "graphx/edgelist_lines.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>

namespace graphx {

std::uint32_t StringTable::number(std::string_view text) {
    if ((starts_.size() + 1) * 2 > slots_.size()) rehash(std::max<std::size_t>(64, slots_.size() * 2));
    const std::size_t hash = std::hash<std::string_view>{}(text);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
        const std::uint32_t slot = slots_[at];
        if (slot == 0) {
            starts_.push_back(bytes_.size());
            bytes_.insert(bytes_.end(), text.begin(), text.end());
            hashes_.push_back(hash);
            return (slots_[at] = static_cast<std::uint32_t>(starts_.size())) - 1;
        }
        if (hashes_[slot - 1] == hash && this->text(slot - 1) == text) return slot - 1;
    }
}

void StringTable::rehash(std::size_t slots) {
    slots_.assign(slots, 0);
    for (std::size_t i = 0; i < hashes_.size(); ++i) {
        std::size_t at = hashes_[i] & (slots - 1);
        while (slots_[at] != 0) at = (at + 1) & (slots - 1);
        slots_[at] = static_cast<std::uint32_t>(i) + 1;
    }
}

void LineRun::widen() {
    const auto used = static_cast<std::size_t>(2 * edges);
    wide.resize(std::max(pairs.capacity(), used + 2));
    for (std::size_t i = 0; i < used; ++i) wide[i] = pairs[i];
    pairs.release();
    is_wide = true;
}

namespace {

constexpr int kMaxFields = 64;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

struct Field {
    const char* begin = nullptr;
    const char* end = nullptr;
    bool escaped = false;  // quoted with "" inside
    std::string_view view() const { return {begin, static_cast<std::size_t>(end - begin)}; }
};

struct Fields {
    std::array<Field, kMaxFields> at;
    int count = 0;  // may exceed kMaxFields
    const char* bad = nullptr;  // where an unclosed or odd quote stands
};

std::string shown(std::string_view text) {
    std::string out = "'";
    for (std::size_t i = 0; i < text.size() && i < 40; ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        out += c < 0x20 || c == 0x7f ? '?' : text[i];
    }
    while (text.size() > 40 && !out.empty() && (static_cast<unsigned char>(out.back()) & 0xc0) == 0x80) out.pop_back();
    return out + (text.size() > 40 ? "...'" : "'");
}

std::int64_t column_of(const char* line, const char* at) {
    std::int64_t column = 1;
    for (; line < at; ++line) column += (static_cast<unsigned char>(*line) & 0xc0) != 0x80;
    return column;
}

void split(const char* begin, const char* end, char delimiter, Fields& out) {
    out.count = 0;
    out.bad = nullptr;
    const char* p = begin;
    for (;;) {
        while (p < end && is_blank(*p) && *p != delimiter) ++p;
        if (delimiter == ' ') {
            while (p < end && is_blank(*p)) ++p;
            if (p == end) return;
        }
        Field field;
        if (p < end && *p == '"') {
            field.begin = ++p;
            for (;;) {
                if (p == end) {
                    out.bad = field.begin - 1;
                    return;
                }
                if (*p == '"') {
                    if (p + 1 < end && p[1] == '"') {
                        field.escaped = true;
                        p += 2;
                        continue;
                    }
                    break;
                }
                ++p;
            }
            field.end = p++;
            while (p < end && is_blank(*p) && delimiter != ' ' && *p != delimiter) ++p;
            if (p < end && !(delimiter == ' ' ? is_blank(*p) : *p == delimiter)) {
                out.bad = p;
                return;
            }
        } else {
            field.begin = p;
            while (p < end && !(delimiter == ' ' ? is_blank(*p) : *p == delimiter)) ++p;
            field.end = p;
            while (field.end > field.begin && is_blank(field.end[-1])) --field.end;
        }
        if (out.count < kMaxFields) out.at[static_cast<std::size_t>(out.count)] = field;
        ++out.count;
        if (p == end) return;
        ++p;  // the delimiter
    }
}

enum class Token { integer, negative, decimal, text };

// Integers are what std::to_chars writes: digits without sign or leading zeros, below 2^64.
Token classify(std::string_view text, std::uint64_t& value) {
    value = 0;
    if (text.empty()) return Token::text;
    if (text[0] != '0' || text.size() == 1) {
        const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error == std::errc{} && stop == text.data() + text.size()) return Token::integer;
    }
    bool digits = false, point = false, odd = false;
    for (std::size_t i = text[0] == '-' ? 1 : 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c >= '0' && c <= '9')
            digits = true;
        else if ((c == '.' && !point) || (point && (c == 'e' || c == 'E' || ((c == '+' || c == '-') && (text[i - 1] | 0x20) == 'e'))))
            point = true;
        else if (is_blank(c) && digits)
            point = true;
        else
            odd = true;
    }
    if (odd || !digits) return Token::text;
    if (point) return Token::decimal;
    return text[0] == '-' ? Token::negative : Token::text;
}

bool parse_double(const char* begin, const char* end, double& value) {
    if (begin < end && *begin == '+' && ++begin < end && *begin == '-') return false;
    if (begin == end) return false;
#if defined(__cpp_lib_to_chars)
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (error == std::errc::result_out_of_range && stop == end) {  // strtod tells underflow (fine) from overflow
        value = std::strtod(std::string(begin, end).c_str(), nullptr);
        return true;
    }
    return error == std::errc{} && stop == end;
#else
    const std::string text(begin, end);
    char* stop = nullptr;
    value = std::strtod(text.c_str(), &stop);
    return stop == text.c_str() + text.size() && text.find_first_of("xX") == std::string::npos;
#endif
}

const char* first_control(const char* begin, const char* end) {
    for (; begin < end; ++begin) {
        const auto c = static_cast<unsigned char>(*begin);
        if ((c < 0x20 && c != '\t') || c == 0x7f) return begin;
    }
    return nullptr;
}

// The first byte that is not part of well-formed UTF-8, or nullptr.
const char* first_not_utf8(const char* begin, const char* end) {
    while (begin < end) {
        const auto c = static_cast<unsigned char>(*begin);
        if (c < 0x80) {
            ++begin;
            continue;
        }
        const int more = c >= 0xc2 && c <= 0xdf ? 1 : c >= 0xe0 && c <= 0xef ? 2 : c >= 0xf0 && c <= 0xf4 ? 3 : 0;
        if (more == 0 || end - begin <= more) return begin;
        for (int i = 1; i <= more; ++i)
            if ((static_cast<unsigned char>(begin[i]) & 0xc0) != 0x80) return begin;
        const auto d = static_cast<unsigned char>(begin[1]);
        if ((c == 0xe0 && d < 0xa0) || (c == 0xed && d > 0x9f) || (c == 0xf0 && d < 0x90) || (c == 0xf4 && d > 0x8f))
            return begin;
        begin += more + 1;
    }
    return nullptr;
}

const char* without_bom(const char* begin, const char* end) {
    return end - begin >= 3 && std::memcmp(begin, "\xef\xbb\xbf", 3) == 0 ? begin + 3 : begin;
}

// Drops the newline's '\r' and blanks at both ends; true when an edge may stand here. Where tabs separate, one at the
// begin ends an empty field, and stays.
bool content(const char*& begin, const char*& end, char delimiter) {
    if (end > begin && end[-1] == '\r') --end;
    while (end > begin && is_blank(end[-1])) --end;
    const char* first = begin;
    while (first < end && is_blank(*first)) ++first;
    while (begin < first && *begin != delimiter) ++begin;
    if (delimiter == ' ') begin = first;
    return first < end && *first != '#' && *first != '%';
}

Problem problem_at(std::int64_t number, const char* line, const char* at, std::string message) {
    return {number, column_of(line, at), std::move(message)};
}

Problem control_problem(std::int64_t number, const char* line, const char* at) {
    static constexpr char hex[] = "0123456789abcdef";
    const auto c = static_cast<unsigned char>(*at);
    if (c == '\r')
        return problem_at(number, line, at,
                          "a carriage return inside the line; expected lines that end with a newline: convert the line ends");
    return problem_at(number, line, at,
                      std::string("the byte 0x") + hex[c >> 4] + hex[c & 15] +
                          "; expected text: is this an edge list? (binary forms are told by their ending: .npz, .mat, .gz)");
}

std::string columns_text(int count, const Fields& fields) {
    if (count == 1) return "1 column (" + shown(fields.at[0].view()) + ")";
    return std::to_string(count) + " columns";
}

// networkx writes an empty dict after each edge by default; it says nothing.
void drop_empty_dict(Fields& fields) {
    if (fields.count == 3 && fields.at[2].view() == "{}") fields.count = 2;
}

bool dict_begins(const Fields& fields) {
    return fields.count > 2 && !fields.at[2].view().empty() && fields.at[2].view()[0] == '{';
}

constexpr const char* kDictProblem =
    "edge data as a Python dict; expected a number or nothing: write the file with "
    "networkx.write_edgelist(G, path, data=False) or data=['weight']";

bool header_word(std::string_view text) {
    static constexpr std::string_view words[] = {"source", "target", "src",    "dst",    "dest",    "destination", "from",
                                                 "to",     "node1",  "node2",  "nodea",  "nodeb",   "id1",         "id2",
                                                 "fromnodeid", "tonodeid",     "fromnode", "tonode", "sourceid",   "targetid",
                                                 "sourcenode", "targetnode",   "head",     "tail",   "protein1",   "protein2"};
    std::string plain;
    for (const char c : text)
        if (c != '_' && c != '-' && c != ' ' && c != '.') plain += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return std::find(std::begin(words), std::end(words), plain) != std::end(words);
}

}  // namespace

void detect_format(const char* begin, const char* end, const LineOptions& options, LineFormat& format,
                   std::int64_t& lines_before, Problem& problem) {
    const char* base = begin;
    while (begin < end) {
        const auto* newline = static_cast<const char*>(std::memchr(begin, '\n', static_cast<std::size_t>(end - begin)));
        if (!newline) return;
        const char* line = begin;
        const char* stop = newline;
        begin = newline + 1;
        const std::int64_t number = lines_before + 1;
        const char* first = number == 1 ? without_bom(line, stop) : line;
        if (stop - line > kMaxLine) {
            problem = long_line(number);
            return;
        }
        if (!content(first, stop, options.delimiter)) {
            ++lines_before;
            continue;
        }
        if (const char* bad = first_control(first, stop)) {
            problem = control_problem(number, line, bad);
            return;
        }
        auto has = [&](char c) {  // outside quotes
            bool quoted = false;
            for (const char* p = first; p < stop; ++p) {
                if (*p == '"') quoted = !quoted;
                if (*p == c && !quoted) return true;
            }
            return false;
        };
        Fields fields;
        if (options.delimiter) {
            format.delimiter = options.delimiter;
        } else if (has(',')) {
            format.delimiter = ',';
        } else if (has(';')) {
            format.delimiter = ';';
        } else {
            format.delimiter = ' ';
            split(first, stop, ' ', fields);
            drop_empty_dict(fields);
            const int by_blank = fields.count;
            if (!fields.bad && has('\t') && has(' ')) {
                split(first, stop, '\t', fields);
                drop_empty_dict(fields);
                if (fields.count != by_blank && !fields.bad && fields.count >= 2) {
                    problem = {number, 1,
                               "blanks and tabs between the fields: " + std::to_string(fields.count) +
                                   " columns by tabs, " + std::to_string(by_blank) +
                                   " by blanks; say which separates them: delimiter='\\t' or delimiter=' '"};
                    return;
                }
            }
        }
        split(first, stop, format.delimiter, fields);
        if (fields.bad) {
            problem = problem_at(number, line, fields.bad, "a quote that does not close its field; expected \"...\" with \"\" inside");
            return;
        }
        if (options.source < 0 && dict_begins(fields) && fields.at[2].view() != "{}") {
            problem = problem_at(number, line, fields.at[2].begin, kDictProblem);
            return;
        }
        drop_empty_dict(fields);
        if (fields.count < 2) {
            problem = problem_at(number, line, first,
                                 columns_text(fields.count, fields) +
                                     "; expected 2 (source target) or 3 (source target weight), separated by blanks, a tab, "
                                     "a comma or a semicolon");
            return;
        }
        if (options.source >= 0) {
            format.source = options.source;
            format.target = options.target;
            format.weight = options.weight;
            format.columns = 0;
            if (std::max({format.source, format.target, format.weight}) >= std::min(fields.count, kMaxFields)) {
                problem = problem_at(number, line, first,
                                     std::to_string(fields.count) + " columns; expected " +
                                         std::to_string(std::max({format.source, format.target, format.weight}) + 1) +
                                         " at least: columns= counts from 0");
                return;
            }
        } else if (fields.count > 3) {
            problem = problem_at(number, line, first,
                                 std::to_string(fields.count) +
                                     " columns; expected 2 or 3: choose with columns=(0, 1) or columns=(0, 1, 2), counted from 0");
            return;
        } else {
            format.columns = fields.count;
            format.weight = fields.count == 3 ? 2 : -1;
        }
        if (options.weighted == Choice::yes && format.weight < 0) {
            problem = problem_at(number, line, first,
                                 "no weight column, but weighted=True; expected 3 columns (source target weight)");
            return;
        }
        if (options.weighted == Choice::no && format.weight >= 0) {
            format.weight = -1;
            format.weights_ignored = true;
        }
        const Field& source = fields.at[static_cast<std::size_t>(format.source)];
        const Field& target = fields.at[static_cast<std::size_t>(format.target)];
        std::uint64_t ignored;
        format.known = true;
        format.first_line.assign(first, stop);
        format.first_line_number = number;
        format.first_offset = line - base;
        format.ids_are_text = options.ids == Ids::text;
        format.skip_first = options.header == Choice::yes;
        if (options.header == Choice::automatic && classify(source.view(), ignored) == Token::text &&
            classify(target.view(), ignored) == Token::text) {
            bool weight_is_word = false;
            if (format.weight >= 0) {
                const Field& weight = fields.at[static_cast<std::size_t>(format.weight)];
                double value;
                weight_is_word = !parse_double(weight.begin, weight.end, value);
            }
            format.first_looks_like_header = true;
            // Among text ids only plain words of a table head, or a word in the weight column, are taken for a header.
            format.skip_first = weight_is_word || (header_word(source.view()) && header_word(target.view()));
        }
        return;
    }
}

namespace {

class LineParser {
public:
    LineParser(const LineFormat& format, const char* first_line, LineRun& run)
        : format_(format), first_line_(first_line), run_(run) {
        weighted_ = format.weight >= 0;
        plain_ = !format.ids_are_text && format.source == 0 && format.target == 1 &&
                 (format.weight == 2 ? format.columns == 3 : format.columns == 2) && std::endian::native == std::endian::little;
    }

    void parse(Control& control, const char* begin, const char* end) {
        reserve(end - begin);
        const char* p = begin;
        while (p < end) {
            if ((run_.lines & 0x3fff) == 0) control.checkpoint();
            const char* next = nullptr;
            if (plain_ && p != first_line_) next = weighted_ ? fast_line<true>(p, end) : fast_line<false>(p, end);
            if (next) {
                ++run_.lines;
                p = next;
                continue;
            }
            const auto* newline = static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p)));
            ++run_.lines;
            slow_line(p, newline);
            if (run_.hard || (run_.text && !format_.ids_are_text)) return;
            p = newline + 1;
        }
    }

private:
    // An edge line has at least 4 bytes, so this never grows; pages that stay untouched cost nothing.
    void reserve(std::ptrdiff_t bytes) {
        const auto edges = static_cast<std::size_t>(bytes / 4 + 1);
        run_.pairs.resize(2 * edges);
        if (weighted_) run_.weights.resize(edges);
    }

    void store(std::uint64_t u, std::uint64_t v) {
        const std::uint64_t larger = u > v ? u : v;
        if (larger > run_.max_id) run_.max_id = larger;
        const auto at = static_cast<std::size_t>(2 * run_.edges);
        if (!run_.is_wide) {
            if (larger <= std::numeric_limits<std::uint32_t>::max()) {
                run_.pairs[at] = static_cast<std::uint32_t>(u);
                run_.pairs[at + 1] = static_cast<std::uint32_t>(v);
                ++run_.edges;
                return;
            }
            run_.widen();
        }
        run_.wide[at] = u;
        run_.wide[at + 1] = v;
        ++run_.edges;
    }

    // Digits at p, eight at a time; returns nullptr unless they are an integer as classify() wants it.
    static const char* digits(const char* p, std::uint64_t& value) {
        std::uint64_t word;
        std::memcpy(&word, p, 8);
        word ^= 0x3030303030303030ull;
        const std::uint64_t others = ((word + 0x7676767676767676ull) | word) & 0x8080808080808080ull;
        if (others == 0) return long_digits(p, value);
        const int count = std::countr_zero(others) >> 3;
        if (count == 0 || (*p == '0' && count > 1)) return nullptr;
        word <<= 64 - 8 * count;
        word = (word * 10 + (word >> 8)) & 0x00ff00ff00ff00ffull;
        word = (word * 100 + (word >> 16)) & 0x0000ffff0000ffffull;
        value = (word * 10000 + (word >> 32)) & 0xffffffffull;
        return p + count;
    }

    static const char* long_digits(const char* p, std::uint64_t& value) {
        if (*p == '0') return nullptr;
        const char* begin = p;
        value = 0;
        for (; *p >= '0' && *p <= '9'; ++p) {
            if (p - begin >= 19) return nullptr;  // 20 digits may overflow: the slow line decides
            value = value * 10 + static_cast<std::uint64_t>(*p - '0');
        }
        return p;
    }

    const char* separator(const char* p) const {
        if (format_.delimiter == ' ') return is_blank(*p) ? p + 1 : nullptr;
        return *p == format_.delimiter ? p + 1 : nullptr;
    }

    // A line of the plainest form; nullptr when it is not, and nothing has happened then.
    template <bool Weighted>
    const char* fast_line(const char* p, const char* end) {
        std::uint64_t u, v;
        if (!(p = digits(p, u)) || !(p = separator(p)) || !(p = digits(p, v))) return nullptr;
        double weight = 0;
        if constexpr (Weighted) {
            if (!(p = separator(p))) return nullptr;
            const char* stop = p;
            while (*stop != '\n' && *stop != '\r') ++stop;
            if (stop - p > 30 || !parse_double(p, stop, weight) || !std::isfinite(weight)) return nullptr;
            p = stop;
        }
        if (*p == '\r') ++p;
        if (p >= end || *p != '\n') return nullptr;
        if constexpr (Weighted) run_.weights[static_cast<std::size_t>(run_.edges)] = weight + 0.0;
        store(u, v);
        return p + 1;
    }

    void slow_line(const char* line, const char* stop) {
        const char* first = line;
        if (stop - line > kMaxLine) {
            run_.hard = long_line(run_.lines);
            return;
        }
        if (run_.at_head && run_.lines == 1) first = without_bom(line, stop);
        if (!content(first, stop, format_.delimiter)) {
            ++run_.comments;
            return;
        }
        const bool is_first = line == first_line_;
        if (is_first && format_.skip_first) return;
        if (const char* bad = first_control(first, stop)) {
            run_.hard = control_problem(run_.lines, line, bad);
            return;
        }
        split(first, stop, format_.delimiter, fields_);
        if (fields_.bad) {
            run_.hard = problem_at(run_.lines, line, fields_.bad,
                                   "a quote that does not close its field; expected \"...\" with \"\" inside");
            return;
        }
        if (format_.columns > 0) drop_empty_dict(fields_);
        if (!columns_fit(line, first)) return;
        const Field& source = fields_.at[static_cast<std::size_t>(format_.source)];
        const Field& target = fields_.at[static_cast<std::size_t>(format_.target)];
        for (const Field* field : {&source, &target})
            if (field->begin == field->end) {
                run_.hard = problem_at(run_.lines, line, field->begin, "an empty node id; expected an integer or a name");
                return;
            }
        if (!format_.ids_are_text && is_first && format_.first_looks_like_header) return;  // judged after the whole file
        double weight = 0;
        if (weighted_ && !take_weight(line, weight)) return;
        std::uint64_t u = 0, v = 0;
        if (format_.ids_are_text) {
            if (!take_name(line, source, u) || !take_name(line, target, v)) return;
        } else {
            const bool good = take_integer(line, source, u);
            if (!take_integer(line, target, v) || !good) return;
        }
        if (weighted_) run_.weights[static_cast<std::size_t>(run_.edges)] = weight + 0.0;
        store(u, v);
    }

    bool columns_fit(const char* line, const char* first) {
        if (format_.columns > 0 && fields_.count == format_.columns) return true;
        const int last = std::max({format_.source, format_.target, format_.weight});
        if (format_.columns == 0 && fields_.count > last) return true;
        std::string message;
        if (format_.columns == 0)
            message = columns_text(fields_.count, fields_) + "; expected " + std::to_string(last + 1) +
                      " at least, as columns= asks";
        else if (dict_begins(fields_))
            message = kDictProblem;
        else if (fields_.count < 2)
            message = columns_text(fields_.count, fields_) + "; expected " + std::to_string(format_.columns) +
                      " as on line " + std::to_string(format_.first_line_number) + ": mend or remove the line";
        else
            message = columns_text(fields_.count, fields_) + "; expected " + std::to_string(format_.columns) +
                      " as on line " + std::to_string(format_.first_line_number) +
                      ": mend the line, or choose with columns=(0, 1)";
        run_.hard = problem_at(run_.lines, line, first, std::move(message));
        return false;
    }

    bool take_weight(const char* line, double& weight) {
        const Field& field = fields_.at[static_cast<std::size_t>(format_.weight)];
        if (parse_double(field.begin, field.end, weight) && std::isfinite(weight)) return true;
        run_.hard = problem_at(run_.lines, line, field.begin,
                               "the weight " + shown(field.view()) +
                                   "; expected a finite number: mend or remove it, or pass weighted=False to leave the "
                                   "weights out");
        return false;
    }

    bool take_integer(const char* line, const Field& field, std::uint64_t& value) {
        const Token token = classify(field.view(), value);
        if (token == Token::integer) return true;
        if (token == Token::text) {
            if (!run_.text)
                run_.text = problem_at(run_.lines, line, field.begin,
                                       "the node id " + shown(field.view()) + "; expected an integer from 0 on without sign or "
                                       "leading zeros: mend it, or pass ids='text' to take every id as a name");
        } else if (!run_.soft) {
            const char* cure = token == Token::negative
                                   ? "; expected integers from 0 on, or names: remove the line if it stands for a missing "
                                     "node, or pass ids='text' to take every id as a name"
                                   : "; expected integers or names: write integers (numpy.savetxt(..., fmt='%d')), or pass "
                                     "ids='text' to take every id as a name";
            run_.soft = problem_at(run_.lines, line, field.begin,
                                   (token == Token::negative ? "the negative node id " : "the number ") + shown(field.view()) +
                                       (token == Token::negative ? "" : " as a node id") + cure);
        }
        return false;
    }

    bool take_name(const char* line, const Field& field, std::uint64_t& value) {
        if (const char* bad = first_not_utf8(field.begin, field.end)) {
            run_.hard = problem_at(run_.lines, line, bad, "a name that is not UTF-8; expected UTF-8: convert it, say with iconv");
            return false;
        }
        if (field.escaped) {
            std::string plain;
            for (const char* p = field.begin; p < field.end; ++p) {
                plain += *p;
                if (*p == '"') ++p;
            }
            value = run_.strings.number(plain);
        } else {
            value = run_.strings.number(field.view());
        }
        return true;
    }

    const LineFormat& format_;
    const char* first_line_;
    LineRun& run_;
    Fields fields_;
    bool weighted_ = false;
    bool plain_ = false;
};

}  // namespace

void parse_lines(Control& control, const char* begin, const char* end, const LineFormat& format, const char* first_line,
                 LineRun& run) {
    LineParser(format, first_line, run).parse(control, begin, end);
    const auto edges = static_cast<std::size_t>(run.edges);
    if (run.is_wide) {
        run.wide.resize(2 * edges);
        run.wide.shrink();
    } else {
        run.pairs.resize(2 * edges);
        run.pairs.shrink();
    }
    if (format.weight >= 0) {
        run.weights.resize(edges);
        run.weights.shrink();
    }
}

}  // namespace graphx
