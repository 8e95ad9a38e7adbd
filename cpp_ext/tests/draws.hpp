// Random numbers, the widths at which vector loops change, memory that shows who writes beside it, and closeness.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "test.hpp"

namespace graphx::test {

// 0 (where asked for) to 40, and around 128: every tail of registers of 4 to 16 numbers, and of several of them.
inline std::vector<std::int64_t> widths(std::int64_t from = 1) {
    std::vector<std::int64_t> made;
    for (std::int64_t w = from; w <= 40; ++w) made.push_back(w);
    for (const std::int64_t w : {63, 64, 65, 127, 128, 129}) made.push_back(w);
    return made;
}

template <class T>
std::vector<T> normals(std::int64_t size, unsigned seed, double scale = 1) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    std::vector<T> made(static_cast<std::size_t>(size));
    for (T& x : made) x = static_cast<T>(scale * normal(random));
    return made;
}

// Whole numbers from -most to most: sums of products of a few hundred of them are exact in every type.
template <class T>
std::vector<T> wholes(std::int64_t size, unsigned seed, int most = 8) {
    std::mt19937 random(seed);
    std::vector<T> made(static_cast<std::size_t>(size));
    for (T& x : made) x = static_cast<T>(static_cast<int>(random() % static_cast<unsigned>(2 * most + 1)) - most);
    return made;
}

// `size` numbers between two fences.
template <class T>
class Fenced {
public:
    explicit Fenced(std::int64_t size, T fill = T{}) : all_(kFence, kMark) {
        all_.insert(all_.end(), static_cast<std::size_t>(size), fill);
        all_.insert(all_.end(), kFence, kMark);
    }
    T* data() { return all_.data() + kFence; }
    T& operator[](std::int64_t i) { return all_[static_cast<std::size_t>(i) + kFence]; }
    std::vector<T> values() const { return {all_.begin() + kFence, all_.end() - kFence}; }
    bool whole() const {
        const auto same = [](T x) { return x == kMark; };
        return std::all_of(all_.begin(), all_.begin() + kFence, same) &&
               std::all_of(all_.end() - kFence, all_.end(), same);
    }

private:
    static constexpr std::size_t kFence = 32;
    static constexpr T kMark = T{119};
    std::vector<T> all_;
};

// |found - expected| <= tolerance * (floor + |expected|) everywhere; NaN never is.
template <class A, class B>
void check_near(const char* file, int line, const A& found, const B& expected, long double tolerance,
                long double floor = 1) {
    check_equal(file, line, "size", found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        const long double a = static_cast<long double>(found[i]), b = static_cast<long double>(expected[i]);
        if (std::abs(a - b) <= tolerance * (floor + std::abs(b))) continue;
        std::ostringstream what;
        what.precision(17);
        what << "number " << i << " is " << a << ", expected " << b << " within " << tolerance;
        fail(file, line, what.str());
    }
}
#define CHECK_NEAR(...) ::graphx::test::check_near(__FILE__, __LINE__, __VA_ARGS__)

}  // namespace graphx::test
