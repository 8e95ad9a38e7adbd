#include "graphx/lcm.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "graphx/buffer.hpp"
#include "graphx/simd.hpp"

namespace graphx {

namespace {

constexpr std::int64_t kChunksPerTask = 4;                       // about 0.2 ms at 64 channels
constexpr std::int64_t kSumsBytes = std::int64_t{64} << 20;      // for the gradients of the weights, over all parts
constexpr std::int64_t kMaxParts = 16;

const lcm::Level& level_of_this_machine() {
#if defined(GRAPHX_X86)
    switch (simd_level()) {
        case Simd::avx512: return lcm::avx512_level;
        case Simd::avx2: return lcm::avx2_level;
        default: break;
    }
#endif
    return lcm::plain_level;
}

// Scratch of every worker, made when it first works.
class Scratch {
public:
    Scratch(int workers, std::int64_t floats) : buffers_(static_cast<std::size_t>(workers)), floats_(floats) {}
    float* of(int worker) {
        Buffer<float>& buffer = buffers_[static_cast<std::size_t>(worker)];
        if (buffer.size() == 0) buffer.resize(static_cast<std::size_t>(floats_));
        return buffer.data();
    }

private:
    std::vector<Buffer<float>> buffers_;
    std::int64_t floats_;
};

Buffer<float> packed(const lcm::Level& level, const LcmTree& tree, const LcmWeights& weights, std::int64_t padded) {
    Buffer<float> result(static_cast<std::size_t>(level.packed_floats(padded)));
    level.pack(weights, tree.channels, padded, result.data());
    return result;
}

// Into how many parts the pairs of a level are split for the gradients of the weights. Each part sums on its own and the
// parts are added in their order, so this must not depend on the number of threads.
std::int64_t parts_of(std::int64_t padded) {
    const std::int64_t bytes = lcm::sums_floats(padded) * static_cast<std::int64_t>(sizeof(float));
    return std::clamp<std::int64_t>(kSumsBytes / bytes, 1, kMaxParts);
}

}  // namespace

const char* lcm_tree_fault(const LcmTree& tree, std::int64_t num_pairs) {
    if (tree.num_levels < 0 || tree.levels[0] != 0) return "levels must begin with 0";
    if (tree.levels[tree.num_levels] != num_pairs) return "levels must end with the number of pairs";
    for (std::int64_t l = 0; l < tree.num_levels; ++l)
        if (tree.levels[l] > tree.levels[l + 1]) return "levels must not fall";
    for (std::int64_t l = 0; l < tree.num_levels; ++l) {
        const std::int64_t known = tree.num_leaves + tree.levels[l];
        for (std::int64_t p = tree.levels[l]; p < tree.levels[l + 1]; ++p)
            if (tree.left[p] < 0 || tree.left[p] >= known || tree.right[p] < 0 || tree.right[p] >= known)
                return "a pair refers to a row that is not made before its level";
    }
    return nullptr;
}

void lcm_gru_forward(Control& control, const LcmTree& tree, const LcmWeights& weights, float* made) {
    if (tree.channels == 0) return;  // rows of nothing, which have no address
    const lcm::Level& level = level_of_this_machine();
    const std::int64_t padded = lcm::padded_channels(tree.channels);
    const Buffer<float> weights_packed = packed(level, tree, weights, padded);
    Scratch scratch(control.threads(), lcm::scratch_floats(padded));
    constexpr std::int64_t kTask = lcm::kChunk * kChunksPerTask;
    for (std::int64_t l = 0; l < tree.num_levels; ++l) {
        const std::int64_t first = tree.levels[l], last = tree.levels[l + 1];
        parallel_for(control, (last - first + kTask - 1) / kTask, [&](std::int64_t task, int worker) {
            const std::int64_t end = std::min(last, first + (task + 1) * kTask);
            for (std::int64_t p = first + task * kTask; p < end; p += lcm::kChunk)
                level.forward(tree, weights_packed.data(), padded, made, made, p, std::min(end, p + lcm::kChunk),
                              scratch.of(worker));
        });
    }
}

void lcm_gru_backward(Control& control, const LcmTree& tree, const LcmWeights& weights, const float* made,
                      float* grad_leaves, float* grad_made, const LcmGradients& gradients) {
    if (tree.channels == 0) return;
    const lcm::Level& level = level_of_this_machine();
    const std::int64_t channels = tree.channels, padded = lcm::padded_channels(channels), parts = parts_of(padded);
    const Buffer<float> weights_packed = packed(level, tree, weights, padded);
    Scratch scratch(control.threads(), lcm::scratch_floats(padded));
    const std::int64_t size = lcm::sums_floats(padded);
    std::vector<Buffer<float>> sums(static_cast<std::size_t>(parts));
    for (std::int64_t l = tree.num_levels - 1; l >= 0; --l) {
        const std::int64_t first = tree.levels[l], last = tree.levels[l + 1];
        const std::int64_t chunks = (last - first + lcm::kChunk - 1) / lcm::kChunk;
        const std::int64_t count = std::clamp<std::int64_t>(chunks / kChunksPerTask, 1, parts);
        parallel_for(control, first < last ? count : 0, [&](std::int64_t part, int worker) {
            Buffer<float>& sum = sums[static_cast<std::size_t>(part)];
            if (sum.size() == 0) {
                sum.resize(static_cast<std::size_t>(size));
                sum.fill(0.0f);
            }
            for (std::int64_t chunk = chunks * part / count; chunk < chunks * (part + 1) / count; ++chunk) {
                control.checkpoint();
                const std::int64_t p = first + chunk * lcm::kChunk;
                level.backward(tree, weights_packed.data(), padded, made, grad_leaves, grad_made, p,
                               std::min(last, p + lcm::kChunk), scratch.of(worker), sum.data());
            }
        });
    }
    Buffer<float> total(static_cast<std::size_t>(size));
    total.fill(0.0f);
    for (const Buffer<float>& sum : sums)
        for (std::size_t i = 0; i < sum.size(); ++i) total[i] += sum[i];
    for (std::int64_t gate = 0; gate < 6; ++gate) {
        float* weight = gate < 3 ? gradients.w_ih : gradients.w_hh;
        float* bias = gate < 3 ? gradients.b_ih : gradients.b_hh;
        for (std::int64_t i = 0; i < channels; ++i) {
            const std::int64_t from = gate * padded + i, to = gate % 3 * channels + i;
            std::copy_n(total.data() + from * padded, channels, weight + to * channels);
            bias[to] = total[static_cast<std::size_t>(6 * padded * padded + from)];
        }
    }
}

}  // namespace graphx
