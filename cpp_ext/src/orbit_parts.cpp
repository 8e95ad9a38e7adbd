#include "graphx/orbit_parts.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "graphx/simd.hpp"

namespace graphx {

namespace {

constexpr std::int64_t kBlock = 256;  // rows between two looks for Ctrl-C

constexpr std::int64_t kAhead = 24;   // entries between asking for an edge's counts and reading them

template <class I>
GRAPHX_INLINE void prefetch_edge(const EdgeBasis<I>& basis, std::int64_t slot) {
#if defined(__GNUC__)
    const auto s = static_cast<std::size_t>(slot);
    const auto v = static_cast<std::size_t>(basis.graph.indices[slot]);
    __builtin_prefetch(&basis.edges[basis.slots[s] >> 1]);
    __builtin_prefetch(&basis.triangles[v]);
    __builtin_prefetch(&basis.paths[v]);
    __builtin_prefetch(&basis.graph.indptr[v]);
#else
    (void)basis, (void)slot;
#endif
}

// The views of the edges of one node, number by number.
struct Views {
    enum : int { t, k, c4, s1, s1t, s2, dv, tv, pv, numbers };
    std::vector<std::int64_t> room[numbers];
    std::int64_t du = 0, tu = 0, pu = 0;

    void resize(std::int64_t count) {
        if (static_cast<std::int64_t>(room[0].size()) >= count) return;
        for (auto& numbers_of : room) numbers_of.resize(static_cast<std::size_t>(count));
    }
    template <class I>
    void set(std::int64_t j, const EdgeView<I>& e) {
        const std::int64_t all[numbers] = {e.t, e.k, e.c4, e.s1, e.s1t, e.s2, e.dv, e.tv, e.pv};
        for (int i = 0; i < numbers; ++i) room[i][static_cast<std::size_t>(j)] = all[i];
        du = e.du;
        tu = e.tu;
        pu = e.pu;
    }
};

template <int K>
GRAPHX_INLINE std::int64_t part_value(const EdgeView<std::int64_t>& e) {
    if constexpr (K == k2_1_1) return -e.t;
    else if constexpr (K == k2_4_5) return e.s1 - e.t * (e.dv - 1);
    else if constexpr (K == k2_5_4) return e.s1t - e.t * (e.du - 1);
    else if constexpr (K == k2_6_6) return 2 * e.k + 2 * e.t - hop1_value<k1_10_10>(e);
    else if constexpr (K == k2_9_10) return -e.s1;
    else if constexpr (K == k2_10_9) return -e.s1t;
    else if constexpr (K == k3_4_4) return 2 * e.t + 2 * e.k - hop1_value<k1_8_8>(e);
    else if constexpr (K == k2_8_8 || K == k2_12_12) return 0;
    else return hop1_value<K>(e);
}

template <int K>
GRAPHX_INLINE std::int64_t fill_key(const Views& views, std::int64_t count, float* __restrict out) {
    const std::int64_t *t = views.room[Views::t].data(), *k = views.room[Views::k].data(),
                       *c4 = views.room[Views::c4].data(), *s1 = views.room[Views::s1].data(),
                       *s1t = views.room[Views::s1t].data(), *s2 = views.room[Views::s2].data(),
                       *dv = views.room[Views::dv].data(), *tv = views.room[Views::tv].data(),
                       *pv = views.room[Views::pv].data();
    const std::int64_t du = views.du, tu = views.tu, pu = views.pu;
    std::int64_t kept = 0;
    for (std::int64_t j = 0; j < count; ++j) {
        const std::int64_t value =
            part_value<K>({t[j], k[j], c4[j], s1[j], s1t[j], s2[j], du, dv[j], tu, tv[j], pu, pv[j]});
        out[j] = static_cast<float>(value);
        kept += value != 0;
    }
    return kept;
}

// Values of one key for the views of a row; how many are not 0.
GRAPHX_INLINE std::int64_t fill_body(int key, const Views& views, std::int64_t count, float* out) {
    switch (key) {
#define GRAPHX_CASE(K) \
    case K: return fill_key<K>(views, count, out);
        GRAPHX_CASE(k1_0_0) GRAPHX_CASE(k1_1_2) GRAPHX_CASE(k1_2_1) GRAPHX_CASE(k1_3_3) GRAPHX_CASE(k1_4_5)
        GRAPHX_CASE(k1_5_4) GRAPHX_CASE(k1_5_5) GRAPHX_CASE(k1_6_7) GRAPHX_CASE(k1_7_6) GRAPHX_CASE(k1_8_8)
        GRAPHX_CASE(k1_9_11) GRAPHX_CASE(k1_11_9) GRAPHX_CASE(k1_10_10) GRAPHX_CASE(k1_10_11) GRAPHX_CASE(k1_11_10)
        GRAPHX_CASE(k1_12_13) GRAPHX_CASE(k1_13_12) GRAPHX_CASE(k1_13_13) GRAPHX_CASE(k1_14_14) GRAPHX_CASE(k2_1_1)
        GRAPHX_CASE(k2_4_5) GRAPHX_CASE(k2_5_4) GRAPHX_CASE(k2_6_6) GRAPHX_CASE(k2_9_10) GRAPHX_CASE(k2_10_9)
        GRAPHX_CASE(k3_4_4)
#undef GRAPHX_CASE
        default: std::fill_n(out, count, 0.0F); return 0;
    }
}

std::int64_t fill_plain(int key, const Views& views, std::int64_t count, float* out) {
    return fill_body(key, views, count, out);
}
#if defined(GRAPHX_X86)
GRAPHX_AVX512 std::int64_t fill_avx512(int key, const Views& views, std::int64_t count, float* out) {
    return fill_body(key, views, count, out);
}
#endif

// Whether a key has nothing on edges that are in no triangle.
bool asks_for_triangles(int key) {
    switch (key) {
        case k1_3_3: case k1_10_10: case k1_10_11: case k1_11_10: case k1_12_13: case k1_13_12: case k1_13_13:
        case k1_14_14: case k2_1_1: case k2_4_5: case k2_5_4: case k2_6_6: case k2_9_10: case k2_10_9: return true;
        default: return false;
    }
}

// Rows of one key as they are made by one task.
struct Made {
    std::vector<std::int32_t> columns;
    std::vector<float> values;
};

void sum_up(Buffer<std::int64_t>& indptr) {
    for (std::size_t u = 1; u < indptr.size(); ++u) indptr[u] += indptr[u - 1];
}

}  // namespace

template <class I>
std::vector<Part> edge_parts(const EdgeBasis<I>& basis, const std::vector<int>& keys, Control& control) {
    const Csr& g = basis.graph;
    const std::int64_t n = g.num_nodes, entries = g.num_entries();
    std::vector<Part> parts(keys.size());
    std::vector<std::size_t> whole, few;  // parts by where they are made: entry by entry of the graph, or in lists
    for (std::size_t k = 0; k < keys.size(); ++k) {
        const bool listed = asks_for_triangles(keys[k]);
        (listed ? few : whole).push_back(k);
        if (!listed) parts[k].values.resize(static_cast<std::size_t>(entries));
        parts[k].indptr.resize(static_cast<std::size_t>(n) + 1);
        parts[k].indptr[0] = 0;
    }
    const auto bounds = balanced_tasks(n, 64L * control.threads(), [&](std::int64_t u) { return g.degree(u); });
    const auto tasks = static_cast<std::int64_t>(bounds.size()) - 1;
    std::vector<std::vector<Made>> lists(few.size());
    for (auto& of_key : lists) of_key.resize(static_cast<std::size_t>(tasks));
    struct Space {
        Views all, closed;  // of a row's edges, and of those in a triangle
        std::vector<std::int32_t> columns;
        std::vector<float> values;
    };
    std::vector<Space> spaces(static_cast<std::size_t>(control.threads()));
    auto fill = fill_plain;
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx512) fill = fill_avx512;
#endif
    parallel_for(control, tasks, [&](std::int64_t task, int worker) {
        auto& [all, closed, columns, values] = spaces[static_cast<std::size_t>(worker)];
        for (std::int64_t u = bounds[task]; u < bounds[task + 1]; ++u) {
            if (u % kBlock == 0) control.checkpoint();
            const std::int64_t first = g.indptr[u], degree = g.degree(u);
            all.resize(degree);
            closed.resize(degree);
            values.resize(static_cast<std::size_t>(std::max<std::int64_t>(degree, 1)));
            columns.clear();
            for (std::int64_t j = 0; j < degree; ++j) {
                prefetch_edge(basis, std::min(first + j + kAhead, entries - 1));
                const auto view = edge_view(basis, u, first + j);
                all.set(j, view);
                if (view.t == 0) continue;
                closed.set(static_cast<std::int64_t>(columns.size()), view);
                columns.push_back(g.indices[first + j]);
            }
            for (const std::size_t k : whole)
                parts[k].indptr[static_cast<std::size_t>(u) + 1] =
                    fill(keys[k], all, degree, parts[k].values.data() + first);
            for (std::size_t i = 0; i < few.size(); ++i) {
                std::int64_t kept = 0;
                if (!columns.empty()) {
                    kept = fill(keys[few[i]], closed, static_cast<std::int64_t>(columns.size()), values.data());
                    Made& made = lists[i][static_cast<std::size_t>(task)];
                    for (std::size_t j = 0; j < columns.size(); ++j) {
                        if (values[j] == 0) continue;
                        made.columns.push_back(columns[j]);
                        made.values.push_back(values[j]);
                    }
                }
                parts[few[i]].indptr[static_cast<std::size_t>(u) + 1] = kept;
            }
        }
    });
    for (Part& part : parts) sum_up(part.indptr);
    const auto entries_of = [&](const Part& part) { return part.indptr[static_cast<std::size_t>(n)]; };
    for (std::size_t i = 0; i < few.size(); ++i) {
        Part& part = parts[few[i]];
        part.indices.resize(static_cast<std::size_t>(entries_of(part)));
        part.values.resize(static_cast<std::size_t>(entries_of(part)));
        parallel_for(control, tasks, [&](std::int64_t task, int) {
            Made& made = lists[i][static_cast<std::size_t>(task)];
            const std::int64_t at = part.indptr[static_cast<std::size_t>(bounds[task])];
            std::copy(made.columns.begin(), made.columns.end(), part.indices.data() + at);
            std::copy(made.values.begin(), made.values.end(), part.values.data() + at);
            made = {};
        });
        if (entries_of(part) == entries) {  // every edge is in a triangle: the pattern is the graph's
            part.indptr = {};
            part.indices = {};
        }
    }
    for (const std::size_t k : whole) {
        Part& part = parts[k];
        if (entries_of(part) == entries) {
            part.indptr = {};
            continue;
        }
        const auto kept = static_cast<std::size_t>(entries_of(part));
        part.indices.resize(kept);
        Buffer<float> values(kept);
        parallel_for(control, tasks, [&](std::int64_t task, int) {
            control.checkpoint();
            std::int64_t at = part.indptr[static_cast<std::size_t>(bounds[task])];
            for (std::int64_t s = g.indptr[bounds[task]]; s < g.indptr[bounds[task + 1]]; ++s) {
                if (part.values[static_cast<std::size_t>(s)] == 0) continue;
                part.indices[static_cast<std::size_t>(at)] = g.indices[s];
                values[static_cast<std::size_t>(at++)] = part.values[static_cast<std::size_t>(s)];
            }
        });
        part.values = std::move(values);
    }
    return parts;
}

namespace {

// Pairs (u, v) with u < v, two common neighbours at least, and no edge: c of those, q edges inside them.
template <class I>
class PairCounter {
public:
    // after[p]: how many neighbours of graph.indices[p] are not larger than the row's own node.
    PairCounter(const EdgeBasis<I>& basis, const RowTables<I>& tables, const std::int32_t* after)
        : basis_(basis), tables_(tables), graph_(basis.graph), after_(after), counts_(static_cast<std::size_t>(graph_.num_nodes), 0),
          inside_(static_cast<std::size_t>(graph_.num_nodes), 0) {}

    // Calls found(v, c, q) for the pairs of u, v ascending.
    template <class F>
    void row(std::int64_t u, Control& control, F&& found) {
        const std::uint64_t base = ++round_ << 32, adjacent = base + (1ull << 31);
        for (const std::int32_t* w = graph_.begin(u); w != graph_.end(u); ++w)
            counts_[static_cast<std::size_t>(*w)] = adjacent;
        pairs_.clear();
        const std::int64_t stop = graph_.indptr[u + 1], last_ahead = stop - kRowsAhead;
        for (std::int64_t p = graph_.indptr[u]; p < stop; ++p) {
            if (p < last_ahead) prefetch_row(p + kRowsAhead);
            const std::int32_t w = graph_.indices[p];
            const std::int32_t* last = graph_.end(w);
            for (const std::int32_t* v = graph_.begin(w) + after_[p]; v != last; ++v) {
                std::uint64_t& count = counts_[static_cast<std::size_t>(*v)];
                count = std::max(count, base) + 1;
                if (count == base + 2) pairs_.push_back(*v);
            }
            if (graph_.degree(w) > 4096) control.checkpoint();
        }
        std::sort(pairs_.begin(), pairs_.end());
        if (!pairs_.empty() && tables_.has_lists() && basis_.triangles[u] > 0) count_inside(u, adjacent, control);
        for (const std::int32_t v : pairs_) {
            found(v, static_cast<std::int64_t>(counts_[static_cast<std::size_t>(v)] - base),
                  inside_[static_cast<std::size_t>(v)]);
            inside_[static_cast<std::size_t>(v)] = 0;
        }
    }

private:
    static constexpr std::int64_t kRowsAhead = 4;  // neighbours between asking for a row's rest and reading it

    GRAPHX_INLINE void prefetch_row(std::int64_t p) const {
#if defined(__GNUC__)
        const std::int32_t* rest = graph_.begin(graph_.indices[p]) + after_[p];
        __builtin_prefetch(rest);
        __builtin_prefetch(rest + 16);
#else
        (void)p;
#endif
    }

    // From the triangles (u, w, x): the edge {w, x} lies inside the common neighbours of u and every y that sees both.
    void count_inside(std::int64_t u, std::uint64_t adjacent, Control& control) {
        for (std::int64_t p = graph_.indptr[u]; p < graph_.indptr[u + 1]; ++p) {
            if (tables_.triangles[static_cast<std::size_t>(p)] == 0) continue;
            const std::int32_t w = graph_.indices[p];
            const auto e = basis_.slots[static_cast<std::size_t>(p)] >> 1;
            for (std::int64_t i = tables_.common_start[e]; i < tables_.common_start[e + 1]; ++i) {
                const std::int32_t x = tables_.common[static_cast<std::size_t>(i)];
                if (x < w) continue;
                const std::int32_t* place = std::lower_bound(graph_.begin(w), graph_.end(w), x);
                const auto f = basis_.slots[static_cast<std::size_t>(place - graph_.indices)] >> 1;
                for (std::int64_t j = tables_.common_start[f]; j < tables_.common_start[f + 1]; ++j) {
                    const std::int32_t y = tables_.common[static_cast<std::size_t>(j)];
                    if (y > u && counts_[static_cast<std::size_t>(y)] < adjacent) ++inside_[static_cast<std::size_t>(y)];
                }
            }
            control.checkpoint();
        }
    }

    const EdgeBasis<I>& basis_;
    const RowTables<I>& tables_;
    const Csr& graph_;
    const std::int32_t* after_;
    std::uint64_t round_ = 0;
    std::vector<std::uint64_t> counts_;  // the round, and how often in it
    std::vector<std::int64_t> inside_;
    std::vector<std::int32_t> pairs_;
};

// For each entry (u, w), how many neighbours of w are at most u: rows ascend, so that is how often w was met, and once.
Buffer<std::int32_t> ranks(const Csr& g) {
    Buffer<std::int32_t> after(static_cast<std::size_t>(g.num_entries()));
    std::vector<std::int32_t> met(static_cast<std::size_t>(g.num_nodes), 0);
    for (std::int64_t p = 0; p < g.num_entries(); ++p)
        after[static_cast<std::size_t>(p)] = ++met[static_cast<std::size_t>(g.indices[p])];
    return after;
}

struct HalfRows {  // of one task: entries right of the diagonal, row after row
    std::vector<std::int64_t> sizes;
    std::vector<std::int32_t> columns;
    std::vector<float> values;
};

// The whole symmetric matrix from its rows right of the diagonal. Each range of rows takes its entries from all lists.
Part mirrored(std::int64_t n, const std::vector<std::int64_t>& bounds, std::vector<HalfRows>& halves, Control& control) {
    Part made;
    made.indptr.resize(static_cast<std::size_t>(n) + 1);
    made.indptr.fill(0);
    const std::int64_t ranges = std::max(1, control.threads());
    const auto rows = [&](std::int64_t range, auto&& left, auto&& right) {
        const std::int64_t first = n * range / ranges, last = n * (range + 1) / ranges;
        const auto inside = [&](std::int64_t u) { return u >= first && u < last; };
        for (std::size_t task = 0; task < halves.size(); ++task) {
            control.checkpoint();
            if (bounds[task] >= last) break;  // what is left of the diagonal of these rows comes from rows above
            std::size_t at = 0;
            for (std::size_t r = 0; r < halves[task].sizes.size(); ++r) {
                const std::int64_t u = bounds[task] + static_cast<std::int64_t>(r);
                const bool own = inside(u);
                for (std::int64_t i = 0; i < halves[task].sizes[r]; ++i, ++at) {
                    const std::int32_t v = halves[task].columns[at];
                    if (inside(v)) left(v, u, halves[task].values[at]);
                    if (own) right(u, v, halves[task].values[at]);
                }
            }
        }
    };
    const auto counted = [&](std::int64_t row, std::int64_t, float) { ++made.indptr[static_cast<std::size_t>(row) + 1]; };
    parallel_for(control, ranges, [&](std::int64_t range, int) { rows(range, counted, counted); });
    sum_up(made.indptr);
    made.indices.resize(static_cast<std::size_t>(made.indptr[static_cast<std::size_t>(n)]));
    made.values.resize(static_cast<std::size_t>(made.indptr[static_cast<std::size_t>(n)]));
    std::vector<std::int64_t> next(made.indptr.begin(), made.indptr.end() - 1);
    const auto put = [&](std::int64_t row, std::int64_t column, float value) {
        const auto at = static_cast<std::size_t>(next[static_cast<std::size_t>(row)]++);
        made.indices[at] = static_cast<std::int32_t>(column);
        made.values[at] = value;
    };
    // A row meets the columns left of the diagonal, ascending, before its own list, which is right of it.
    parallel_for(control, ranges, [&](std::int64_t range, int) { rows(range, put, put); });
    halves.clear();
    return made;
}

}  // namespace

template <class I>
SquarePairs square_pairs(const EdgeBasis<I>& basis, const RowTables<I>& tables, std::int64_t most_bytes,
                         Control& control) {
    const Csr& g = basis.graph;
    const auto bounds = balanced_tasks(g.num_nodes, 64L * control.threads(),
                                       [&](std::int64_t u) { return tables.wedges[static_cast<std::size_t>(u)]; });
    const std::size_t tasks = bounds.size() - 1;
    std::vector<HalfRows> squares(tasks), diamonds(tasks);
    const Buffer<std::int32_t> after = ranks(g);
    std::vector<std::unique_ptr<PairCounter<I>>> counters(static_cast<std::size_t>(control.threads()));
    std::atomic<std::int64_t> bytes{0};
    parallel_for(control, static_cast<std::int64_t>(tasks), [&](std::int64_t task, int worker) {
        auto& counter = counters[static_cast<std::size_t>(worker)];
        if (!counter) counter = std::make_unique<PairCounter<I>>(basis, tables, after.data());
        HalfRows& s = squares[static_cast<std::size_t>(task)];
        HalfRows& d = diamonds[static_cast<std::size_t>(task)];
        for (std::int64_t u = bounds[task]; u < bounds[task + 1]; ++u) {
            control.checkpoint();
            if (bytes.load(std::memory_order_relaxed) > most_bytes) return;
            const std::size_t before = s.columns.size() + d.columns.size();
            s.sizes.push_back(0);
            d.sizes.push_back(0);
            counter->row(u, control, [&](std::int32_t v, std::int64_t c, std::int64_t q) {
                const std::int64_t across = c * (c - 1) / 2 - q;
                if (across) {
                    ++s.sizes.back();
                    s.columns.push_back(v);
                    s.values.push_back(static_cast<float>(across));
                }
                if (q) {
                    ++d.sizes.back();
                    d.columns.push_back(v);
                    d.values.push_back(static_cast<float>(q));
                }
            });
            bytes += 16 * static_cast<std::int64_t>(s.columns.size() + d.columns.size() - before);
        }
    });
    SquarePairs made;
    made.fits = bytes.load() <= most_bytes;
    if (!made.fits) return made;
    counters.clear();
    made.squares = mirrored(g.num_nodes, bounds, squares, control);
    made.diamonds = mirrored(g.num_nodes, bounds, diamonds, control);
    return made;
}

#define GRAPHX_INSTANTIATE(I)                                                                              \
    template std::vector<Part> edge_parts(const EdgeBasis<I>&, const std::vector<int>&, Control&);         \
    template SquarePairs square_pairs(const EdgeBasis<I>&, const RowTables<I>&, std::int64_t, Control&);
GRAPHX_INSTANTIATE(std::int32_t)
GRAPHX_INSTANTIATE(std::int64_t)
#undef GRAPHX_INSTANTIATE

}  // namespace graphx
