// Which rows of a sparse matrix have entries, and where: small enough to stay in the cache where the matrix is not.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "graphx/simd.hpp"

#if defined(__GNUC__)
#define GRAPHX_LAMBDA __attribute__((always_inline))
#else
#define GRAPHX_LAMBDA
#endif

namespace graphx {

class Present {
public:
    Present(const std::int64_t* indptr, std::int64_t rows) : words_(static_cast<std::size_t>(rows / 64 + 1)) {
        for (std::int64_t v = 0; v < rows; ++v) {
            Word& word = words_[static_cast<std::size_t>(v / 64)];
            if (v % 64 == 0) word.before = static_cast<std::int64_t>(starts_.size());
            if (indptr[v + 1] == indptr[v]) continue;
            word.bits |= 1ull << (v % 64);
            starts_.push_back(indptr[v]);
        }
        starts_.push_back(rows ? indptr[rows] : 0);
    }

    bool has(std::int64_t v) const { return words_[static_cast<std::size_t>(v >> 6)].bits >> (v & 63) & 1; }

    // Calls found(s, at) for every s in [start, stop) whose row indices[s] has entries: those from at[0] to at[1].
    template <class F>
    GRAPHX_INLINE void visit(const std::int32_t* indices, std::int64_t start, std::int64_t stop, F&& found) const {
        constexpr std::int64_t piece = 256;
        const Word* words = words_.data();
        std::int32_t hits[piece];
        for (std::int64_t first = start; first < stop; first += piece) {
            const std::int64_t last = std::min(stop, first + piece);
            int count = 0;  // without a branch: which rows have entries cannot be foreseen
            for (std::int64_t s = first; s < last; ++s) {
                const auto v = static_cast<std::uint32_t>(indices[s]);
                hits[count] = static_cast<std::int32_t>(s - first);
                count += static_cast<int>(words[v >> 6].bits >> (v & 63) & 1);
            }
            for (int hit = 0; hit < count; ++hit) {
                const std::int64_t s = first + hits[hit];
                const auto v = static_cast<std::uint32_t>(indices[s]);
                const Word& word = words[v >> 6];
                found(s, starts_.data() + word.before + std::popcount(word.bits & ((1ull << (v & 63)) - 1)));
            }
        }
    }

private:
    struct Word {
        std::uint64_t bits = 0;
        std::int64_t before = 0;  // rows with entries before this word
    };
    std::vector<Word> words_;
    std::vector<std::int64_t> starts_;  // of the rows with entries
};

}  // namespace graphx
