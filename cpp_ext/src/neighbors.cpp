#include "graphx/neighbors.hpp"

#include <algorithm>
#include <bit>
#include <vector>

#include "graphx/neighbors_finder.hpp"

namespace graphx {

using namespace neighbors;

namespace {

// Lists that the tasks wrote, one after the other.
struct Part {
    std::vector<std::int32_t> columns;
    std::vector<double> values;
};

NeighborLists joined(std::vector<Part>& parts, Buffer<std::int64_t>&& sizes, bool weighted, Control& control) {
    NeighborLists out;
    const std::size_t pairs = sizes.size() - 1;
    std::int64_t sum = 0;
    for (std::size_t b = 0; b < pairs; ++b) {
        const std::int64_t size = sizes[b];
        sizes[b] = sum;
        sum += size;
    }
    sizes[pairs] = sum;
    out.rowptr = std::move(sizes);
    out.columns.resize(static_cast<std::size_t>(sum));
    out.values.resize(weighted ? static_cast<std::size_t>(sum) : 0);
    parallel_for(control, static_cast<std::int64_t>(parts.size()), [&](std::int64_t task, int) {
        Part& part = parts[static_cast<std::size_t>(task)];
        const std::int64_t start = out.rowptr[static_cast<std::size_t>(task * kPairsPerTask)];
        std::copy(part.columns.begin(), part.columns.end(), out.columns.data() + start);
        if (weighted) std::copy(part.values.begin(), part.values.end(), out.values.data() + start);
        part = Part{};
    });
    return out;
}

// The edges of find_entries, the second half of them the other way round.
struct Edges {
    const std::int64_t* rows;
    const std::int64_t* columns;
    std::int64_t count;
    bool both;

    std::int64_t size() const { return both ? 2 * count : count; }
    std::int64_t row(std::int64_t k) const { return k < count ? rows[k] : columns[k - count]; }
    std::int64_t column(std::int64_t k) const { return k < count ? columns[k] : rows[k - count]; }
};

// Where the entries of edges [from, stop) are: halving the rows, many searches side by side, so that they wait for
// memory together.
void search(const NeighborSide& side, const Edges& edges, std::int64_t from, std::int64_t stop, std::int64_t* found) {
    constexpr int lanes = 16;
    for (std::int64_t k = from; k < stop; k += lanes) {
        const int width = static_cast<int>(std::min<std::int64_t>(lanes, stop - k));
        const std::int32_t* base[lanes];
        std::int64_t size[lanes], longest = 0;
        std::int32_t column[lanes];
        for (int l = 0; l < width; ++l) {
            const std::int64_t r = edges.row(k + l);
            base[l] = side.indices + side.indptr[r];
            size[l] = side.indptr[r + 1] - side.indptr[r];
            column[l] = static_cast<std::int32_t>(edges.column(k + l));
            longest = std::max(longest, size[l]);
            if (size[l] == 0) base[l] = side.indices, size[l] = 1, column[l] = -1;  // nothing is there
            if (k + l + 2 * lanes < edges.size()) prefetch(side.indptr + edges.row(k + l + 2 * lanes));
            if (k + l + lanes < edges.size()) {
                const std::int64_t n = edges.row(k + l + lanes);
                prefetch(side.indices + (side.indptr[n] + side.indptr[n + 1]) / 2);
            }
        }
        for (; longest > 1; longest -= longest / 2)
            for (int l = 0; l < width; ++l) {
                const std::int64_t half = size[l] / 2;
                base[l] += base[l][half - (half > 0)] < column[l] ? half : 0;
                size[l] -= half;
            }
        for (int l = 0; l < width; ++l)
            if (*base[l] == column[l]) found[k + l] = base[l] - side.indices;
    }
}

// The same by bit rows: the number of bits before that of the column is the place within the row.
void rank(const NeighborSide& side, const Edges& edges, std::int64_t from, std::int64_t stop, std::int64_t* found) {
    const std::int64_t words = (side.num_rows + 63) / 64;
    const auto count_bits = row_kernels().count_bits;
    for (std::int64_t k = from; k < stop; ++k) {
        if (k + kAhead < edges.size()) {
            const std::uint64_t* next = side.bits + edges.row(k + kAhead) * words;
            for (std::int64_t w = 0; w <= edges.column(k + kAhead) >> 6; w += 8) prefetch(next + w);
        }
        const std::int64_t r = edges.row(k), c = edges.column(k);
        const std::uint64_t* row = side.bits + r * words;
        if (!bit(row, static_cast<std::int32_t>(c))) continue;
        const std::uint64_t before = row[c >> 6] & ((std::uint64_t{1} << (c & 63)) - 1);
        found[k] = side.indptr[r] + count_bits(row, row, c >> 6) + count_bits(&before, &before, 1);
    }
}

}  // namespace

Buffer<std::int64_t> find_entries(const NeighborSide& side, const std::int64_t* rows, const std::int64_t* columns,
                                  std::int64_t num_edges, bool both, Control& control) {
    const Edges edges{rows, columns, num_edges, both};
    Buffer<std::int64_t> found(static_cast<std::size_t>(edges.size()));
    found.fill(-1);
    constexpr std::int64_t chunk = 2048;
    if (side.num_entries() > 0)
        parallel_for(control, (edges.size() + chunk - 1) / chunk, [&](std::int64_t task, int) {
            const std::int64_t stop = std::min(edges.size(), (task + 1) * chunk);
            side.bits ? rank(side, edges, task * chunk, stop, found.data())
                      : search(side, edges, task * chunk, stop, found.data());
        });
    found.resize(static_cast<std::size_t>(std::remove(found.begin(), found.end(), -1) - found.begin()));
    return found;
}

Exclusion make_exclusion(const NeighborSide& side, std::int64_t num_columns, const std::int64_t* entries,
                         std::int64_t num_entries, Control& control) {
    Exclusion made;
    made.absent.assign(static_cast<std::size_t>(side.num_entries() / 64 + 1), 0);
    for (std::int64_t k = 0; k < num_entries; ++k)
        made.absent[entries[k] >> 6] |= std::uint64_t{1} << (entries[k] & 63);
    if (!side.bits) return made;
    const std::int64_t words = (num_columns + 63) / 64;
    made.bits.reset(new std::uint64_t[static_cast<std::size_t>(side.num_rows * words)]);
    constexpr std::int64_t chunk = 128;
    parallel_for(control, (side.num_rows + chunk - 1) / chunk, [&](std::int64_t task, int) {
        std::int64_t r = task * chunk;
        const std::int64_t last = std::min(side.num_rows, r + chunk);
        std::copy(side.bits + r * words, side.bits + last * words, made.bits.get() + r * words);
        const std::int64_t from = side.indptr[r], to = side.indptr[last];
        for (std::int64_t w = from / 64; w * 64 < to; ++w)
            for (std::uint64_t left = made.absent[w]; left; left &= left - 1) {
                const std::int64_t e = w * 64 + std::countr_zero(left);
                if (e < from || e >= to) continue;
                while (side.indptr[r + 1] <= e) ++r;
                const std::int32_t u = side.indices[e];
                made.bits[r * words + (u >> 6)] &= ~(std::uint64_t{1} << (u & 63));
            }
    });
    return made;
}

Buffer<std::uint64_t> make_bits(const NeighborSide& side, std::int64_t num_columns, Control& control) {
    const std::int64_t words = (num_columns + 63) / 64;
    Buffer<std::uint64_t> bits(static_cast<std::size_t>(side.num_rows * words));
    parallel_for(control, (side.num_rows + 63) / 64, [&](std::int64_t task, int) {
        const std::int64_t stop = std::min(side.num_rows, (task + 1) * 64);
        std::fill(bits.data() + task * 64 * words, bits.data() + stop * words, 0);
        for (std::int64_t r = task * 64; r < stop; ++r)
            for (std::int64_t e = side.indptr[r]; e < side.indptr[r + 1]; ++e)
                bits[r * words + (side.indices[e] >> 6)] |= std::uint64_t{1} << (side.indices[e] & 63);
    });
    return bits;
}

void count_common(const PairQuery& given, std::int64_t* counts, Control& control) {
    const PairQuery query = oriented(given);
    for_pairs(query, false, control, [&](std::int64_t b, std::int64_t found, Finder&) { counts[b] = found; });
}

void score_common(const PairQuery& given, const double* node_weights, double* out, Control& control) {
    const PairQuery query = oriented(given);
    for_pairs(query, true, control, [&](std::int64_t b, std::int64_t found, Finder& finder) {
        const std::int32_t* nodes = finder.nodes();
        const double* weights = finder.weights();
        double sum = 0;
        for (std::int64_t k = 0; k < found; ++k)
            sum += (weights ? weights[k] : 1.0) * (node_weights ? node_weights[nodes[k]] : 1.0);
        out[b] = sum;
    });
}

NeighborLists list_common(const PairQuery& given, Control& control) {
    const PairQuery query = oriented(given);
    std::vector<Part> parts(static_cast<std::size_t>((query.num_pairs + kPairsPerTask - 1) / kPairsPerTask));
    Buffer<std::int64_t> sizes(static_cast<std::size_t>(query.num_pairs) + 1);
    for_pairs(query, true, control, [&](std::int64_t b, std::int64_t found, Finder& finder) {
        Part& part = parts[static_cast<std::size_t>(b / kPairsPerTask)];
        sizes[b] = found;
        if (found == 0) return;
        part.columns.insert(part.columns.end(), finder.nodes(), finder.nodes() + found);
        if (query.weighted()) part.values.insert(part.values.end(), finder.weights(), finder.weights() + found);
    });
    return joined(parts, std::move(sizes), query.weighted(), control);
}

std::pair<NeighborLists, NeighborLists> list_differences(const PairQuery& query, Control& control) {
    const auto tasks = static_cast<std::size_t>((query.num_pairs + kPairsPerTask - 1) / kPairsPerTask);
    std::vector<Part> parts[2] = {std::vector<Part>(tasks), std::vector<Part>(tasks)};
    Buffer<std::int64_t> sizes[2];
    for (auto& part : sizes) part.resize(static_cast<std::size_t>(query.num_pairs) + 1);
    for_pairs(query, true, control, [&](std::int64_t b, std::int64_t found, Finder& finder) {
        for (int which = 0; which < 2; ++which) {
            const NeighborSide& side = which == 0 ? query.first : query.second;
            const std::int64_t r = which == 0 ? query.sources[b] : query.targets[b];
            auto& columns = parts[which][static_cast<std::size_t>(b / kPairsPerTask)].columns;
            const std::size_t before = columns.size();
            const std::int32_t* common = finder.nodes();
            const std::int32_t* last = common + found;
            for (std::int64_t e = side.indptr[r]; e < side.indptr[r + 1]; ++e) {
                if (side.is_absent(e)) continue;
                if (common != last && *common == side.indices[e])
                    ++common;
                else
                    columns.push_back(side.indices[e]);
            }
            sizes[which][b] = static_cast<std::int64_t>(columns.size() - before);
        }
    });
    auto first = joined(parts[0], std::move(sizes[0]), false, control);
    return {std::move(first), joined(parts[1], std::move(sizes[1]), false, control)};
}

}  // namespace graphx
