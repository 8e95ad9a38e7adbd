// Buffer: what it holds survives growing, shrinking and moving, on both sides of the size where it maps pages.
#include "graphx/buffer.hpp"

#include <cstdint>
#include <limits>
#include <new>
#include <utility>

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
