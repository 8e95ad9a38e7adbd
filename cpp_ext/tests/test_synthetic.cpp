// Barabasi-Albert graphs against the model as the paper tells it: a list of ends, a draw without replacement.
#include "graphx/synthetic.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "test.hpp"

using namespace graphx;

namespace {

using Ints = std::vector<std::int64_t>;

// SplitMix64, written out.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        state_ += 11400714819323198485ull;  // 2^64 / golden ratio, odd
        std::uint64_t z = state_;
        z = (z ^ z >> 30) * 13787848793156543929ull;
        z = (z ^ z >> 27) * 10723151780598845931ull;
        return z ^ z >> 31;
    }
    std::uint64_t below(std::uint64_t bound) {  // what does not fill a whole round of `bound` numbers is drawn again
        const std::uint64_t rounds = ~std::uint64_t{0} / bound, rest = ~std::uint64_t{0} - rounds * bound + 1;
        for (;;) {
            const std::uint64_t value = next();
            if (rest % bound == 0 || value >= rest % bound) return value % bound;
        }
    }

private:
    std::uint64_t state_;
};

// Ends of all edges so far; every new node draws m different ones of them.
std::pair<Ints, Ints> reference(std::int64_t nodes, std::int64_t m, std::uint64_t seed) {
    std::pair<Ints, Ints> made;
    Ints ends;
    const auto join = [&](std::int64_t u, std::int64_t v) {
        made.first.push_back(u);
        made.second.push_back(v);
        ends.insert(ends.end(), {u, v});
    };
    for (std::int64_t leaf = 1; leaf <= m; ++leaf) join(0, leaf);
    Random random(seed);
    for (std::int64_t node = m + 1; node < nodes; ++node) {
        Ints picks;
        while (static_cast<std::int64_t>(picks.size()) < m) {
            const std::int64_t pick = ends[random.below(ends.size())];
            if (std::find(picks.begin(), picks.end(), pick) == picks.end()) picks.push_back(pick);
        }
        for (const std::int64_t pick : picks) join(node, pick);
    }
    return made;
}

std::pair<Ints, Ints> made(std::int64_t nodes, std::int64_t m, std::uint64_t seed, int threads) {
    Control control(threads);
    Buffer<std::int64_t> u, v;
    barabasi_albert(control, nodes, m, seed, u, v);
    return {Ints(u.begin(), u.end()), Ints(v.begin(), v.end())};
}

}  // namespace

TEST(the_generator_of_this_test_is_the_published_one) {
    Random random(1234567);
    for (const std::uint64_t expected : {6457827717110365317ull, 3203168211198807973ull, 9817491932198370423ull})
        CHECK_EQ(random.next(), expected);
}

TEST(barabasi_albert_equals_the_model) {
    for (const std::int64_t m : {1, 2, 3, 10})
        for (const std::int64_t nodes : {m + 1, m + 2, m + 30, std::int64_t{3000}})
            for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{7}, ~std::uint64_t{0}}) {
                const auto graph = made(nodes, m, seed, 1);
                CHECK_EQ(graph.first.size(), static_cast<std::size_t>(m * (nodes - m)));
                CHECK(graph == reference(nodes, m, seed));
                CHECK(graph == made(nodes, m, seed, 3));
            }
}

TEST(barabasi_albert_joins_every_node_to_different_earlier_ones) {
    const std::int64_t nodes = 5000, m = 4;
    const auto [u, v] = made(nodes, m, 3, 1);
    std::set<std::pair<std::int64_t, std::int64_t>> seen;
    Ints degree(static_cast<std::size_t>(nodes), 0);
    for (std::size_t i = 0; i < u.size(); ++i) {
        if (i >= static_cast<std::size_t>(m)) CHECK(v[i] < u[i]);
        CHECK(seen.insert({std::min(u[i], v[i]), std::max(u[i], v[i])}).second);
        ++degree[static_cast<std::size_t>(u[i])];
        ++degree[static_cast<std::size_t>(v[i])];
    }
    for (std::size_t node = static_cast<std::size_t>(m) + 1; node < degree.size(); ++node) CHECK(degree[node] >= m);
    // the degree of a node grows with the root of its age: the first tenth holds about a third of all ends, not a tenth
    std::int64_t early = 0;
    for (std::size_t node = 0; node < 500; ++node) early += degree[node];
    CHECK(early > 2 * m * nodes / 4 && early < 2 * m * nodes / 2);
    CHECK(made(nodes, m, 3, 1) != made(nodes, m, 4, 1));
}

TEST(growing_stops_when_asked) {
    Control control(2, [](std::int64_t) { return true; });
    std::this_thread::sleep_for(std::chrono::milliseconds(60));  // so that the first look already asks
    Buffer<std::int64_t> u, v;
    CHECK_THROWS(Cancelled, barabasi_albert(control, 100000, 3, 1, u, v));
}
