// The random start of FastRP.
#include <algorithm>
#include <cmath>
#include <vector>

#include "graphx/bfloat16.hpp"
#include "graphx/fastrp.hpp"
#include "graphx/simd.hpp"

namespace graphx {
namespace {

// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) as a function of a counter: its finaliser over key + counter * gamma.
constexpr std::uint64_t kGamma = 0x9e3779b97f4a7c15ull;

GRAPHX_INLINE std::uint64_t mixed(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

GRAPHX_INLINE std::uint64_t row_key(const Projection& p, std::int64_t row) {
    const std::uint64_t id = p.ids ? p.ids[row] : p.first + static_cast<std::uint64_t>(row);
    return mixed(mixed(p.seed + kGamma) ^ mixed(id * kGamma + 0x632be59bd9b4e019ull));
}

// Columns 2j and 2j + 1 share one 64-bit number, low half first.
GRAPHX_INLINE std::uint32_t bits_of(std::uint64_t key, std::int64_t column) {
    const std::uint64_t pair = mixed(key + static_cast<std::uint64_t>(column / 2 + 1) * kGamma);
    return static_cast<std::uint32_t>(column & 1 ? pair >> 32 : pair);
}

// x < limit: an entry; x < limit / 2: a positive one.
std::uint64_t limit_of(double density) {
    return 2 * static_cast<std::uint64_t>(std::llround(std::ldexp(std::min(density, 1.0), 31)));
}

GRAPHX_INLINE float sign_of(std::uint32_t x, std::uint64_t limit, float scale) {
    if (x >= limit) return 0.0F;
    return x < limit / 2 ? scale : -scale;
}

template <int N>
double polynomial(const double (&c)[N], double x) {
    double value = c[N - 1];
    for (int i = N - 2; i >= 0; --i) value = value * x + c[i];
    return value;
}

// The normal quantile of (x + 1/2) / 2^32: Wichura, Algorithm AS 241, Applied Statistics 37, 1988 (its far tail, beyond
// exp(-25), cannot come up here).
float normal_of(std::uint32_t x) {
    static constexpr double a[] = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
                                   1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                   3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static constexpr double b[] = {1.0,                      4.2313330701600911252e+1, 6.8718700749205790830e+2,
                                   5.3941960214247511077e+3, 2.1213794301586595867e+4, 3.9307895800092710610e+4,
                                   2.8729085735721942674e+4, 5.2264952788528545610e+3};
    static constexpr double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0,  5.76949722146069140550e0,
                                   3.64784832476320460504e0,  1.27045825245236838258e0,  2.41780725177450611770e-1,
                                   2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static constexpr double d[] = {1.0,                       2.05319162663775882187e0,  1.67638483018380384940e0,
                                   6.89767334985100004550e-1, 1.48103976427480074590e-1, 1.51986665636164571966e-2,
                                   5.47593808499534494600e-4, 1.05075007164441684324e-9};
    const double p = std::ldexp(static_cast<double>(x) + 0.5, -32);
    const double q = p - 0.5;
    if (std::abs(q) <= 0.425) {
        const double r = 0.180625 - q * q;
        return static_cast<float>(q * polynomial(a, r) / polynomial(b, r));
    }
    const double r = std::sqrt(-std::log(std::min(p, 1 - p))) - 1.6;
    const double value = polynomial(c, r) / polynomial(d, r);
    return static_cast<float>(q < 0 ? -value : value);
}

GRAPHX_INLINE bool any_below_body(std::uint64_t key, std::int64_t first, std::int64_t last, std::uint32_t most) {
    std::uint32_t found = 0;
    for (std::int64_t pair = first; pair < last; ++pair) {
        const std::uint64_t h = mixed(key + static_cast<std::uint64_t>(pair + 1) * kGamma);
        found |= static_cast<std::uint32_t>(static_cast<std::uint32_t>(h) <= most);
        found |= static_cast<std::uint32_t>(static_cast<std::uint32_t>(h >> 32) <= most);
    }
    return found != 0;
}
bool any_below_plain(std::uint64_t key, std::int64_t first, std::int64_t last, std::uint32_t most) {
    return any_below_body(key, first, last, most);
}
#if defined(GRAPHX_X86)
GRAPHX_AVX2 bool any_below_avx2(std::uint64_t key, std::int64_t first, std::int64_t last, std::uint32_t most) {
    return any_below_body(key, first, last, most);
}
GRAPHX_AVX512 bool any_below_avx512(std::uint64_t key, std::int64_t first, std::int64_t last, std::uint32_t most) {
    return any_below_body(key, first, last, most);
}
#endif

auto any_below_here() {
    auto chosen = any_below_plain;
#if defined(GRAPHX_X86)
    if (simd_level() == Simd::avx2) chosen = any_below_avx2;
    if (simd_level() == Simd::avx512) chosen = any_below_avx512;
#endif
    return chosen;
}

constexpr std::int64_t kRows = 1024;  // of a task: fixed, so that what is counted by task does not depend on threads

}  // namespace

template <class S>
void project(const Projection& p, S* out, Control& control) {
    const std::int64_t width = p.end - p.begin;
    const std::uint64_t limit = limit_of(p.density);
    parallel_for(control, (p.rows + kRows - 1) / kRows, [&](std::int64_t task, int) {
        const std::int64_t stop = std::min(p.rows, (task + 1) * kRows);
        for (std::int64_t row = task * kRows; row < stop; ++row) {
            if (row % 64 == 0) control.checkpoint();
            const std::uint64_t key = row_key(p, row);
            const float scale = p.rows_scale ? p.scale * p.rows_scale[row] : p.scale;
            S* to = out + row * width;
            for (std::int64_t j = 0; j < width; ++j) {
                const std::uint32_t x = bits_of(key, p.begin + j);
                to[j] = stored<S>(p.density > 0 ? sign_of(x, limit, scale) : scale * normal_of(x));
            }
        }
    });
}

template void project(const Projection&, float*, Control&);
template void project(const Projection&, std::uint16_t*, Control&);

SparseRows project_sparse(const Projection& p, Control& control) {
    const std::uint64_t limit = limit_of(p.density);
    const std::int64_t tasks = (p.rows + kRows - 1) / kRows;
    struct Part {
        std::vector<std::int32_t> columns;
        std::vector<float> values;
    };
    std::vector<Part> parts(static_cast<std::size_t>(tasks));
    SparseRows made;
    made.indptr.resize(static_cast<std::size_t>(p.rows) + 1);
    made.indptr[0] = 0;
    const auto any_below = any_below_here();
    parallel_for(control, tasks, [&](std::int64_t task, int) {
        control.checkpoint();
        Part& part = parts[static_cast<std::size_t>(task)];
        const std::int64_t stop = std::min(p.rows, (task + 1) * kRows);
        for (std::int64_t row = task * kRows; row < stop; ++row) {
            const std::uint64_t key = row_key(p, row);
            const auto before = part.columns.size();
            if (limit > 0 && any_below(key, p.begin / 2, (p.end + 1) / 2, static_cast<std::uint32_t>(limit - 1))) {
                const float scale = p.rows_scale ? p.scale * p.rows_scale[row] : p.scale;
                for (std::int64_t j = p.begin; j < p.end; ++j) {
                    const float value = sign_of(bits_of(key, j), limit, scale);
                    if (value == 0) continue;
                    part.columns.push_back(static_cast<std::int32_t>(j - p.begin));
                    part.values.push_back(value);
                }
            }
            made.indptr[static_cast<std::size_t>(row) + 1] = static_cast<std::int64_t>(part.columns.size() - before);
        }
    });
    for (std::int64_t row = 0; row < p.rows; ++row) made.indptr[row + 1] += made.indptr[row];
    made.columns.resize(static_cast<std::size_t>(made.indptr[p.rows]));
    made.values.resize(static_cast<std::size_t>(made.indptr[p.rows]));
    for (std::int64_t task = 0; task < tasks; ++task) {
        const Part& part = parts[static_cast<std::size_t>(task)];
        const std::int64_t at = made.indptr[task * kRows];
        std::copy(part.columns.begin(), part.columns.end(), made.columns.begin() + at);
        std::copy(part.values.begin(), part.values.end(), made.values.begin() + at);
    }
    return made;
}

}  // namespace graphx
