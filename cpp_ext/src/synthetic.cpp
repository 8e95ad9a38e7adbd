#include "graphx/synthetic.hpp"

#include <vector>

namespace graphx {
namespace {

// Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014.
class SplitMix {
public:
    explicit SplitMix(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        return z ^ (z >> 31);
    }
    // Uniform below `bound`, without bias: the tail that does not divide is drawn again.
    std::uint64_t below(std::uint64_t bound) {
        const std::uint64_t limit = -bound % bound;
        for (;;) {
            const std::uint64_t value = next();
            if (value >= limit) return value % bound;
        }
    }

private:
    std::uint64_t state_;
};

}  // namespace

void barabasi_albert(Control& control, std::int64_t num_nodes, std::int64_t m, std::uint64_t seed,
                     Buffer<std::int64_t>& sources, Buffer<std::int64_t>& targets) {
    const std::int64_t edges = m * (num_nodes - m);
    sources.resize(static_cast<std::size_t>(edges));
    targets.resize(static_cast<std::size_t>(edges));
    SplitMix random(seed);
    std::int64_t written = 0;
    auto add = [&](std::int64_t u, std::int64_t v) {
        sources[static_cast<std::size_t>(written)] = u;
        targets[static_cast<std::size_t>(written)] = v;
        ++written;
    };
    for (std::int64_t leaf = 1; leaf <= m; ++leaf) add(0, leaf);
    std::vector<std::int64_t> chosen(static_cast<std::size_t>(m));
    // The ends of all edges so far are the nodes, each as often as its degree.
    parallel_for(control, 1, [&](std::int64_t, int) {
        for (std::int64_t node = m + 1; node < num_nodes; ++node) {
            if ((node & 0x3ff) == 0) control.checkpoint();
            const std::int64_t ends = 2 * written;
            for (std::int64_t k = 0; k < m;) {
                const auto end = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(ends)));
                const std::int64_t pick = (end & 1 ? targets : sources)[static_cast<std::size_t>(end >> 1)];
                bool again = false;
                for (std::int64_t j = 0; j < k; ++j) again |= chosen[static_cast<std::size_t>(j)] == pick;
                if (!again) chosen[static_cast<std::size_t>(k++)] = pick;
            }
            for (const std::int64_t pick : chosen) add(node, pick);
        }
    });
}

}  // namespace graphx
