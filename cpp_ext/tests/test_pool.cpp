// The pool of memory: what is taken is as large as was asked, what is kept is bounded, and the oldest goes first.
#include "graphx/pool.hpp"

#include <cstring>
#include <thread>
#include <vector>

#include "test.hpp"

using graphx::Buffer;
using graphx::Pool;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

}  // namespace

TEST(memory_that_was_given_is_taken_again) {
    Pool pool;
    Buffer<std::byte> first = pool.take(8 * kMiB);
    CHECK_EQ(first.size(), 8 * kMiB);
    const std::byte* place = first.data();
    pool.give(std::move(first));
    CHECK_EQ(pool.kept_bytes(), 8 * kMiB);
    const Buffer<std::byte> again = pool.take(8 * kMiB);
    CHECK(again.data() == place);
    CHECK_EQ(pool.kept_bytes(), 0u);
    CHECK(pool.take(8 * kMiB).data() != place);  // it is handed out once
}

TEST(what_is_taken_has_the_size_that_was_asked) {
    const struct {
        std::size_t given, asked;
        bool reused;
    } cases[] = {
        {8 * kMiB, 8 * kMiB, true},      {8 * kMiB, 7 * kMiB, true},       {8 * kMiB, 8 * kMiB - 1, true},
        {8 * kMiB, 8 * kMiB + 1, false}, {10 * kMiB, 8 * kMiB, true},      {10 * kMiB + 4096, 8 * kMiB, false},
        {8 * kMiB, 3 * kMiB, false},     {kMiB, kMiB, true},
        {kMiB - 4096, kMiB - 4096, false},
    };
    for (const auto& one : cases) {
        Pool pool;
        Buffer<std::byte> given(one.given);
        const std::byte* place = given.data();
        pool.give(std::move(given));
        const std::size_t kept = pool.kept_bytes();
        Buffer<std::byte> taken = pool.take(one.asked);
        CHECK_EQ(taken.data() == place && pool.kept_bytes() < kept, one.reused);
        CHECK_EQ(taken.size(), one.asked);
        std::memset(taken.data(), 7, taken.size());
    }
}

TEST(what_was_given_last_is_taken_first) {
    Pool pool;
    Buffer<std::byte> a(4 * kMiB), b(4 * kMiB);
    const std::byte* newest = b.data();
    pool.give(std::move(a));
    pool.give(std::move(b));
    CHECK(pool.take(4 * kMiB).data() == newest);
    CHECK_EQ(pool.kept_bytes(), 4 * kMiB);
}

TEST(the_pool_keeps_no_more_than_its_bound) {
    Pool pool;
    for (int i = 0; i < 6; ++i) {
        pool.give(Buffer<std::byte>(50 * kMiB));
        CHECK(pool.kept_bytes() <= Pool::kKeep);
        CHECK_EQ(pool.kept_bytes(), static_cast<std::size_t>(i < 5 ? i + 1 : 5) * 50 * kMiB);
    }
    std::vector<Buffer<std::byte>> taken;
    for (int i = 0; i < 5; ++i) {
        taken.push_back(pool.take(50 * kMiB));
        CHECK_EQ(pool.kept_bytes(), static_cast<std::size_t>(4 - i) * 50 * kMiB);
    }
    for (std::size_t i = 0; i + 1 < taken.size(); ++i)  // five different ones
        for (std::size_t j = i + 1; j < taken.size(); ++j) CHECK(taken[i].data() != taken[j].data());
    pool.give(Buffer<std::byte>(Pool::kKeep + 4096));  // more than everything
    pool.give(Buffer<std::byte>(Pool::kFrom / 2));     // malloc does that
    pool.give(Buffer<std::byte>());
    CHECK_EQ(pool.kept_bytes(), 0u);
    pool.give(Buffer<std::byte>(Pool::kKeep));
    CHECK_EQ(pool.kept_bytes(), Pool::kKeep);
    pool.give(Buffer<std::byte>(kMiB));  // the large one has to go
    CHECK_EQ(pool.kept_bytes(), kMiB);
}

TEST(threads_never_share_what_they_took) {
    Pool pool;
    std::vector<std::thread> threads;
    std::vector<int> spoilt(4, 0);
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (int round = 0; round < 40; ++round) {
                Buffer<std::byte> mine = pool.take(kMiB + static_cast<std::size_t>(round % 3) * 4096);
                const auto mark = static_cast<std::byte>(16 * t + round % 16);
                for (std::size_t i = 0; i < mine.size(); i += 4096) mine[i] = mark;
                std::this_thread::yield();
                for (std::size_t i = 0; i < mine.size(); i += 4096) spoilt[static_cast<std::size_t>(t)] += mine[i] != mark;
                pool.give(std::move(mine));
            }
        });
    for (auto& thread : threads) thread.join();
    for (const int count : spoilt) CHECK_EQ(count, 0);
}
