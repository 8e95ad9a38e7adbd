// The functions inside the cell over their whole range: tanh, sigmoid, and what no number is.
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "every_level.hpp"
#include "lcm_problem.hpp"
#include "test.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

// One pair of one channel whose rows are both x; every weight and bias zero but for those that are set.
float lone(float x, const std::vector<std::pair<std::vector<float> Problem::*, std::pair<std::size_t, float>>>& set) {
    Problem p(1, 2, 1);
    p.x = {x, x};
    for (auto* all : {&p.w_ih, &p.w_hh, &p.b_ih, &p.b_hh}) std::fill(all->begin(), all->end(), 0.0F);
    for (const auto& [member, entry] : set) (p.*member)[entry.first] = entry.second;
    return p.made()[0];
}

}  // namespace

TEST(lcm_tanh_over_its_whole_range) {
    // z = sigmoid(-40) is nothing, n = tanh(a): what is made is tanh(a)
    at_every_level([&](Simd) {
        for (int k = -4000; k <= 4000; ++k) {
            const float x =
                std::copysign(std::pow(10.0F, std::abs(static_cast<float>(k)) / 1000.0F - 2.0F), static_cast<float>(k));
            const float found = lone(x, {{&Problem::w_ih, {2, 1.0F}}, {&Problem::b_ih, {1, -40.0F}}});
            CHECK(std::abs(found - std::tanh(static_cast<double>(x))) <=
                  4e-7 * std::abs(std::tanh(static_cast<double>(x))));
        }
        CHECK_EQ(lone(0.0F, {{&Problem::w_ih, {2, 1.0F}}}), 0.0F);
    });
}

TEST(lcm_sigmoid_over_its_whole_range) {
    // n = 0 and z = sigmoid(a): what is made is a sigmoid(a); beyond 40 as at 40
    at_every_level([&](Simd) {
        for (int k = -1300; k <= 1300; ++k) {
            const float x = static_cast<float>(k) / 20.0F;
            const double z = 1 / (1 + std::exp(-std::clamp(static_cast<double>(x), -40.0, 40.0)));
            const float found = lone(x, {{&Problem::w_hh, {1, 1.0F}}});
            CHECK(std::abs(found - x * z) <=
                  4e-6 * std::abs(x * z));  // exp(40) is good to 40 roundings of its argument
        }
    });
}

TEST(lcm_nan_of_every_kind_stays_nan) {
    for (const std::uint32_t bits : {0x7fc00000U, 0x7fc00001U, 0x7fc00100U, 0x7f800001U, 0xffc0ffffU, 0x7fffffffU}) {
        Problem p(3, 2, 4);
        std::memcpy(&p.x[1], &bits, sizeof(bits));
        at_every_level([&](Simd) {
            for (const float value : p.made()) CHECK(std::isnan(value));
        });
    }
}

TEST(lcm_infinite_rows_give_no_wrong_numbers) {
    Problem p(2, 2, 4);
    p.x[0] = std::numeric_limits<float>::infinity();
    at_every_level([&](Simd) {
        for (const float value : p.made()) CHECK(!std::isfinite(value) || std::abs(value) <= 2 * std::abs(p.x[3]) + 1);
    });
}
