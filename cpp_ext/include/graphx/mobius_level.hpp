// The loops of mobius.cpp over a tile of rows, for one instruction set: no include guard, as mobius.cpp includes it once
// for each, inside a namespace, with GRAPHX_TARGET the function attribute and Lanes<T> its registers.

// What becomes of a product on its way out of the registers: out = c + s[m] x, past the cache where `stream`. Where out
// is null the product stays in c.
template <class T>
struct Ending {
    T* out = nullptr;
    const T* x = nullptr;  // null leaves s x out
    const T* s = nullptr;  // [rows]
    std::int64_t stride = 0, x_stride = 0;
    bool stream = false;
};

// c[m][n] (+)= sum_k a[m, k] b[k][n] for M rows and P registers of columns; `am`, `ak` step through a. Each term asks for
// one line of what is read next, from `ahead` on: so memory works while this multiplies.
template <class T, int M, int P>
GRAPHX_TARGET inline void micro(std::int64_t count, const T* a, std::int64_t am, std::int64_t ak, const T* b,
                                std::int64_t bk, T* c, std::int64_t cm, bool accumulate, const char* ahead,
                                const Ending<T>& end) {
    using L = Lanes<T>;
    typename L::V sum[M][P];
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 2
        for (int n = 0; n < P; ++n) sum[m][n] = L::zero();
#pragma GCC unroll 4
    for (std::int64_t k = 0; k < count; ++k) {
        __builtin_prefetch(ahead + 64 * k, 0, 2);
        typename L::V row[P];
#pragma GCC unroll 2
        for (int n = 0; n < P; ++n) row[n] = L::load(b + k * bk + n * L::N);
#pragma GCC unroll 8
        for (int m = 0; m < M; ++m) {
            const typename L::V x = L::all(a[m * am + k * ak]);
#pragma GCC unroll 2
            for (int n = 0; n < P; ++n) sum[m][n] = L::fma(x, row[n], sum[m][n]);
        }
    }
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 2
        for (int n = 0; n < P; ++n) {
            T* const inside = c + m * cm + n * L::N;
            if (accumulate) sum[m][n] = L::add(L::load(inside), sum[m][n]);
            if (!end.out) {
                L::store(inside, sum[m][n]);
                continue;
            }
            const std::int64_t place = m * end.stride + n * L::N;
            if (end.x)
                sum[m][n] = L::fma(L::all(end.s[m]), L::load(end.x + m * end.x_stride + n * L::N), sum[m][n]);
            if (end.stream) L::stream(end.out + place, sum[m][n]);
            else L::store(end.out + place, sum[m][n]);
        }
}

// The same for any number of rows, and of columns that fill registers; long sums in stretches of kStretch terms, so
// that rounding grows with the root of kStretch and not of the length.
template <class T>
GRAPHX_TARGET inline void multiply(std::int64_t rows, std::int64_t columns, std::int64_t count, const T* a,
                                   std::int64_t am, std::int64_t ak, const T* b, std::int64_t bk, T* c,
                                   std::int64_t cm, bool accumulate, Ahead& ahead, const Ending<T>& whole = {}) {
    using L = Lanes<T>;
    for (std::int64_t k = 0; k < count || k == 0; k += kStretch) {
        const std::int64_t terms = std::min(kStretch, count - k);
        const bool more = accumulate || k > 0;
        for (std::int64_t n = 0; n < columns;) {
            const int wide = columns - n >= L::P * L::N ? L::P : 1;
            const T* right = b + k * bk + n;
            for (std::int64_t m = 0; m < rows;) {
                const T* left = a + m * am + k * ak;
                T* place = c + m * cm + n;
                Ending<T> end;
                if (whole.out && k + kStretch >= count) {
                    end = {whole.out + m * whole.stride + n, whole.x ? whole.x + m * whole.x_stride + n : nullptr,
                           whole.s + m, whole.stride, whole.x_stride, whole.stream};
                }
                const char* next = ahead.take(terms, left);
                const int high = rows - m >= L::M ? L::M : 1;
                if (high == L::M && wide == L::P) micro<T, L::M, L::P>(terms, left, am, ak, right, bk, place, cm, more, next, end);
                else if (high == L::M) micro<T, L::M, 1>(terms, left, am, ak, right, bk, place, cm, more, next, end);
                else if (wide == L::P) micro<T, 1, L::P>(terms, left, am, ak, right, bk, place, cm, more, next, end);
                else micro<T, 1, 1>(terms, left, am, ak, right, bk, place, cm, more, next, end);
                m += high;
            }
            n += wide * L::N;
        }
    }
}

template <class T>
GRAPHX_TARGET inline double dot(std::int64_t size, const T* x, const T* y) {
    using L = Lanes<T>;
    typename L::Wide first = L::wide(), second = L::wide();
    std::int64_t i = 0;
    for (; i + 2 * L::N <= size; i += 2 * L::N) {
        first = L::dot(L::load(x + i), L::load(y + i), first);
        second = L::dot(L::load(x + i + L::N), L::load(y + i + L::N), second);
    }
    for (; i + L::N <= size; i += L::N) first = L::dot(L::load(x + i), L::load(y + i), first);
    double rest = 0;
    for (; i < size; ++i) rest += static_cast<double>(x[i]) * static_cast<double>(y[i]);
    return (L::total(first) + L::total(second)) + rest;
}

// <x, y> where a sum in the precision of the vectors is enough, unless it over- or underflows there.
template <class T>
GRAPHX_TARGET inline double quick_dot(std::int64_t size, const T* x, const T* y) {
    using L = Lanes<T>;
    if constexpr (std::is_same_v<T, float>) {
        typename L::V sum[4] = {L::zero(), L::zero(), L::zero(), L::zero()};
        std::int64_t i = 0;
        for (; i + 4 * L::N <= size; i += 4 * L::N)
#pragma GCC unroll 4
            for (int n = 0; n < 4; ++n)
                sum[n] = L::fma(L::load(x + i + n * L::N), L::load(y + i + n * L::N), sum[n]);
        const typename L::V one = L::all(1.0F);
        typename L::Wide wide = L::wide();
#pragma GCC unroll 4
        for (int n = 0; n < 4; ++n) wide = L::dot(sum[n], one, wide);
        double total = L::total(wide);
        for (; i < size; ++i) total += static_cast<double>(x[i]) * static_cast<double>(y[i]);
        const double length = std::abs(total);
        if (length > 1e-28 && length < 1e34 && size <= 4096) return total;
    }
    return dot(size, x, y);
}

// The scalars of a tile. Rows of float need ten digits, which loops without branches and calls give many at a time;
// rows of double take the library's.
template <class T>
GRAPHX_TARGET inline void artanhc_rows(const double* p, double* out) {
    for (int r = 0; r < kTile; ++r)
        out[r] = std::is_same_v<T, float> ? scalars::artanhc_ten_digits(p[r]) : scalars::artanhc(p[r]);
}

template <class T>
GRAPHX_TARGET inline void tanhc_rows(const double* p, double* out) {
    for (int r = 0; r < kTile; ++r)
        out[r] = std::is_same_v<T, float> ? scalars::tanhc_ten_digits(p[r]) : scalars::tanhc(p[r]);
}

// out = s x + t y (y may be null); past the cache where `stream`, which wants whole aligned registers.
template <class T>
GRAPHX_TARGET inline void combine(std::int64_t size, T s, const T* x, T t, const T* y, T* out, bool stream) {
    using L = Lanes<T>;
    const typename L::V vs = L::all(s), vt = L::all(t);
    std::int64_t i = 0;
    for (; i + L::N <= size; i += L::N) {
        typename L::V value = L::mul(vs, L::load(x + i));
        if (y) value = L::fma(vt, L::load(y + i), value);
        if (stream) L::stream(out + i, value);
        else L::store(out + i, value);
    }
    for (; i < size; ++i) out[i] = y ? s * x[i] + t * y[i] : s * x[i];
}

template <class T>
GRAPHX_TARGET void radial_rows(Radial map, std::int64_t rows, std::int64_t dim, double c, const T* x, T* y, bool stream,
                               BadRow* bad) {
    for (std::int64_t start = 0; start < rows; start += kTile) {
        const std::int64_t stop = std::min(rows, start + kTile);
        double p[kTile] = {}, scale[kTile];
        for (std::int64_t r = start; r < stop; ++r) {
            p[r - start] = c * dot(dim, x + r * dim, x + r * dim);
            if (map == Radial::exp0 ? !(p[r - start] <= kLargest) : !(p[r - start] < 1.0)) {
                *bad = {r, p[r - start]};
                return;
            }
        }
        if (map == Radial::exp0) tanhc_rows<T>(p, scale);
        else artanhc_rows<T>(p, scale);
        for (std::int64_t r = start; r < stop; ++r)
            combine<T>(dim, static_cast<T>(scale[r - start]), x + r * dim, T{0}, nullptr, y + r * dim, stream);
    }
    if (stream) Lanes<T>::fence();
}

template <class T>
GRAPHX_TARGET double radial_rows_back(Radial map, std::int64_t rows, std::int64_t dim, double c, const T* x, const T* g,
                                      T* out, bool stream) {
    double grad_c = 0;
    for (std::int64_t start = 0; start < rows; start += kTile) {
        const std::int64_t stop = std::min(rows, start + kTile);
        double p[kTile] = {}, along[kTile], value[kTile];
        for (std::int64_t r = start; r < stop; ++r) {
            p[r - start] = c * dot(dim, x + r * dim, x + r * dim);
            along[r - start] = dot(dim, g + r * dim, x + r * dim);
        }
        if (map == Radial::exp0) tanhc_rows<T>(p, value);
        else artanhc_rows<T>(p, value);
        for (std::int64_t i = 0; i < stop - start; ++i) {
            const double slope =
                map == Radial::exp0 ? scalars::tanhc_slope(p[i], value[i]) : scalars::artanhc_slope(p[i], value[i]);
            grad_c += slope * (p[i] / c) * along[i];
            along[i] *= 2.0 * c * slope;
        }
        for (std::int64_t r = start; r < stop; ++r)
            combine<T>(dim, static_cast<T>(value[r - start]), g + r * dim, static_cast<T>(along[r - start]),
                       x + r * dim, out + r * dim, stream);
    }
    if (stream) Lanes<T>::fence();
    return grad_c;
}

// to = s x + t y (y may be null, which is s x, and s too, which is x) for `rows` of one block, next to each other as rows
// of `pad` numbers, with zeros at the end. Where a row of all blocks is a power of two, the rows of one block would push
// one another out of the first-level cache.
template <class T>
GRAPHX_TARGET inline void gather(std::int64_t rows, std::int64_t width, std::int64_t pad, std::int64_t stride,
                                 const T* s, const T* x, const T* t, const T* y, T* to) {
    using L = Lanes<T>;
    if (width == L::P * L::N && pad == width && s && y) {
        for (std::int64_t r = 0; r < rows; ++r) {
            const typename L::V vs = L::all(s[r]), vt = L::all(t[r]);
#pragma GCC unroll 2
            for (int n = 0; n < L::P; ++n)
                L::store(to + r * pad + n * L::N,
                         L::fma(vt, L::load(y + r * stride + n * L::N), L::mul(vs, L::load(x + r * stride + n * L::N))));
        }
        return;
    }
    if (width == L::P * L::N && pad == width && !s) {
        for (std::int64_t r = 0; r < rows; ++r)
#pragma GCC unroll 2
            for (int n = 0; n < L::P; ++n) L::store(to + r * pad + n * L::N, L::load(x + r * stride + n * L::N));
        return;
    }
    for (std::int64_t r = 0; r < rows; ++r) {
        combine<T>(width, s ? s[r] : T{1}, x + r * stride, t ? t[r] : T{0}, y ? y + r * stride : nullptr, to + r * pad,
                   false);
        std::fill(to + r * pad + width, to + (r + 1) * pad, T{0});
    }
}

template <class T>
GRAPHX_TARGET void product_rows(const Packed<T>& w, const BlockProduct<T>& p, std::int64_t begin, std::int64_t end,
                                T* scratch, T* y, RowScalars* kept, bool stream, BadRow* bad) {
    const std::int64_t dim = p.blocks * p.in, dim_out = p.blocks * p.out, stride = p.blocks * w.pad_out;
    for (std::int64_t start = begin; start < end; start += kTile) {
        const std::int64_t rows = std::min(kTile, end - start);
        const T* x = p.x + start * dim;
        double inside[kTile], square[kTile] = {}, artanh[kTile], wide[kTile] = {}, q[kTile] = {}, scale[kTile];
        for (std::int64_t r = 0; p.ball && r < rows; ++r) {
            inside[r] = dot(dim, x + r * dim, x + r * dim);
            square[r] = p.c * inside[r];
            if (!(square[r] < 1.0)) {
                *bad = {start + r, square[r]};
                return;
            }
        }
        if (p.ball) artanhc_rows<T>(square, artanh);
        Ahead ahead;
        ahead.add(x + rows * dim, std::min(kTile, end - start - rows) * dim);
        for (std::int64_t k = 0; k < p.blocks; ++k)
            multiply<T>(rows, w.pad_out, p.in, x + k * p.in, dim, 1, w.forward + k * p.in * w.pad_out, w.pad_out,
                        scratch + k * w.pad_out, stride, false, ahead);
        for (std::int64_t r = 0; p.ball && r < rows; ++r) {
            wide[r] = quick_dot(stride, scratch + r * stride, scratch + r * stride);
            q[r] = artanh[r] * artanh[r] * p.c * wide[r];
            if (!(q[r] <= kLargest)) {
                *bad = {start + r, q[r]};
                return;
            }
        }
        if (p.ball) tanhc_rows<T>(q, scale);
        for (std::int64_t r = 0; r < rows; ++r) {
            scale[r] = p.ball ? scale[r] * artanh[r] : 1.0;
            if (kept) kept[start + r] = {artanh[r], scale[r], inside[r], wide[r]};
        }
        for (std::int64_t r = 0; r < rows; ++r) {
            T* out = y + (start + r) * dim_out;
            const T* v = scratch + r * stride;
            if (w.pad_out == p.out) combine<T>(dim_out, static_cast<T>(scale[r]), v, T{0}, nullptr, out, stream);
            else
                for (std::int64_t k = 0; k < p.blocks; ++k)
                    combine<T>(p.out, static_cast<T>(scale[r]), v + k * w.pad_out, T{0}, nullptr, out + k * p.out, false);
        }
    }
    if (stream) Lanes<T>::fence();
}

// grad_v = F g + [dF/d|v| part] v, grad_x = W^T grad_v + [dF/d|x| part] x, grad_W += grad_v x^T. The rows of a tile are
// read from memory once, for <g, y>; all that follows works on one block of the tile, which the nearest cache holds.
template <class T>
GRAPHX_TARGET double product_rows_back(const Packed<T>& w, const BlockProduct<T>& p, std::int64_t begin,
                                       std::int64_t end, T* scratch, const T* y, const RowScalars* kept, const T* g,
                                       T* grad_x, T* partial, bool stream) {
    const std::int64_t dim = p.blocks * p.in, dim_out = p.blocks * p.out;
    T* const pulled = scratch;  // W^T grad_v
    T* const near_x = pulled + kTile * w.pad_in;
    T* const grad_v = near_x + kTile * w.pad_in;
    double grad_c = 0;
    for (std::int64_t start = begin; start < end; start += kTile) {
        const std::int64_t rows = std::min(kTile, end - start);
        const T *x = p.x + start * dim, *from = g + start * dim_out, *out = p.ball ? y + start * dim_out : nullptr;
        T scale[kTile], toward_v[kTile] = {}, toward_x[kTile] = {};
        std::fill(scale, scale + kTile, T{1});
        if (p.ball) {
            double along[kTile] = {}, artanh[kTile], whole[kTile], inside[kTile] = {}, squares[kTile] = {}, by_c[kTile];
            std::fill(artanh, artanh + kTile, 1.0);
            std::fill(whole, whole + kTile, 1.0);
            for (std::int64_t r = 0; r < rows; ++r) {
                const RowScalars& row = kept[start + r];
                along[r] = quick_dot(dim_out, from + r * dim_out, out + r * dim_out);
                artanh[r] = row.artanh, whole[r] = row.scale, inside[r] = row.inside, squares[r] = row.squares;
            }
            for (std::int64_t r = 0; r < kTile; ++r) {  // without branches: the compiler takes several rows at a time
                const double a = artanh[r], q = a * a * p.c * squares[r], t = whole[r] / a;
                const double alpha = along[r] / whole[r];  // <g, W x>
                const double cubed = a * a * a * scalars::tanhc_slope(q, t);
                const double flat = std::is_same_v<T, float> ? 1.0 - q * t * t : scalars::sech_squared(q);
                const double slope = scalars::artanhc_slope(p.c * inside[r], a) * flat;
                by_c[r] = alpha * (slope * inside[r] + cubed * squares[r]);
                scale[r] = static_cast<T>(whole[r]);
                toward_v[r] = static_cast<T>(2.0 * p.c * cubed * alpha / whole[r]);
                toward_x[r] = static_cast<T>(2.0 * p.c * slope * alpha);
            }
            for (std::int64_t r = 0; r < rows; ++r) grad_c += by_c[r];
        }
        const std::int64_t left = std::min(kTile, end - start - rows);
        Ahead ahead;
        ahead.add(from + rows * dim_out, left * dim_out);
        if (p.ball) ahead.add(out + rows * dim_out, left * dim_out);
        ahead.add(x + rows * dim, left * dim);
        for (std::int64_t k = 0; k < p.blocks; ++k) {
            const T* const near = x + k * p.in;
            gather<T>(rows, p.out, p.out, dim_out, scale, from + k * p.out, toward_v, p.ball ? out + k * p.out : nullptr,
                      grad_v);
            if (partial || p.ball) gather<T>(rows, p.in, w.pad_in, dim, nullptr, near, nullptr, nullptr, near_x);
            if (partial) {
                multiply<T>(p.out, w.pad_in, rows, grad_v, 1, p.out, near_x, w.pad_in,
                            partial + k * p.out * w.pad_in, w.pad_in, true, ahead);
            }
            if (!grad_x) continue;
            T* const to = grad_x + start * dim + k * p.in;
            const T* const own = p.ball ? near_x : nullptr;
            const bool whole = w.pad_in == p.in;  // else the zeros at the end have to be left out
            multiply<T>(rows, w.pad_in, p.out, grad_v, p.out, 1, w.backward + k * p.out * w.pad_in, w.pad_in, pulled,
                        w.pad_in, false, ahead, whole ? Ending<T>{to, own, toward_x, dim, w.pad_in, stream} : Ending<T>{});
            for (std::int64_t r = 0; !whole && r < rows; ++r)
                combine<T>(p.in, T{1}, pulled + r * w.pad_in, toward_x[r], own ? own + r * w.pad_in : nullptr, to + r * dim,
                           false);
        }
    }
    if (stream) Lanes<T>::fence();
    return grad_c;
}

template <class T>
Kernels<T> kernels() {
    return {Lanes<T>::N, radial_rows<T>, radial_rows_back<T>, product_rows<T>, product_rows_back<T>};
}
