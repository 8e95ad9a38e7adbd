// bfloat16: all 65,536 numbers, rounding against the nearer of two neighbours, and whole arrays narrowed and widened.
#include "graphx/bfloat16.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "draws.hpp"
#include "graphx/fastrp.hpp"
#include "stopping.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

float float_of(std::uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
}

std::uint32_t bits_of(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    return bits;
}

// What the bits mean, by the definition of the format: 8 bits of exponent, 7 of fraction. Infinity counts as 2^128, the
// number that would follow.
double value_of(std::uint16_t bits) {
    const int exponent = bits >> 7 & 0xff, fraction = bits & 0x7f;
    const double size = exponent == 0 ? std::ldexp(fraction, -133) : std::ldexp(128 + fraction, exponent - 134);
    return bits & 0x8000 ? -size : size;
}

// To nearest by distances, ties to the even one.
std::uint16_t rounded_slowly(float value) {
    const auto toward_zero = static_cast<std::uint16_t>(bits_of(value) >> 16);
    const auto away = static_cast<std::uint16_t>(toward_zero + 1);
    const double below = std::abs(static_cast<double>(value) - value_of(toward_zero));
    const double above = std::abs(static_cast<double>(value) - value_of(away));
    if (below == above) return toward_zero % 2 ? away : toward_zero;
    return below < above ? toward_zero : away;
}

}  // namespace

TEST(every_bfloat16_comes_back) {
    for (std::uint32_t bits = 0; bits < 65536; ++bits) {
        const auto half = static_cast<std::uint16_t>(bits);
        const float wide = widened(half);
        CHECK_EQ(bits_of(wide), bits << 16);
        if (std::isnan(wide)) {
            CHECK_EQ(to_bfloat16(wide), half | 0x40);  // quiet, of the same sign and load
            continue;
        }
        CHECK_EQ(to_bfloat16(wide), half);
        if (std::isfinite(wide)) CHECK_EQ(static_cast<double>(wide), value_of(half));
    }
}

TEST(rounding_is_to_the_nearest_and_ties_go_to_even) {
    std::mt19937 random(1);
    for (std::uint32_t high = 0; high < 65536; ++high) {
        if ((high & 0x7f80) == 0x7f80) continue;  // infinite or NaN
        for (const std::uint32_t low :
             {0U, 1U, 0x7fffU, 0x8000U, 0x8001U, 0xffffU, static_cast<unsigned>(random() % 65536)}) {
            const float value = float_of(high << 16 | low);
            CHECK_EQ(to_bfloat16(value), rounded_slowly(value));
        }
    }
}

TEST(bfloat16_by_hand) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const struct {
        float from;
        std::uint16_t to;
    } cases[] = {
        {1.0F, 0x3f80},
        {-2.0F, 0xc000},
        {1.00390625F, 0x3f80},  // 1 + 2^-8 lies between 1 and 1 + 2^-7: 1 is even
        {1.01171875F, 0x3f82},  // 1 + 3 2^-8: between 0x3f81 and 0x3f82
        {std::nextafter(1.00390625F, 2.0F), 0x3f81},
        {0.0F, 0x0000},
        {-0.0F, 0x8000},
        {infinity, 0x7f80},
        {-infinity, 0xff80},
        {3.3895314e38F, 0x7f7f},  // the largest
        {3.4028235e38F, 0x7f80},  // the largest float is nearer to 2^128
        {1e-45F, 0x0000},         // the least float is nearer to 0 than to 2^-133
        {9.1835e-41F, 0x0001},    // 2^-133
    };
    for (const auto& c : cases) CHECK_EQ(to_bfloat16(c.from), c.to);
}

TEST(no_nan_becomes_a_number) {
    std::mt19937 random(2);
    for (int i = 0; i < 100'000; ++i) {
        const std::uint32_t bits = 0x7f800001U + static_cast<std::uint32_t>(random() % 0x7fffffU);
        for (const std::uint32_t sign : {0U, 0x80000000U}) {
            const std::uint16_t made = to_bfloat16(float_of(bits | sign));
            CHECK(std::isnan(widened(made)));
            CHECK_EQ(made >> 15, static_cast<int>(sign >> 31));
        }
    }
    for (const std::uint32_t bits : {0x7f800001U, 0x7fc12345U, 0xffffffffU})  // floats are stored as they are
        CHECK_EQ(bits_of(stored<float>(float_of(bits))), bits);
}

TEST(arrays_are_narrowed_and_widened_in_blocks) {
    for (const std::int64_t size : {0, 1, 7, 65535, 65536, 65537, 131072, 200'001}) {
        const auto from = normals<float>(size, static_cast<unsigned>(size) + 1, 1e3);
        for (const int threads : {1, 3}) {
            Control control(threads);
            Fenced<std::uint16_t> halves(size);
            Fenced<float> back(size);
            narrow(from.data(), size, halves.data(), control);
            widen(halves.data(), size, back.data(), control);
            CHECK(halves.whole() && back.whole());
            for (std::int64_t i = 0; i < size; ++i) {
                CHECK_EQ(halves[i], rounded_slowly(from[static_cast<std::size_t>(i)]));
                CHECK_EQ(static_cast<double>(back[i]), value_of(halves[i]));
            }
        }
    }
}

TEST(narrowing_and_widening_stop_in_the_middle) {
    const std::int64_t size = 5 * 65536;
    const std::vector<float> ones(static_cast<std::size_t>(size), 1.0F);
    std::vector<std::uint16_t> halves(ones.size(), 0);
    check_stops([&](Control& control) { narrow(ones.data(), size, halves.data(), control); }, 4);
    CHECK(halves.front() == 0x3f80 && halves.back() == 0);
    std::vector<float> wide(ones.size(), 5.0F);
    check_stops([&](Control& control) { widen(halves.data(), size, wide.data(), control); }, 4);
    CHECK(wide.front() == 1.0F && wide.back() == 5.0F);
}
