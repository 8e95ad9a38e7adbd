#include "graphx/rows.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "graphx/emit.hpp"
#include "graphx/spmm.hpp"

namespace graphx {

namespace {

constexpr std::int64_t kTile = kLanes;   // rows computed together, at most
constexpr std::size_t kLeastTiles = 2;  // in a block whatever its size
constexpr int kTilesPerBlock = 4;       // so that threads can share the work of a block

template <class I>
struct Sums {  // the running sums of one target node, one vector addition a wedge
    typedef I Vector __attribute__((vector_size(4 * sizeof(I))));
};
constexpr int kG = 0, kC = 1, kGt = 2, kS = 3;  // lanes

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

bool needs_all_sums(std::uint32_t keys) {
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

}  // namespace

bool needs_inside_edges(std::uint32_t keys) {
    return (keys & (kHop2Keys | kHop3Keys) & ~(1U << k2_1_1)) != 0;
}

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

template <class I>
RowTables<I> make_row_tables(const EdgeBasis<I>& basis, std::uint32_t keys, Control& control) {
    const Csr& g = basis.graph;
    RowTables<I> tables;
    const std::int64_t n = g.num_nodes;
    tables.near = (keys & ~kHop1Keys) != 0;
    if (!tables.near) return tables;  // the edge basis has all that hop 1 needs
    tables.degrees.resize(static_cast<std::size_t>(n));
    tables.wedges.resize(static_cast<std::size_t>(n));
    tables.triangles.resize(static_cast<std::size_t>(g.num_entries()));
    for (std::int64_t u = 0; u < n; ++u) tables.degrees[u] = static_cast<std::int32_t>(g.degree(u));
    const auto bounds = balanced_tasks(n, 64L * control.threads(), [&](std::int64_t u) { return g.degree(u); });
    const auto tasks = static_cast<std::int64_t>(bounds.size()) - 1;
    parallel_for(control, tasks, [&](std::int64_t task, int) {
        for (std::int64_t u = bounds[task]; u < bounds[task + 1]; ++u) {
            if ((u & 255) == 0) control.checkpoint();
            std::int64_t wedges = 0;
            for (std::int64_t p = g.indptr[u]; p < g.indptr[u + 1]; ++p) {
                wedges += tables.degrees[g.indices[p]];
                tables.triangles[p] = static_cast<std::int32_t>(basis.edges[basis.slots[p] >> 1].triangles);
            }
            tables.wedges[u] = wedges;
        }
    });
    tables.inside = needs_inside_edges(keys);
    if (!tables.inside) return tables;
    // Lists cost one addition for each pair of triangles on an edge, bitsets three passes over the wedges (and again for
    // each further 512 neighbours of a hub).
    double by_bitsets = 0;
    for (std::int64_t u = 0; u < n; ++u)
        by_bitsets += 3.0 * static_cast<double>(tables.wedges[u]) * static_cast<double>((g.degree(u) + 511) / 512);
    if (static_cast<double>(basis.sum_squared_triangles) > by_bitsets) return tables;
    tables.common_start.resize(static_cast<std::size_t>(basis.num_edges) + 1);
    tables.common_start[0] = 0;
    for (std::int64_t e = 0; e < basis.num_edges; ++e)
        tables.common_start[e + 1] = tables.common_start[e] + basis.edges[e].triangles;
    tables.common.resize(static_cast<std::size_t>(3 * basis.num_triangles));
    std::vector<Buffer<std::uint8_t>> marks(static_cast<std::size_t>(control.threads()));
    parallel_for(control, tasks, [&](std::int64_t task, int worker) {
        auto& mark = marks[static_cast<std::size_t>(worker)];
        if (mark.size() == 0) {
            mark.resize(static_cast<std::size_t>(n));
            mark.fill(0);
        }
        for (std::int64_t u = bounds[task]; u < bounds[task + 1]; ++u) {
            if (basis.triangles[u] == 0) continue;
            control.checkpoint();
            for (const std::int32_t* v = g.begin(u); v != g.end(u); ++v) mark[*v] = 1;
            for (std::int64_t p = g.indptr[u]; p < g.indptr[u + 1]; ++p) {
                const std::uint32_t code = basis.slots[p];
                std::int64_t left = tables.triangles[p];
                if (left == 0 || (code & 1U) == 0) continue;  // the higher endpoint writes the list
                std::int32_t* out = tables.common.data() + tables.common_start[code >> 1];
                for (const std::int32_t* x = g.begin(g.indices[p]); left > 0; ++x)
                    if (mark[*x]) {
                        *out++ = *x;
                        --left;
                    }
            }
            for (const std::int32_t* v = g.begin(u); v != g.end(u); ++v) mark[*v] = 0;
        }
    });
    return tables;
}

template <class I>
std::array<KeySummary, kNumKeys> summarize_rows(const EdgeBasis<I>& basis, const RowTables<I>& tables,
                                                std::uint32_t keys, Control& control) {
    std::array<KeySummary, kNumKeys> total{};
    std::mutex mutex;
    const std::int64_t n = basis.graph.num_nodes;
    std::vector<std::unique_ptr<RowEngine<I>>> engines(static_cast<std::size_t>(control.threads()));
    parallel_for(control, (n + kTile - 1) / kTile, [&](std::int64_t task, int worker) {
        auto& engine = engines[static_cast<std::size_t>(worker)];
        if (!engine) engine = std::make_unique<RowEngine<I>>(basis, tables, keys, false);
        const std::int64_t start = task * kTile, stop = std::min(n, start + kTile);
        std::array<KeySummary, kNumKeys> part{};
        engine->tile(start, stop, nullptr, &part, control);
        std::lock_guard<std::mutex> lock(mutex);
        for (std::size_t key = 0; key < kNumKeys; ++key) {
            total[key].num_nonzeros += part[key].num_nonzeros;
            total[key].total += part[key].total;
            total[key].maximum = std::max(total[key].maximum, part[key].maximum);
        }
        control.advance(stop - start);
    });
    return total;
}

template <class I>
struct RowStream<I>::State {
    struct Rows {
        std::int64_t start, stop;
    };
    struct Plan {  // the tiles of a block, and the bytes foreseen for them
        std::vector<Rows> tiles;
        double near = 0, far = 0, bytes = 0;
    };
    const EdgeBasis<I>& basis;
    const RowTables<I>& tables;
    const std::uint32_t keys;
    const bool pairs;
    std::int64_t start = 0, stop = 0;        // of the current block
    double near_fill = 1.0, far_fill = 1.0;  // bytes produced over bytes foreseen, lately
    std::vector<std::unique_ptr<RowEngine<I>>> engines{};
    std::vector<std::unique_ptr<Output<I>>> outputs{};
    std::size_t used = 0;           // outputs that hold a tile
    bool ahead = false;             // they hold the block after the current one
    std::int64_t block_bytes = 0;

    // Bytes that row u is likely to take, from upper bounds and how full they were of late: hop 1, hop 2, hop 3.
    std::array<double, 3> foreseen(std::int64_t u) const {
        const auto n = static_cast<double>(basis.graph.num_nodes);
        const double entry = sizeof(I) + 4;
        const double near = tables.near ? std::min(n, static_cast<double>(tables.wedges[u])) : 0;
        if (pairs) return {0, near * (kNumPairSums * sizeof(I) + 4), 0};
        return {entry * static_cast<double>(basis.graph.degree(u)) * std::popcount(keys & kHop1Keys),
                entry * near * std::popcount(keys & kHop2Keys), entry * n * std::popcount(keys & kHop3Keys)};
    }

    // Rows from `first` on for one tile of at most `most` bytes, one row at least. Adds what it takes to the plan.
    Rows next_tile(std::int64_t first, double most, Plan& plan) const {
        const std::int64_t last = std::min(basis.graph.num_nodes, first + kTile);
        double tile = 0;
        std::int64_t u = first;
        for (; u < last; ++u) {
            const auto row = foreseen(u);
            const double size = row[0] + row[1] * near_fill + row[2] * far_fill;
            if (u > first && tile + size > most) break;
            tile += size;
            plan.near += row[1];
            plan.far += row[2];
        }
        plan.bytes += tile;
        return {first, u};
    }

    Plan plan_block(std::int64_t first) const {
        Plan plan;
        const auto most = static_cast<double>(block_bytes);
        while (first < basis.graph.num_nodes) {
            Plan longer = plan;
            const Rows tile = next_tile(first, most / kTilesPerBlock, longer);
            if (plan.tiles.size() >= kLeastTiles && longer.bytes > most) break;
            longer.tiles.push_back(tile);
            plan = std::move(longer);
            first = tile.stop;
        }
        return plan;
    }

    void make_room(std::size_t tiles, int threads) {
        while (outputs.size() < tiles) outputs.push_back(std::make_unique<Output<I>>());
        engines.resize(std::max(engines.size(), static_cast<std::size_t>(threads)));
    }

    void compute(Rows rows, std::size_t tile, int worker, Control& control) {
        auto& engine = engines[static_cast<std::size_t>(worker)];
        if (!engine) engine = std::make_unique<RowEngine<I>>(basis, tables, keys, pairs);
        Output<I>& out = *outputs[tile];
        out.reset(rows.start, rows.stop);
        engine->tile(rows.start, rows.stop, &out, nullptr, control);
        control.advance(rows.stop - rows.start);
    }

    std::int64_t num_entries(int key) const {
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < used; ++i) sum += outputs[i]->parts[static_cast<std::size_t>(key)].num_entries();
        return sum;
    }

    // The outputs hold the block of this plan now: how full was it?
    void learn(const Plan& plan) {
        used = plan.tiles.size();
        double near_made = 0;
        for (int key = pairs ? 0 : kNumHop1; key < k3_4_4; ++key) near_made += static_cast<double>(num_entries(key));
        const double far_made = static_cast<double>(num_entries(k3_4_4));
        const double entry = sizeof(I) + 4;
        auto refine = [entry](double& fill, double made, double foreseen) {
            if (foreseen > 0) fill = std::max(0.5 * fill, std::clamp(made * entry / foreseen, 0.001, 1.0));
        };
        refine(near_fill, near_made, plan.near);
        refine(far_fill, far_made, plan.far);
    }
};

template <class I>
RowStream<I>::RowStream(const EdgeBasis<I>& basis, const RowTables<I>& tables, std::uint32_t keys, bool pairs)
    : state_(new State{basis, tables, keys, pairs}) {}
template <class I>
RowStream<I>::~RowStream() = default;
template <class I>
std::int64_t RowStream<I>::start() const { return state_->start; }
template <class I>
std::int64_t RowStream<I>::stop() const { return state_->stop; }

template <class I>
bool RowStream<I>::next(std::int64_t block_bytes, Control& control) {
    State& s = *state_;
    s.start = s.stop;
    s.block_bytes = block_bytes;
    if (s.start >= s.basis.graph.num_nodes) return false;
    if (!s.ahead) {
        const auto plan = s.plan_block(s.start);
        s.make_room(plan.tiles.size(), control.threads());
        parallel_for(control, static_cast<std::int64_t>(plan.tiles.size()), [&](std::int64_t task, int worker) {
            const auto tile = static_cast<std::size_t>(task);
            s.compute(plan.tiles[tile], tile, worker, control);
        });
        s.learn(plan);
    }
    s.ahead = false;
    s.stop = s.outputs[s.used - 1]->stop;
    return true;
}

template <class I>
std::int64_t RowStream<I>::num_entries(int key) const {
    return state_->num_entries(key);
}

template <class I>
std::int64_t RowStream<I>::maximum(int key) const {
    std::int64_t most = 0;
    for (std::size_t i = 0; i < state_->used; ++i) most = std::max(most, state_->outputs[i]->parts[key].maximum);
    return most;
}

namespace {

template <class V, class I>
void convert(const I* from, std::size_t size, void* to) {
    auto* out = static_cast<V*>(to);
    if constexpr (std::is_same_v<V, I>) std::memcpy(out, from, size * sizeof(I));
    else
        for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<V>(from[i]);
}

}  // namespace

namespace {

// The dense tile of a task straight into its rows of the target.
template <class I>
void drain(const Output<I>& out, const CopyTarget& target, std::int64_t at, std::int64_t block_start) {
    TileTarget rows;
    rows.width = target.width;
    for (std::int64_t u = out.start; u < out.stop; ++u) {
        const auto r = static_cast<std::size_t>(u - out.start);
        rows.columns[r] = target.indices + at;
        rows.values[r] = static_cast<char*>(target.values) + at * target.width;
        at += out.parts[k3_4_4].size[r];
        target.indptr[u - block_start + 1] = target.offset + at;
    }
    const Emitter<I> emit = emitter<I>();
    const auto nodes = static_cast<std::int64_t>(
        (out.dense == Output<I>::Dense::narrow ? out.narrow.size() : out.wide.size()) / kLanes);
    const int count = static_cast<int>(out.stop - out.start);
    if (out.dense == Output<I>::Dense::narrow) emit.drain16(nodes, count, out.narrow.data(), rows);
    else emit.drain(nodes, count, out.wide.data(), rows);
}

// The rows of one tile to where they belong; `first[k]` is the place of the tile in target k.
template <class I>
void copy_tile(const Output<I>& out, const std::vector<CopyTarget>& targets, const std::vector<std::int64_t>& first,
               std::int64_t block_start, bool pairs) {
    for (std::size_t k = 0; k < targets.size(); ++k) {
        const CopyTarget& target = targets[k];
        const auto& part = out.parts[static_cast<std::size_t>(target.key)];
        std::int64_t at = first[k];
        if (target.key == k3_4_4 && out.dense != Output<I>::Dense::none && !pairs) {
            drain(out, target, at, block_start);
            continue;
        }
        for (std::int64_t u = out.start; u < out.stop; ++u) {
            const auto r = static_cast<std::size_t>(u - out.start);
            const auto size = static_cast<std::size_t>(part.size[r]);
            target.indptr[u - block_start + 1] = target.offset + at + part.size[r];
            if (size == 0) continue;
            if (target.indices)
                std::memcpy(target.indices + at, part.indices.data() + part.offset[r], size * sizeof(std::int32_t));
            const I* from = part.values.data() + part.offset[r];
            char* to = static_cast<char*>(target.values) + at * target.width;
            if (target.width == 2) convert<std::int16_t>(from, size, to);
            else if (target.width == 4) convert<std::int32_t>(from, size, to);
            else convert<std::int64_t>(from, size, to);
            at += part.size[r];
        }
    }
}

}  // namespace

template <class I>
void RowStream<I>::copy(const std::vector<CopyTarget>& targets, Control& control) {
    State& s = *state_;
    const std::size_t tiles = s.used;
    std::vector<std::vector<std::int64_t>> first(tiles + 1, std::vector<std::int64_t>(targets.size(), 0));
    for (std::size_t k = 0; k < targets.size(); ++k) {
        for (std::size_t i = 0; i < tiles; ++i)
            first[i + 1][k] = first[i][k] + s.outputs[i]->parts[static_cast<std::size_t>(targets[k].key)].num_entries();
        targets[k].indptr[0] = targets[k].offset;
    }
    const auto plan = s.plan_block(s.stop);
    s.make_room(plan.tiles.size(), control.threads());
    // Copies are handed out before any tile that is to take their place, so a tile never waits for long.
    std::vector<std::atomic<bool>> copied(tiles);
    parallel_for(control, static_cast<std::int64_t>(tiles + plan.tiles.size()), [&](std::int64_t task, int worker) {
        auto tile = static_cast<std::size_t>(task);
        if (tile < tiles) {
            copy_tile(*s.outputs[tile], targets, first[tile], s.start, s.pairs);
            copied[tile].store(true, std::memory_order_release);
            return;
        }
        tile -= tiles;
        if (tile < tiles)
            while (!copied[tile].load(std::memory_order_acquire)) {
                control.checkpoint();
                std::this_thread::yield();
            }
        s.compute(plan.tiles[tile], tile, worker, control);
    });
    s.learn(plan);
    s.ahead = !plan.tiles.empty();
}

template <class I>
void pair_matrix(const EdgeBasis<I>& basis, const PairBasis<I>& pairs, int key, Buffer<std::int64_t>& indptr,
                 Buffer<std::int32_t>& indices, Buffer<I>& values, Control& control) {
    const std::int64_t n = basis.graph.num_nodes;
    const Emitter<I> emit = emitter<I>();
    indptr.resize(static_cast<std::size_t>(n) + 1);
    indptr[0] = 0;
    const auto bounds = balanced_tasks(n, 64L * control.threads(),
                                       [&](std::int64_t u) { return pairs.indptr[u + 1] - pairs.indptr[u]; });
    const auto tasks = static_cast<std::int64_t>(bounds.size()) - 1;
    struct Scratch {
        Buffer<I> dv, values;
        Buffer<std::int32_t> columns;
        Buffer<I> kept;
    };
    std::vector<Scratch> scratches(static_cast<std::size_t>(control.threads()));
    for (const bool count : {true, false}) {
        parallel_for(control, tasks, [&](std::int64_t task, int worker) {
            Scratch& s = scratches[static_cast<std::size_t>(worker)];
            for (std::int64_t u = bounds[task]; u < bounds[task + 1]; ++u) {
                if ((u & 63) == 0) control.checkpoint();
                const std::int64_t at = pairs.indptr[u], size = pairs.indptr[u + 1] - at;
                const auto room = static_cast<std::size_t>(size) + kEmitSlack;
                s.dv.grow(room);
                s.values.grow(room);
                s.columns.grow(room);
                s.kept.grow(room);
                const std::int32_t* columns = pairs.indices.data() + at;
                if (key == k2_4_5)
                    for (std::int64_t i = 0; i < size; ++i) s.dv[i] = static_cast<I>(basis.graph.degree(columns[i]));
                emit.hop2(key, size, static_cast<I>(basis.graph.degree(u)), pairs.sums[0].data() + at,
                          pairs.sums[1].data() + at, pairs.sums[2].data() + at, pairs.sums[3].data() + at,
                          pairs.sums[4].data() + at, s.dv.data(), s.values.data());
                if (count) {
                    std::int64_t nonzeros = 0, total = 0, maximum = 0;
                    emit.summarize(s.values.data(), size, &nonzeros, &total, &maximum);
                    indptr[u + 1] = nonzeros;
                } else {
                    I most = 0;
                    const std::int64_t kept =
                        emit.compress(columns, s.values.data(), size, s.columns.data(), s.kept.data(), &most);
                    std::copy_n(s.columns.data(), kept, indices.data() + indptr[u]);
                    std::copy_n(s.kept.data(), kept, values.data() + indptr[u]);
                }
            }
        });
        if (count) {
            for (std::int64_t u = 0; u < n; ++u) indptr[u + 1] += indptr[u];
            indices.resize(static_cast<std::size_t>(indptr[n]));
            values.resize(static_cast<std::size_t>(indptr[n]));
        }
    }
}

template <class I, class T>
void multiply_rows(const EdgeBasis<I>& basis, const RowTables<I>& tables, int key, const T* x, std::int64_t columns,
                   T* out, Control& control) {
    const std::int64_t n = basis.graph.num_nodes;
    struct Worker {
        RowEngine<I> engine;
        Output<I> rows;
    };
    std::vector<std::unique_ptr<Worker>> workers(static_cast<std::size_t>(control.threads()));
    parallel_for(control, (n + kTile - 1) / kTile, [&](std::int64_t task, int number) {
        auto& worker = workers[static_cast<std::size_t>(number)];
        if (!worker)
            worker.reset(new Worker{RowEngine<I>(basis, tables, std::uint32_t{1} << key, false), Output<I>{}});
        Output<I>& rows = worker->rows;
        rows.reset(task * kTile, std::min(n, task * kTile + kTile));
        worker->engine.tile(rows.start, rows.stop, &rows, nullptr, control);
        auto& part = rows.parts[static_cast<std::size_t>(key)];
        std::int64_t indptr[kTile + 1] = {};
        for (std::int64_t r = 0; r < rows.stop - rows.start; ++r) indptr[r + 1] = indptr[r] + part.size[r];
        // A hop-2 key lies in one piece, so the rows are a small CSR of their own.
        Product<I, T> product;
        product.pattern = Csr{rows.stop - rows.start, indptr, part.indices.data()};
        product.values = part.values.data();
        product.x = x;
        product.out = out + rows.start * columns;
        product.columns = columns;
        multiply_serial(product);
        control.advance(rows.stop - rows.start);
    });
}

#define GRAPHX_INSTANTIATE_PRODUCT(I, T)                                                                         \
    template void multiply_rows(const EdgeBasis<I>&, const RowTables<I>&, int, const T*, std::int64_t, T*, Control&);
GRAPHX_INSTANTIATE_PRODUCT(std::int32_t, float)
GRAPHX_INSTANTIATE_PRODUCT(std::int32_t, double)
GRAPHX_INSTANTIATE_PRODUCT(std::int32_t, std::int64_t)
GRAPHX_INSTANTIATE_PRODUCT(std::int64_t, float)
GRAPHX_INSTANTIATE_PRODUCT(std::int64_t, double)
GRAPHX_INSTANTIATE_PRODUCT(std::int64_t, std::int64_t)
#undef GRAPHX_INSTANTIATE_PRODUCT

#define GRAPHX_INSTANTIATE(I)                                                                                      \
    template RowTables<I> make_row_tables(const EdgeBasis<I>&, std::uint32_t, Control&);                            \
    template std::array<KeySummary, kNumKeys> summarize_rows(const EdgeBasis<I>&, const RowTables<I>&,              \
                                                             std::uint32_t, Control&);                              \
    template class RowStream<I>;                                                                                    \
    template void pair_matrix(const EdgeBasis<I>&, const PairBasis<I>&, int, Buffer<std::int64_t>&,                 \
                              Buffer<std::int32_t>&, Buffer<I>&, Control&);
GRAPHX_INSTANTIATE(std::int32_t)
GRAPHX_INSTANTIATE(std::int64_t)
#undef GRAPHX_INSTANTIATE

}  // namespace graphx
