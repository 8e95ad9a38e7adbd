// Vectors as text: names, numbers in their shortest form, the same bytes for any number of threads.
#include "graphx/vectors.hpp"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "draws.hpp"
#include "stopping.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

std::string joined(const RowNames& names, const std::vector<float>& x, std::int64_t columns, int threads) {
    Control control(threads);
    std::string all;
    for (const auto& piece : format_vectors(names, x.data(), static_cast<std::int64_t>(x.size()) / columns, columns, control))
        all += piece;
    return all;
}

std::string one(float x) {
    const std::string line = joined(RowNames{}, {x}, 1, 1);
    return line.substr(2, line.size() - 3);  // without "0 " and the end of the line
}

float float_of(std::uint32_t bits) {
    float value;
    static_assert(sizeof(value) == sizeof(bits));
    std::memcpy(&value, &bits, sizeof(value));
    return value;
}

// Digits that count: without sign, exponent, and zeros at either end.
std::size_t digits_of(const std::string& text) {
    std::string digits;
    for (const char c : text.substr(0, text.find('e')))
        if (c >= '0' && c <= '9') digits += c;
    const auto first = digits.find_first_not_of('0'), last = digits.find_last_not_of('0');
    return first == std::string::npos ? 0 : last - first + 1;
}

// The fewest digits from which a float is read back, by trying.
int fewest_digits(float x) {
    char text[32];
    for (int digits = 1; digits < 9; ++digits) {
        std::snprintf(text, sizeof(text), "%.*e", digits - 1, static_cast<double>(x));
        if (std::strtof(text, nullptr) == x) return digits;
    }
    return 9;
}

}  // namespace

TEST(numbered_rows_in_the_shortest_form) {
    RowNames names;
    names.first = 7;
    CHECK(joined(names, {0.1f, -2.0f, 1e-20f, 3.4028235e38f}, 2, 1) == "7 0.1 -2\n8 1e-20 3.4028235e+38\n");
}

TEST(numbers_at_the_ends_of_float32) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    CHECK_EQ(one(0.0F), "0");
    CHECK_EQ(one(-0.0F), "-0");
    CHECK_EQ(one(infinity), "inf");
    CHECK_EQ(one(-infinity), "-inf");
    CHECK_EQ(one(1e-45F), "1e-45");
    CHECK_EQ(one(-1.1754944e-38F), "-1.1754944e-38");
    CHECK_EQ(one(16777216.0F), "16777216");
    CHECK(std::isnan(std::strtof(one(std::numeric_limits<float>::quiet_NaN()).c_str(), nullptr)));
}

TEST(every_number_is_read_back_and_none_has_a_digit_too_many) {
    std::mt19937 random(1);
    std::vector<float> x;
    while (x.size() < 20'000) {
        const float value = float_of(static_cast<std::uint32_t>(random()));
        if (std::isfinite(value) && value != 0) x.push_back(value);
    }
    std::istringstream lines(joined(RowNames{}, x, 4, 2));
    std::string name, text;
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (i % 4 == 0) {
            lines >> name;
            CHECK_EQ(name, std::to_string(i / 4));
        }
        lines >> text;
        CHECK_EQ(std::strtof(text.c_str(), nullptr), x[i]);
        if (std::abs(x[i]) >= 16777216.0F && text.find('e') == std::string::npos)  // shorter than with an exponent
            CHECK_EQ(text, std::to_string(static_cast<std::int64_t>(x[i])));
        else
            CHECK_EQ(digits_of(text), static_cast<std::size_t>(fewest_digits(x[i])));
    }
    CHECK(!(lines >> text));
}

TEST(text_and_integer_names) {
    const std::int64_t ends[] = {2, 2, 5}, ids[] = {-4, 9, 1};
    RowNames text;
    text.text = "abxyz";
    text.ends = ends;
    CHECK(joined(text, {1.0f, 2.0f, 3.0f}, 1, 1) == "ab 1\n 2\nxyz 3\n");
    RowNames numbers;
    numbers.ids = ids;
    CHECK(joined(numbers, {1.0f, 2.0f, 3.0f}, 1, 1) == "-4 1\n9 2\n1 3\n");
}

TEST(names_of_any_length_and_any_bytes) {
    const std::int64_t ids[] = {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
    RowNames numbers;
    numbers.ids = ids;
    CHECK_EQ(joined(numbers, {1.0f, 2.0f}, 1, 1), "-9223372036854775808 1\n9223372036854775807 2\n");
    const std::string all = std::string(3000, 'x') + "\xc3\xa9" + std::string(1, '\0');  // long, two bytes, a zero byte
    const std::int64_t ends[] = {3000, 3002, 3003};
    RowNames text;
    text.text = all.data();
    text.ends = ends;
    std::string expected = std::string(3000, 'x') + " 1 2\n" + "\xc3\xa9 3 4\n";
    expected += '\0';
    expected += " 5 6\n";
    CHECK_EQ(joined(text, {1, 2, 3, 4, 5, 6}, 2, 1), expected);
}

TEST(pieces_follow_one_another_around_the_size_of_a_task) {
    for (const std::int64_t rows : {0, 1, 255, 256, 257, 511, 512, 513, 2000})
        for (const std::int64_t columns : {1, 3, 17}) {
            const auto x = normals<float>(rows * columns, static_cast<unsigned>(rows));
            std::vector<std::int64_t> ids;
            for (std::int64_t r = 0; r < rows; ++r) ids.push_back(r * 1'000'003 - 5);
            std::string expected;
            for (std::int64_t r = 0; r < rows; ++r) {
                expected += std::to_string(ids[static_cast<std::size_t>(r)]);
                for (std::int64_t j = 0; j < columns; ++j)
                    expected += " " + one(x[static_cast<std::size_t>(r * columns + j)]);
                expected += "\n";
            }
            RowNames names;
            names.ids = ids.data();
            for (const int threads : {1, 4}) CHECK(joined(names, x, columns, threads) == expected);
        }
}

TEST(rows_without_numbers_are_names) {
    Control control(2);
    const auto pieces = format_vectors(RowNames{}, nullptr, 3, 0, control);
    CHECK_EQ(pieces.size(), 1U);
    CHECK_EQ(pieces[0], "0\n1\n2\n");
}

TEST(vectors_do_not_depend_on_threads) {
    std::vector<float> x(3 * 2000);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) / 7.0f - 100.0f;
    const std::string one = joined(RowNames{}, x, 3, 1);
    CHECK(one == joined(RowNames{}, x, 3, 4));
    CHECK(!one.empty());
}

TEST(writing_stops_when_asked_in_the_middle) {
    const std::vector<float> x(5 * 256, 1.0F);
    check_stops([&](Control& control) { format_vectors(RowNames{}, x.data(), 5 * 256, 1, control); }, 4);
}
