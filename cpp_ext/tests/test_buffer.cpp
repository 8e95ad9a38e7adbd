// Buffer: what it holds survives growing, shrinking and moving, on both sides of the size where it maps pages.
#include "graphx/buffer.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <random>
#include <utility>
#include <vector>

#include "test.hpp"

using graphx::Buffer;

namespace {

// Elements of int64: small (malloc), at the border, large (mapped pages).
constexpr std::size_t kSizes[] = {1, 1000, (std::size_t{4} << 20) / 8, (std::size_t{9} << 20) / 8 + 3};

void write(Buffer<std::int64_t>& buffer, std::size_t from) {
    for (std::size_t i = from; i < buffer.size(); ++i) buffer[i] = static_cast<std::int64_t>(i * 7 + 1);
}

bool holds(const Buffer<std::int64_t>& buffer, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
        if (buffer[i] != static_cast<std::int64_t>(i * 7 + 1)) return false;
    return true;
}

}  // namespace

TEST(a_new_buffer_is_empty) {
    Buffer<int> buffer;
    CHECK_EQ(buffer.size(), 0u);
    CHECK(buffer.data() == nullptr);
    CHECK(buffer.begin() == buffer.end());
    buffer.shrink();
    buffer.release();
    buffer.resize(0);
    CHECK_EQ(buffer.size(), 0u);
}

TEST(contents_survive_growing) {
    for (std::size_t first : kSizes) {
        for (std::size_t second : kSizes) {
            Buffer<std::int64_t> buffer(first);
            write(buffer, 0);
            const std::size_t kept = first < second ? first : second;
            buffer.resize(second);
            CHECK_EQ(buffer.size(), second);
            CHECK(buffer.capacity() >= second);
            CHECK(holds(buffer, kept));
            write(buffer, 0);
            CHECK(holds(buffer, second));
        }
    }
}

TEST(contents_survive_shrinking_and_growing_again) {
    for (std::size_t size : kSizes) {
        Buffer<std::int64_t> buffer(size);
        write(buffer, 0);
        buffer.resize(size / 2 + 1);
        buffer.shrink();
        CHECK(holds(buffer, size / 2 + 1));
        buffer.resize(size);
        CHECK(holds(buffer, size / 2 + 1));
    }
}

TEST(growing_by_one_costs_few_moves) {
    Buffer<std::int64_t> buffer;
    std::size_t moves = 0;
    std::size_t capacity = 0;
    for (std::size_t size = 1; size <= 1'000'000; ++size) {
        buffer.grow(size);
        buffer[size - 1] = static_cast<std::int64_t>((size - 1) * 7 + 1);
        if (buffer.capacity() != capacity) {
            capacity = buffer.capacity();
            ++moves;
        }
    }
    CHECK(moves < 60);
    CHECK(holds(buffer, 1'000'000));
}

TEST(moving_takes_the_memory_along) {
    for (std::size_t size : kSizes) {
        Buffer<std::int64_t> from(size);
        write(from, 0);
        const std::int64_t* data = from.data();
        Buffer<std::int64_t> to(std::move(from));
        CHECK(to.data() == data);
        CHECK(holds(to, size));
        Buffer<std::int64_t> other(3);
        other = std::move(to);
        CHECK(other.data() == data);
        CHECK_EQ(other.size(), size);
    }
}

TEST(release_empties_and_the_buffer_can_be_used_again) {
    for (std::size_t size : kSizes) {
        Buffer<std::int64_t> buffer(size);
        buffer.release();
        CHECK_EQ(buffer.size(), 0u);
        CHECK_EQ(buffer.capacity(), 0u);
        buffer.resize(size);
        write(buffer, 0);
        CHECK(holds(buffer, size));
    }
}

TEST(shrink_gives_everything_back_when_nothing_is_held) {
    for (std::size_t size : kSizes) {
        Buffer<std::int64_t> buffer(size);
        buffer.resize(0);
        buffer.shrink();
        CHECK_EQ(buffer.capacity(), 0u);
        CHECK(buffer.data() == nullptr);
    }
}

TEST(fill_writes_every_element) {
    Buffer<std::int16_t> buffer(12345);
    buffer.fill(-7);
    for (std::int16_t value : buffer) CHECK_EQ(value, -7);
}

TEST(a_size_beyond_the_address_space_is_bad_alloc) {
    Buffer<std::int64_t> buffer(4);
    write(buffer, 0);
    CHECK_THROWS(std::bad_alloc, buffer.resize(std::numeric_limits<std::size_t>::max() / 8));
    CHECK_EQ(buffer.size(), 4u);
    CHECK(holds(buffer, 4));
}

namespace {

struct Odd {  // does not divide a page
    std::uint64_t a;
    std::uint32_t b;
    char c[12];
};

// Whatever is done to a buffer, what a vector would hold is held: random calls, sizes on both sides of the first mapped
// page (64 KiB) and of the first huge ones (16 MiB).
template <class T, class Make>
void check_like_a_vector(unsigned seed, std::size_t most, Make&& make) {
    std::mt19937_64 random(seed);
    Buffer<T> buffer;
    std::vector<T> expected;
    std::uint64_t next = 1;
    const auto border = (std::size_t{64} << 10) / sizeof(T);
    for (int round = 0; round < 60; ++round) {
        const std::size_t kind = random() % 4;
        const std::size_t size = kind == 0 ? random() % 20 : kind == 1 ? border - 2 + random() % 4 : random() % (most / sizeof(T));
        const std::size_t kept = std::min(size, expected.size());
        switch (random() % 6) {
            case 0: buffer.resize(size); break;
            case 1: buffer.grow(size); break;
            case 2: {
                buffer.reserve(size);
                CHECK_EQ(buffer.size(), expected.size());  // reserving is no growing
                CHECK(buffer.capacity() >= size);
                continue;
            }
            case 3: {
                buffer.shrink();
                CHECK_EQ(buffer.size(), expected.size());
                continue;
            }
            case 4: {
                Buffer<T> other(size);
                other.swap(buffer);
                buffer = std::move(other);
                continue;
            }
            default: {
                buffer.release();
                expected.clear();
                continue;
            }
        }
        CHECK_EQ(buffer.size(), size);
        CHECK(buffer.capacity() >= size);
        expected.resize(kept);
        for (std::size_t i = 0; i < kept; ++i) CHECK(std::memcmp(&buffer[i], &expected[i], sizeof(T)) == 0);
        expected.resize(size);
        for (std::size_t i = kept; i < size; ++i) buffer[i] = expected[i] = make(next++);
        CHECK(buffer.end() - buffer.begin() == static_cast<std::ptrdiff_t>(size));
    }
    CHECK(expected.empty() || std::memcmp(buffer.data(), expected.data(), expected.size() * sizeof(T)) == 0);
}

}  // namespace

TEST(a_buffer_holds_what_a_vector_would) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        check_like_a_vector<std::uint16_t>(seed, 300000, [](std::uint64_t i) { return static_cast<std::uint16_t>(i); });
        check_like_a_vector<Odd>(seed, 300000, [](std::uint64_t i) {
            Odd odd{};
            odd.a = i;
            odd.b = static_cast<std::uint32_t>(3 * i);
            odd.c[11] = static_cast<char>(i);
            return odd;
        });
    }
    check_like_a_vector<std::uint64_t>(99, std::size_t{20} << 20, [](std::uint64_t i) { return i; });
}

TEST(growing_takes_half_as_much_again_and_resizing_what_is_asked) {
    for (const std::size_t size : {std::size_t{100}, std::size_t{100000}}) {
        Buffer<std::int64_t> grown(size), resized(size);
        const std::size_t first = grown.capacity();
        CHECK(first >= size && first < size + 512);  // a page at most beyond what was asked
        grown.grow(first + 1);
        CHECK(grown.capacity() >= first + first / 2);
        CHECK_EQ(grown.size(), first + 1);
        resized.resize(first + 1);
        CHECK(resized.capacity() < first + 1 + 512);
        grown.grow(4 * first);  // more than half as much again
        CHECK(grown.capacity() >= 4 * first && grown.capacity() < 4 * first + 512);
        grown.grow(1);
        CHECK_EQ(grown.size(), 1u);
        CHECK(grown.capacity() >= 4 * first);  // growing never gives back
    }
}

TEST(a_swap_exchanges_small_and_large) {
    Buffer<std::int64_t> small(10), large(100000);
    write(small, 0);
    write(large, 0);
    small.swap(large);
    CHECK_EQ(small.size(), 100000u);
    CHECK_EQ(large.size(), 10u);
    CHECK(holds(small, 100000) && holds(large, 10));
    small = std::move(large);
    CHECK_EQ(small.size(), 10u);
    CHECK(holds(small, 10));
}

TEST(a_failed_growth_leaves_a_mapped_buffer_as_it_was) {
    Buffer<std::int64_t> buffer(100000);
    write(buffer, 0);
    const std::size_t beyond = std::numeric_limits<std::ptrdiff_t>::max() / 8;
    for (const std::size_t size : {beyond, beyond + 1}) {  // the system refuses the one, the buffer itself the other
        CHECK_THROWS(std::bad_alloc, buffer.resize(size));
        CHECK_THROWS(std::bad_alloc, buffer.grow(size));
        CHECK_THROWS(std::bad_alloc, buffer.reserve(size));
    }
    CHECK_EQ(buffer.size(), 100000u);
    CHECK(holds(buffer, 100000));
    buffer.resize(200000);
    CHECK(holds(buffer, 100000));
}
