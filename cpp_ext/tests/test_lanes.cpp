// Registers of floats and of pairs of bfloat16 against loops over numbers, and the loops over one row at every width.
#include "graphx/lanes.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "draws.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

template <class S>
std::vector<S> numbers(std::int64_t size, unsigned seed) {
    const auto wide = normals<float>(size, seed, 3);
    std::vector<S> made;
    for (const float x : wide) made.push_back(stored<S>(x));
    return made;
}

bool same_bits(const float* a, const float* b, std::size_t size) {
    return std::memcmp(a, b, size * sizeof(float)) == 0;
}

// `Kind` of `Width` numbers: sums of rows that begin at any number, with and without a factor, as a loop makes them.
template <class Kind, int Width, class S>
void check_sums() {
    for (int place = 0; place < 5; ++place)
        for (const int rows : {0, 1, 2, 9}) {
            const auto x = numbers<S>(rows * Width + place, static_cast<unsigned>(7 * rows + place));
            const auto factors = normals<float>(rows + 1, 5);
            for (const bool factored : {false, true}) {
                Kind sum;
                sum.clear();
                std::vector<float> slow(Width, 0.0F);
                for (int r = 0; r < rows; ++r) {
                    const S* row = x.data() + place + r * Width;
                    const float factor = factors[static_cast<std::size_t>(r)];
                    if (factored)
                        sum.add(row, factor);
                    else
                        sum.add(row);
                    for (std::size_t j = 0; j < Width; ++j)
                        slow[j] += factored ? widened(row[j]) * factor : widened(row[j]);
                }
                for (float& value : slow) value *= factors.back();
                Fenced<float> out(Width + place);
                sum.store(out.data() + place, factors.back());
                CHECK(out.whole());
                CHECK(same_bits(out.data() + place, slow.data(), Width));
            }
        }
}

// Rounding on the way out of a Pair, at numbers where it is hard.
template <int Size>
void check_packing() {
    const float hard[] = {1.00390625F, 1.01171875F, -1.00390625F, 3.4028235e38F, -3.4028235e38F, kInfinity,
                          -kInfinity,  kNan,        -kNan,        1e-45F,        -0.0F,          9.1835e-41F,
                          4.5e-41F,    0.0F,        65535.0F,     0.1F};
    std::mt19937 random(3);
    for (int round = 0; round < 2000; ++round) {
        float values[2 * Size];
        for (float& value : values) {
            const auto bits = static_cast<std::uint32_t>(random());
            value = round % 2 ? hard[bits % 16] : std::bit_cast<float>(bits);
        }
        float even[Size], odd[Size];
        for (int j = 0; j < Size; ++j) {
            even[j] = values[2 * j];
            odd[j] = values[2 * j + 1];
        }
        Pair<Size> pair;
        std::memcpy(&pair.even, even, sizeof(even));
        std::memcpy(&pair.odd, odd, sizeof(odd));
        Fenced<std::uint16_t> out(2 * Size + 1);
        pair.pack(out.data() + 1, 1.0F);
        CHECK(out.whole());
        for (int j = 0; j < 2 * Size; ++j) CHECK_EQ(out[j + 1], to_bfloat16(values[j] * 1.0F));
    }
}

}  // namespace

TEST(lanes_sum_rows_of_both_kinds) {
    check_sums<Lane<4>, 4, float>();
    check_sums<Lane<8>, 8, float>();
    check_sums<Lane<16>, 16, float>();
    check_sums<Lane<4>, 4, std::uint16_t>();
    check_sums<Lane<8>, 8, std::uint16_t>();
    check_sums<Lane<16>, 16, std::uint16_t>();
}

TEST(pairs_sum_rows_of_bfloat16_in_their_order) {
    check_sums<Pair<4>, 8, std::uint16_t>();
    check_sums<Pair<8>, 16, std::uint16_t>();
    check_sums<Pair<16>, 32, std::uint16_t>();
}

TEST(pairs_are_packed_as_single_numbers_are_rounded) {
    check_packing<4>();
    check_packing<8>();
    check_packing<16>();
}

TEST(squares_of_a_group_do_not_depend_on_how_they_are_asked_for) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        const auto x = normals<float>(kGroup, seed, std::pow(10.0, seed % 40 - 20.0));
        CHECK_EQ(squares(x.data()), squares(x.data(), kGroup));
        for (std::int64_t count = 0; count <= kGroup; ++count) {
            std::vector<float> cut(x);
            std::fill(cut.begin() + count, cut.end(), 0.0F);
            CHECK_EQ(squares(x.data(), count), squares(cut.data()));  // what is left out counts as zero
            long double sum = 0;
            for (const float value : cut) sum += static_cast<long double>(value) * value;
            CHECK(std::abs(squares(x.data(), count) - sum) <= 1e-15L * sum);
        }
    }
}

TEST(squares_of_a_row_are_those_of_its_groups_in_order) {
    for (const std::int64_t columns : widths(0)) {
        const auto x = normals<float>(columns, static_cast<unsigned>(columns));
        double sum = 0;
        for (std::int64_t j = 0; j < columns; j += kGroup) sum += squares(x.data() + j, std::min(kGroup, columns - j));
        CHECK_EQ(squares_of_row(x.data(), columns), sum);
    }
}

TEST(a_row_factor_makes_the_length_that_is_asked_for) {
    for (const std::int64_t columns : widths())
        for (const double size : {1e-30, 1e-3, 1.0, 1e18, 1e37}) {
            const auto x = normals<float>(columns, static_cast<unsigned>(columns) + 9, size);
            long double sum = 0;
            for (const float value : x) sum += static_cast<long double>(value) * value;
            const float factor = row_factor(x.data(), columns, -2.5F, true);
            CHECK(std::abs(factor * std::sqrt(sum) + 2.5L) <= 2e-7L);
            CHECK_EQ(row_factor(x.data(), columns, -2.5F, false), -2.5F);
        }
    const float zeros[20] = {};
    CHECK_EQ(row_factor(zeros, 20, 3.0F, true), 0.0F);
    CHECK_EQ(row_factor(zeros, 0, 3.0F, true), 0.0F);
}

TEST(rows_too_short_for_a_float_factor_stay_finite) {
    for (const float size : {1e-39F, -1e-42F, 1e-45F}) {
        const float row[] = {0.0F, size, 0.0F};
        const float factor = row_factor(row, 3, 4.0F, true);
        CHECK(std::isfinite(factor));
        CHECK(factor > 0);
        for (const float value : row) CHECK(std::abs(factor * value) <= 4.0F);
    }
}

TEST(loops_over_a_row_at_every_width) {
    for (const std::int64_t columns : widths(0)) {
        const auto x = normals<float>(columns, 1), y = normals<float>(columns, 2), before = normals<float>(columns, 3);
        const auto check = [&](auto&& put, auto&& expected) {
            Fenced<float> out(columns);
            std::copy(before.begin(), before.end(), out.data());
            put(out.data());
            CHECK(out.whole());
            for (std::int64_t j = 0; j < columns; ++j) {
                const auto at = static_cast<std::size_t>(j);
                CHECK_EQ(out[j], expected(before[at], x[at], y[at]));
            }
        };
        check([&](float* out) { put_row(out, false, 0.3F, x.data(), columns); },
              [](float, float a, float) { return 0.3F * a; });
        check([&](float* out) { put_row(out, true, 0.3F, x.data(), columns); },
              [](float o, float a, float) { return o + 0.3F * a; });
        check([&](float* out) { put_row(out, false, 0.3F, x.data(), -1.7F, y.data(), columns); },
              [](float, float a, float b) { return 0.3F * a + -1.7F * b; });
        check([&](float* out) { put_row(out, true, 0.3F, x.data(), -1.7F, y.data(), columns); },
              [](float o, float a, float b) { return (o + 0.3F * a) + -1.7F * b; });
        check([&](float* out) { round_row<std::uint16_t>(out, columns); },
              [](float o, float, float) { return widened(to_bfloat16(o)); });
        check([&](float* out) { round_row<float>(out, columns); }, [](float o, float, float) { return o; });
        Fenced<std::uint16_t> halves(columns);
        store_row(x.data(), columns, halves.data());
        Fenced<float> wide(columns), same(columns);
        widen_row(halves.data(), columns, wide.data());
        store_row(x.data(), columns, same.data());
        CHECK(halves.whole() && wide.whole() && same.whole());
        CHECK(same.values() == x);
        for (std::int64_t j = 0; j < columns; ++j)
            CHECK_EQ(wide[j], widened(to_bfloat16(x[static_cast<std::size_t>(j)])));
    }
}
