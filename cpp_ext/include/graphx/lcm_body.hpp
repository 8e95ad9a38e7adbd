// The kernels of lcm.hpp, written once over a vector type V and compiled for each instruction level: the including file
// defines GRAPHX_LCM_LEVEL and, in the namespace graphx::lcm::GRAPHX_LCM_LEVEL, V, its operations and the tile sizes.
// No header of the standard library is included here, so that none of its functions is compiled for a higher level.

namespace graphx::lcm::GRAPHX_LCM_LEVEL {

namespace {

using Index = std::int64_t;

// exp within 2 units in the last place for -87 <= x <= 88, clamped outside; NaN stays NaN.
// exp(x) = 2^n exp(r), |r| <= ln(2) / 2; adding 1.5 * 2^23 + 127 rounds x / ln 2 to n and leaves n + 127, the exponent of
// 2^n, in the low bits.
inline V vexp(V x) {
    x = vmin(set1(88.0f), vmax(set1(-87.0f), x));
    const V shifted = fma(x, set1(1.44269504f), set1(12583039.0f));
    const V n = sub(shifted, set1(12583039.0f));
    V r = fma(n, set1(-0.693359375f), x);
    r = fma(n, set1(2.12194440e-4f), r);
    V p = set1(0.001394760562106967f);  // least squares on the interval, as is the polynomial of vtanh
    p = fma(p, r, set1(0.008369873277842999f));
    p = fma(p, r, set1(0.04166624695062637f));
    p = fma(p, r, set1(0.16666509211063385f));
    p = fma(p, r, set1(0.5f));
    p = fma(p, mul(r, r), add(r, set1(1.0f)));
    return mul(p, power_of(shifted));  // a product: what is added to the bits of a NaN can make a number of it
}

// Both sigmoids for one division; arguments beyond +-40 give what +-40 gives, 4e-18 from 0 or 1.
inline void vsigmoids(V x, V y, V* sx, V* sy) {
    const V low = set1(-40.0f), high = set1(40.0f), one = set1(1.0f), zero = set1(0.0f);
    const V ex = add(one, vexp(sub(zero, vmin(high, vmax(low, x)))));
    const V ey = add(one, vexp(sub(zero, vmin(high, vmax(low, y)))));
    const V inverse = div(one, mul(ex, ey));
    *sx = mul(inverse, ey);
    *sy = mul(inverse, ex);
}

inline V vtanh(V x) {
    const V one = set1(1.0f), two = set1(2.0f);
    const V large = sub(one, div(two, add(one, vexp(add(x, x)))));
    const V z = mul(x, x);
    V p = set1(-0.005704042501747608f);
    p = fma(p, z, set1(0.020637862384319305f));
    p = fma(p, z, set1(-0.05373915657401085f));
    p = fma(p, z, set1(0.133314311504364f));
    p = fma(p, z, set1(-0.3333328068256378f));
    const V small = fma(mul(p, z), x, x);
    return select_less(z, set1(0.390625f), small, large);
}

// One tile of C = C0 + A B: Rows rows of A, Vectors vectors of columns, summed over k = 0, 1, ... in that order for
// every element, whatever the tile. a(i, k) = a[i * row + k * step].
template <int Rows, int Vectors>
inline void tile(const float* a, Index row, Index step, Index depth, const float* b, Index ldb, float* c, Index ldc) {
    V sum[Rows][Vectors];
    for (int i = 0; i < Rows; ++i)
        for (int j = 0; j < Vectors; ++j) sum[i][j] = load(c + i * ldc + j * kLanes);
    for (Index k = 0; k < depth; ++k) {
        V column[Vectors];
        for (int j = 0; j < Vectors; ++j) column[j] = load(b + k * ldb + j * kLanes);
        const float* ak = a + k * step;
        for (int i = 0; i < Rows; ++i) {
            const V factor = set1(ak[i * row]);
            for (int j = 0; j < Vectors; ++j) sum[i][j] = fma(factor, column[j], sum[i][j]);
        }
    }
    for (int i = 0; i < Rows; ++i)
        for (int j = 0; j < Vectors; ++j) store(c + i * ldc + j * kLanes, sum[i][j]);
}

template <int Rows, int Vectors>
inline void column_of_tiles(const float* a, Index row, Index step, Index rows, Index depth, const float* b, Index ldb,
                            float* c, Index ldc) {
    for (Index i = 0; i < rows; i += Rows) tile<Rows, Vectors>(a + i * row, row, step, depth, b, ldb, c + i * ldc, ldc);
}

// C[rows, columns] += A B over panels of kWide vectors; B is packed by panels (ldb = 0) or row-major with leading
// dimension ldb. rows is a multiple of kWideRows, columns of kPad.
inline void multiply(const float* a, Index row, Index step, Index rows, Index depth, const float* b, Index ldb, float* c,
                     Index ldc, Index columns) {
    constexpr Index kPanel = kWide * kLanes;
    Index first = 0;
    for (; first + kPanel <= columns; first += kPanel) {
        const float* panel = ldb ? b + first : b + first * depth;
        column_of_tiles<kWideRows, kWide>(a, row, step, rows, depth, panel, ldb ? ldb : kPanel, c + first, ldc);
    }
    const Index rest = columns - first;
    const float* panel = ldb ? b + first : b + first * depth;
    const Index ld = ldb ? ldb : rest;
    if constexpr (kWide > 1)
        if (rest == kLanes) column_of_tiles<kWideRows, 1>(a, row, step, rows, depth, panel, ld, c + first, ldc);
    if constexpr (kWide > 2)
        if (rest == 2 * kLanes) column_of_tiles<kWideRows, 2>(a, row, step, rows, depth, panel, ld, c + first, ldc);
    if constexpr (kWide > 3)
        if (rest == 3 * kLanes) column_of_tiles<kWideRows, 3>(a, row, step, rows, depth, panel, ld, c + first, ldc);
}

constexpr Index kGatePanel = 3 * kLanes;  // 6 * padded is a multiple of it

// packed: the biases [6P], the gate weights transposed, in panels of kGatePanel columns [2P / kLanes][P][kGatePanel],
// and the weights [6P, P] in panels of kWide vectors. P is `padded`; padding is zero.
Index packed_floats(Index padded) { return 6 * padded * (1 + 2 * padded); }

// Row j of the weights [W_ih; W_hh] with every gate padded, and its bias; nullptr for a row of padding.
inline const float* weight_row(const LcmWeights& w, Index channels, Index padded, Index j, float* bias) {
    const Index gate = j / padded, i = j % padded;
    *bias = 0.0f;
    if (i >= channels) return nullptr;
    const Index row = gate % 3 * channels + i;
    *bias = gate < 3 ? w.b_ih[row] : w.b_hh[row];
    return (gate < 3 ? w.w_ih : w.w_hh) + row * channels;
}

void pack(const LcmWeights& w, Index channels, Index padded, float* packed) {
    constexpr Index kPanel = kWide * kLanes;
    const Index columns = 6 * padded;
    float* transposed = packed + columns;
    float* straight = transposed + columns * padded;
    for (Index i = 0; i < 2 * columns * padded; ++i) transposed[i] = 0.0f;
    for (Index j = 0; j < columns; ++j) {
        const float* row = weight_row(w, channels, padded, j, packed + j);
        if (row == nullptr) continue;
        float* to = transposed + j / kGatePanel * (kGatePanel * padded) + j % kGatePanel;
        for (Index k = 0; k < channels; ++k) to[k * kGatePanel] = row[k];
        for (Index first = 0; first < channels; first += kPanel) {
            const Index width = padded - first < kPanel ? padded - first : kPanel;
            const Index used = channels - first < width ? channels - first : width;
            __builtin_memcpy(straight + first * columns + j * width, row + first,
                             static_cast<unsigned long>(used) * sizeof(float));
        }
    }
}

inline void copy_row(const float* from, Index channels, Index padded, float* to) {
    __builtin_memcpy(to, from, static_cast<unsigned long>(channels) * sizeof(float));
    for (Index i = channels; i < padded; ++i) to[i] = 0.0f;
}

inline const float* row_of(const LcmTree& tree, const float* made, Index row) {
    return row < tree.num_leaves ? tree.leaves + row * tree.channels
                                 : made + (row - tree.num_leaves) * tree.channels;
}

// Rows a of the pairs, then rows b, then zero rows up to a whole number of tiles; and their gates. Returns the rows.
Index gates(const LcmTree& tree, const float* packed, Index padded, const float* made, Index begin, Index pairs,
            float* rows, float* gate) {
    for (Index p = 0; p < pairs; ++p) {
        copy_row(row_of(tree, made, tree.left[begin + p]), tree.channels, padded, rows + p * padded);
        copy_row(row_of(tree, made, tree.right[begin + p]), tree.channels, padded, rows + (pairs + p) * padded);
    }
    const Index columns = 6 * padded;
    Index count = 2 * pairs;
    for (; count % kTileRows != 0; ++count)
        for (Index i = 0; i < padded; ++i) rows[count * padded + i] = 0.0f;
    for (Index r = 0; r < count; ++r)
        __builtin_memcpy(gate + r * columns, packed, static_cast<unsigned long>(columns) * sizeof(float));
    const float* panel = packed + columns;
    for (Index first = 0; first < columns; first += kGatePanel, panel += kGatePanel * padded)
        column_of_tiles<kGateRows, 3>(rows, padded, 1, count, padded, panel, kGatePanel, gate + first, columns);
    return count;
}

struct Cell {
    V r, z, n, out;
};

// Gates i of the input operand, h of the hidden operand x: what the GRU cell makes of them.
inline Cell cell(const float* i, const float* h, Index padded, V x) {
    Cell c;
    vsigmoids(add(load(i), load(h + 3 * padded)), add(load(i + padded), load(h + 4 * padded)), &c.r, &c.z);
    c.n = vtanh(fma(c.r, load(h + 5 * padded), load(i + 2 * padded)));
    c.out = fma(c.z, sub(x, c.n), c.n);
    return c;
}

void forward(const LcmTree& tree, const float* packed, Index padded, const float* made_in, float* made, Index begin,
             Index end, float* scratch) {
    float* rows = scratch;
    float* gate = rows + kRows * padded;
    float* result = gate + kRows * 6 * padded;
    const Index pairs = end - begin, columns = 6 * padded;
    gates(tree, packed, padded, made_in, begin, pairs, rows, gate);
    for (Index p = 0; p < pairs; ++p) {
        const float* ga = gate + p * columns;
        const float* gb = gate + (pairs + p) * columns;
        for (Index i = 0; i < padded; i += kLanes) {
            const V a = load(rows + p * padded + i), b = load(rows + (pairs + p) * padded + i);
            const V both = add(cell(ga + i, gb + i, padded, b).out, cell(gb + i, ga + i, padded, a).out);
            store(result + i, mul(set1(0.5f), both));
        }
        __builtin_memcpy(made + (begin + p) * tree.channels, result,
                         static_cast<unsigned long>(tree.channels) * sizeof(float));
    }
}

// g is half the gradient of the output: writes the gradients of the gates in place of the gates.
struct Slopes {
    V r, z, n, hidden_n, direct;
};

inline Slopes slopes(const Cell& c, V hidden_n, V x, V g) {
    const V one = set1(1.0f);
    Slopes s;
    s.direct = mul(g, c.z);
    s.n = mul(mul(g, sub(one, c.z)), sub(one, mul(c.n, c.n)));
    s.z = mul(mul(g, sub(x, c.n)), mul(c.z, sub(one, c.z)));
    s.r = mul(mul(s.n, hidden_n), mul(c.r, sub(one, c.r)));
    s.hidden_n = mul(s.n, c.r);
    return s;
}

inline void put_slopes(const Slopes& s, float* i, float* h, Index padded) {
    store(i, s.r);
    store(i + padded, s.z);
    store(i + 2 * padded, s.n);
    store(h + 3 * padded, s.r);
    store(h + 4 * padded, s.z);
    store(h + 5 * padded, s.hidden_n);
}

void backward(const LcmTree& tree, const float* packed, Index padded, const float* made, float* grad_leaves,
              float* grad_made, Index begin, Index end, float* scratch, float* weight_sums) {
    float* rows = scratch;
    float* gate = rows + kRows * padded;
    float* grad = gate + kRows * 6 * padded;
    const Index pairs = end - begin, columns = 6 * padded;
    const Index count = gates(tree, packed, padded, made, begin, pairs, rows, gate);
    float* const spare = grad + (kRows - 1) * padded;  // free until the last pair's row b is written
    for (Index p = 0; p < pairs; ++p) {
        float* ga = gate + p * columns;
        float* gb = gate + (pairs + p) * columns;
        float* da = grad + p * padded;
        float* db = grad + (pairs + p) * padded;
        copy_row(grad_made + (begin + p) * tree.channels, tree.channels, padded, spare);
        for (Index i = 0; i < padded; i += kLanes) {
            const V a = load(rows + p * padded + i), b = load(rows + (pairs + p) * padded + i);
            const V g = mul(set1(0.5f), load(spare + i));
            const Slopes ab = slopes(cell(ga + i, gb + i, padded, b), load(gb + i + 5 * padded), b, g);
            const Slopes ba = slopes(cell(gb + i, ga + i, padded, a), load(ga + i + 5 * padded), a, g);
            put_slopes(ab, ga + i, gb + i, padded);
            put_slopes(ba, gb + i, ga + i, padded);
            store(da + i, ba.direct);
            store(db + i, ab.direct);
        }
    }
    for (Index r = 2 * pairs; r < count; ++r) {  // rows that only fill the last tile
        for (Index i = 0; i < columns; ++i) gate[r * columns + i] = 0.0f;
        for (Index i = 0; i < padded; ++i) grad[r * padded + i] = 0.0f;
    }
    const float* straight = packed + columns + columns * padded;
    multiply(gate, columns, 1, count, columns, straight, 0, grad, padded, padded);
    multiply(gate, 1, columns, columns, 2 * pairs, rows, padded, weight_sums, padded, padded);
    float* bias_sums = weight_sums + columns * padded;
    for (Index r = 0; r < 2 * pairs; ++r)
        for (Index i = 0; i < columns; i += kLanes)
            store(bias_sums + i, add(load(bias_sums + i), load(gate + r * columns + i)));
    for (Index p = 0; p < 2 * pairs; ++p) {
        const Index row = p < pairs ? tree.left[begin + p] : tree.right[begin + p - pairs];
        float* to = row < tree.num_leaves ? grad_leaves + row * tree.channels
                                          : grad_made + (row - tree.num_leaves) * tree.channels;
        __builtin_memcpy(to, grad + p * padded, static_cast<unsigned long>(tree.channels) * sizeof(float));
    }
}

}  // namespace

}  // namespace graphx::lcm::GRAPHX_LCM_LEVEL
