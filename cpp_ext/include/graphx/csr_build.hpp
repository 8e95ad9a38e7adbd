// From edges in any order to a CSR with sorted rows: count, place, sort each row, merge duplicates in place.
// Memory: the result (indptr, indices, weights) and nothing that grows with the edges. Same bits for any thread count:
// the order in which threads place entries is undone by the sort.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "graphx/buffer.hpp"
#include "graphx/csr.hpp"
#include "graphx/parallel.hpp"

namespace graphx {

enum class Duplicates : int { error = 0, merge = 1, sum = 2 };

struct BuildOptions {
    std::int64_t num_nodes = 0;
    bool symmetric = true;   // every edge (u, v) also gives (v, u); a loop gives one entry
    bool drop_loops = false;
    Duplicates duplicates = Duplicates::error;
};

struct BuiltCsr {
    Buffer<std::int64_t> indptr;   // [num_nodes + 1]
    Buffer<std::int32_t> indices;
    Buffer<double> weights;        // empty when the edges carry none
    std::int64_t loops = 0;        // edges (u, u) that came
    std::int64_t duplicates = 0;   // edges merged away; in the symmetric case (u, v) and (v, u) are the same edge
    // Not to be merged: any duplicate under Duplicates::error, duplicates of different weight under Duplicates::merge.
    std::int64_t clash_source = -1, clash_target = -1;
    double clash_first = 0, clash_second = 0;
};

namespace detail {

constexpr std::int64_t kRowTask = 1 << 15;  // entries in one task over rows
constexpr std::int32_t kGone = -1;          // marks the slots behind a row that lost duplicates

template <bool Atomic>
inline std::int64_t fetch_increment(std::int64_t* slot) {
#if defined(__GNUC__) || defined(__clang__)
    if constexpr (Atomic) return __atomic_fetch_add(slot, 1, __ATOMIC_RELAXED);
#else
    if constexpr (Atomic) return std::atomic_ref<std::int64_t>(*slot).fetch_add(1, std::memory_order_relaxed);
#endif
    return (*slot)++;
}

// The slot's value, only to guess an address with: other threads may be moving it.
inline std::int64_t peek(const std::int64_t* slot) {
#if defined(__GNUC__) || defined(__clang__)
    return __atomic_load_n(slot, __ATOMIC_RELAXED);
#else
    return *static_cast<const volatile std::int64_t*>(slot);
#endif
}

inline void prefetch(const void* address) {
#if defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(address, 1);
#else
    (void)address;
#endif
}

inline void sort_row(std::int32_t* first, std::int32_t* last) {
    if (last - first > 24) {
        if (!std::is_sorted(first, last)) std::sort(first, last);
        return;
    }
    for (std::int32_t* it = first + 1; it < last; ++it) {
        const std::int32_t value = *it;
        std::int32_t* hole = it;
        for (; hole > first && hole[-1] > value; --hole) *hole = hole[-1];
        *hole = value;
    }
}

// The first row of task t when rows are cut into `tasks` runs of about equally many entries.
inline std::int64_t row_split(const std::int64_t* indptr, std::int64_t num_nodes, std::int64_t task, std::int64_t tasks) {
    if (task >= tasks) return num_nodes;
    const auto entry = static_cast<std::int64_t>(static_cast<double>(indptr[num_nodes]) * static_cast<double>(task) /
                                                 static_cast<double>(tasks));
    const std::int64_t by_entry = std::lower_bound(indptr, indptr + num_nodes, entry) - indptr;
    return task == 0 ? 0 : by_entry;
}

inline std::int64_t row_tasks(const std::int64_t* indptr, std::int64_t num_nodes) {
    return num_nodes == 0 ? 0 : indptr[num_nodes] / kRowTask + 1;
}

struct RowClash {
    std::int64_t source = -1, target = -1;
    double first = 0, second = 0;
};

// Sorts one row and merges its duplicates; returns the new length. `merged` counts duplicates at or right of the
// diagonal only when symmetric, so that an edge counts once.
template <bool Weighted>
std::int64_t finish_row(std::int64_t row, std::int32_t* indices, double* weights, std::int64_t length,
                        const BuildOptions& options, std::vector<std::pair<std::int32_t, double>>& scratch,
                        std::int64_t& merged, RowClash& clash) {
    if constexpr (Weighted) {
        scratch.resize(static_cast<std::size_t>(length));
        for (std::int64_t i = 0; i < length; ++i) scratch[static_cast<std::size_t>(i)] = {indices[i], weights[i]};
        if (!std::is_sorted(scratch.begin(), scratch.end())) std::sort(scratch.begin(), scratch.end());
    } else {
        sort_row(indices, indices + length);
    }
    std::int64_t kept = 0;
    for (std::int64_t i = 0; i < length; ++i) {
        std::int32_t column;
        double weight = 0;
        if constexpr (Weighted) {
            column = scratch[static_cast<std::size_t>(i)].first;
            weight = scratch[static_cast<std::size_t>(i)].second;
        } else {
            column = indices[i];
        }
        if (kept == 0 || indices[kept - 1] != column) {
            indices[kept] = column;
            if constexpr (Weighted) weights[kept] = weight;
            ++kept;
            continue;
        }
        if (!options.symmetric || column >= row) ++merged;
        bool bad = options.duplicates == Duplicates::error;
        if constexpr (Weighted) {
            if (options.duplicates == Duplicates::merge && weights[kept - 1] != weight) bad = true;
        }
        if (bad && clash.source < 0) {
            clash = {row, column, 0, weight};
            if constexpr (Weighted) clash.first = weights[kept - 1];
        }
        if constexpr (Weighted) {
            if (options.duplicates == Duplicates::sum) weights[kept - 1] += weight;
        }
    }
    for (std::int64_t i = kept; i < length; ++i) indices[i] = kGone;
    return kept;
}

template <bool Atomic, class Edges>
void count_and_place(Control& control, const Edges& edges, const BuildOptions& options, BuiltCsr& out) {
    constexpr bool weighted = Edges::weighted;
    constexpr std::int64_t ahead = 24;
    const std::int64_t blocks = edges.blocks();
    // Counts of row u go to cursor[u + 2]; the sum makes cursor[u + 1] the start of row u, and placing moves it to the
    // end of row u: exactly the indptr, without a second array.
    std::int64_t* cursor = out.indptr.data();
    std::atomic<std::int64_t> loops{0};
    parallel_for(control, blocks, [&](std::int64_t block, int) {
        const std::int64_t size = edges.size(block);
        std::int64_t seen = 0;
        for (std::int64_t i = 0; i < size; ++i) {
            if ((i & 0xffff) == 0) control.checkpoint();
            const std::int64_t u = edges.source(block, i), v = edges.target(block, i);
            if (u == v) {
                ++seen;
                if (options.drop_loops) continue;
                fetch_increment<Atomic>(cursor + u + 2);
                continue;
            }
            fetch_increment<Atomic>(cursor + u + 2);
            if (options.symmetric) fetch_increment<Atomic>(cursor + v + 2);
        }
        loops.fetch_add(seen, std::memory_order_relaxed);
    });
    out.loops = loops.load();
    for (std::int64_t i = 1; i < options.num_nodes + 2; ++i) cursor[i] += cursor[i - 1];
    const auto entries = static_cast<std::size_t>(cursor[options.num_nodes + 1]);
    out.indices.resize(entries);
    if constexpr (weighted) out.weights.resize(entries);
    std::int32_t* indices = out.indices.data();
    double* weights = out.weights.data();
    parallel_for(control, blocks, [&](std::int64_t block, int) {
        const std::int64_t size = edges.size(block);
        for (std::int64_t i = 0; i < size; ++i) {
            if ((i & 0xffff) == 0) control.checkpoint();
            if (i + ahead < size) {
                prefetch(cursor + edges.source(block, i + ahead) + 1);
                prefetch(cursor + edges.target(block, i + ahead) + 1);
            }
            if (i + ahead / 2 < size) {
                prefetch(indices + peek(cursor + edges.source(block, i + ahead / 2) + 1));
                prefetch(indices + peek(cursor + edges.target(block, i + ahead / 2) + 1));
            }
            const std::int64_t u = edges.source(block, i), v = edges.target(block, i);
            if (u == v && options.drop_loops) continue;
            const std::int64_t at = fetch_increment<Atomic>(cursor + u + 1);
            indices[at] = static_cast<std::int32_t>(v);
            if constexpr (weighted) weights[at] = edges.weight(block, i);
            if (options.symmetric && u != v) {
                const std::int64_t back = fetch_increment<Atomic>(cursor + v + 1);
                indices[back] = static_cast<std::int32_t>(u);
                if constexpr (weighted) weights[back] = edges.weight(block, i);
            }
        }
    });
    out.indptr.resize(static_cast<std::size_t>(options.num_nodes) + 1);
}

}  // namespace detail

namespace detail {

// Any number of nodes, weights or not: entries are placed row by row, each row is sorted.
template <class Edges, class Placed>
BuiltCsr build_by_rows(Control& control, const Edges& edges, const BuildOptions& options, Placed&& placed) {
    BuiltCsr out;
    const std::int64_t n = options.num_nodes;
    out.indptr.resize(static_cast<std::size_t>(n) + 2);
    out.indptr.fill(0);
    if (control.threads() > 1)
        detail::count_and_place<true>(control, edges, options, out);
    else
        detail::count_and_place<false>(control, edges, options, out);
    placed();

    std::int64_t* indptr = out.indptr.data();
    const std::int64_t tasks = detail::row_tasks(indptr, n);
    std::vector<std::int64_t> lost(static_cast<std::size_t>(tasks), 0);
    std::vector<std::int64_t> merged(static_cast<std::size_t>(tasks), 0);
    std::vector<detail::RowClash> clashes(static_cast<std::size_t>(tasks));
    parallel_for(control, tasks, [&](std::int64_t task, int) {
        const auto t = static_cast<std::size_t>(task);
        std::vector<std::pair<std::int32_t, double>> scratch;
        std::int64_t task_lost = 0, task_merged = 0;
        const std::int64_t last = detail::row_split(indptr, n, task + 1, tasks);
        for (std::int64_t row = detail::row_split(indptr, n, task, tasks); row < last; ++row) {
            const std::int64_t begin = indptr[row], length = indptr[row + 1] - begin;
            double* weights = Edges::weighted ? out.weights.data() + begin : nullptr;
            task_lost += length - detail::finish_row<Edges::weighted>(row, out.indices.data() + begin, weights, length,
                                                                      options, scratch, task_merged, clashes[t]);
        }
        lost[t] = task_lost;
        merged[t] = task_merged;
        control.checkpoint();
    });
    std::int64_t total_lost = 0;
    for (std::int64_t task = 0; task < tasks; ++task) {
        const auto t = static_cast<std::size_t>(task);
        total_lost += lost[t];
        out.duplicates += merged[t];
        if (clashes[t].source >= 0 && out.clash_source < 0) {
            out.clash_source = clashes[t].source;
            out.clash_target = clashes[t].target;
            out.clash_first = clashes[t].first;
            out.clash_second = clashes[t].second;
        }
    }
    if (total_lost > 0) {  // close the gaps that merged duplicates left
        std::int64_t write = 0;
        std::int64_t begin = 0;
        for (std::int64_t row = 0; row < n; ++row) {
            const std::int64_t end = indptr[row + 1];
            for (std::int64_t i = begin; i < end && out.indices[static_cast<std::size_t>(i)] != detail::kGone; ++i, ++write) {
                out.indices[static_cast<std::size_t>(write)] = out.indices[static_cast<std::size_t>(i)];
                if constexpr (Edges::weighted)
                    out.weights[static_cast<std::size_t>(write)] = out.weights[static_cast<std::size_t>(i)];
            }
            begin = end;
            indptr[row + 1] = write;
        }
        out.indices.resize(static_cast<std::size_t>(write));
        out.indices.shrink();
        if constexpr (Edges::weighted) {
            out.weights.resize(static_cast<std::size_t>(write));
            out.weights.shrink();
        }
    }
    return out;
}

// Entries as 32-bit keys (row within its bucket, column): one pass hands them to buckets of rows that fit a cache, a
// radix sort of each bucket finishes its rows. Every pass streams, where placing entries row by row would miss.
constexpr int kPackedColumnBits = 22;  // beyond it too few bits are left for the row

inline int column_bits(std::int64_t num_nodes) {
    return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(std::max<std::int64_t>(1, num_nodes - 1))));
}

// Sorts keys of `bits` bits; afterwards `keys` points to the sorted ones, `other` to the spare room.
inline void radix_sort(std::uint32_t*& keys, std::uint32_t*& other, std::int64_t size, int bits) {
    if (size < 1024 || size > std::int64_t{0xffffffff}) {
        std::sort(keys, keys + size);
        return;
    }
    const int passes = (bits + 10) / 11, digit = (bits + passes - 1) / passes;
    const std::uint32_t mask = (std::uint32_t{1} << digit) - 1;
    std::vector<std::uint32_t> counts(static_cast<std::size_t>(passes) << digit, 0);
    for (std::int64_t i = 0; i < size; ++i) {
        std::uint32_t key = keys[i];
        for (int pass = 0; pass < passes; ++pass, key >>= digit)
            ++counts[(static_cast<std::size_t>(pass) << digit) + (key & mask)];
    }
    for (int pass = 0; pass < passes; ++pass) {
        std::uint32_t* start = counts.data() + (static_cast<std::size_t>(pass) << digit);
        std::uint32_t total = 0;
        for (std::uint32_t d = 0; d <= mask; ++d) total += std::exchange(start[d], total);
        const int shift = pass * digit;
        const std::uint32_t* from = keys;
        std::uint32_t* to = other;
        for (std::int64_t i = 0; i < size; ++i) {
            const std::uint32_t key = from[i];
            to[start[key >> shift & mask]++] = key;
        }
        std::swap(keys, other);
    }
}

// Moves the keys to `to` in the order of (key >> shift & mask); `start` holds the counts of each value, and is used up.
inline void scatter(const std::uint32_t* from, std::uint32_t* to, std::int64_t size, int shift, std::uint32_t mask,
                    std::vector<std::uint32_t>& start) {
    std::uint32_t total = 0;
    for (std::uint32_t& count : start) total += std::exchange(count, total);
    for (std::int64_t i = 0; i < size; ++i) to[start[from[i] >> shift & mask]++] = from[i];
}

// Sorts keys (row, column of `low` bits). Where rows are short, the upper 11 bits of the column order a row almost, and
// an insertion sort that seldom moves anything replaces a pass of the radix sort.
inline void sort_keys(std::uint32_t*& keys, std::uint32_t*& other, std::int64_t size, int low, int rows) {
    constexpr int upper = 11;
    constexpr std::uint32_t short_row = 64;  // bounds the insertion sort when all columns share their upper bits
    if (size < 1024 || size > std::int64_t{0xffffffff} || low <= upper || low + rows <= 2 * upper) {
        radix_sort(keys, other, size, low + rows);
        return;
    }
    constexpr std::uint32_t mask = (std::uint32_t{1} << upper) - 1;
    const int skip = low - upper;
    const std::uint32_t row_mask = static_cast<std::uint32_t>((std::uint64_t{1} << rows) - 1);
    std::vector<std::uint32_t> by_column(mask + 1, 0), by_row(static_cast<std::size_t>(row_mask) + 1, 0);
    for (std::int64_t i = 0; i < size; ++i) {
        ++by_column[keys[i] >> skip & mask];
        ++by_row[keys[i] >> low];
    }
    if (*std::max_element(by_row.begin(), by_row.end()) > short_row) {
        radix_sort(keys, other, size, low + rows);
        return;
    }
    scatter(keys, other, size, skip, mask, by_column);
    scatter(other, keys, size, low, row_mask, by_row);
    for (std::int64_t i = 1; i < size; ++i) {
        const std::uint32_t key = keys[i];
        std::int64_t hole = i;
        for (; hole > 0 && keys[hole - 1] > key; --hole) keys[hole] = keys[hole - 1];
        keys[hole] = key;
    }
}

struct BucketDone {
    std::int64_t kept = 0, merged = 0;
    RowClash clash;
};

template <class Edges, class Placed>
BuiltCsr build_by_buckets(Control& control, const Edges& edges, const BuildOptions& options, Placed&& placed) {
    BuiltCsr out;
    const std::int64_t n = options.num_nodes, blocks = edges.blocks();
    std::int64_t most = 0;
    for (std::int64_t block = 0; block < blocks; ++block) most += edges.size(block) * (options.symmetric ? 2 : 1);
    const int low = column_bits(n);
    const auto wanted = static_cast<std::uint64_t>(std::clamp<std::int64_t>(most >> 16, 1, 1024));
    const int shift = std::min(32 - low, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n) / wanted)));
    const std::int64_t buckets = ((n - 1) >> shift) + 1;
    const std::int64_t local = (std::int64_t{1} << shift) - 1;

    // place[block * buckets + bucket]: first the number of entries, then where the next one goes
    std::vector<std::int64_t> place(static_cast<std::size_t>(blocks * buckets), 0);
    std::atomic<std::int64_t> loops{0};
    parallel_for(control, blocks, [&](std::int64_t block, int) {
        const std::int64_t size = edges.size(block);
        std::int64_t* counts = place.data() + block * buckets;
        std::int64_t seen = 0;
        for (std::int64_t i = 0; i < size; ++i) {
            if ((i & 0xffff) == 0) control.checkpoint();
            const std::int64_t u = edges.source(block, i), v = edges.target(block, i);
            const bool loop = u == v;
            seen += loop;
            counts[u >> shift] += !(loop && options.drop_loops);
            counts[v >> shift] += options.symmetric && !loop;
        }
        loops.fetch_add(seen, std::memory_order_relaxed);
    });
    out.loops = loops.load();
    std::vector<std::int64_t> begin(static_cast<std::size_t>(buckets) + 1, 0);
    std::int64_t total = 0;
    for (std::int64_t bucket = 0; bucket < buckets; ++bucket) {
        begin[static_cast<std::size_t>(bucket)] = total;
        for (std::int64_t block = 0; block < blocks; ++block)
            total += std::exchange(place[static_cast<std::size_t>(block * buckets + bucket)], total);
    }
    begin[static_cast<std::size_t>(buckets)] = total;
    out.indices.resize(static_cast<std::size_t>(total));
    auto* const keys = reinterpret_cast<std::uint32_t*>(out.indices.data());
    parallel_for(control, blocks, [&](std::int64_t block, int) {
        const std::int64_t size = edges.size(block);
        std::int64_t* at = place.data() + block * buckets;
        for (std::int64_t i = 0; i < size; ++i) {
            if ((i & 0xffff) == 0) control.checkpoint();
            const std::int64_t u = edges.source(block, i), v = edges.target(block, i);
            if (u == v && options.drop_loops) continue;
            keys[at[u >> shift]++] = static_cast<std::uint32_t>((u & local) << low | v);
            if (options.symmetric && u != v) keys[at[v >> shift]++] = static_cast<std::uint32_t>((v & local) << low | u);
        }
    });
    placed();

    out.indptr.resize(static_cast<std::size_t>(n) + 1);
    std::int64_t* const indptr = out.indptr.data();
    indptr[0] = 0;
    std::vector<BucketDone> done(static_cast<std::size_t>(buckets));
    std::vector<Buffer<std::uint32_t>> spare(static_cast<std::size_t>(control.threads()));
    const std::uint32_t columns = (std::uint32_t{1} << low) - 1;
    parallel_for(control, buckets, [&](std::int64_t bucket, int worker) {
        BucketDone& mine = done[static_cast<std::size_t>(bucket)];
        const std::int64_t first = begin[static_cast<std::size_t>(bucket)];
        const std::int64_t size = begin[static_cast<std::size_t>(bucket) + 1] - first;
        Buffer<std::uint32_t>& room = spare[static_cast<std::size_t>(worker)];
        room.resize(static_cast<std::size_t>(size));
        std::uint32_t* sorted = keys + first;
        std::uint32_t* other = room.data();
        sort_keys(sorted, other, size, low, shift);
        control.checkpoint();
        std::int32_t* indices = out.indices.data() + first;  // may be where the keys are: it never overtakes them
        std::int64_t row = bucket << shift;
        const std::int64_t base = row, stop = std::min(n, base + local + 1);
        std::int64_t kept = 0;
        std::uint32_t last = 0;
        for (std::int64_t i = 0; i < size; ++i) {
            const std::uint32_t key = sorted[i];
            const std::int64_t key_row = base + (key >> low), column = key & columns;
            if (i > 0 && key == last) {
                if (!options.symmetric || column >= key_row) ++mine.merged;
                if (options.duplicates == Duplicates::error && mine.clash.source < 0) mine.clash = {key_row, column, 0, 0};
                continue;
            }
            last = key;
            while (row < key_row) indptr[++row] = first + kept;
            indices[kept++] = static_cast<std::int32_t>(column);
        }
        while (row < stop) indptr[++row] = first + kept;
        mine.kept = kept;
    });
    std::int64_t write = 0;
    for (std::int64_t bucket = 0; bucket < buckets; ++bucket) {  // close the gaps that merged duplicates left
        const BucketDone& part = done[static_cast<std::size_t>(bucket)];
        out.duplicates += part.merged;
        if (part.clash.source >= 0 && out.clash_source < 0) {
            out.clash_source = part.clash.source;
            out.clash_target = part.clash.target;
        }
        const std::int64_t first = begin[static_cast<std::size_t>(bucket)], gap = first - write;
        if (gap > 0) {
            std::memmove(out.indices.data() + write, out.indices.data() + first,
                         static_cast<std::size_t>(part.kept) * sizeof(std::int32_t));
            const std::int64_t stop = std::min(n, (bucket + 1) << shift);
            for (std::int64_t row = bucket << shift; row < stop; ++row) indptr[row + 1] -= gap;
        }
        write += part.kept;
    }
    if (write < total) {
        out.indices.resize(static_cast<std::size_t>(write));
        out.indices.shrink();
    }
    return out;
}

}  // namespace detail

// Edges: `static constexpr bool weighted`, blocks(), size(block), source(block, i), target(block, i), weight(block, i);
// every source and target lies in [0, num_nodes). `placed` runs when the edges are no longer needed.
template <class Edges, class Placed>
BuiltCsr build_csr(Control& control, const Edges& edges, const BuildOptions& options, Placed&& placed) {
    if constexpr (!Edges::weighted) {
        if (options.num_nodes > 0 && detail::column_bits(options.num_nodes) <= detail::kPackedColumnBits)
            return detail::build_by_buckets(control, edges, options, placed);
    }
    return detail::build_by_rows(control, edges, options, placed);
}

// What is wrong with arrays that claim to be a CSR with sorted rows; kind 0 when nothing is.
enum class CsrFault : int { none = 0, start = 1, decreasing = 2, length = 3, range = 4, unsorted = 5, duplicate = 6 };
struct CsrCheck {
    CsrFault kind = CsrFault::none;
    std::int64_t row = -1, position = -1;
};
CsrCheck check_csr(Control& control, const std::int64_t* indptr, std::int64_t num_nodes, const std::int32_t* indices,
                   std::int64_t num_indices);

struct CsrFacts {
    std::int64_t loops = 0;
    std::int64_t max_degree = 0;
    std::int64_t one_way = 0;     // entries (u, v) without (v, u)
    std::int64_t uneven = 0;      // entries whose (v, u) has another weight
};
CsrFacts csr_facts(Control& control, const Csr& csr, const double* weights);

BuiltCsr csr_from_arrays(Control& control, const std::int64_t* sources, const std::int64_t* targets, const double* weights,
                         std::int64_t num_edges, const BuildOptions& options);

}  // namespace graphx
