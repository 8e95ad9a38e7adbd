#include "graphx/neighbors.hpp"

#include <algorithm>
#include <bit>
#include <memory>
#include <vector>

#include "graphx/simd.hpp"

#if defined(GRAPHX_X86)
#include <immintrin.h>
#endif

namespace graphx {

namespace {

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

// -- two sorted rows --------------------------------------------------------------------------------------------------

// A short row against a long one: writes the positions of equal entries in both, returns how many there are.
using Merge = std::int64_t (*)(const std::int32_t* a, std::int64_t na, const std::int32_t* b, std::int64_t nb,
                               std::int32_t* at_a, std::int32_t* at_b);

template <bool Emit>
GRAPHX_INLINE std::int64_t merge_from(const std::int32_t* a, std::int64_t i, std::int64_t na, const std::int32_t* b,
                                      std::int64_t j, std::int64_t nb, std::int64_t found, std::int32_t* at_a,
                                      std::int32_t* at_b) {
    while (i < na && j < nb) {
        const std::int32_t x = a[i], y = b[j];
        if constexpr (Emit) {
            at_a[found] = static_cast<std::int32_t>(i);
            at_b[found] = static_cast<std::int32_t>(j);
        }
        found += x == y;
        i += x <= y;
        j += y <= x;
    }
    return found;
}

template <bool Emit>
std::int64_t merge_plain(const std::int32_t* a, std::int64_t na, const std::int32_t* b, std::int64_t nb,
                         std::int32_t* at_a, std::int32_t* at_b) {
    return merge_from<Emit>(a, 0, na, b, 0, nb, 0, at_a, at_b);
}

#if defined(GRAPHX_X86)
// Each entry of the short row is compared with a whole block of the long one; blocks that end below it are skipped.
template <bool Emit>
GRAPHX_AVX2 std::int64_t merge_avx2(const std::int32_t* a, std::int64_t na, const std::int32_t* b, std::int64_t nb,
                                    std::int32_t* at_a, std::int32_t* at_b) {
    std::int64_t i = 0, j = 0, found = 0;
    for (; i < na; ++i) {
        const std::int32_t x = a[i];
        while (j + 8 <= nb && b[j + 7] < x) j += 8;
        if (j + 8 > nb) break;
        const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + j));
        const __m256i equal = _mm256_cmpeq_epi32(block, _mm256_set1_epi32(x));
        const auto hits = static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(equal)));
        if constexpr (Emit) {
            at_a[found] = static_cast<std::int32_t>(i);
            at_b[found] = static_cast<std::int32_t>(j) + __builtin_ctz(hits | 0x100U);
        }
        found += hits != 0;
    }
    return merge_from<Emit>(a, i, na, b, j, nb, found, at_a, at_b);
}

template <bool Emit>
GRAPHX_AVX512 std::int64_t merge_avx512(const std::int32_t* a, std::int64_t na, const std::int32_t* b, std::int64_t nb,
                                        std::int32_t* at_a, std::int32_t* at_b) {
    std::int64_t i = 0, j = 0, found = 0;
    for (; i < na; ++i) {
        const std::int32_t x = a[i];
        while (j + 16 <= nb && b[j + 15] < x) j += 16;
        if (j + 16 > nb) break;
        const unsigned hits = _mm512_cmpeq_epi32_mask(_mm512_loadu_si512(b + j), _mm512_set1_epi32(x));
        if constexpr (Emit) {
            at_a[found] = static_cast<std::int32_t>(i);
            at_b[found] = static_cast<std::int32_t>(j) + __builtin_ctz(hits | 0x10000U);
        }
        found += hits != 0;
    }
    return merge_from<Emit>(a, i, na, b, j, nb, found, at_a, at_b);
}
#endif

// Far shorter against longer: steps that double, then halving.
template <bool Emit>
std::int64_t gallop(const std::int32_t* a, std::int64_t na, const std::int32_t* b, std::int64_t nb, std::int32_t* at_a,
                    std::int32_t* at_b) {
    std::int64_t j = 0, found = 0;
    for (std::int64_t i = 0; i < na && j < nb; ++i) {
        const std::int32_t x = a[i];
        std::int64_t step = 1, low = j;
        while (low + step < nb && b[low + step] < x) {
            low += step;
            step *= 2;
        }
        j = std::lower_bound(b + low, b + std::min(nb, low + step + 1), x) - b;
        if (j < nb && b[j] == x) {
            if constexpr (Emit) {
                at_a[found] = static_cast<std::int32_t>(i);
                at_b[found] = static_cast<std::int32_t>(j);
            }
            ++found;
        }
    }
    return found;
}

// -- bit rows ---------------------------------------------------------------------------------------------------------

GRAPHX_INLINE bool bit(const std::uint64_t* row, std::int32_t u) { return row[u >> 6] >> (u & 63) & 1; }

using CountBits = std::int64_t (*)(const std::uint64_t* a, const std::uint64_t* b, std::int64_t words);

GRAPHX_INLINE std::int64_t count_bits_body(const std::uint64_t* a, const std::uint64_t* b, std::int64_t words) {
    std::int64_t found = 0;
    for (std::int64_t w = 0; w < words; ++w) found += std::popcount(a[w] & b[w]);
    return found;
}
std::int64_t count_bits_plain(const std::uint64_t* a, const std::uint64_t* b, std::int64_t words) {
    return count_bits_body(a, b, words);
}
#if defined(GRAPHX_X86)
GRAPHX_AVX2 std::int64_t count_bits_avx2(const std::uint64_t* a, const std::uint64_t* b, std::int64_t words) {
    return count_bits_body(a, b, words);
}
#endif

// How many entries of a row have their bit set.
using CountMarked = std::int64_t (*)(const std::uint64_t* mark, const std::int32_t* row, std::int64_t size);

std::int64_t count_marked_plain(const std::uint64_t* mark, const std::int32_t* row, std::int64_t size) {
    std::int64_t found = 0;
    for (std::int64_t k = 0; k < size; ++k) found += bit(mark, row[k]);
    return found;
}
#if defined(GRAPHX_X86)
GRAPHX_AVX512 std::int64_t count_marked_avx512(const std::uint64_t* mark, const std::int32_t* row, std::int64_t size) {
    std::int64_t found = 0, k = 0;
    const __m512i zero = _mm512_setzero_si512(), one = _mm512_set1_epi32(1), low = _mm512_set1_epi32(31);
    constexpr __mmask16 all = 0xFFFF;  // gcc 12 takes the forms without a mask for uses of an undefined register
    for (; k + 16 <= size; k += 16) {
        const __m512i u = _mm512_loadu_si512(row + k);
        const __m512i words = _mm512_mask_i32gather_epi32(zero, all, _mm512_maskz_srli_epi32(all, u, 5), mark, 4);
        const __m512i bits = _mm512_maskz_sllv_epi32(all, one, _mm512_and_si512(u, low));
        found += std::popcount(static_cast<unsigned>(_mm512_test_epi32_mask(words, bits)));
    }
    return found + count_marked_plain(mark, row + k, size - k);
}
#endif

// -- feature rows -----------------------------------------------------------------------------------------------------

template <int Width, class T>
GRAPHX_INLINE void sum_columns(const T* x, std::int64_t channels, const std::int32_t* nodes, const double* weights,
                               std::int64_t size, T* out) {
    T sum[Width] = {};
    for (std::int64_t k = 0; k < size; ++k) {
        if (k + kAhead < size) {
            const T* next = x + nodes[k + kAhead] * channels;
            for (int j = 0; j < Width; j += 64 / static_cast<int>(sizeof(T))) prefetch(next + j);
        }
        const T* row = x + nodes[k] * channels;
        if (weights) {
            const T w = static_cast<T>(weights[k]);
            for (int j = 0; j < Width; ++j) sum[j] += w * row[j];
        } else {
            for (int j = 0; j < Width; ++j) sum[j] += row[j];
        }
    }
    for (int j = 0; j < Width; ++j) out[j] = sum[j];
}

template <class T>
GRAPHX_INLINE void sum_rows_body(const T* x, std::int64_t channels, const std::int32_t* nodes, const double* weights,
                                 std::int64_t size, T* out) {
    constexpr int wide = 512 / static_cast<int>(sizeof(T));  // eight 64-byte registers
    std::int64_t c = 0;
    for (; c + wide <= channels; c += wide) sum_columns<wide>(x + c, channels, nodes, weights, size, out + c);
    for (; c + wide / 2 <= channels; c += wide / 2) sum_columns<wide / 2>(x + c, channels, nodes, weights, size, out + c);
    for (; c + wide / 4 <= channels; c += wide / 4) sum_columns<wide / 4>(x + c, channels, nodes, weights, size, out + c);
    for (; c + 8 <= channels; c += 8) sum_columns<8>(x + c, channels, nodes, weights, size, out + c);
    for (; c < channels; ++c) sum_columns<1>(x + c, channels, nodes, weights, size, out + c);
}

// grad_x[nodes[k], :] += w_k g for every k.
template <class T>
GRAPHX_INLINE void spread_rows_body(T* grad_x, std::int64_t channels, const std::int32_t* nodes, const double* weights,
                                    std::int64_t size, const T* g) {
    for (std::int64_t k = 0; k < size; ++k) {
        if (k + kAhead < size) {
            const T* next = grad_x + nodes[k + kAhead] * channels;
            for (std::int64_t j = 0; j < std::min<std::int64_t>(channels, 256 / sizeof(T)); j += 64 / sizeof(T))
                prefetch(next + j);
        }
        T* row = grad_x + nodes[k] * channels;
        if (weights) {
            const T w = static_cast<T>(weights[k]);
            for (std::int64_t j = 0; j < channels; ++j) row[j] += w * g[j];
        } else {
            for (std::int64_t j = 0; j < channels; ++j) row[j] += g[j];
        }
    }
}

template <class T>
void sum_rows_plain(const T* x, std::int64_t c, const std::int32_t* n, const double* w, std::int64_t size, T* out) {
    sum_rows_body(x, c, n, w, size, out);
}
template <class T>
void spread_rows_plain(T* x, std::int64_t c, const std::int32_t* n, const double* w, std::int64_t size, const T* g) {
    spread_rows_body(x, c, n, w, size, g);
}
#if defined(GRAPHX_X86)
template <class T>
GRAPHX_AVX2 void sum_rows_avx2(const T* x, std::int64_t c, const std::int32_t* n, const double* w, std::int64_t size,
                               T* out) {
    sum_rows_body(x, c, n, w, size, out);
}
template <class T>
GRAPHX_AVX512 void sum_rows_avx512(const T* x, std::int64_t c, const std::int32_t* n, const double* w,
                                   std::int64_t size, T* out) {
    sum_rows_body(x, c, n, w, size, out);
}
template <class T>
GRAPHX_AVX2 void spread_rows_avx2(T* x, std::int64_t c, const std::int32_t* n, const double* w, std::int64_t size,
                                  const T* g) {
    spread_rows_body(x, c, n, w, size, g);
}
template <class T>
GRAPHX_AVX512 void spread_rows_avx512(T* x, std::int64_t c, const std::int32_t* n, const double* w, std::int64_t size,
                                      const T* g) {
    spread_rows_body(x, c, n, w, size, g);
}
#endif

template <class T>
auto sum_rows_for_this_machine() {
    auto rows = sum_rows_plain<T>;
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx2) rows = sum_rows_avx2<T>;
    if (simd_level() == Simd::avx512) rows = sum_rows_avx512<T>;
#endif
    return rows;
}

template <class T>
auto spread_rows_for_this_machine() {
    auto rows = spread_rows_plain<T>;
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx2) rows = spread_rows_avx2<T>;
    if (simd_level() == Simd::avx512) rows = spread_rows_avx512<T>;
#endif
    return rows;
}

// -- one worker's way to answer a pair --------------------------------------------------------------------------------

class Finder {
public:
    explicit Finder(const PairQuery& query) : q_(query) {
#if defined(GRAPHX_X86)
        if (simd_level() >= Simd::avx2) count_bits_ = count_bits_avx2;
        if (simd_level() == Simd::avx2) {
            merge_count_ = merge_avx2<false>;
            merge_emit_ = merge_avx2<true>;
            gallop_from_ = 64;
            mark_below_ = 3;
        }
        if (simd_level() == Simd::avx512) {
            merge_count_ = merge_avx512<false>;
            merge_emit_ = merge_avx512<true>;
            count_marked_ = count_marked_avx512;
            gallop_from_ = 128;
            mark_below_ = 2;
        }
#endif
    }

    const std::int32_t* nodes() const { return nodes_.data(); }
    const double* weights() const { return q_.weighted() ? weights_.data() : nullptr; }  // of nodes()

    // The number of common neighbours of pair b; `emit` also tells which, in ascending order, with their weights.
    // [low, high) restricts them: multiples of 64, or the whole range.
    std::int64_t find(std::int64_t b, bool emit, std::int64_t low = 0, std::int64_t high = -1) {
        if (high < 0) high = q_.num_columns;
        const std::int64_t s = q_.sources[b], t = q_.targets[b];
        Row first = row(q_.first, s, low, high), second = row(q_.second, t, low, high);
        if (first.size == 0 || second.size == 0) return 0;
        if (emit) make_room(std::min(first.size, second.size));
        if (q_.first.bits && q_.second.bits && !q_.weighted()) return by_bits(s, t, first, second, emit, low, high);
        if (second.size <= first.size * mark_below_ && marked(b)) return by_mark(second, emit);
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
        for (; p < stop; p += 16) prefetch_near(p);
    }

    Row row(const NeighborSide& side, std::int64_t r, std::int64_t low, std::int64_t high) const {
        const std::int32_t* begin = side.indices + side.indptr[r];
        const std::int32_t* end = side.indices + side.indptr[r + 1];
        if (low > 0) begin = std::lower_bound(begin, end, static_cast<std::int32_t>(low));
        if (high < q_.num_columns) end = std::lower_bound(begin, end, static_cast<std::int32_t>(high));
        return {begin, end - begin, begin - side.indices};
    }

    void make_room(std::int64_t size) {
        const auto need = static_cast<std::size_t>(size) + 16;  // a merge writes one place past what it found
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
        if (!emit) return count_bits_(a + from, b + from, to - from);
        for (std::int64_t w = from; w < to; ++w)
            for (std::uint64_t both = a[w] & b[w]; both; both &= both - 1)
                out[found++] = static_cast<std::int32_t>(w * 64 + std::countr_zero(both));
        return found;
    }

    // Whether row sources[b] is a bit set now: worth making for a run of pairs whose second rows are longer together.
    bool marked(std::int64_t b) {
        const std::int64_t s = q_.sources[b];
        if (s == marked_) return true;
        if (b < decided_ && s == refused_) return false;
        std::int64_t run = 1, work = 0;
        const std::int64_t own = q_.first.indptr[s + 1] - q_.first.indptr[s];
        for (; run < 32 && b + run < q_.num_pairs && q_.sources[b + run] == s && work <= own; ++run) {
            const std::int64_t t = q_.targets[b + run];
            work += q_.second.indptr[t + 1] - q_.second.indptr[t];
        }
        if (run < 3 || work <= own) {
            refused_ = s;
            decided_ = b + run;
            return false;
        }
        if (mark_.size() == 0) {
            mark_.resize(static_cast<std::size_t>(q_.words()));
            mark_.fill(0);
            if (q_.first.weights) mark_weights_.resize(static_cast<std::size_t>(q_.num_columns));
        }
        if (marked_ >= 0)
            for (std::int64_t e = q_.first.indptr[marked_]; e < q_.first.indptr[marked_ + 1]; ++e)
                mark_[q_.first.indices[e] >> 6] = 0;
        for (std::int64_t e = q_.first.indptr[s]; e < q_.first.indptr[s + 1]; ++e) {
            const std::int32_t u = q_.first.indices[e];
            if (!q_.first.is_absent(e)) mark_[u >> 6] |= std::uint64_t{1} << (u & 63);
            if (q_.first.weights) mark_weights_[u] = q_.first.weights[e];
        }
        marked_ = s;
        return true;
    }

    std::int64_t by_mark(const Row& second, bool emit) {
        const std::uint64_t* mark = mark_.data();
        std::int64_t found = 0;
        if (!emit && !q_.second.absent) return count_marked_(mark, second.data, second.size);
        for (std::int64_t k = 0; k < second.size; ++k) {
            const std::int32_t u = second.data[k];
            if (!bit(mark, u) || q_.second.is_absent(second.entry + k)) continue;
            if (emit) {
                nodes_[found] = u;
                if (q_.weighted())
                    weights_[found] = (q_.first.weights ? mark_weights_[u] : 1.0) * weight(q_.second, second.entry + k);
            }
            ++found;
        }
        return found;
    }

    std::int64_t by_rows(const Row& first, const Row& second, bool emit) {
        const bool swapped = first.size > second.size;
        const Row& a = swapped ? second : first;
        const Row& b = swapped ? first : second;
        const bool far = a.size * gallop_from_ < b.size;
        const bool filter = q_.first.absent || q_.second.absent;
        if (!emit && !filter) return (far ? gallop<false> : merge_count_)(a.data, a.size, b.data, b.size, nullptr, nullptr);
        if (!emit) make_room(a.size);
        std::int32_t* at_a = swapped ? at_second_.data() : at_first_.data();
        std::int32_t* at_b = swapped ? at_first_.data() : at_second_.data();
        const std::int64_t all = (far ? gallop<true> : merge_emit_)(a.data, a.size, b.data, b.size, at_a, at_b);
        std::int64_t found = 0;
        for (std::int64_t k = 0; k < all; ++k) {
            const std::int64_t e = first.entry + at_first_[k], f = second.entry + at_second_[k];
            if (filter && (q_.first.is_absent(e) || q_.second.is_absent(f))) continue;
            if (emit) {
                nodes_[found] = first.data[at_first_[k]];
                if (q_.weighted()) weights_[found] = weight(q_.first, e) * weight(q_.second, f);
            }
            ++found;
        }
        return found;
    }

    const PairQuery& q_;
    Merge merge_count_ = merge_plain<false>;
    Merge merge_emit_ = merge_plain<true>;
    CountBits count_bits_ = count_bits_plain;
    CountMarked count_marked_ = count_marked_plain;
    std::int64_t gallop_from_ = 16;  // a row that many times longer is searched, not walked
    std::int64_t mark_below_ = 16;   // a longer one is not worth testing entry by entry: merging skips whole blocks
    Buffer<std::int32_t> nodes_, at_first_, at_second_;
    Buffer<double> weights_;
    Buffer<std::uint64_t> mark_;     // row marked_ of the first side, absent entries left out
    Buffer<double> mark_weights_;
    std::int64_t marked_ = -1, refused_ = -1, decided_ = 0;
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

}  // namespace

Buffer<std::int64_t> find_entries(const NeighborSide& side, const std::int64_t* rows, const std::int64_t* columns,
                                  std::int64_t num_edges, bool both, Control& control) {
    const std::int64_t total = both ? 2 * num_edges : num_edges;
    Buffer<std::int64_t> found(static_cast<std::size_t>(total));
    auto row_of = [&](std::int64_t k) { return k < num_edges ? rows[k] : columns[k - num_edges]; };
    auto column_of = [&](std::int64_t k) { return k < num_edges ? columns[k] : rows[k - num_edges]; };
    constexpr std::int64_t chunk = 2048;
    parallel_for(control, (total + chunk - 1) / chunk, [&](std::int64_t task, int) {
        const std::int64_t stop = std::min(total, (task + 1) * chunk);
        for (std::int64_t k = task * chunk; k < stop; ++k) {
            if (k + 2 * kAhead < total) prefetch(side.indptr + row_of(k + 2 * kAhead));
            if (k + kAhead < total) {
                const std::int64_t r = row_of(k + kAhead);
                prefetch(side.indices + (side.indptr[r] + side.indptr[r + 1]) / 2);
            }
            const std::int32_t* begin = side.indices + side.indptr[row_of(k)];
            const std::int32_t* end = side.indices + side.indptr[row_of(k) + 1];
            const auto column = static_cast<std::int32_t>(column_of(k));
            const std::int32_t* at = std::lower_bound(begin, end, column);
            found[k] = at != end && *at == column ? at - side.indices : -1;
        }
    });
    found.resize(static_cast<std::size_t>(std::remove(found.begin(), found.end(), -1) - found.begin()));
    return found;
}

Exclusion make_exclusion(const NeighborSide& side, std::int64_t num_columns, const std::int64_t* entries,
                         std::int64_t num_entries) {
    Exclusion made;
    made.absent.resize(static_cast<std::size_t>(side.num_entries() / 64 + 1));
    made.absent.fill(0);
    const std::int64_t words = (num_columns + 63) / 64;
    if (side.bits) {
        made.bits.resize(static_cast<std::size_t>(side.num_rows * words));
        std::copy(side.bits, side.bits + side.num_rows * words, made.bits.data());
    }
    for (std::int64_t k = 0; k < num_entries; ++k)
        made.absent[entries[k] >> 6] |= std::uint64_t{1} << (entries[k] & 63);
    if (!side.bits) return made;
    std::int64_t r = 0;  // in ascending order, so that rows are found by walking
    for (std::size_t w = 0; w < made.absent.size(); ++w)
        for (std::uint64_t left = made.absent[w]; left; left &= left - 1) {
            const auto e = static_cast<std::int64_t>(w * 64) + std::countr_zero(left);
            while (side.indptr[r + 1] <= e) ++r;
            const std::int32_t u = side.indices[e];
            made.bits[r * words + (u >> 6)] &= ~(std::uint64_t{1} << (u & 63));
        }
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

void count_common(const PairQuery& query, std::int64_t* counts, Control& control) {
    for_pairs(query, false, control, [&](std::int64_t b, std::int64_t found, Finder&) { counts[b] = found; });
}

void score_common(const PairQuery& query, const double* node_weights, double* out, Control& control) {
    for_pairs(query, true, control, [&](std::int64_t b, std::int64_t found, Finder& finder) {
        const std::int32_t* nodes = finder.nodes();
        const double* weights = finder.weights();
        double sum = 0;
        for (std::int64_t k = 0; k < found; ++k)
            sum += (weights ? weights[k] : 1.0) * (node_weights ? node_weights[nodes[k]] : 1.0);
        out[b] = sum;
    });
}

NeighborLists list_common(const PairQuery& query, Control& control) {
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

template <class T>
void pool_common(const PairQuery& query, const T* x, std::int64_t channels, T* out, std::int64_t* counts,
                 Control& control) {
    const auto sum_rows = sum_rows_for_this_machine<T>();
    for_pairs(query, true, control, [&](std::int64_t b, std::int64_t found, Finder& finder) {
        counts[b] = found;
        sum_rows(x, channels, finder.nodes(), finder.weights(), found, out + b * channels);
    });
}

template <class T>
void pool_common_backward(const PairQuery& query, const std::int64_t* counts, const T* grad_out, std::int64_t channels,
                          T* grad_x, Control& control) {
    const auto spread_rows = spread_rows_for_this_machine<T>();
    std::vector<std::int64_t> hit;
    for (std::int64_t b = 0; b < query.num_pairs; ++b)
        if (counts[b] > 0) hit.push_back(b);
    // Ranges of nodes with about the same number of entries, told by a sample of the columns; multiples of 64.
    const std::int64_t ranges = control.threads() == 1 ? 1 : 4L * control.threads();
    std::vector<std::int64_t> bounds{0};
    if (ranges > 1 && !hit.empty()) {
        std::vector<std::int32_t> sample;
        const std::size_t step = std::max<std::size_t>(1, hit.size() / 2048);
        for (std::size_t k = 0; k < hit.size(); k += step) {
            const std::int64_t s = query.sources[hit[k]];
            const std::int64_t start = query.first.indptr[s], stop = query.first.indptr[s + 1];
            for (std::int64_t e = start; e < stop; e += std::max<std::int64_t>(1, (stop - start) / 16))
                sample.push_back(query.first.indices[e]);
        }
        std::sort(sample.begin(), sample.end());
        for (std::int64_t r = 1; r < ranges; ++r) {
            const std::int64_t at = sample[sample.size() * static_cast<std::size_t>(r) / static_cast<std::size_t>(ranges)];
            if (at / 64 * 64 > bounds.back()) bounds.push_back(at / 64 * 64);
        }
    }
    bounds.push_back(query.num_columns);
    Finders finders(query, control);
    parallel_for(control, static_cast<std::int64_t>(bounds.size()) - 1, [&](std::int64_t task, int worker) {
        Finder& finder = finders.of(worker);
        const std::int64_t low = bounds[static_cast<std::size_t>(task)], high = bounds[static_cast<std::size_t>(task) + 1];
        std::fill(grad_x + low * channels, grad_x + high * channels, T{0});
        for (std::size_t k = 0; k < hit.size(); ++k) {
            if (k % 64 == 0) control.checkpoint();
            finder.prefetch_after(hit[k]);
            const std::int64_t found = finder.find(hit[k], true, low, high);
            spread_rows(grad_x, channels, finder.nodes(), finder.weights(), found, grad_out + hit[k] * channels);
        }
    });
}

template void pool_common<float>(const PairQuery&, const float*, std::int64_t, float*, std::int64_t*, Control&);
template void pool_common<double>(const PairQuery&, const double*, std::int64_t, double*, std::int64_t*, Control&);
template void pool_common_backward<float>(const PairQuery&, const std::int64_t*, const float*, std::int64_t, float*,
                                          Control&);
template void pool_common_backward<double>(const PairQuery&, const std::int64_t*, const double*, std::int64_t, double*,
                                           Control&);

}  // namespace graphx
