// How one worker answers pairs of rows: by comparing, searching, a bit set of one row, or two bit rows. Private to
// the kernels of neighbors.hpp.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "graphx/buffer.hpp"
#include "graphx/neighbors.hpp"
#include "graphx/neighbors_rows.hpp"
#include "graphx/parallel.hpp"

namespace graphx::neighbors {

constexpr std::int64_t kPairsPerTask = 256;
constexpr std::int64_t kAhead = 8;  // pairs between asking for a row and reading it

GRAPHX_INLINE void prefetch(const void* address) {
#if defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(address, 0, 3);
#else
    (void)address;
#endif
}

// Into the second level: the first has few places for what is on its way.
GRAPHX_INLINE void prefetch_near(const void* address) {
#if defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(address, 0, 2);
#else
    (void)address;
#endif
}

// Where runs of pairs share their target rather than their source, the two exchanged: what is in common stays the same.
inline PairQuery oriented(const PairQuery& query) {
    std::int64_t same_source = 0, same_target = 0;
    const std::int64_t stop = std::min<std::int64_t>(query.num_pairs, 4096);
    for (std::int64_t b = 1; b < stop; ++b) {
        same_source += query.sources[b] == query.sources[b - 1];
        same_target += query.targets[b] == query.targets[b - 1];
    }
    PairQuery out = query;
    if (same_target > same_source) {
        std::swap(out.first, out.second);
        std::swap(out.sources, out.targets);
    }
    return out;
}

class Finder {
public:
    explicit Finder(const PairQuery& query) : q_(query), rows_(row_kernels()) {}

    const std::int32_t* nodes() const { return nodes_.data(); }
    const double* weights() const { return q_.weighted() ? weights_.data() : nullptr; }  // of nodes()

    // The number of common neighbours of pair b; `emit` also tells which, in ascending order, with their weights.
    // [low, high) restricts them: multiples of 64, or the whole range.
    std::int64_t find(std::int64_t b, bool emit, std::int64_t low = 0, std::int64_t high = -1) {
        if (high < 0) high = q_.num_columns;
        const std::int64_t s = q_.sources[b], t = q_.targets[b];
        Row first = row(q_.first, s, low, high), second = row(q_.second, t, low, high);
        if (first.size == 0 || second.size == 0) return 0;
        if (q_.first.bits && q_.second.bits && !q_.weighted()) return by_bits(s, t, first, second, emit, low, high);
        if (second.size < first.size * rows_.search_from && set_apart(b)) return by_set(second, emit);
        return by_rows(first, second, emit);
    }

    // What will be read for the pairs to come: first where the rows lie, then their beginnings.
    void prefetch_after(std::int64_t b) const {
        if (b + 2 * kAhead < q_.num_pairs) {
            prefetch(q_.first.indptr + q_.sources[b + 2 * kAhead]);
            prefetch(q_.second.indptr + q_.targets[b + 2 * kAhead]);
        }
        if (b + kAhead < q_.num_pairs) {
            if (q_.first.bits && q_.second.bits) return;  // they are small
            prefetch_row(q_.first, q_.sources[b + kAhead]);
            prefetch_row(q_.second, q_.targets[b + kAhead]);
        }
    }

private:
    struct Row {
        const std::int32_t* data;
        std::int64_t size;
        std::int64_t entry;  // of data[0]
    };

    static void prefetch_row(const NeighborSide& side, std::int64_t r) {
        const std::int32_t* p = side.indices + side.indptr[r];
        const std::int32_t* stop = side.indices + std::min(side.indptr[r + 1], side.indptr[r] + 192);
        if (p == stop) return;
        for (; p < stop; p += 16) prefetch_near(p);
        prefetch_near(stop - 1);  // a row seldom starts where a line does
    }

    Row row(const NeighborSide& side, std::int64_t r, std::int64_t low, std::int64_t high) const {
        const std::int32_t* begin = side.indices + side.indptr[r];
        const std::int32_t* end = side.indices + side.indptr[r + 1];
        if (low > 0) begin = std::lower_bound(begin, end, static_cast<std::int32_t>(low));
        if (high < q_.num_columns) end = std::lower_bound(begin, end, static_cast<std::int32_t>(high));
        return {begin, end - begin, begin - side.indices};
    }

    void make_room(std::int64_t size) {
        const auto need = static_cast<std::size_t>(size) + 16;  // whole registers are written
        if (nodes_.size() >= need) return;
        nodes_.grow(need);
        at_first_.grow(need);
        at_second_.grow(need);
        if (q_.weighted()) weights_.grow(need);
    }

    double weight(const NeighborSide& side, std::int64_t entry) const { return side.weights ? side.weights[entry] : 1.0; }

    std::int64_t by_bits(std::int64_t s, std::int64_t t, const Row& first, const Row& second, bool emit,
                         std::int64_t low, std::int64_t high) {
        const std::uint64_t* a = q_.first.bits + s * q_.words();
        const std::uint64_t* b = q_.second.bits + t * q_.words();
        const Row& shorter = first.size <= second.size ? first : second;
        const std::int64_t from = low >> 6, to = (high + 63) >> 6;
        std::int64_t found = 0;
        if (emit) make_room(shorter.size);
        std::int32_t* out = nodes_.data();
        if (to - from > shorter.size) {
            for (std::int64_t k = 0; k < shorter.size; ++k) {
                const std::int32_t u = shorter.data[k];
                const bool both = bit(a, u) && bit(b, u);
                if (emit && both) out[found] = u;
                found += both;
            }
            return found;
        }
        if (!emit) return rows_.count_bits(a + from, b + from, to - from);
        for (std::int64_t w = from; w < to; ++w)
            for (std::uint64_t both = a[w] & b[w]; both; both &= both - 1)
                out[found++] = static_cast<std::int32_t>(w * 64 + std::countr_zero(both));
        return found;
    }

    // A bit set of rows, all of whose bits are clear but for those of the row that is in it.
    struct Marks {
        Buffer<std::uint32_t> words;
        std::uint32_t fold = 0;

        void make(std::int64_t size) {
            const std::uint64_t bits = std::bit_ceil(static_cast<std::uint64_t>(std::max<std::int64_t>(size, 32)));
            fold = static_cast<std::uint32_t>(bits - 1);
            words.resize(bits / 32);
            words.fill(0);
        }
        void set(const std::int32_t* row, std::int64_t size) {
            for (std::int64_t k = 0; k < size; ++k) {
                const std::uint32_t at = static_cast<std::uint32_t>(row[k]) & fold;
                words[at >> 5] |= 1U << (at & 31);
            }
        }
        void clear(const std::int32_t* row, std::int64_t size) {
            for (std::int64_t k = 0; k < size; ++k) words[(static_cast<std::uint32_t>(row[k]) & fold) >> 5] = 0;
        }
    };

    // Whether row sources[b] is a bit set for itself now: worth making for a run of pairs whose second rows are longer
    // together than it is.
    bool set_apart(std::int64_t b) {
        const std::int64_t s = q_.sources[b];
        if (s == set_) return true;
        if (b < decided_ && s == refused_) return false;
        std::int64_t run = 1, work = 0;
        const std::int64_t begin = q_.first.indptr[s], own = q_.first.indptr[s + 1] - begin;
        for (; run < 32 && b + run < q_.num_pairs && q_.sources[b + run] == s && work <= own; ++run) {
            const std::int64_t t = q_.targets[b + run];
            work += q_.second.indptr[t + 1] - q_.second.indptr[t];
        }
        if (run < 3 || work <= own) {
            refused_ = s;
            decided_ = b + run;
            return false;
        }
        if (of_set_.words.size() == 0) {
            of_set_.make(q_.num_columns);
            if (q_.first.weights) set_weights_.resize(static_cast<std::size_t>(q_.num_columns));
        }
        if (set_ >= 0) of_set_.clear(q_.first.indices + q_.first.indptr[set_], q_.first.indptr[set_ + 1] - q_.first.indptr[set_]);
        const std::int32_t* row = q_.first.indices + begin;
        if (q_.first.absent) {
            for (std::int64_t k = 0; k < own; ++k)
                if (!q_.first.is_absent(begin + k)) of_set_.set(row + k, 1);
        } else {
            of_set_.set(row, own);
        }
        if (q_.first.weights)
            for (std::int64_t k = 0; k < own; ++k) set_weights_[row[k]] = q_.first.weights[begin + k];
        set_ = s;
        return true;
    }

    std::int64_t by_set(const Row& second, bool emit) {
        const std::uint32_t* words = of_set_.words.data();
        if (!emit && !q_.second.absent) return rows_.count_marked(words, of_set_.fold, second.data, second.size);
        make_room(second.size);
        const std::int64_t all = rows_.find_marked(words, of_set_.fold, second.data, second.size, at_second_.data());
        std::int64_t found = 0;
        for (std::int64_t k = 0; k < all; ++k) {
            const std::int64_t at = at_second_[k], f = second.entry + at;
            if (q_.second.is_absent(f)) continue;
            const std::int32_t u = second.data[at];
            nodes_[found] = u;
            if (q_.weighted()) weights_[found] = (q_.first.weights ? set_weights_[u] : 1.0) * weight(q_.second, f);
            ++found;
        }
        return found;
    }

    std::int64_t by_rows(const Row& first, const Row& second, bool emit) {
        const bool swapped = first.size > second.size;
        const Row& a = swapped ? second : first;
        const Row& b = swapped ? first : second;
        const bool filter = q_.first.absent || q_.second.absent;
        const bool few = rows_.compare_count && a.size <= kFew && b.size <= kFewOf;
        if (few && !emit && !filter) return rows_.compare_count(a.data, a.size, b.data, b.size, nullptr);
        const bool far = !few && a.size * rows_.search_from <= b.size;
        if (far && !emit && !filter) return rows_.search_count(a.data, a.size, b.data, b.size, nullptr, nullptr);
        make_room(far ? a.size : b.size);
        std::int32_t* at_a = swapped ? at_second_.data() : at_first_.data();
        std::int32_t* at_b = swapped ? at_first_.data() : at_second_.data();
        std::int64_t all = 0;
        if (few) {
            all = rows_.compare_emit(a.data, a.size, b.data, b.size, at_b);
            if (!filter && !q_.weighted()) {
                for (std::int64_t k = 0; k < all; ++k) nodes_[k] = b.data[at_b[k]];
                return all;
            }
            all = confirm(a, b, all, at_a, at_b);
        } else if (far) {
            all = rows_.search_emit(a.data, a.size, b.data, b.size, at_a, at_b);
        } else {
            if (of_short_.words.size() == 0) of_short_.make(std::min(q_.num_columns, kFold));
            of_short_.set(a.data, a.size);
            const bool exact = q_.num_columns <= kFold;
            if (exact && !emit && !filter)
                all = rows_.count_marked(of_short_.words.data(), of_short_.fold, b.data, b.size);
            else
                all = rows_.find_marked(of_short_.words.data(), of_short_.fold, b.data, b.size, at_b);
            of_short_.clear(a.data, a.size);
            if (exact && !filter && !(emit && q_.weighted())) {
                if (emit)
                    for (std::int64_t k = 0; k < all; ++k) nodes_[k] = b.data[at_b[k]];
                return all;
            }
            all = confirm(a, b, all, at_a, at_b);
        }
        std::int64_t found = 0;
        for (std::int64_t k = 0; k < all; ++k) {
            const std::int64_t e = first.entry + at_first_[k], f = second.entry + at_second_[k];
            if (filter && (q_.first.is_absent(e) || q_.second.is_absent(f))) continue;
            nodes_[found] = first.data[at_first_[k]];
            if (q_.weighted()) weights_[found] = weight(q_.first, e) * weight(q_.second, f);
            ++found;
        }
        return found;
    }

    // Which of the entries b[at_b[k]] are in a, and where: a bit may be that of another node.
    static std::int64_t confirm(const Row& a, const Row& b, std::int64_t all, std::int32_t* at_a, std::int32_t* at_b) {
        std::int64_t found = 0, i = 0;
        for (std::int64_t k = 0; k < all && i < a.size; ++k) {
            const std::int32_t u = b.data[at_b[k]];
            while (i < a.size && a.data[i] < u) ++i;
            if (i == a.size || a.data[i] != u) continue;
            at_a[found] = static_cast<std::int32_t>(i);
            at_b[found++] = at_b[k];
        }
        return found;
    }

    // Rows of which all pairs of entries are compared: up to here that takes less than a set or a search.
    static constexpr std::int64_t kFew = 16, kFewOf = 128;

    // Bits of the set of a short row: 32 KiB, which the first level holds. More nodes share bits.
    static constexpr std::int64_t kFold = std::int64_t{1} << 18;

    const PairQuery& q_;
    const RowKernels rows_;
    Buffer<std::int32_t> nodes_, at_first_, at_second_;
    Buffer<double> weights_;
    Marks of_short_, of_set_;  // of_set_: row set_ of the first side, absent entries left out
    Buffer<double> set_weights_;
    std::int64_t set_ = -1, refused_ = -1, decided_ = 0;
};

// A Finder for each worker, made on the worker's first task.
class Finders {
public:
    Finders(const PairQuery& query, const Control& control)
        : query_(query), made_(static_cast<std::size_t>(control.threads())) {}
    Finder& of(int worker) {
        auto& finder = made_[static_cast<std::size_t>(worker)];
        if (!finder) finder = std::make_unique<Finder>(query_);
        return *finder;
    }

private:
    const PairQuery& query_;
    std::vector<std::unique_ptr<Finder>> made_;
};

// body(pair, found, finder) for every pair.
template <class Body>
void for_pairs(const PairQuery& query, bool emit, Control& control, Body&& body) {
    Finders finders(query, control);
    parallel_for(control, (query.num_pairs + kPairsPerTask - 1) / kPairsPerTask, [&](std::int64_t task, int worker) {
        Finder& finder = finders.of(worker);
        const std::int64_t stop = std::min(query.num_pairs, (task + 1) * kPairsPerTask);
        for (std::int64_t b = task * kPairsPerTask; b < stop; ++b) {
            if (b % 32 == 0) control.checkpoint();
            finder.prefetch_after(b);
            body(b, finder.find(b, emit), finder);
        }
    });
}

}  // namespace graphx::neighbors
