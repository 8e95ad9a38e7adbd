#include "graphx/edgelist.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <limits>
#include <memory>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace graphx {
namespace {

constexpr std::int64_t kChunk = std::int64_t{4} << 20;     // bytes of text in one task
constexpr std::int64_t kPad = 32;                          // readable bytes behind the text
constexpr std::uint64_t kMaxNodes = std::numeric_limits<std::int32_t>::max();

using Runs = std::vector<std::unique_ptr<LineRun>>;

struct Text {  // whole lines
    const char* begin = nullptr;
    const char* end = nullptr;
    bool too_long = false;  // the line that follows is longer than kMaxLine
};

void read_fully(int file, char* into, std::int64_t size, std::int64_t offset, std::int64_t& got) {
    got = 0;
    while (got < size) {
        const ssize_t n = ::pread(file, into + got, static_cast<std::size_t>(size - got), static_cast<off_t>(offset + got));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw std::system_error(errno, std::generic_category(), "read");
        if (n == 0) return;
        got += n;
    }
}

// The lines that begin in chunk `index` of the file, whole, with a newline after the last.
Text load_chunk(const TextSource& source, std::int64_t index, Buffer<char>& buffer) {
    const std::int64_t low = source.begin + index * kChunk, high = std::min(low + kChunk, source.end);
    const std::int64_t from = index == 0 ? low : low - 1;  // the byte before tells whether a line begins at `low`
    std::int64_t size = 0;
    buffer.reserve(static_cast<std::size_t>(std::min(kChunk, source.end - source.begin) + 2 * kMaxLine));  // grows no more
    buffer.resize(static_cast<std::size_t>(high - from + kPad));
    read_fully(source.file, buffer.data(), high - from, from, size);
    std::int64_t start = 0;
    if (index > 0) {
        const auto* newline = static_cast<const char*>(std::memchr(buffer.data(), '\n', static_cast<std::size_t>(std::max<std::int64_t>(0, size - 1))));
        if (!newline) return {buffer.data(), buffer.data(), false};
        start = newline + 1 - buffer.data();
    }
    std::int64_t tail = 0;  // bytes of the last line read beyond the chunk
    while (size > start && buffer[static_cast<std::size_t>(size - 1)] != '\n' && from + size < source.end) {
        constexpr std::int64_t step = 1 << 14;
        buffer.resize(static_cast<std::size_t>(size + step + kPad));
        std::int64_t more = 0;
        read_fully(source.file, buffer.data() + size, std::min(step, source.end - from - size), from + size, more);
        if (more == 0) break;
        const auto* newline = static_cast<const char*>(std::memchr(buffer.data() + size, '\n', static_cast<std::size_t>(more)));
        size = newline ? newline + 1 - buffer.data() : size + more;
        tail += more;
        if (!newline && tail > kMaxLine) {
            while (size > start && buffer[static_cast<std::size_t>(size - 1)] != '\n') --size;
            return {buffer.data() + start, buffer.data() + size, true};
        }
    }
    if (size > start && buffer[static_cast<std::size_t>(size - 1)] != '\n') {
        buffer.resize(static_cast<std::size_t>(size + 1 + kPad));
        buffer[static_cast<std::size_t>(size++)] = '\n';
    }
    std::memset(buffer.data() + size, 0, static_cast<std::size_t>(kPad));
    return {buffer.data() + start, buffer.data() + size, false};
}

class Reader {
public:
    Reader(Control& control, const TextSource& source, const LineOptions& options)
        : control_(control), source_(source), options_(options) {}

    LineFormat format;
    Runs runs;
    Problem problem;       // with lines counted from the begin of the file
    Problem text_because;  // the same, where ids turned out to be text
    std::int64_t lines = 0, comments = 0, edges = 0;

    // False when the ids turned out to be text and everything is to be read again as such.
    bool read() {
        if (source_.file >= 0)
            read_file();
        else
            read_stream();
        return collect();
    }

private:
    void read_file() {
        const std::int64_t chunks = (source_.end - source_.begin + kChunk - 1) / kChunk;
        std::vector<Buffer<char>> buffers(static_cast<std::size_t>(control_.threads()));
        std::int64_t before = 0, first_chunk = -1;
        for (std::int64_t chunk = 0; chunk < chunks && !format.known && !problem; ++chunk) {
            const Text text = load_chunk(source_, chunk, buffers[0]);
            detect_format(text.begin, text.end, options_, format, before, problem);
            if (text.too_long && !format.known && !problem) problem = long_line(before + 1);
            first_chunk = chunk;
        }
        if (problem) return;
        if (!format.known) {  // nothing but comments
            lines = comments = before;
            return;
        }
        for (std::int64_t chunk = 0; chunk < chunks; ++chunk) runs.push_back(std::make_unique<LineRun>());
        runs[0]->at_head = true;
        parallel_for(control_, chunks, [&](std::int64_t chunk, int worker) {
            if (chunk > stop_at_.load(std::memory_order_relaxed)) return;
            const Text text = load_chunk(source_, chunk, buffers[static_cast<std::size_t>(worker)]);
            parse(text, chunk, chunk == first_chunk ? text.begin + format.first_offset : nullptr);
        });
    }

    // Batches of one chunk for each thread: read in order, parsed side by side.
    void read_stream() {
        const std::int64_t most = kChunk * control_.threads();
        Buffer<char> buffer(static_cast<std::size_t>(most + kMaxLine + kPad));
        std::int64_t kept = 0, before = 0;
        bool at_end = false;
        while (!at_end && runs.size() <= static_cast<std::size_t>(stop_at_.load())) {
            std::int64_t size = kept;
            while (size - kept < most) {
                const std::size_t got = source_.read(buffer.data() + size, static_cast<std::size_t>(most - (size - kept)));
                control_.checkpoint();
                if (got == 0) {
                    at_end = true;
                    break;
                }
                size += static_cast<std::int64_t>(got);
            }
            if (at_end && size > 0 && buffer[static_cast<std::size_t>(size - 1)] != '\n')
                buffer[static_cast<std::size_t>(size++)] = '\n';
            std::int64_t whole = size;
            while (whole > 0 && buffer[static_cast<std::size_t>(whole - 1)] != '\n') --whole;
            kept = size - whole;
            const bool too_long = kept > kMaxLine;
            parse_batch(buffer.data(), buffer.data() + whole, before);
            if (problem) return;
            if (too_long && !format.known) {
                problem = long_line(before + 1);
                return;
            }
            if (too_long && stop_at_.load() == kNever) {
                runs.push_back(std::make_unique<LineRun>());
                runs.back()->lines = 1;
                runs.back()->hard = long_line(1);
                return;
            }
            std::memmove(buffer.data(), buffer.data() + whole, static_cast<std::size_t>(kept));
        }
        if (!format.known) lines = comments = before;
    }

    void parse_batch(const char* begin, const char* end, std::int64_t& before) {
        const char* first = nullptr;
        if (!format.known) {
            const std::int64_t earlier = before;
            detect_format(begin, end, options_, format, before, problem);
            if (problem || !format.known) return;
            first = begin + format.first_offset;
            if (earlier > 0) {  // comment lines of earlier batches
                runs.push_back(std::make_unique<LineRun>());
                runs.back()->lines = runs.back()->comments = earlier;
            }
        }
        std::vector<const char*> cuts{begin};
        while (cuts.back() < end) {
            const char* cut = std::min(cuts.back() + kChunk, end);
            while (cut < end && cut[-1] != '\n') ++cut;
            cuts.push_back(cut);
        }
        const std::size_t base = runs.size();
        for (std::size_t i = 1; i < cuts.size(); ++i) runs.push_back(std::make_unique<LineRun>());
        if (base == 0 && !runs.empty()) runs[0]->at_head = true;
        parallel_for(control_, static_cast<std::int64_t>(cuts.size()) - 1, [&](std::int64_t part, int) {
            const auto i = static_cast<std::size_t>(part);
            const Text text{cuts[i], cuts[i + 1], false};
            parse(text, static_cast<std::int64_t>(base) + part, first && first >= text.begin && first < text.end ? first : nullptr);
        });
    }

    void parse(const Text& text, std::int64_t index, const char* first) {
        LineRun& run = *runs[static_cast<std::size_t>(index)];
        if (text.begin == text.end && !text.too_long) return;
        parse_lines(control_, text.begin, text.end, format, first, run);
        if (text.too_long && !run.hard && (!run.text || format.ids_are_text)) run.hard = long_line(++run.lines);
        control_.advance(text.end - text.begin);
        if (run.hard || (run.text && !format.ids_are_text)) {  // later runs no longer matter
            std::int64_t old = stop_at_.load();
            while (index < old && !stop_at_.compare_exchange_weak(old, index)) {}
        }
    }

    // Adds up the runs in order and finds the first problem.
    bool collect() {
        if (problem) return true;
        Problem soft;
        for (const auto& run : runs) {
            auto moved = [&](const Problem& p) { return Problem{p.line + lines, p.column, p.message}; };
            if (run->soft && !soft) soft = moved(run->soft);
            if (run->text && options_.ids == Ids::automatic) {
                text_because = moved(run->text);
                return false;
            }
            if (run->text) problem = moved(run->text);
            if (run->hard && (!problem || run->hard.line + lines < problem.line)) problem = moved(run->hard);
            if (problem) break;
            lines += run->lines;
            comments += run->comments;
            edges += run->edges;
        }
        if (soft && (!problem || soft.line <= problem.line)) problem = soft;
        return true;
    }

    static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
    Control& control_;
    const TextSource& source_;
    const LineOptions& options_;
    std::atomic<std::int64_t> stop_at_{kNever};
};

// Ids that a bit set of their range is too large for: a hash table from id to its rank.
class IdTable {
public:
    void insert(std::uint64_t id) {
        if ((ids_.size() + 1) * 2 > slots_.size()) grow();
        const std::size_t at = find(id);
        if (slots_[at] != 0) return;
        ids_.push_back(id);
        slots_[at] = static_cast<std::uint32_t>(ids_.size());
    }
    // From here on rank(id) is the place of id in ascending order.
    void sort() {
        std::sort(ids_.begin(), ids_.end());
        std::fill(slots_.begin(), slots_.end(), 0);
        for (std::size_t i = 0; i < ids_.size(); ++i) slots_[find(ids_[i])] = static_cast<std::uint32_t>(i) + 1;
    }
    std::uint32_t rank(std::uint64_t id) const { return slots_[find(id)] - 1; }
    const std::vector<std::uint64_t>& ids() const { return ids_; }

private:
    std::size_t find(std::uint64_t id) const {
        const std::size_t mask = slots_.size() - 1;
        std::size_t at = static_cast<std::size_t>((id ^ (id >> 32)) * 0x9e3779b97f4a7c15ull >> 20) & mask;
        while (slots_[at] != 0 && ids_[slots_[at] - 1] != id) at = (at + 1) & mask;
        return at;
    }
    void grow() {
        slots_.assign(std::max<std::size_t>(1024, slots_.size() * 2), 0);
        for (std::size_t i = 0; i < ids_.size(); ++i) slots_[find(ids_[i])] = static_cast<std::uint32_t>(i) + 1;
    }
    std::vector<std::uint64_t> ids_;
    std::vector<std::uint32_t> slots_;  // place in ids_ + 1, 0 when free
};

template <class Rank>
void relabel(Control& control, Runs& runs, Rank&& rank) {
    parallel_for(control, static_cast<std::int64_t>(runs.size()), [&](std::int64_t r, int) {
        LineRun& run = *runs[static_cast<std::size_t>(r)];
        const std::int64_t size = 2 * run.edges;
        if (run.is_wide) run.pairs.resize(static_cast<std::size_t>(size));
        for (std::int64_t i = 0; i < size; ++i) {
            if ((i & 0xffff) == 0) control.checkpoint();
            run.pairs[static_cast<std::size_t>(i)] = rank(run.id(i));
        }
        run.wide.release();
        run.is_wide = false;
    });
}

void name_by_bits(Control& control, Runs& runs, std::uint64_t max_id, EdgeList& out) {
    const std::size_t words = static_cast<std::size_t>(max_id / 64 + 1);
    Buffer<std::uint64_t> bits(words);
    bits.fill(0);
    parallel_for(control, static_cast<std::int64_t>(runs.size()), [&](std::int64_t r, int) {
        const LineRun& run = *runs[static_cast<std::size_t>(r)];
        for (std::int64_t i = 0; i < 2 * run.edges; ++i) {
            if ((i & 0xffff) == 0) control.checkpoint();
            const std::uint64_t id = run.id(i), bit = std::uint64_t{1} << (id & 63);
            std::uint64_t* word = bits.data() + id / 64;
            if (!(__atomic_load_n(word, __ATOMIC_RELAXED) & bit)) __atomic_fetch_or(word, bit, __ATOMIC_RELAXED);
        }
    });
    std::uint64_t count = 0;
    for (const std::uint64_t word : bits) count += static_cast<std::uint64_t>(std::popcount(word));
    out.num_nodes = static_cast<std::int64_t>(count);
    if (count == max_id + 1 || count > kMaxNodes) return;
    Buffer<std::uint32_t> before(words);
    out.integer_names.resize(static_cast<std::size_t>(count));
    std::size_t seen = 0;
    for (std::size_t w = 0; w < words; ++w) {
        before[w] = static_cast<std::uint32_t>(seen);
        for (std::uint64_t rest = bits[w]; rest; rest &= rest - 1)
            out.integer_names[seen++] = w * 64 + static_cast<std::uint64_t>(std::countr_zero(rest));
    }
    relabel(control, runs, [&](std::uint64_t id) {
        const std::uint64_t below = bits[id / 64] & ((std::uint64_t{1} << (id & 63)) - 1);
        return before[id / 64] + static_cast<std::uint32_t>(std::popcount(below));
    });
}

void name_by_hash(Control& control, Runs& runs, EdgeList& out) {
    IdTable table;
    for (const auto& run : runs)
        for (std::int64_t i = 0; i < 2 * run->edges; ++i) {
            if ((i & 0xffff) == 0) control.checkpoint();
            table.insert(run->id(i));
        }
    out.num_nodes = static_cast<std::int64_t>(table.ids().size());
    if (table.ids().size() > kMaxNodes) return;
    table.sort();
    out.integer_names.resize(table.ids().size());
    std::copy(table.ids().begin(), table.ids().end(), out.integer_names.begin());
    relabel(control, runs, [&](std::uint64_t id) { return table.rank(id); });
}

void name_by_text(Control& control, Runs& runs, EdgeList& out) {
    StringTable all;
    std::vector<std::vector<std::uint32_t>> number(runs.size());
    for (std::size_t r = 0; r < runs.size(); ++r) {
        const StringTable& mine = runs[r]->strings;
        number[r].resize(mine.size());
        for (std::size_t i = 0; i < mine.size(); ++i) {
            if ((i & 0xfff) == 0) control.checkpoint();
            number[r][i] = all.number(mine.text(i));
        }
        runs[r]->strings = StringTable{};
    }
    std::vector<std::uint32_t> order(all.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return all.text(a) < all.text(b); });
    std::vector<std::uint32_t> rank(all.size());
    out.text_names.reserve(all.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        rank[order[i]] = static_cast<std::uint32_t>(i);
        out.text_names.emplace_back(all.text(order[i]));
    }
    out.num_nodes = static_cast<std::int64_t>(all.size());
    parallel_for(control, static_cast<std::int64_t>(runs.size()), [&](std::int64_t r, int) {
        const auto at = static_cast<std::size_t>(r);
        for (std::uint32_t& id : runs[at]->pairs) id = rank[number[at][id]];
    });
}

template <bool Weighted>
struct RunEdges {
    static constexpr bool weighted = Weighted;
    const Runs& runs;
    std::int64_t blocks() const { return static_cast<std::int64_t>(runs.size()); }
    std::int64_t size(std::int64_t block) const { return runs[static_cast<std::size_t>(block)]->edges; }
    std::int64_t source(std::int64_t block, std::int64_t i) const {
        return runs[static_cast<std::size_t>(block)]->pairs[static_cast<std::size_t>(2 * i)];
    }
    std::int64_t target(std::int64_t block, std::int64_t i) const {
        return runs[static_cast<std::size_t>(block)]->pairs[static_cast<std::size_t>(2 * i + 1)];
    }
    double weight(std::int64_t block, std::int64_t i) const {
        return runs[static_cast<std::size_t>(block)]->weights[static_cast<std::size_t>(i)];
    }
};

// "nodes edges" or "rows columns entries" before the edges: told, for it cannot be known from an edge.
bool sizes_line(const Reader& reader, Problem& problem) {
    if (reader.edges < 2) return false;
    std::size_t r = 0;
    while (reader.runs[r]->edges == 0) ++r;
    const std::uint64_t a = reader.runs[r]->id(0), b = reader.runs[r]->id(1);
    const auto rest = static_cast<std::uint64_t>(reader.edges - 1);
    const bool triple = reader.format.weight >= 0;
    if (triple ? a != b || reader.runs[r]->weights[0] != static_cast<double>(rest) : b != rest && 2 * b != rest) return false;
    for (std::size_t s = r; s < reader.runs.size(); ++s)
        for (std::int64_t i = s == r ? 2 : 0; i < 2 * reader.runs[s]->edges; ++i)
            if (reader.runs[s]->id(i) > a) return false;
    problem = {reader.format.first_line_number, 1,
               "the line '" + reader.format.first_line.substr(0, 40) + "' looks like the sizes of the graph (" +
                   std::to_string(rest) + " edges follow, no id exceeds " + std::to_string(a) +
                   "); say what it is: header=True skips it, header=False takes it as an edge"};
    return true;
}

void refuse(EdgeList& out, Problem problem) {
    out.problem = std::move(problem);
    out.refused = true;
}

}  // namespace

EdgeList read_edge_list(Control& control, const TextSource& source, const EdgeListOptions& options) {
    EdgeList out;
    LineOptions lines = options.lines;
    auto reader = std::make_unique<Reader>(control, source, lines);
    if (!reader->read()) {
        out.text_because = reader->text_because;
        if (reader->format.first_looks_like_header && !reader->format.skip_first)  // it was set aside, and is an edge
            out.text_because = {reader->format.first_line_number, 1, {}};
        lines.ids = Ids::text;
        if (source.rewind) source.rewind();
        reader = std::make_unique<Reader>(control, source, lines);
        reader->read();
    } else if (reader->edges == 0 && !reader->problem && reader->format.known && !reader->format.ids_are_text &&
               reader->format.first_looks_like_header && !reader->format.skip_first && lines.ids == Ids::automatic) {
        out.text_because = {reader->format.first_line_number, 1, {}};  // one edge between two names, and nothing else
        lines.ids = Ids::text;
        if (source.rewind) source.rewind();
        reader = std::make_unique<Reader>(control, source, lines);
        reader->read();
    }
    const LineFormat& format = reader->format;
    out.lines = reader->lines;
    out.comments = reader->comments;
    out.weights_ignored = format.weights_ignored;
    if (reader->problem) {
        refuse(out, reader->problem);
        return out;
    }
    if (format.skip_first || (format.first_looks_like_header && !format.ids_are_text)) out.header = format.first_line;
    out.edges = reader->edges;
    if (out.edges == 0) {
        if (options.num_nodes < 0) {
            const char* what = out.lines == 0 ? "the file is empty" : "no edges, only comments, blank lines or a header";
            refuse(out, {0, 0, std::string(what) + "; expected lines 'source target'"});
            return out;
        }
    }
    Runs& runs = reader->runs;
    out.weighted = format.weight >= 0 && out.edges > 0;
    std::uint64_t max_id = 0;
    for (const auto& run : runs) max_id = std::max(max_id, run->max_id);
    if (format.ids_are_text) {
        name_by_text(control, runs, out);
        if (options.num_nodes >= 0) {
            refuse(out, {0, 0, "ids are text; expected integers below num_nodes: leave num_nodes out"});
            return out;
        }
    } else {
        Problem sizes;
        if (out.header.empty() && lines.header == Choice::automatic && sizes_line(*reader, sizes)) {
            refuse(out, sizes);
            return out;
        }
        if (options.num_nodes >= 0) {
            out.num_nodes = options.num_nodes;
            if (out.edges > 0 && max_id >= static_cast<std::uint64_t>(options.num_nodes)) {
                refuse(out, {0, 0, "the node id " + std::to_string(max_id) + "; expected ids below num_nodes=" +
                                       std::to_string(options.num_nodes) + ": raise it, or leave it out"});
                return out;
            }
        } else if (max_id / 8 <= 4 * static_cast<std::uint64_t>(out.edges) + (1u << 20)) {
            name_by_bits(control, runs, max_id, out);
        } else {
            name_by_hash(control, runs, out);
        }
    }
    if (static_cast<std::uint64_t>(out.num_nodes) > kMaxNodes) {
        refuse(out, {0, 0, std::to_string(out.num_nodes) + " nodes; expected at most 2^31 - 1, as node numbers are 32-bit"});
        return out;
    }
    const BuildOptions build{out.num_nodes, !options.directed, options.drop_loops,
                             out.weighted || options.duplicates != Duplicates::sum ? options.duplicates : Duplicates::merge};
    auto done = [&] { runs.clear(); };
    out.csr = out.weighted ? build_csr(control, RunEdges<true>{runs}, build, done)
                           : build_csr(control, RunEdges<false>{runs}, build, done);
    return out;
}

void format_edges(const std::int64_t* sources, const std::int64_t* targets, std::int64_t num_edges, char delimiter,
                  Buffer<char>& out) {
    out.resize(static_cast<std::size_t>(num_edges) * 42);
    char* p = out.data();
    for (std::int64_t i = 0; i < num_edges; ++i) {
        p = std::to_chars(p, p + 20, sources[i]).ptr;
        *p++ = delimiter;
        p = std::to_chars(p, p + 20, targets[i]).ptr;
        *p++ = '\n';
    }
    out.resize(static_cast<std::size_t>(p - out.data()));
}

}  // namespace graphx
