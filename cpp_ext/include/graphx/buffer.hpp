// Memory for large outputs: never zero-filled, grown in place where the system can, huge pages where they exist.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace graphx {

// Large outputs are fresh memory: with huge pages the first touch costs a five-hundredth of the faults.
inline void prefer_huge_pages(void* data, std::int64_t bytes) {
#if defined(__linux__)
    constexpr std::uintptr_t page = std::uintptr_t{2} << 20;
    const std::uintptr_t begin = (reinterpret_cast<std::uintptr_t>(data) + page - 1) / page * page;
    const std::uintptr_t end = (reinterpret_cast<std::uintptr_t>(data) + static_cast<std::uintptr_t>(bytes)) / page * page;
    if (bytes >= static_cast<std::int64_t>(8 * page) && begin < end)
        madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#else
    (void)data;
    (void)bytes;
#endif
}

// An owned, uninitialised, growable array of trivially copyable T. Growing keeps the contents and, for large arrays on
// Linux, moves page tables instead of bytes. Not thread-safe: grow before a parallel loop, not in it.
template <class T>
class Buffer {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    Buffer() = default;
    explicit Buffer(std::size_t size) { resize(size); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    Buffer(Buffer&& other) noexcept { swap(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Buffer() { release(); }

    T* data() { return data_; }
    const T* data() const { return data_; }
    std::size_t size() const { return size_; }
    std::size_t capacity() const { return bytes_ / sizeof(T); }
    T& operator[](std::size_t i) { return data_[i]; }
    const T& operator[](std::size_t i) const { return data_[i]; }
    T* begin() { return data_; }
    T* end() { return data_ + size_; }
    const T* begin() const { return data_; }
    const T* end() const { return data_ + size_; }

    void resize(std::size_t size) {
        if (size > capacity()) reserve(size);
        size_ = size;
    }
    // As resize, but grows the capacity by half at least, so that repeated calls cost linear time.
    void grow(std::size_t size) {
        if (size > capacity()) reserve(size < capacity() + capacity() / 2 ? capacity() + capacity() / 2 : size);
        size_ = size;
    }
    void fill(T value) {
        std::fill_n(data_, size_, value);
    }
    // Gives memory behind size() back to the system.
    void shrink() {
        if (capacity() > size_) reallocate(size_ * sizeof(T));
    }
    void release() {
        reallocate(0);
        size_ = 0;
    }
    void swap(Buffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(bytes_, other.bytes_);
        std::swap(mapped_, other.mapped_);
    }
    void reserve(std::size_t size) {
        if (size > std::numeric_limits<std::ptrdiff_t>::max() / sizeof(T)) throw std::bad_alloc{};
        if (size > capacity()) reallocate(size * sizeof(T));
    }

private:
    static constexpr std::size_t kMapFrom = std::size_t{64} << 10;  // below this malloc reuses pages that are warm
    static constexpr std::size_t kHugeFrom = std::size_t{16} << 20;  // above this huge pages waste little

#if defined(__linux__)
    void* remap(std::size_t bytes) {
#if defined(__SANITIZE_THREAD__)  // it does not see mremap, and would take the former owner of the pages for a rival
        void* fresh = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (fresh == MAP_FAILED) return fresh;
        __builtin_memcpy(fresh, data_, std::min(bytes, mapped_));
        munmap(data_, mapped_);
        return fresh;
#else
        return mremap(data_, mapped_, bytes, MREMAP_MAYMOVE);
#endif
    }
#endif

    void reallocate(std::size_t bytes) {
#if defined(__linux__)
        const std::size_t page = 4096;
        if (mapped_ && bytes != 0) {
            const std::size_t rounded = (bytes + page - 1) / page * page;
            void* moved = remap(rounded);
            if (moved == MAP_FAILED) throw std::bad_alloc{};
            if (rounded > mapped_ && rounded >= kHugeFrom) madvise(moved, rounded, MADV_HUGEPAGE);
            data_ = static_cast<T*>(moved);
            bytes_ = mapped_ = rounded;
            return;
        }
        if (mapped_) {
            munmap(data_, mapped_);
            data_ = nullptr;
            bytes_ = mapped_ = 0;
            return;
        }
        if (bytes >= kMapFrom) {
            const std::size_t rounded = (bytes + page - 1) / page * page;
            void* fresh = mmap(nullptr, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (fresh == MAP_FAILED) throw std::bad_alloc{};
            if (rounded >= kHugeFrom) madvise(fresh, rounded, MADV_HUGEPAGE);
            if (data_) __builtin_memcpy(fresh, data_, size_ * sizeof(T));
            std::free(data_);
            data_ = static_cast<T*>(fresh);
            bytes_ = mapped_ = rounded;
            return;
        }
#endif
        if (bytes == 0) {
            std::free(data_);
            data_ = nullptr;
            bytes_ = 0;
            return;
        }
        void* fresh = std::realloc(data_, bytes);
        if (!fresh) throw std::bad_alloc{};
        data_ = static_cast<T*>(fresh);
        bytes_ = bytes;
    }

    T* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t bytes_ = 0;
    std::size_t mapped_ = 0;
};

}  // namespace graphx
