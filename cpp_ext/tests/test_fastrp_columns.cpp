// Mean, variance and standardising of columns against long double, around the rows of a block.
#include <cmath>
#include <limits>

#include "draws.hpp"
#include "every_level.hpp"
#include "graphx/fastrp.hpp"
#include "stopping.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

struct Moments {
    std::vector<double> mean, variance;
    bool operator==(const Moments&) const = default;
};

Moments moments(const std::vector<float>& x, std::int64_t rows, std::int64_t columns, int threads = 1) {
    Control control(threads);
    Fenced<double> mean(columns, 5), variance(columns, 5);
    column_moments(x.data(), rows, columns, mean.data(), variance.data(), control);
    CHECK(mean.whole() && variance.whole());
    return {mean.values(), variance.values()};
}

void check_moments(const std::vector<float>& x, std::int64_t rows, std::int64_t columns) {
    std::vector<long double> mean, variance;
    for (std::int64_t j = 0; j < columns; ++j) {
        long double sum = 0, squares = 0;
        for (std::int64_t u = 0; u < rows; ++u) sum += x[static_cast<std::size_t>(u * columns + j)];
        mean.push_back(sum / rows);
        for (std::int64_t u = 0; u < rows; ++u) {
            const long double away = x[static_cast<std::size_t>(u * columns + j)] - mean.back();
            squares += away * away;
        }
        variance.push_back(squares / rows);
    }
    const Moments one = moments(x, rows, columns);
    CHECK_NEAR(one.mean, mean, 1e-13L);
    CHECK_NEAR(one.variance, variance, 1e-11L, 1e-300L);  // relative: large means take no digit of it
    at_every_level([&](Simd) {
        for (const int threads : {1, 4}) CHECK(moments(x, rows, columns, threads) == one);
    });
}

}  // namespace

TEST(moments_around_the_rows_of_a_block) {
    for (const std::int64_t rows : {1, 2, 3, 1023, 1024, 1025, 2047, 2048, 2049, 3500})
        for (const std::int64_t columns : {1, 7, 16, 33}) {
            auto x = normals<float>(rows * columns, static_cast<unsigned>(rows), 2);
            for (std::int64_t u = 0; u < rows; ++u) x[static_cast<std::size_t>(u * columns)] += 4096;  // far from zero
            check_moments(x, rows, columns);
        }
}

TEST(moments_at_every_width) {
    for (const std::int64_t columns : widths()) check_moments(normals<float>(50 * columns, 3), 50, columns);
}

TEST(moments_by_hand) {
    const std::vector<float> x{1, -5, 3, 3, -5, 3, 8, -5, 3, 0, -5, 4};  // columns 1 3 8 0, -5 ..., 3 3 3 4
    CHECK((moments(x, 4, 3) == Moments{{3, -5, 3.25}, {9.5, 0, 0.1875}}));
    CHECK((moments({}, 0, 2) == Moments{{0, 0}, {0, 0}}));
    CHECK((moments({7, 9}, 1, 2) == Moments{{7, 9}, {0, 0}}));
    CHECK((moments(std::vector<float>(3 * 1500, 0.1F), 4500, 1).variance[0] <= 1e-30));
}

TEST(a_column_of_nan_is_no_other_columns_business) {
    auto x = normals<float>(3000 * 5, 1);
    auto clean = moments(x, 3000, 5);
    x[2500 * 5 + 3] = std::numeric_limits<float>::quiet_NaN();
    const auto found = moments(x, 3000, 5);
    CHECK(std::isnan(found.mean[3]) && std::isnan(found.variance[3]));
    for (const std::size_t j : {0U, 1U, 2U, 4U})
        CHECK(found.mean[j] == clean.mean[j] && found.variance[j] == clean.variance[j]);
}

TEST(columns_are_standardised_into_any_place) {
    for (const std::int64_t columns : widths())
        for (const std::int64_t rows : {1, 1024, 1025}) {
            if (rows > 1 && columns % 9) continue;
            const auto x = normals<float>(rows * columns, 1), mean = normals<float>(columns, 2),
                       factor = normals<float>(columns, 3);
            std::vector<float> expected;
            for (std::int64_t u = 0; u < rows; ++u)
                for (std::int64_t j = 0; j < columns; ++j) {
                    const auto at = static_cast<std::size_t>(j);
                    expected.push_back((x[static_cast<std::size_t>(u * columns + j)] - mean[at]) * factor[at]);
                }
            at_every_level([&](Simd) {
                for (const int threads : {1, 3}) {
                    Control control(threads);
                    Fenced<float> own(rows * columns);
                    std::copy(x.begin(), x.end(), own.data());
                    standardize(own.data(), rows, columns, mean.data(), factor.data(), own.data(), columns, control);
                    CHECK(own.whole() && own.values() == expected);
                    const std::int64_t stride = columns + 3;  // two numbers before each row, one behind
                    Fenced<float> wide(rows * stride, 55.0F);
                    standardize(x.data(), rows, columns, mean.data(), factor.data(), wide.data() + 2, stride, control);
                    CHECK(wide.whole());
                    for (std::int64_t u = 0; u < rows; ++u)
                        for (std::int64_t k = 0; k < stride; ++k) {
                            const bool inside = k >= 2 && k < columns + 2;
                            CHECK_EQ(wide[u * stride + k],
                                     inside ? expected[static_cast<std::size_t>(u * columns + k - 2)] : 55.0F);
                        }
                }
            });
        }
}

TEST(standardised_columns_have_mean_zero_and_variance_one) {
    const std::int64_t rows = 5000, columns = 9;
    auto x = normals<float>(rows * columns, 4, 7);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += static_cast<float>(i % 9) * 10;
    const auto before = moments(x, rows, columns);
    std::vector<float> mean, factor;
    for (std::size_t j = 0; j < 9; ++j) {
        mean.push_back(static_cast<float>(before.mean[j]));
        factor.push_back(static_cast<float>(1 / std::sqrt(before.variance[j])));
    }
    Control control(2);
    standardize(x.data(), rows, columns, mean.data(), factor.data(), x.data(), columns, control);
    const auto after = moments(x, rows, columns);
    CHECK_NEAR(after.mean, std::vector<double>(9, 0.0), 1e-6L);
    CHECK_NEAR(after.variance, std::vector<double>(9, 1.0), 1e-6L);
}

TEST(moments_and_standardising_stop_in_the_middle) {
    const std::int64_t rows = 5000;
    const std::vector<float> x(static_cast<std::size_t>(rows), 2.0F), one{1.0F};
    std::vector<float> out(x.size(), 9.0F);
    double mean = 77, variance = 77;
    check_stops([&](Control& control) { column_moments(x.data(), rows, 1, &mean, &variance, control); }, 4);
    CHECK(mean == 77 && variance == 77);  // nothing half-made
    check_stops(
        [&](Control& control) { standardize(x.data(), rows, 1, one.data(), one.data(), out.data(), 1, control); }, 4);
    CHECK(out.front() == 1.0F && out.back() == 9.0F);
}
