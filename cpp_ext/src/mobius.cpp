#include "graphx/mobius.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#include "graphx/buffer.hpp"
#include "graphx/mobius_lanes.hpp"
#include "graphx/mobius_scalars.hpp"
#include "graphx/simd.hpp"

namespace graphx {

namespace {

constexpr std::int64_t kTile = 32;         // rows whose vectors stay in the cache between two passes
constexpr std::int64_t kTaskRows = 1024;   // rows of one task, whatever the number of threads
constexpr std::int64_t kStretch = 64;      // terms of a sum in one register
constexpr std::int64_t kStreamFrom = std::int64_t{32} << 20;  // outputs of so many bytes go past the cache
constexpr std::int64_t kPartials = std::int64_t{64} << 20;    // bytes for the weight gradients of all tasks
constexpr double kLargest = std::numeric_limits<double>::max();

// The weight as the products want it: rows of whole registers.
template <class T>
struct Packed {
    std::int64_t pad_in, pad_out;
    const T* forward;   // [blocks, in, pad_out], transposed
    const T* backward;  // [blocks, out, pad_in]
};

// The memory that the next tile reads, handed out line by line to the products of this one.
class Ahead {
public:
    template <class T>
    void add(const T* from, std::int64_t size) {
        const char* begin = reinterpret_cast<const char*>(from);
        ranges_[added_++] = {begin, begin + size * static_cast<std::int64_t>(sizeof(T))};
    }

    // The first of `lines` lines that follow one another; where nothing is left, `instead`, which is at hand already.
    GRAPHX_INLINE const char* take(std::int64_t lines, const void* instead) {
        while (now_ < added_ && ranges_[now_].at >= ranges_[now_].end) ++now_;
        if (now_ == added_) return static_cast<const char*>(instead);
        const char* found = ranges_[now_].at;
        ranges_[now_].at += 64 * lines;
        return found;
    }

private:
    struct Range {
        const char *at, *end;
    };
    Range ranges_[3];
    int added_ = 0, now_ = 0;
};

template <class T>
struct Kernels {
    int lanes;
    void (*radial)(Radial, std::int64_t, std::int64_t, double, const T*, T*, bool, BadRow*);
    double (*radial_back)(Radial, std::int64_t, std::int64_t, double, const T*, const T*, T*, bool);
    void (*product)(const Packed<T>&, const BlockProduct<T>&, std::int64_t, std::int64_t, T*, T*, RowScalars*, bool,
                    BadRow*);
    double (*product_back)(const Packed<T>&, const BlockProduct<T>&, std::int64_t, std::int64_t, T*, const T*,
                           const RowScalars*, const T*, T*, T*, bool);
};

namespace plain {
#define GRAPHX_TARGET
template <class T>
using Lanes = PlainLanes<T>;
#include "graphx/mobius_level.hpp"
#undef GRAPHX_TARGET
}  // namespace plain

#if defined(GRAPHX_X86)
namespace avx2 {
#define GRAPHX_TARGET GRAPHX_AVX2
template <class T>
using Lanes = Avx2Lanes<T>;
#include "graphx/mobius_level.hpp"
#undef GRAPHX_TARGET
}  // namespace avx2

namespace avx512 {
#define GRAPHX_TARGET GRAPHX_AVX512
template <class T>
using Lanes = Avx512Lanes<T>;
#include "graphx/mobius_level.hpp"
#undef GRAPHX_TARGET
}  // namespace avx512
#endif

template <class T>
Kernels<T> kernels_for_this_machine() {
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx512) return avx512::kernels<T>();
    if (simd_level() == Simd::avx2) return avx2::kernels<T>();
#endif
    return plain::kernels<T>();
}

// Memory that begins at a cache line.
template <class T>
class Lines {
public:
    explicit Lines(std::int64_t size) : buffer_(static_cast<std::size_t>(size) + 64 / sizeof(T)) {}
    T* data() {
        const auto address = reinterpret_cast<std::uintptr_t>(buffer_.data());
        return buffer_.data() + ((64 - address % 64) % 64) / sizeof(T);
    }

private:
    Buffer<T> buffer_;
};

// Prepares an output of `rows` rows; true if it is to be written past the cache.
template <class T>
bool prepare_output(T* out, std::int64_t rows, std::int64_t dim) {
    const std::int64_t row_bytes = dim * static_cast<std::int64_t>(sizeof(T));
    prefer_huge_pages(out, rows * row_bytes);
    return rows * row_bytes >= kStreamFrom && row_bytes % 64 == 0 && reinterpret_cast<std::uintptr_t>(out) % 64 == 0;
}

std::int64_t tasks_of(std::int64_t rows, std::int64_t task_rows) { return (rows + task_rows - 1) / task_rows; }

BadRow first_bad(const std::vector<BadRow>& bad) {
    for (const BadRow& b : bad)
        if (b.found()) return b;
    return {};
}

double in_order(const std::vector<double>& sums) {
    double total = 0;
    for (const double s : sums) total += s;
    return total;
}

template <class T>
struct PackedWeight {
    Packed<T> packed;
    Lines<T> memory;

    PackedWeight(const BlockProduct<T>& p, int lanes, bool forward, bool backward)
        : packed{(p.in + lanes - 1) / lanes * lanes, (p.out + lanes - 1) / lanes * lanes, nullptr, nullptr},
          memory(p.blocks * ((forward ? p.in * packed.pad_out : 0) + (backward ? p.out * packed.pad_in : 0))) {
        T* place = memory.data();
        if (forward) {
            packed.forward = place;
            for (std::int64_t k = 0; k < p.blocks; ++k)
                for (std::int64_t j = 0; j < p.in; ++j)
                    for (std::int64_t i = 0; i < packed.pad_out; ++i)
                        *place++ = i < p.out ? p.weight[(k * p.out + i) * p.in + j] : T{0};
        }
        if (backward) {
            packed.backward = place;
            for (std::int64_t i = 0; i < p.blocks * p.out; ++i)
                for (std::int64_t j = 0; j < packed.pad_in; ++j) *place++ = j < p.in ? p.weight[i * p.in + j] : T{0};
        }
    }
};

template <class T>
std::vector<Lines<T>> scratch_for(const Control& control, std::int64_t size) {
    std::vector<Lines<T>> scratch;
    for (int worker = 0; worker < control.threads(); ++worker) scratch.emplace_back(size);
    return scratch;
}

}  // namespace

template <class T>
BadRow radial_forward(Control& control, Radial map, std::int64_t rows, std::int64_t dim, double c, const T* x, T* y) {
    const auto kernels = kernels_for_this_machine<T>();
    const bool stream = prepare_output(y, rows, dim);
    const std::int64_t tasks = tasks_of(rows, kTaskRows);
    std::vector<BadRow> bad(static_cast<std::size_t>(tasks));
    parallel_for(control, tasks, [&](std::int64_t task, int) {
        const std::int64_t start = task * kTaskRows, size = std::min(kTaskRows, rows - start);
        BadRow& mine = bad[static_cast<std::size_t>(task)];
        kernels.radial(map, size, dim, c, x + start * dim, y + start * dim, stream, &mine);
        if (mine.found()) mine.row += start;
    });
    return first_bad(bad);
}

template <class T>
double radial_backward(Control& control, Radial map, std::int64_t rows, std::int64_t dim, double c, const T* x,
                       const T* grad_y, T* grad_x) {
    const auto kernels = kernels_for_this_machine<T>();
    const bool stream = prepare_output(grad_x, rows, dim);
    const std::int64_t tasks = tasks_of(rows, kTaskRows);
    std::vector<double> grad_c(static_cast<std::size_t>(tasks), 0.0);
    parallel_for(control, tasks, [&](std::int64_t task, int) {
        const std::int64_t start = task * kTaskRows, size = std::min(kTaskRows, rows - start);
        grad_c[static_cast<std::size_t>(task)] = kernels.radial_back(map, size, dim, c, x + start * dim,
                                                                     grad_y + start * dim, grad_x + start * dim, stream);
    });
    return in_order(grad_c);
}

template <class T>
BadRow product_forward(Control& control, const BlockProduct<T>& p, T* y, RowScalars* kept) {
    const auto kernels = kernels_for_this_machine<T>();
    const bool stream = prepare_output(y, p.rows, p.blocks * p.out);
    PackedWeight<T> weight(p, kernels.lanes, true, false);
    auto scratch = scratch_for<T>(control, kTile * p.blocks * weight.packed.pad_out);
    const std::int64_t tasks = tasks_of(p.rows, kTaskRows);
    std::vector<BadRow> bad(static_cast<std::size_t>(tasks));
    parallel_for(control, tasks, [&](std::int64_t task, int worker) {
        kernels.product(weight.packed, p, task * kTaskRows, std::min(p.rows, (task + 1) * kTaskRows),
                        scratch[static_cast<std::size_t>(worker)].data(), y, kept, stream,
                        &bad[static_cast<std::size_t>(task)]);
    });
    return first_bad(bad);
}

template <class T>
double product_backward(Control& control, const BlockProduct<T>& p, const T* y, const RowScalars* kept,
                        const T* grad_y, T* grad_x, T* grad_weight) {
    const auto kernels = kernels_for_this_machine<T>();
    const bool lines = p.in * static_cast<std::int64_t>(sizeof(T)) % 64 == 0;  // a block is written at a time
    const bool stream = grad_x && prepare_output(grad_x, p.rows, p.blocks * p.in) && lines;
    PackedWeight<T> weight(p, kernels.lanes, false, true);
    const Packed<T>& packed = weight.packed;
    const std::int64_t size = p.blocks * p.out * packed.pad_in;  // of one weight gradient
    const std::int64_t most = std::max<std::int64_t>(1, kPartials / static_cast<std::int64_t>(sizeof(T)) / std::max<std::int64_t>(1, size));
    std::int64_t task_rows = kTaskRows;
    while (grad_weight && tasks_of(p.rows, task_rows) > most) task_rows *= 2;
    const std::int64_t tasks = tasks_of(p.rows, task_rows);
    auto scratch = scratch_for<T>(control, kTile * (p.out + 2 * packed.pad_in));
    Lines<T> partials(grad_weight ? tasks * size : 0);
    std::vector<double> grad_c(static_cast<std::size_t>(tasks), 0.0);
    parallel_for(control, tasks, [&](std::int64_t task, int worker) {
        T* partial = grad_weight ? partials.data() + task * size : nullptr;
        if (partial) std::fill_n(partial, size, T{0});
        grad_c[static_cast<std::size_t>(task)] = kernels.product_back(
            packed, p, task * task_rows, std::min(p.rows, (task + 1) * task_rows),
            scratch[static_cast<std::size_t>(worker)].data(), y, kept, grad_y, grad_x, partial, stream);
    });
    if (grad_weight) {
        constexpr std::int64_t lines = 64;  // rows of the weight summed by one task
        const std::int64_t total = p.blocks * p.out;
        parallel_for(control, tasks_of(total, lines), [&](std::int64_t task, int) {
            std::vector<double> sum(static_cast<std::size_t>(packed.pad_in));
            for (std::int64_t i = task * lines; i < std::min(total, (task + 1) * lines); ++i) {
                std::fill(sum.begin(), sum.end(), 0.0);
                for (std::int64_t t = 0; t < tasks; ++t) {
                    const T* from = partials.data() + t * size + i * packed.pad_in;
                    for (std::int64_t j = 0; j < p.in; ++j) sum[static_cast<std::size_t>(j)] += from[j];
                }
                for (std::int64_t j = 0; j < p.in; ++j)
                    grad_weight[i * p.in + j] = static_cast<T>(sum[static_cast<std::size_t>(j)]);
            }
        });
    }
    return in_order(grad_c);
}

#define GRAPHX_MOBIUS(T)                                                                                             \
    template BadRow radial_forward<T>(Control&, Radial, std::int64_t, std::int64_t, double, const T*, T*);           \
    template double radial_backward<T>(Control&, Radial, std::int64_t, std::int64_t, double, const T*, const T*, T*); \
    template BadRow product_forward<T>(Control&, const BlockProduct<T>&, T*, RowScalars*);                           \
    template double product_backward<T>(Control&, const BlockProduct<T>&, const T*, const RowScalars*, const T*, T*, T*);
GRAPHX_MOBIUS(float)
GRAPHX_MOBIUS(double)

}  // namespace graphx
