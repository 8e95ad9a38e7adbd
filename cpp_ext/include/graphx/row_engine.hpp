// The engine behind orbit adjacency rows: up to kTile rows at a time, for one thread. Included by the sources of rows.hpp
// only.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "graphx/emit.hpp"
#include "graphx/rows.hpp"

namespace graphx {

inline constexpr std::int64_t kTile = kLanes;  // rows computed together, at most

template <class I>
struct Sums {  // the running sums of one target node, one vector addition a wedge
    typedef I Vector __attribute__((vector_size(4 * sizeof(I))));
};
inline constexpr int kG = 0, kC = 1, kGt = 2, kS = 3;  // lanes

// The hop-2 row of one node as parallel arrays, columns ascending.
template <class I>
struct PairRow {
    std::int64_t size = 0;
    Buffer<std::int32_t> columns;
    Buffer<I> c, g, gt, s, q, dv;

    void resize(std::int64_t capacity) {
        const auto n = static_cast<std::size_t>(capacity);
        columns.grow(n);
        for (auto* array : {&c, &g, &gt, &s, &q, &dv}) array->grow(n);
    }
};

inline bool needs_all_sums(std::uint32_t keys) {
    constexpr std::uint32_t few = (1U << k2_1_1) | (1U << k2_8_8) | (1U << k2_12_12);
    return (keys & (kHop2Keys | kHop3Keys) & ~few) != 0;
}

// What a task of up to kTile rows leaves behind: for each key its rows in `indices` and `values` at `offset`, or, for
// (3, 4, 4) where it is nearly full, the rows side by side in a dense tile [nodes, kLanes].
template <class I>
struct Output {
    struct Part {
        Buffer<std::int32_t> indices;
        Buffer<I> values;
        std::array<std::int64_t, kTile> offset{}, size{};
        std::int64_t filled = 0, maximum = 0;
        std::int64_t num_entries() const {
            std::int64_t sum = 0;
            for (auto s : size) sum += s;
            return sum;
        }
    };
    enum class Dense { none, narrow, wide };
    std::array<Part, kNumKeys> parts;
    Buffer<std::uint16_t> narrow;
    Buffer<I> wide;
    Dense dense = Dense::none;
    std::int64_t start = 0, stop = 0;

    void reset(std::int64_t first, std::int64_t last) {
        start = first;
        stop = last;
        dense = Dense::none;
        for (auto& part : parts) {
            if (part.indices.capacity() > 2 * static_cast<std::size_t>(part.filled) + (std::size_t{1} << 16)) {
                part.indices.release();  // a hub's rows were here: the memory of the others is smaller
                part.values.release();
            }
            part.size.fill(0);
            part.filled = part.maximum = 0;
        }
    }
};

// Computes tiles of rows for one worker; owns its scratch.
template <class I>
class RowEngine {
    using Far = std::conditional_t<sizeof(I) == 4, std::uint16_t, std::uint32_t>;  // c <= max_degree fits
    using Vector = typename Sums<I>::Vector;

public:
    RowEngine(const EdgeBasis<I>& basis, const RowTables<I>& tables, std::uint32_t keys, bool pairs)
        : basis_(basis), tables_(tables), graph_(basis.graph), keys_(keys), pairs_(pairs), n_(basis.graph.num_nodes),
          full_(pairs || needs_all_sums(keys)), inside_(pairs || needs_inside_edges(keys)), emit_(emitter<I>()) {}

    // Rows [start, stop) into `out`, or into summaries only if `out` is null.
    void tile(std::int64_t start, std::int64_t stop, Output<I>* out, std::array<KeySummary, kNumKeys>* summaries,
              Control& control) {
        out_ = out;
        summaries_ = summaries;
        const bool far = has_key(keys_, k3_4_4);
        const bool near = pairs_ || (keys_ & kHop2Keys) != 0;
        tile_size_ = 0;
        tile_work_ = 0;
        for (std::int64_t u = start; u < stop; ++u) {
            control.checkpoint();
            const auto r = static_cast<std::size_t>(u - start);
            if (!pairs_) hop1(u, r);
            if (!near && !far) continue;
            collect(u, control);
            if (pairs_) emit_pairs(r);
            else hop2(u, r);
            if (far) remember(r);
        }
        if (far) hop3(start, stop, control);
    }

private:
    void hop1(std::int64_t u, std::size_t r) {
        if (!(keys_ & kHop1Keys)) return;
        const std::int64_t first = graph_.indptr[u], degree = graph_.degree(u);
        values_.grow(static_cast<std::size_t>(degree) + kEmitSlack);
        views_.grow(static_cast<std::size_t>(degree));
        for (std::int64_t j = 0; j < degree; ++j) views_[j] = edge_view(basis_, u, first + j);
        for (int key = 0; key < kNumHop1; ++key) {
            if (!has_key(keys_, key)) continue;
            with_hop1_key(key, [&]<int K>() {
                for (std::int64_t j = 0; j < degree; ++j) values_[j] = hop1_value<K>(views_[j]);
            });
            emit(key, r, graph_.indices + first, values_.data(), degree);
        }
    }

    void emit(int key, std::size_t r, const std::int32_t* columns, const I* values, std::int64_t size) {
        KeySummary part;
        if (out_) {
            auto& target = out_->parts[static_cast<std::size_t>(key)];
            target.indices.grow(static_cast<std::size_t>(target.filled + size) + kEmitSlack);
            target.values.grow(static_cast<std::size_t>(target.filled + size) + kEmitSlack);
            I most = 0;
            const std::int64_t kept = emit_.compress(columns, values, size, target.indices.data() + target.filled,
                                                     target.values.data() + target.filled, &most);
            target.offset[r] = target.filled;
            target.size[r] = kept;
            target.filled += kept;
            target.maximum = std::max<std::int64_t>(target.maximum, most);
            return;
        }
        emit_.summarize(values, size, &part.num_nonzeros, &part.total, &part.maximum);
        add_summary(key, part);
    }

    void add_summary(int key, const KeySummary& part) {
        KeySummary& sum = (*summaries_)[static_cast<std::size_t>(key)];
        sum.num_nonzeros += part.num_nonzeros;
        sum.total += part.total;
        sum.maximum = std::max(sum.maximum, part.maximum);
    }

    // ---- hop 2 ----

    void prepare_near() {
        if (bits_.size()) return;
        const auto words = static_cast<std::size_t>(n_ / 64 + 1);
        bits_.resize(words);
        bits_.fill(0);
        inside_edges_.resize(static_cast<std::size_t>(n_));
        inside_edges_.fill(0);
        if (full_) {
            sums_.resize(static_cast<std::size_t>(n_) * 4 + 4);
            sums_.fill(0);
        } else {
            counts_.resize(static_cast<std::size_t>(n_));
            counts_.fill(0);
        }
    }

    Vector* sums() {  // aligned for vector access
        auto address = reinterpret_cast<std::uintptr_t>(sums_.data());
        return reinterpret_cast<Vector*>((address + sizeof(Vector) - 1) / sizeof(Vector) * sizeof(Vector));
    }

    // Fills row_ with the pairs (u, v) at distance two.
    void collect(std::int64_t u, Control& control) {
        prepare_near();
        std::int64_t touched = 0;
        for (const std::int32_t* w = graph_.begin(u); w != graph_.end(u); ++w) touched += graph_.degree(*w);
        row_.resize(std::min(touched, n_) + kEmitSlack);
        if (full_) walk_sums(u, control);
        else walk_counts(u, control);
        const bool has_inside = inside_ && basis_.triangles[u] > 0;
        if (has_inside) {
            if (tables_.has_lists()) inside_by_lists(u, control);
            else inside_by_bitsets(u, control);
        }
        forget(static_cast<std::int32_t>(u));
        for (const std::int32_t* v = graph_.begin(u); v != graph_.end(u); ++v) forget(*v);
        gather(has_inside);
    }

    void walk_sums(std::int64_t u, Control& control) {
        Vector* sums = this->sums();
        std::uint64_t* bits = bits_.data();
        for (std::int64_t p = graph_.indptr[u]; p < graph_.indptr[u + 1]; ++p) {
            const std::int32_t w = graph_.indices[p];
            Vector base = {0, 1, static_cast<I>(tables_.triangles[p]), static_cast<I>(tables_.degrees[w] - 2)};
            const std::int64_t stop = graph_.indptr[w + 1];
            for (std::int64_t s = graph_.indptr[w]; s < stop; ++s) {
                const auto v = static_cast<std::uint32_t>(graph_.indices[s]);
                const Vector step = {static_cast<I>(tables_.triangles[s]), 0, 0, 0};
                sums[v] += base + step;
                bits[v >> 6] |= std::uint64_t{1} << (v & 63);
            }
            if (stop - graph_.indptr[w] > 4096) control.checkpoint();
        }
    }

    void walk_counts(std::int64_t u, Control& control) {
        std::uint64_t* bits = bits_.data();
        for (const std::int32_t* w = graph_.begin(u); w != graph_.end(u); ++w) {
            for (const std::int32_t* v = graph_.begin(*w); v != graph_.end(*w); ++v) {
                ++counts_[*v];
                bits[static_cast<std::uint32_t>(*v) >> 6] |= std::uint64_t{1} << (*v & 63);
            }
            if (graph_.degree(*w) > 4096) control.checkpoint();
        }
    }

    // q from the triangles (u, w, x): the edge {w, x} lies inside C(u, y) for every common neighbour y of w and x.
    void inside_by_lists(std::int64_t u, Control& control) {
        for (std::int64_t p = graph_.indptr[u]; p < graph_.indptr[u + 1]; ++p) {
            if (tables_.triangles[p] == 0) continue;
            const std::int32_t w = graph_.indices[p];
            const auto e = basis_.slots[p] >> 1;
            const std::int32_t* place = graph_.begin(w);
            for (std::int64_t i = tables_.common_start[e]; i < tables_.common_start[e + 1]; ++i) {
                const std::int32_t x = tables_.common[i];
                if (x < w) continue;
                place = std::lower_bound(graph_.begin(w), graph_.end(w), x);
                const auto f = basis_.slots[place - graph_.indices] >> 1;
                const std::int32_t* y = tables_.common.data() + tables_.common_start[f];
                const std::int32_t* end = tables_.common.data() + tables_.common_start[f + 1];
                for (; y != end; ++y) ++inside_edges_[*y];
            }
            control.checkpoint();
        }
    }

    // q from bitsets over N(u): B(v) = members of C(u, v); 2 q = sum over w in C of |B(w) & B(v)|. Hubs go 512 members
    // at a time.
    void inside_by_bitsets(std::int64_t u, Control& control) {
        const std::int64_t degree = graph_.degree(u);
        if (degree <= 64) inside_tiles<1>(u, control);
        else if (degree <= 128) inside_tiles<2>(u, control);
        else if (degree <= 256) inside_tiles<4>(u, control);
        else inside_tiles<8>(u, control);
    }

    template <int Words>
    void inside_tiles(std::int64_t u, Control& control) {
        members_.grow(static_cast<std::size_t>(n_) * Words);
        if (members_words_ < members_.size()) {
            std::fill(members_.begin() + members_words_, members_.end(), 0);
            members_words_ = members_.size();
        }
        const std::int32_t* row = graph_.begin(u);
        const std::int64_t degree = graph_.degree(u);
        for (std::int64_t first = 0; first < degree; first += 64 * Words) {
            const std::int64_t last = std::min<std::int64_t>(degree, first + 64 * Words);
            for (std::int64_t j = first; j < last; ++j) {
                control.checkpoint();
                const std::int64_t word = (j - first) / 64;
                const std::uint64_t bit = std::uint64_t{1} << ((j - first) % 64);
                for (const std::int32_t* v = graph_.begin(row[j]); v != graph_.end(row[j]); ++v)
                    members_[static_cast<std::size_t>(*v) * Words + word] |= bit;
            }
            for (std::int64_t j = 0; j < degree; ++j) {
                control.checkpoint();
                if (tables_.triangles[graph_.indptr[u] + j] == 0) continue;
                emit_.intersect(members_.data(), Words, row[j], graph_.begin(row[j]), graph_.degree(row[j]),
                                inside_edges_.data());
            }
            for (std::int64_t j = first; j < last; ++j)
                for (const std::int32_t* v = graph_.begin(row[j]); v != graph_.end(row[j]); ++v)
                    std::memset(members_.data() + static_cast<std::size_t>(*v) * Words, 0, Words * 8);
        }
        twice_inside_ = true;
    }

    void forget(std::int32_t v) {
        bits_[static_cast<std::uint32_t>(v) >> 6] &= ~(std::uint64_t{1} << (v & 63));
        inside_edges_[v] = 0;
        if (full_) sums()[v] = Vector{};
        else counts_[v] = 0;
    }

    void gather(bool has_inside) {
        Vector* sums = full_ ? this->sums() : nullptr;
        const std::int64_t words = n_ / 64 + 1;
        std::int64_t size = 0;
        for (std::int64_t word = 0; word < words; ++word) {
            std::uint64_t left = bits_[word];
            if (left == 0) continue;
            bits_[word] = 0;
            for (; left; left &= left - 1) {
                row_.columns[size++] = static_cast<std::int32_t>(word * 64 + std::countr_zero(left));
            }
        }
        row_.size = size;
        if (full_) gather_sums(sums);
        else
            for (std::int64_t i = 0; i < size; ++i) {
                std::int32_t& count = counts_[row_.columns[i]];
                row_.c[i] = static_cast<I>(count);
                count = 0;
            }
        if (has_inside) {
            const int half = twice_inside_ ? 1 : 0;
            for (std::int64_t i = 0; i < size; ++i) {
                I& q = inside_edges_[row_.columns[i]];
                row_.q[i] = q >> half;
                q = 0;
            }
        } else {
            std::fill_n(row_.q.data(), size, I{0});
        }
        twice_inside_ = false;
    }

    // The sums of the columns, from one vector a node into one array a sum; what was read is zero afterwards.
    void gather_sums(Vector* sums) {
        const std::int32_t* columns = row_.columns.data();
        I *g = row_.g.data(), *c = row_.c.data(), *gt = row_.gt.data(), *s = row_.s.data();
        std::int64_t i = 0;
        for (; i + 4 <= row_.size; i += 4) {  // transpose four by four
            const Vector a = sums[columns[i]], b = sums[columns[i + 1]];
            const Vector d = sums[columns[i + 2]], e = sums[columns[i + 3]];
            for (int j = 0; j < 4; ++j) sums[columns[i + j]] = Vector{};
            const Vector ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), de = __builtin_shufflevector(d, e, 0, 4, 1, 5);
            const Vector ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
            const Vector de2 = __builtin_shufflevector(d, e, 2, 6, 3, 7);
            const Vector lanes[4] = {
                __builtin_shufflevector(ab, de, 0, 1, 4, 5), __builtin_shufflevector(ab, de, 2, 3, 6, 7),
                __builtin_shufflevector(ab2, de2, 0, 1, 4, 5), __builtin_shufflevector(ab2, de2, 2, 3, 6, 7)};
            std::memcpy(g + i, &lanes[kG], sizeof(Vector));
            std::memcpy(c + i, &lanes[kC], sizeof(Vector));
            std::memcpy(gt + i, &lanes[kGt], sizeof(Vector));
            std::memcpy(s + i, &lanes[kS], sizeof(Vector));
        }
        for (; i < row_.size; ++i) {
            const Vector sum = sums[columns[i]];
            sums[columns[i]] = Vector{};
            g[i] = sum[kG];
            c[i] = sum[kC];
            gt[i] = sum[kGt];
            s[i] = sum[kS];
        }
    }

    void hop2(std::int64_t u, std::size_t r) {
        if (!(keys_ & kHop2Keys)) return;
        if (has_key(keys_, k2_4_5))
            for (std::int64_t i = 0; i < row_.size; ++i) row_.dv[i] = tables_.degrees[row_.columns[i]];
        values_.grow(static_cast<std::size_t>(row_.size) + kEmitSlack);
        for (int key = kNumHop1; key < k3_4_4; ++key) {
            if (!has_key(keys_, key)) continue;
            emit_.hop2(key, row_.size, static_cast<I>(graph_.degree(u)), row_.c.data(), row_.g.data(), row_.gt.data(),
                       row_.s.data(), row_.q.data(), row_.dv.data(), values_.data());
            emit(key, r, row_.columns.data(), values_.data(), row_.size);
        }
    }

    void emit_pairs(std::size_t r) {
        const I* arrays[kNumPairSums] = {row_.c.data(), row_.g.data(), row_.gt.data(), row_.s.data(), row_.q.data()};
        const auto size = static_cast<std::size_t>(row_.size);
        for (int k = 0; k < kNumPairSums; ++k) {
            auto& target = out_->parts[static_cast<std::size_t>(k)];
            const auto filled = static_cast<std::size_t>(target.filled);
            if (k == 0) {
                target.indices.grow(filled + size);
                std::copy_n(row_.columns.data(), size, target.indices.data() + filled);
            }
            target.values.grow(filled + size);
            std::copy_n(arrays[k], size, target.values.data() + filled);
            target.offset[r] = target.filled;
            target.size[r] = row_.size;
            target.filled += row_.size;
        }
    }

    // ---- hop 3: 4_4[u, v] = sum over y in N(v) of c(u, y) - 9_10[u, v], for u, v different and not adjacent ----

    void remember(std::size_t r) {
        const auto size = static_cast<std::size_t>(row_.size);
        const auto at = static_cast<std::size_t>(tile_size_);
        tile_columns_.grow(at + size);
        tile_c_.grow(at + size);
        std::copy_n(row_.columns.data(), size, tile_columns_.data() + at);
        std::copy_n(row_.c.data(), size, tile_c_.data() + at);
        const auto nines = static_cast<std::size_t>(nine_start_[r]);
        nine_columns_.grow(nines + size + kEmitSlack);
        nine_.grow(nines + size + kEmitSlack);
        values_.grow(size + kEmitSlack);
        emit_.hop2(k2_9_10, row_.size, 0, row_.c.data(), row_.g.data(), row_.gt.data(), row_.s.data(), row_.q.data(),
                   row_.dv.data(), values_.data());
        I most = 0;
        nine_start_[r + 1] = nine_start_[r] + emit_.compress(row_.columns.data(), values_.data(), row_.size,
                                                             nine_columns_.data() + nines, nine_.data() + nines, &most);
        if (!is_dense())  // once the tile is, more work does not change it
            for (std::size_t i = 0; i < size; ++i) tile_work_ += tables_.degrees[row_.columns[i]];
        tile_start_[r] = tile_size_;
        tile_size_ += row_.size;
        tile_start_[r + 1] = tile_size_;
    }

    // A dense step adds all rows of the tile at once and then looks at every node; a sparse step adds one.
    bool is_dense() const { return tile_work_ > graph_.num_entries() + 2 * n_; }

    void hop3(std::int64_t start, std::int64_t stop, Control& control) {
        if (is_dense()) hop3_dense(start, stop, control);
        else
            for (std::int64_t u = start; u < stop; ++u) hop3_sparse(u, static_cast<std::size_t>(u - start), control);
    }

    void hop3_sparse(std::int64_t u, std::size_t r, Control& control) {
        if (far_.size() == 0) {
            far_.resize(static_cast<std::size_t>(n_));
            far_.fill(0);
        }
        std::int64_t touched = 0;
        for (std::int64_t i = tile_start_[r]; i < tile_start_[r + 1]; ++i) {
            const std::int32_t y = tile_columns_[i];
            const I c = tile_c_[i];
            for (const std::int32_t* v = graph_.begin(y); v != graph_.end(y); ++v) {
                far_[*v] += c;
                bits_[static_cast<std::uint32_t>(*v) >> 6] |= std::uint64_t{1} << (*v & 63);
            }
            touched += graph_.degree(y);
            if ((i & 1023) == 0) control.checkpoint();
        }
        for (std::int64_t i = nine_start_[r]; i < nine_start_[r + 1]; ++i) far_[nine_columns_[i]] -= nine_[i];
        auto drop = [&](std::int32_t v) {
            far_[v] = 0;
            bits_[static_cast<std::uint32_t>(v) >> 6] &= ~(std::uint64_t{1} << (v & 63));
        };
        drop(static_cast<std::int32_t>(u));
        for (const std::int32_t* v = graph_.begin(u); v != graph_.end(u); ++v) drop(*v);
        const auto capacity = static_cast<std::size_t>(std::min(touched, n_)) + kEmitSlack;
        values_.grow(capacity);
        columns_.grow(capacity);
        std::int64_t size = 0;
        const std::int64_t words = n_ / 64 + 1;
        for (std::int64_t word = 0; word < words; ++word) {
            std::uint64_t left = bits_[word];
            if (left == 0) continue;
            bits_[word] = 0;
            for (; left; left &= left - 1) {
                const auto v = static_cast<std::int32_t>(word * 64 + std::countr_zero(left));
                columns_[size] = v;
                values_[size++] = far_[v];
                far_[v] = 0;
            }
        }
        emit(k3_4_4, r, columns_.data(), values_.data(), size);
    }

    void hop3_dense(std::int64_t start, std::int64_t stop, Control& control) {
        Output<I>& out = out_ ? *out_ : own_;
        const auto padded = static_cast<std::size_t>((n_ + kStep - 1) / kStep * kStep);
        if (pairs_dense_.size() == 0) {
            pairs_dense_.resize(padded * kTile);
            pairs_dense_.fill(0);
        }
        for_pairs(start, stop, [&](std::size_t at, std::int64_t i) { pairs_dense_[at] = static_cast<Far>(tile_c_[i]); });
        // Sums fit 16 bits nearly always, which halves what has to be moved; else once more with room for all.
        out.dense = Output<I>::Dense::wide;
        if constexpr (sizeof(I) == 4) {
            out.narrow.resize(padded * kTile);
            const bool passed = spread(control, [&](std::int64_t from, std::int64_t to) {
                return emit_.spread16(graph_, from, to, pairs_dense_.data(), out.narrow.data());
            });
            if (!passed) {
                out.dense = Output<I>::Dense::narrow;
                finish_dense(out.narrow.data(), start, stop, out);
            }
        }
        if (out.dense == Output<I>::Dense::wide) {
            out.wide.resize(padded * kTile);
            spread(control, [&](std::int64_t from, std::int64_t to) {
                emit_.spread(graph_, from, to, pairs_dense_.data(), out.wide.data());
                return false;
            });
            finish_dense(out.wide.data(), start, stop, out);
        }
        if (tile_size_ > n_) pairs_dense_.fill(0);
        else for_pairs(start, stop, [&](std::size_t at, std::int64_t) { pairs_dense_[at] = 0; });
    }

    template <class F>
    void for_pairs(std::int64_t start, std::int64_t stop, F&& f) {
        for (std::int64_t u = start; u < stop; ++u) {
            const auto r = static_cast<std::size_t>(u - start);
            for (std::int64_t i = tile_start_[r]; i < tile_start_[r + 1]; ++i)
                f(static_cast<std::size_t>(tile_columns_[i]) * kTile + r, i);
        }
    }

    template <class F>
    bool spread(Control& control, F&& stretch) {
        constexpr std::int64_t size = 4096;
        for (std::int64_t v = 0; v < n_; v += size) {
            control.checkpoint();
            if (stretch(v, std::min(n_, v + size))) return true;
        }
        return false;
    }

    // Takes 9_10 off, empties the entries of u and its neighbours, and counts what is left.
    template <class D>
    void finish_dense(D* dense, std::int64_t start, std::int64_t stop, Output<I>& out) {
        const auto padded = (n_ + kStep - 1) / kStep * kStep;
        std::fill(dense + n_ * kTile, dense + padded * kTile, D{0});
        for (std::int64_t u = start; u < stop; ++u) {
            const auto r = static_cast<std::size_t>(u - start);
            for (std::int64_t i = nine_start_[r]; i < nine_start_[r + 1]; ++i) {
                D& value = dense[static_cast<std::size_t>(nine_columns_[i]) * kTile + r];
                value = static_cast<D>(value - nine_[i]);
            }
            dense[static_cast<std::size_t>(u) * kTile + r] = 0;
            for (const std::int32_t* v = graph_.begin(u); v != graph_.end(u); ++v)
                dense[static_cast<std::size_t>(*v) * kTile + r] = 0;
        }
        std::int64_t nonzeros[kTile];
        KeySummary part;
        if constexpr (sizeof(D) == 2) emit_.count16(padded, dense, nonzeros, &part.total, &part.maximum);
        else emit_.count(padded, dense, nonzeros, &part.total, &part.maximum);
        auto& target = out.parts[k3_4_4];
        for (std::int64_t r = 0; r < kTile; ++r) {
            target.size[static_cast<std::size_t>(r)] = nonzeros[r];
            part.num_nonzeros += nonzeros[r];
        }
        target.maximum = std::max(target.maximum, part.maximum);
        if (!out_) add_summary(k3_4_4, part);
    }

    const EdgeBasis<I>& basis_;
    const RowTables<I>& tables_;
    const Csr graph_;
    const std::uint32_t keys_;
    const bool pairs_;
    const std::int64_t n_;
    const bool full_, inside_;
    const Emitter<I> emit_;
    Output<I>* out_ = nullptr;
    Output<I> own_;  // the dense tile of hop 3 where nothing is to be kept
    std::array<KeySummary, kNumKeys>* summaries_ = nullptr;

    Buffer<I> sums_;
    Buffer<std::int32_t> counts_;
    Buffer<I> inside_edges_;
    Buffer<std::uint64_t> bits_, members_;
    std::size_t members_words_ = 0;
    bool twice_inside_ = false;
    PairRow<I> row_;
    Buffer<I> values_, far_;
    Buffer<EdgeView<I>> views_;
    Buffer<std::int32_t> columns_;
    Buffer<Far> pairs_dense_;
    Buffer<std::int32_t> tile_columns_;
    Buffer<I> tile_c_;
    Buffer<std::int32_t> nine_columns_;  // 9_10 of the rows of the tile, without its zeros
    Buffer<I> nine_;
    std::array<std::int64_t, kTile + 1> nine_start_{};
    std::array<std::int64_t, kTile + 1> tile_start_{};
    std::int64_t tile_size_ = 0, tile_work_ = 0;
};

}  // namespace graphx
