// Levels of instructions: the wish of the environment is followed downwards only.
#include "graphx/simd.hpp"

#include "levels.hpp"
#include "test.hpp"

using namespace graphx;
using namespace graphx::test;

TEST(a_wish_lowers_the_level_and_never_raises_it) {
    unsetenv("GRAPHX_SIMD");
    const Simd best = simd_level();
    const struct {
        const char* wish;
        Simd most;
    } cases[] = {{"plain", Simd::plain}, {"avx2", Simd::avx2}, {"avx512", Simd::avx512},
                 {"", Simd::avx512},     {"AVX2", Simd::avx512}, {"sse", Simd::avx512}, {"avx", Simd::avx512}};
    for (const auto& one : cases) {
        const AtLevel level(one.wish);
        CHECK(simd_level() == (one.most < best ? one.most : best));
    }
    CHECK(simd_level() == best);
}

TEST(levels_end_with_their_block) {
    const AtLevel outer("avx2");
    const Simd before = simd_level();
    {
        const AtLevel inner("plain");
        CHECK(simd_level() == Simd::plain);
    }
    CHECK(simd_level() == before);
    CHECK_EQ(std::string(levels().front()), "plain");
}
