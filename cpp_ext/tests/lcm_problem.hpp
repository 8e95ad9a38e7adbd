// Random weights and leaves of an LCM tree over one segment, and what the kernels make of them.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "graphx/lcm.hpp"

namespace graphx::test {

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

}  // namespace graphx::test
