#include "graphx/tiles.hpp"

#include <algorithm>
#include <vector>

#include "graphx/simd.hpp"

namespace graphx {

namespace {

constexpr std::int64_t kRows = 256;  // rows a task
constexpr std::int64_t kAhead = 24;  // entries between asking for a row and adding it

template <int Width>
GRAPHX_INLINE void prefetch(const float* row) {
#if defined(__GNUC__) || defined(__clang__)
    for (int j = 0; j < Width; j += 16) __builtin_prefetch(row + j);
#else
    (void)row;
#endif
}

template <int Width>
GRAPHX_INLINE void row_columns(const TileProduct& p, std::int64_t u, std::int64_t column) {
    float sum[Width] = {};
    float* out = p.out + u * p.width + column;
    if (p.accumulate)
        for (int j = 0; j < Width; ++j) sum[j] = out[j];
    for (const TileTerm& term : p.terms) {
        if (!term.indptr) {
            const float* x = term.x + u * p.width + column;
            const float value = term.values[u];
            for (int j = 0; j < Width; ++j) sum[j] += value * x[j];
            continue;
        }
        const std::int64_t start = term.indptr[u], stop = term.indptr[u + 1];
        const std::int64_t safe = std::min(stop, term.indptr[p.num_nodes] - kAhead);  // before it one may look ahead
        if (term.values) {
            for (std::int64_t s = start; s < stop; ++s) {
                if (Width >= 16 && s < safe) prefetch<Width>(term.x + term.indices[s + kAhead] * p.width + column);
                const float value = term.values[s];
                const float* x = term.x + term.indices[s] * p.width + column;
                for (int j = 0; j < Width; ++j) sum[j] += value * x[j];
            }
        } else {
            for (std::int64_t s = start; s < stop; ++s) {
                if (Width >= 16 && s < safe) prefetch<Width>(term.x + term.indices[s + kAhead] * p.width + column);
                const float* x = term.x + term.indices[s] * p.width + column;
                for (int j = 0; j < Width; ++j) sum[j] += x[j];
            }
        }
    }
    if (p.row_scale) {
        const float scale = p.row_scale[u];
        for (int j = 0; j < Width; ++j) sum[j] *= scale;
    }
    for (int j = 0; j < Width; ++j) out[j] = sum[j];
}

// By groups of 16 in one tree, so that it is the same at every level of SIMD.
GRAPHX_INLINE double squares_of(const float* x, std::int64_t count) {
    double total = 0;
    for (std::int64_t first = 0; first < count; first += 16) {
        double q[16];
        for (std::int64_t j = 0; j < 16; ++j) {
            const double value = first + j < count ? static_cast<double>(x[first + j]) : 0.0;
            q[j] = value * value;
        }
        for (int j = 0; j < 8; ++j) q[j] += q[j + 8];
        for (int j = 0; j < 4; ++j) q[j] += q[j + 4];
        total += (q[0] + q[2]) + (q[1] + q[3]);
    }
    return total;
}

template <int Wide>
GRAPHX_INLINE void rows_body(const TileProduct& p, std::int64_t start, std::int64_t stop) {
    for (std::int64_t u = start; u < stop; ++u) {
        std::int64_t column = 0;
        for (; column + Wide <= p.width; column += Wide) row_columns<Wide>(p, u, column);
        for (; column + 16 <= p.width; column += 16) row_columns<16>(p, u, column);
        for (; column + 4 <= p.width; column += 4) row_columns<4>(p, u, column);
        for (; column < p.width; ++column) row_columns<1>(p, u, column);
        if (p.squares) p.squares[u] = squares_of(p.out + u * p.width, p.width);
    }
}

void rows_plain(const TileProduct& p, std::int64_t start, std::int64_t stop) { rows_body<32>(p, start, stop); }
#if defined(GRAPHX_X86)
GRAPHX_AVX2 void rows_avx2(const TileProduct& p, std::int64_t start, std::int64_t stop) { rows_body<64>(p, start, stop); }
GRAPHX_AVX512 void rows_avx512(const TileProduct& p, std::int64_t start, std::int64_t stop) {
    rows_body<64>(p, start, stop);
}
#endif

auto rows_for_this_machine() {
    auto rows = rows_plain;
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx2) rows = rows_avx2;
    if (simd_level() == Simd::avx512) rows = rows_avx512;
#endif
    return rows;
}

// body(start, stop, worker) for blocks of rows, handed out in ascending order.
template <class F>
void for_rows(std::int64_t num_nodes, Control& control, F&& body) {
    parallel_for(control, (num_nodes + kRows - 1) / kRows, [&](std::int64_t task, int worker) {
        control.checkpoint();
        body(task * kRows, std::min(num_nodes, task * kRows + kRows), worker);
    });
}

}  // namespace

void multiply_tile(const TileProduct& product, Control& control) {
    const auto rows = rows_for_this_machine();
    for_rows(product.num_nodes, control, [&](std::int64_t start, std::int64_t stop, int) { rows(product, start, stop); });
}

void multiply_projection(const TileProduct& p, const SparseProjection& r, std::int64_t tiles, Control& control) {
    const std::int64_t columns = tiles * p.width;
    std::vector<std::vector<float>> sums(static_cast<std::size_t>(control.threads()));
    std::vector<std::uint64_t> present(static_cast<std::size_t>(p.num_nodes / 64 + 1), 0);  // rows with an entry
    for (std::int64_t v = 0; v < p.num_nodes; ++v)
        if (r.indptr[v + 1] > r.indptr[v]) present[static_cast<std::size_t>(v >> 6)] |= std::uint64_t{1} << (v & 63);
    for_rows(p.num_nodes, control, [&](std::int64_t start, std::int64_t stop, int worker) {
        auto& sum = sums[static_cast<std::size_t>(worker)];
        sum.resize(static_cast<std::size_t>(columns));
        auto add = [&](std::int64_t v, float value) {
            if (!(present[static_cast<std::size_t>(v >> 6)] >> (v & 63) & 1U)) return;
            for (std::int64_t s = r.indptr[v]; s < r.indptr[v + 1]; ++s)
                sum[static_cast<std::size_t>(r.columns[s])] += value * r.values[s];
        };
        for (std::int64_t u = start; u < stop; ++u) {
            if (p.accumulate)
                for (std::int64_t t = 0; t < tiles; ++t)
                    std::copy_n(p.out + (t * p.num_nodes + u) * p.width, p.width, sum.data() + t * p.width);
            else
                std::fill(sum.begin(), sum.end(), 0.0F);
            for (const TileTerm& term : p.terms) {
                if (!term.indptr) {
                    add(u, term.values[u]);
                    continue;
                }
                for (std::int64_t s = term.indptr[u]; s < term.indptr[u + 1]; ++s)
                    add(term.indices[s], term.values ? term.values[s] : 1.0F);
            }
            const float scale = p.row_scale ? p.row_scale[u] : 1.0F;
            for (std::int64_t t = 0; t < tiles; ++t) {
                float* out = p.out + (t * p.num_nodes + u) * p.width;
                const float* from = sum.data() + t * p.width;
                for (std::int64_t j = 0; j < p.width; ++j) out[j] = from[j] * scale;
                if (!p.squares) continue;
                p.squares[t * p.num_nodes + u] = squares_of(out, p.width);
            }
        }
    });
}

void merge_tiles(const Merge& m, Control& control) {
    for_rows(m.num_nodes, control, [&](std::int64_t start, std::int64_t stop, int) {
        for (std::int64_t u = start; u < stop; ++u) {
            bool accumulate = m.accumulate;
            for (const auto& [tiles, factors] : m.states) {
                const float factor = factors[u];
                for (std::int64_t column = 0; column < m.columns; column += m.width) {
                    const std::int64_t count = std::min(m.width, m.columns - column);
                    const float* from = tiles + (column / m.width * m.num_nodes + u) * m.width;
                    float* to = m.target + u * m.stride + column;
                    if (accumulate)
                        for (std::int64_t j = 0; j < count; ++j) to[j] += factor * from[j];
                    else
                        for (std::int64_t j = 0; j < count; ++j) to[j] = factor * from[j];
                }
                accumulate = true;
            }
        }
    });
}

}  // namespace graphx
