// The tree of the symmetrised GRU against a plain double-precision recursion, and what must not change its bits.
#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

#include "graphx/lcm.hpp"
#include "test.hpp"

using namespace graphx;

namespace {

struct Problem {
    std::int64_t channels, leaves;
    std::vector<float> x, w_ih, w_hh, b_ih, b_hh;
    std::vector<std::int64_t> left, right, levels{0};

    Problem(std::int64_t d, std::int64_t n, unsigned seed) : channels(d), leaves(n) {
        std::mt19937 random(seed);
        std::normal_distribution<float> normal;
        const auto draw = [&](std::vector<float>& v, std::int64_t size, float scale) {
            for (std::int64_t i = 0; i < size; ++i) v.push_back(scale * normal(random));
        };
        draw(w_ih, 3 * d * d, 1.0f / std::sqrt(static_cast<float>(d)));
        draw(w_hh, 3 * d * d, 1.0f / std::sqrt(static_cast<float>(d)));
        draw(b_ih, 3 * d, 0.3f);
        draw(b_hh, 3 * d, 0.3f);
        draw(x, n * d, 1.0f);
        std::vector<std::int64_t> rows;
        for (std::int64_t i = 0; i < n; ++i) rows.push_back(i);
        while (rows.size() > 1) {  // one segment, paired in order
            std::vector<std::int64_t> up;
            for (std::size_t i = 0; i + 1 < rows.size(); i += 2) {
                up.push_back(n + static_cast<std::int64_t>(left.size()));
                left.push_back(rows[i]);
                right.push_back(rows[i + 1]);
            }
            if (rows.size() % 2) up.push_back(rows.back());
            levels.push_back(static_cast<std::int64_t>(left.size()));
            rows = up;
        }
    }
    std::int64_t pairs() const { return static_cast<std::int64_t>(left.size()); }
    LcmTree tree() const {
        return {x.data(), leaves, channels, left.data(), right.data(), levels.data(),
                static_cast<std::int64_t>(levels.size()) - 1};
    }
    LcmWeights weights() const { return {w_ih.data(), w_hh.data(), b_ih.data(), b_hh.data()}; }
    std::vector<float> made(int threads = 1) const {
        std::vector<float> out(static_cast<std::size_t>(pairs() * channels), NAN);
        Control control(threads);
        lcm_gru_forward(control, tree(), weights(), out.data());
        return out;
    }
};

std::vector<double> combined(const Problem& p, const std::vector<double>& a, const std::vector<double>& b) {
    const auto d = static_cast<std::size_t>(p.channels);
    const auto affine = [&](const std::vector<float>& w, const std::vector<float>& c, const std::vector<double>& x,
                            std::size_t row) {
        double sum = c[row];
        for (std::size_t k = 0; k < d; ++k) sum += static_cast<double>(w[row * d + k]) * x[k];
        return sum;
    };
    const auto cell = [&](const std::vector<double>& in, const std::vector<double>& hidden, std::size_t i) {
        const double r = 1 / (1 + std::exp(-affine(p.w_ih, p.b_ih, in, i) - affine(p.w_hh, p.b_hh, hidden, i)));
        const double z = 1 / (1 + std::exp(-affine(p.w_ih, p.b_ih, in, d + i) - affine(p.w_hh, p.b_hh, hidden, d + i)));
        const double n =
            std::tanh(affine(p.w_ih, p.b_ih, in, 2 * d + i) + r * affine(p.w_hh, p.b_hh, hidden, 2 * d + i));
        return (1 - z) * n + z * hidden[i];
    };
    std::vector<double> out;
    for (std::size_t i = 0; i < d; ++i) out.push_back((cell(a, b, i) + cell(b, a, i)) / 2);
    return out;
}

// Sum of w * root over a problem, in double: the loss whose gradient the tests take.
double loss(const Problem& p, const std::vector<float>& w) {
    const auto d = static_cast<std::size_t>(p.channels);
    std::vector<std::vector<double>> rows;
    for (std::size_t i = 0; i < static_cast<std::size_t>(p.leaves); ++i)
        rows.emplace_back(p.x.begin() + static_cast<std::ptrdiff_t>(i * d),
                          p.x.begin() + static_cast<std::ptrdiff_t>((i + 1) * d));
    for (std::size_t q = 0; q < p.left.size(); ++q)
        rows.push_back(combined(p, rows[static_cast<std::size_t>(p.left[q])], rows[static_cast<std::size_t>(p.right[q])]));
    double sum = 0;
    for (std::size_t i = 0; i < d; ++i) sum += static_cast<double>(w[i]) * rows.back()[i];
    return sum;
}

struct Gradients {
    std::vector<float> leaves, made, w_ih, w_hh, b_ih, b_hh;
};

Gradients gradients(const Problem& p, const std::vector<float>& w, int threads) {
    const std::int64_t d = p.channels;
    const auto sized = [](std::int64_t n) { return std::vector<float>(static_cast<std::size_t>(n), 0.0f); };
    Gradients g{sized(p.leaves * d), sized(p.pairs() * d), sized(3 * d * d), sized(3 * d * d), sized(3 * d), sized(3 * d)};
    std::copy(w.begin(), w.end(), p.pairs() ? g.made.end() - d : g.leaves.begin());
    const std::vector<float> made = p.made(threads);
    Control control(threads);
    lcm_gru_backward(control, p.tree(), p.weights(), made.data(), g.leaves.data(), g.made.data(),
                     {g.w_ih.data(), g.w_hh.data(), g.b_ih.data(), g.b_hh.data()});
    return g;
}

}  // namespace

TEST(lcm_forward_is_the_recursion) {
    for (const char* level : {"plain", "avx2", "avx512"})
        for (const std::int64_t d : {1, 3, 16, 17, 64, 100})
            for (const std::int64_t n : {1, 2, 3, 7, 64, 131}) {
                setenv("GRAPHX_SIMD", level, 1);
                const Problem p(d, n, 7);
                const std::vector<float> made = p.made();
                std::vector<std::vector<double>> rows;
                for (std::int64_t i = 0; i < n; ++i)
                    rows.emplace_back(p.x.begin() + i * d, p.x.begin() + (i + 1) * d);
                for (std::size_t q = 0; q < p.left.size(); ++q) {
                    rows.push_back(combined(p, rows[static_cast<std::size_t>(p.left[q])],
                                            rows[static_cast<std::size_t>(p.right[q])]));
                    for (std::int64_t i = 0; i < d; ++i)
                        CHECK(std::abs(made[q * static_cast<std::size_t>(d) + static_cast<std::size_t>(i)] -
                                       rows.back()[static_cast<std::size_t>(i)]) < 3e-5);
                }
            }
    unsetenv("GRAPHX_SIMD");
}

TEST(lcm_backward_is_the_slope) {
    for (const std::int64_t d : {1, 3, 18}) {
        Problem p(d, 5, 3);
        std::vector<float> w;
        for (std::int64_t i = 0; i < d; ++i) w.push_back(1.0f + 0.1f * static_cast<float>(i));
        const Gradients g = gradients(p, w, 1);
        const auto check = [&](std::vector<float>& values, const std::vector<float>& found) {
            for (std::size_t i = 0; i < values.size(); i += 1 + values.size() / 9) {
                const float kept = values[i], step = 1e-3f;
                values[i] = kept + step;
                const double up = loss(p, w), high = values[i];
                values[i] = kept - step;
                const double slope = (up - loss(p, w)) / (high - static_cast<double>(values[i]));
                values[i] = kept;
                CHECK(std::abs(slope - found[i]) < 2e-4 * (1 + std::abs(slope)));
            }
        };
        check(p.x, g.leaves);
        check(p.w_ih, g.w_ih);
        check(p.w_hh, g.w_hh);
        check(p.b_ih, g.b_ih);
        check(p.b_hh, g.b_hh);
    }
}

TEST(lcm_bits_do_not_depend_on_threads) {
    const Problem p(24, 3001, 1);
    const std::vector<float> w(24, 1.0f);
    const std::vector<float> made = p.made(1);
    const Gradients one = gradients(p, w, 1);
    for (const int threads : {2, 5}) {
        CHECK(p.made(threads) == made);
        const Gradients many = gradients(p, w, threads);
        CHECK(many.leaves == one.leaves);
        CHECK(many.w_ih == one.w_ih);
        CHECK(many.w_hh == one.w_hh);
        CHECK(many.b_ih == one.b_ih);
        CHECK(many.b_hh == one.b_hh);
    }
}

TEST(lcm_bits_do_not_depend_on_the_order_of_a_pair_or_its_place) {
    for (const char* level : {"plain", "avx2", "avx512"}) {
        setenv("GRAPHX_SIMD", level, 1);
        Problem p(19, 2, 5);
        const std::vector<float> alone = p.made();
        std::swap(p.left[0], p.right[0]);
        CHECK(p.made() == alone);
        const std::int64_t many = 211;  // the same pair at every place of chunks and tiles
        p.left.assign(many, 0);
        p.right.assign(many, 1);
        p.levels = {0, many};
        const std::vector<float> all = p.made();
        for (std::size_t q = 0; q < many; ++q)
            CHECK(std::equal(alone.begin(), alone.end(), all.begin() + static_cast<std::ptrdiff_t>(q * 19)));
    }
    unsetenv("GRAPHX_SIMD");
}

TEST(lcm_fused_levels_agree_to_the_bit) {
    const Problem p(50, 100, 9);
    setenv("GRAPHX_SIMD", "avx2", 1);
    const std::vector<float> narrow = p.made();
    unsetenv("GRAPHX_SIMD");
    const std::vector<float> best = p.made();
    for (std::size_t i = 0; i < best.size(); ++i) CHECK(std::abs(best[i] - narrow[i]) < 1e-6f);
}

TEST(lcm_extreme_values_stay_in_range) {
    Problem p(4, 2, 2);
    for (float& x : p.x) x *= 1e6f;
    for (const float value : p.made()) CHECK(std::isfinite(value));
    p.x[1] = NAN;
    for (const float value : p.made()) CHECK(std::isnan(value));
}

TEST(lcm_tree_faults_are_found) {
    Problem p(2, 4, 1);
    CHECK(lcm_tree_fault(p.tree(), p.pairs()) == nullptr);
    CHECK(lcm_tree_fault(p.tree(), p.pairs() + 1) != nullptr);
    p.left[0] = 5;  // made by the second pair of the same level
    CHECK(lcm_tree_fault(p.tree(), p.pairs()) != nullptr);
    p.left[0] = -1;
    CHECK(lcm_tree_fault(p.tree(), p.pairs()) != nullptr);
    p.left[0] = 0;
    p.levels[1] = 9;
    CHECK(lcm_tree_fault(p.tree(), p.pairs()) != nullptr);
}
