// Vectors as text: names, numbers in their shortest form, the same bytes for any number of threads.
#include "graphx/vectors.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "test.hpp"

using graphx::Control;
using graphx::format_vectors;
using graphx::RowNames;

namespace {

std::string joined(const RowNames& names, const std::vector<float>& x, std::int64_t columns, int threads) {
    Control control(threads);
    std::string all;
    for (const auto& piece : format_vectors(names, x.data(), static_cast<std::int64_t>(x.size()) / columns, columns, control))
        all += piece;
    return all;
}

}  // namespace

TEST(numbered_rows_in_the_shortest_form) {
    RowNames names;
    names.first = 7;
    CHECK(joined(names, {0.1f, -2.0f, 1e-20f, 3.4028235e38f}, 2, 1) == "7 0.1 -2\n8 1e-20 3.4028235e+38\n");
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

TEST(vectors_do_not_depend_on_threads) {
    std::vector<float> x(3 * 2000);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) / 7.0f - 100.0f;
    const std::string one = joined(RowNames{}, x, 3, 1);
    CHECK(one == joined(RowNames{}, x, 3, 4));
    CHECK(!one.empty());
}
