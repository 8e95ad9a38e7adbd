// Learnable commutative monoid aggregation: the symmetrised GRU reduced over the segments of a balanced binary tree.
//
// For a pair (a, b) of rows, with Gi(x) = W_ih x + b_ih and Gh(x) = W_hh x + b_hh, each split into r, z, n:
//     r = sigmoid(Gi_r(a) + Gh_r(b)),  z = sigmoid(Gi_z(a) + Gh_z(b)),  n = tanh(Gi_n(a) + r Gh_n(b)),
//     o_ab = n + z (b - n),            a * b = (o_ab + o_ba) / 2.
// Every sum runs in one order that depends neither on where a pair stands nor on what stands beside it, so the result
// of a pair has the same bits in every batch; the gradients have the same bits for any number of threads.
#pragma once

#include <cstdint>

#include "graphx/parallel.hpp"

namespace graphx {

// The pairs of all levels, one after the other. Row numbers below num_leaves are rows of `leaves`; num_leaves + p is
// what pair p makes. The pairs of a level refer to rows of earlier levels only, and no row is in two pairs.
struct LcmTree {
    const float* leaves;  // [num_leaves, channels]
    std::int64_t num_leaves;
    std::int64_t channels;
    const std::int64_t* left;    // [num_pairs]
    const std::int64_t* right;   // [num_pairs]
    const std::int64_t* levels;  // [num_levels + 1]: level l is pairs levels[l] .. levels[l + 1] - 1
    std::int64_t num_levels;
};

// Row-major, as torch.nn.GRUCell keeps them.
struct LcmWeights {
    const float* w_ih;  // [3 channels, channels]
    const float* w_hh;  // [3 channels, channels]
    const float* b_ih;  // [3 channels]
    const float* b_hh;  // [3 channels]
};

struct LcmGradients {
    float* w_ih;
    float* w_hh;
    float* b_ih;
    float* b_hh;
};

// The first fault of a tree, or nullptr: a level that is not ascending, a row number out of range or of a later level.
const char* lcm_tree_fault(const LcmTree& tree, std::int64_t num_pairs);

// Fills made [num_pairs, channels].
void lcm_gru_forward(Control& control, const LcmTree& tree, const LcmWeights& weights, float* made);

// On entry grad_leaves and grad_made hold the gradients of the rows that are in no pair (the roots); every other row is
// filled here. The gates are computed again, so nothing but `made` is kept from the forward pass.
void lcm_gru_backward(Control& control, const LcmTree& tree, const LcmWeights& weights, const float* made,
                      float* grad_leaves, float* grad_made, const LcmGradients& gradients);

namespace lcm {

// One instruction level: the body of lcm_body.hpp compiled for it.
struct Level {
    std::int64_t (*packed_floats)(std::int64_t padded);
    void (*pack)(const LcmWeights& weights, std::int64_t channels, std::int64_t padded, float* packed);
    void (*forward)(const LcmTree& tree, const float* packed, std::int64_t padded, const float* made_in, float* made,
                    std::int64_t begin, std::int64_t end, float* scratch);
    void (*backward)(const LcmTree& tree, const float* packed, std::int64_t padded, const float* made,
                     float* grad_leaves, float* grad_made, std::int64_t begin, std::int64_t end, float* scratch,
                     float* weight_sums);
};

constexpr std::int64_t kPad = 16;           // channels are padded to a multiple of the widest vector
constexpr std::int64_t kChunk = 48;         // pairs whose gates are in the cache at a time
constexpr std::int64_t kRows = 2 * kChunk;  // a multiple of every tile's rows

inline std::int64_t padded_channels(std::int64_t channels) { return (channels + kPad - 1) / kPad * kPad; }
// Rows of a chunk, their gates, their gradients.
inline std::int64_t scratch_floats(std::int64_t padded) { return kRows * (padded + 6 * padded + padded); }
// Gradients of both weights [6 padded, padded] and of both biases [6 padded].
inline std::int64_t sums_floats(std::int64_t padded) { return 6 * padded * (padded + 1); }

extern const Level plain_level;
extern const Level avx2_level;
extern const Level avx512_level;

}  // namespace lcm

}  // namespace graphx
