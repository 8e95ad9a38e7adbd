// The tree of the symmetrised GRU against a plain double-precision recursion, and what must not change its bits.
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "draws.hpp"
#include "dual.hpp"
#include "every_level.hpp"
#include "graphx/lcm.hpp"
#include "lcm_problem.hpp"
#include "stopping.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

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

namespace {

// The pairs in one level after the other, each list of (left, right); rows as in LcmTree.
void set_tree(Problem& p, const std::vector<std::vector<std::pair<std::int64_t, std::int64_t>>>& levels) {
    p.left.clear(), p.right.clear(), p.levels = {0};
    for (const auto& level : levels) {
        for (const auto& [a, b] : level) {
            p.left.push_back(a);
            p.right.push_back(b);
        }
        p.levels.push_back(static_cast<std::int64_t>(p.left.size()));
    }
}

// Every number of a problem as one that may carry a derivative.
struct DualProblem {
    std::size_t d, leaves;
    std::vector<Dual> x, w_ih, w_hh, b_ih, b_hh;
    std::vector<std::int64_t> left, right;

    explicit DualProblem(const Problem& p)
        : d(static_cast<std::size_t>(p.channels)),
          leaves(static_cast<std::size_t>(p.leaves)),
          x(p.x.begin(), p.x.end()),
          w_ih(p.w_ih.begin(), p.w_ih.end()),
          w_hh(p.w_hh.begin(), p.w_hh.end()),
          b_ih(p.b_ih.begin(), p.b_ih.end()),
          b_hh(p.b_hh.begin(), p.b_hh.end()),
          left(p.left),
          right(p.right) {}

    // g over the rows that are made, and the leaves, that no pair takes: <g, rows>.
    Dual loss(const std::vector<float>& g_leaves, const std::vector<float>& g_made) const {
        std::vector<std::vector<Dual>> rows;
        for (std::size_t i = 0; i < leaves; ++i)
            rows.emplace_back(x.begin() + static_cast<std::ptrdiff_t>(i * d),
                              x.begin() + static_cast<std::ptrdiff_t>(i * d + d));
        for (std::size_t q = 0; q < left.size(); ++q)
            rows.push_back(pair(rows[static_cast<std::size_t>(left[q])], rows[static_cast<std::size_t>(right[q])]));
        Dual sum;
        for (std::size_t r = 0; r < rows.size(); ++r)
            for (std::size_t i = 0; i < d; ++i)
                sum += rows[r][i] * Dual(r < leaves ? g_leaves[r * d + i] : g_made[(r - leaves) * d + i]);
        return sum;
    }

private:
    Dual gate(const std::vector<Dual>& w, const std::vector<Dual>& b, const std::vector<Dual>& row,
              std::size_t at) const {
        Dual sum = b[at];
        for (std::size_t k = 0; k < d; ++k) sum += w[at * d + k] * row[k];
        return sum;
    }
    Dual cell(const std::vector<Dual>& in, const std::vector<Dual>& hidden, std::size_t i) const {
        const Dual r = sigmoid(gate(w_ih, b_ih, in, i) + gate(w_hh, b_hh, hidden, i));
        const Dual z = sigmoid(gate(w_ih, b_ih, in, d + i) + gate(w_hh, b_hh, hidden, d + i));
        const Dual n = tanh(gate(w_ih, b_ih, in, 2 * d + i) + r * gate(w_hh, b_hh, hidden, 2 * d + i));
        return n + z * (hidden[i] - n);
    }
    std::vector<Dual> pair(const std::vector<Dual>& a, const std::vector<Dual>& b) const {
        std::vector<Dual> made;
        for (std::size_t i = 0; i < d; ++i) made.push_back(Dual(0.5L) * (cell(a, b, i) + cell(b, a, i)));
        return made;
    }
};

// Gradients where row r gets g_leaves or g_made; only roots may have one other than zero.
Gradients gradients_of(const Problem& p, const std::vector<float>& g_leaves, const std::vector<float>& g_made,
                       int threads) {
    const std::int64_t d = p.channels;
    const auto sized = [](std::int64_t n) {
        return std::vector<float>(static_cast<std::size_t>(n), NAN);
    };  // all is overwritten
    Gradients g{g_leaves, g_made, sized(3 * d * d), sized(3 * d * d), sized(3 * d), sized(3 * d)};
    const std::vector<float> made = p.made(threads);
    Control control(threads);
    lcm_gru_backward(control, p.tree(), p.weights(), made.data(), g.leaves.data(), g.made.data(),
                     {g.w_ih.data(), g.w_hh.data(), g.b_ih.data(), g.b_hh.data()});
    return g;
}

}  // namespace

TEST(lcm_pairs_of_every_width) {
    for (const std::int64_t d : widths()) {
        const Problem p(d, 3, static_cast<unsigned>(d));
        std::vector<double> a(p.x.begin(), p.x.begin() + d), b(p.x.begin() + d, p.x.begin() + 2 * d),
            c(p.x.begin() + 2 * d, p.x.end());
        const auto first = combined(p, a, b), second = combined(p, first, c);
        at_every_level([&](Simd) {
            const auto made = p.made();
            CHECK_NEAR(std::vector<float>(made.begin(), made.begin() + d), first, 2e-6L);
            CHECK_NEAR(std::vector<float>(made.begin() + d, made.end()), second, 2e-6L);
        });
    }
}

TEST(lcm_gradients_are_exact_for_every_shape_of_tree) {
    using Levels = std::vector<std::vector<std::pair<std::int64_t, std::int64_t>>>;
    const Levels shapes[] = {
        {{{0, 1}}},                                // one pair, and leaves 2 to 5 alone
        {{{0, 1}, {2, 3}}, {{6, 7}}},              // balanced
        {{{0, 1}}, {{6, 2}}, {{3, 7}}, {{8, 4}}},  // a chain that turns
        {{{5, 0}, {3, 1}}, {}, {{7, 2}, {4, 6}}},  // two trees, and a level without pairs
        {},                                        // leaves only
    };
    for (const std::int64_t d : {1, 2, 5, 17})
        for (std::size_t s = 0; s < std::size(shapes); s += d == 17 ? 2 : 1) {
            Problem p(d, 6, static_cast<unsigned>(10 * d) + static_cast<unsigned>(s));
            set_tree(p, shapes[s]);
            CHECK(lcm_tree_fault(p.tree(), p.pairs()) == nullptr);
            std::vector<bool> root(static_cast<std::size_t>(6 + p.pairs()), true);
            for (const auto* side : {&p.left, &p.right})
                for (const std::int64_t row : *side) root[static_cast<std::size_t>(row)] = false;
            auto g_leaves = normals<float>(6 * d, 1), g_made = normals<float>(p.pairs() * d, 2);
            for (std::size_t i = 0; i < g_leaves.size(); ++i) g_leaves[i] *= root[i / static_cast<std::size_t>(d)];
            for (std::size_t i = 0; i < g_made.size(); ++i) g_made[i] *= root[6 + i / static_cast<std::size_t>(d)];
            DualProblem exact(p);
            std::vector<std::vector<long double>> expected;
            for (auto* values : {&exact.x, &exact.w_ih, &exact.w_hh, &exact.b_ih, &exact.b_hh}) {
                expected.emplace_back();
                for (Dual& value : *values) {
                    value.d = 1;
                    expected.back().push_back(exact.loss(g_leaves, g_made).d);
                    value.d = 0;
                }
            }
            at_every_level([&](Simd) {
                for (const int threads : {1, 3}) {
                    const Gradients found = gradients_of(p, g_leaves, g_made, threads);
                    CHECK_NEAR(found.leaves, expected[0], 4e-6L);
                    CHECK_NEAR(found.w_ih, expected[1], 4e-6L);
                    CHECK_NEAR(found.w_hh, expected[2], 4e-6L);
                    CHECK_NEAR(found.b_ih, expected[3], 4e-6L);
                    CHECK_NEAR(found.b_hh, expected[4], 4e-6L);
                }
            });
        }
}

// A forest of pairs is every pair on its own, around the pairs of a chunk, of a tile and of a task.
TEST(lcm_forests_are_the_sums_of_their_pairs) {
    const std::int64_t d = 5;
    for (const std::int64_t pairs : {1, 5, 6, 7, 11, 12, 13, 47, 48, 49, 95, 96, 97, 191, 192, 193, 400}) {
        Problem forest(d, 2 * pairs, static_cast<unsigned>(pairs));
        std::vector<std::pair<std::int64_t, std::int64_t>> level;
        for (std::int64_t q = 0; q < pairs; ++q) level.emplace_back(2 * pairs - 1 - q, q);
        set_tree(forest, {level});
        const std::vector<float> g_leaves(static_cast<std::size_t>(2 * pairs * d), 0.0F);
        const auto g_made = normals<float>(pairs * d, 3);
        at_every_level([&](Simd) {
            const auto made = forest.made();
            const Gradients all = gradients_of(forest, g_leaves, g_made, 2);
            std::vector<double> w_ih(all.w_ih.size(), 0.0), b_hh(all.b_hh.size(), 0.0);
            for (std::int64_t q = 0; q < pairs; ++q) {
                Problem one(d, 2, 1);
                one.w_ih = forest.w_ih, one.w_hh = forest.w_hh, one.b_ih = forest.b_ih, one.b_hh = forest.b_hh;
                const auto row = [&](std::int64_t r) { return forest.x.begin() + static_cast<std::ptrdiff_t>(r * d); };
                std::copy_n(row(2 * pairs - 1 - q), d, one.x.begin());
                std::copy_n(row(q), d, one.x.begin() + d);
                const auto at = static_cast<std::ptrdiff_t>(q * d);
                CHECK(std::equal(made.begin() + at, made.begin() + at + d, one.made().begin()));
                const Gradients g = gradients_of(one, std::vector<float>(static_cast<std::size_t>(2 * d), 0.0F),
                                                 {g_made.begin() + at, g_made.begin() + at + d}, 1);
                CHECK(std::equal(g.leaves.begin(), g.leaves.begin() + d,
                                 all.leaves.begin() + static_cast<std::ptrdiff_t>((2 * pairs - 1 - q) * d)));
                CHECK(std::equal(g.leaves.begin() + d, g.leaves.end(), all.leaves.begin() + at));
                for (std::size_t i = 0; i < w_ih.size(); ++i) w_ih[i] += static_cast<double>(g.w_ih[i]);
                for (std::size_t i = 0; i < b_hh.size(); ++i) b_hh[i] += static_cast<double>(g.b_hh[i]);
            }
            CHECK_NEAR(all.w_ih, w_ih, 2e-6L, 10);
            CHECK_NEAR(all.b_hh, b_hh, 2e-6L, 10);
        });
    }
}

TEST(lcm_without_channels_makes_nothing) {
    Problem p(1, 4, 1);
    p.channels = 0;
    Control control(2);
    lcm_gru_forward(control, p.tree(), p.weights(), nullptr);
    lcm_gru_backward(control, p.tree(), p.weights(), nullptr, nullptr, nullptr, {nullptr, nullptr, nullptr, nullptr});
}

TEST(lcm_faults_are_told_apart) {
    const auto fault = [](auto&& change) {
        Problem p(2, 4, 1);
        std::int64_t pairs = p.pairs();
        change(p, pairs);
        const char* told = lcm_tree_fault(p.tree(), pairs);
        return std::string(told ? told : "none");
    };
    CHECK_EQ(fault([](Problem&, std::int64_t&) {}), "none");
    CHECK_EQ(fault([](Problem& p, std::int64_t&) { p.levels[0] = 1; }), "levels must begin with 0");
    CHECK_EQ(fault([](Problem&, std::int64_t& pairs) { --pairs; }), "levels must end with the number of pairs");
    CHECK_EQ(fault([](Problem& p, std::int64_t&) { p.levels = {0, 3, 2, 3}; }), "levels must not fall");
    CHECK_EQ(fault([](Problem& p, std::int64_t&) { p.right[2] = 6; }),
             "a pair refers to a row that is not made before its level");  // itself
    CHECK_EQ(fault([](Problem& p, std::int64_t&) { p.right[1] = 4; }),
             "a pair refers to a row that is not made before its level");  // of its own level
    CHECK_EQ(fault([](Problem& p, std::int64_t&) { p.left[1] = -1; }),
             "a pair refers to a row that is not made before its level");
}

TEST(lcm_stops_in_the_middle) {
    const std::int64_t pairs = 2000;
    Problem p(8, 2 * pairs, 3);
    std::vector<std::pair<std::int64_t, std::int64_t>> level;
    for (std::int64_t q = 0; q < pairs; ++q) level.emplace_back(2 * q, 2 * q + 1);
    set_tree(p, {level});
    std::vector<float> made(static_cast<std::size_t>(pairs * 8), 5.0F);
    check_stops([&](Control& control) { lcm_gru_forward(control, p.tree(), p.weights(), made.data()); }, 4);
    CHECK(made.front() != 5.0F && made.back() == 5.0F);
    made = p.made();
    std::vector<float> leaves(p.x.size(), 5.0F), roots(made.size(), 1.0F), w1(p.w_ih), w2(p.w_hh), b1(p.b_ih),
        b2(p.b_hh);
    check_stops(
        [&](Control& control) {
            lcm_gru_backward(control, p.tree(), p.weights(), made.data(), leaves.data(), roots.data(),
                             {w1.data(), w2.data(), b1.data(), b2.data()});
        },
        5);
    CHECK(leaves.front() != 5.0F && leaves.back() == 5.0F);
    CHECK(w1 == p.w_ih && b2 == p.b_hh);  // the gradients of the weights are written at the end only
}
