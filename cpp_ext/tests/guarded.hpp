// Memory between two pages that may not be touched: a byte read or written outside ends the test with a fault, in every
// kind of build.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstring>
#include <new>
#include <string_view>

namespace graphx::test {

// `size` bytes; what lies behind them (`at_end`) or before them is out of bounds.
class Guarded {
public:
    Guarded(std::size_t size, bool at_end) : room_((size + kPage - 1) / kPage * kPage) {
        void* mapped = mmap(nullptr, room_ + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED) throw std::bad_alloc{};
        base_ = static_cast<char*>(mapped);
        if (room_ > 0) mprotect(base_ + kPage, room_, PROT_READ | PROT_WRITE);
        data_ = base_ + kPage + (at_end ? room_ - size : 0);
    }
    Guarded(std::string_view text, std::size_t more, bool at_end) : Guarded(text.size() + more, at_end) {
        std::memcpy(data_, text.data(), text.size());
    }
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;
    ~Guarded() { munmap(base_, room_ + 2 * kPage); }

    char* data() { return data_; }
    template <class T>
    T* as() {
        return reinterpret_cast<T*>(data_);
    }

private:
    static constexpr std::size_t kPage = 4096;
    std::size_t room_;
    char* base_ = nullptr;
    char* data_ = nullptr;
};

}  // namespace graphx::test
