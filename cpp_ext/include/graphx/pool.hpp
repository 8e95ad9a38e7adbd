// Large outputs that are made again and again: the memory of one that was dropped serves the next of about its size.
// Fresh memory costs more than a kernel that only reads and writes it once, as the system clears every page of it.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>

#include "graphx/buffer.hpp"

namespace graphx {

class Pool {
public:
    static constexpr std::size_t kFrom = std::size_t{1} << 20;  // smaller ones are malloc's
    static constexpr std::size_t kKeep = std::size_t{256} << 20;

    // One for the process, never destroyed: arrays may outlive everything else.
    static Pool& shared() {
        static Pool* pool = new Pool;
        return *pool;
    }

    Buffer<std::byte> take(std::size_t bytes) {
        // a lock that is held across fork() by another thread is never free in the child: do without the pool then
        if (std::unique_lock lock(mutex_, std::try_to_lock); lock) {
            for (auto kept = kept_.rbegin(); kept != kept_.rend(); ++kept) {
                if (kept->capacity() < bytes || kept->capacity() > bytes + bytes / 4) continue;
                Buffer<std::byte> found = std::move(*kept);
                kept_.erase(std::next(kept).base());
                total_ -= found.capacity();
                found.resize(bytes);
                return found;
            }
        }
        return Buffer<std::byte>(bytes);
    }

    void give(Buffer<std::byte>&& buffer) {
        if (buffer.capacity() < kFrom || buffer.capacity() > kKeep) return;
        if (std::unique_lock lock(mutex_, std::try_to_lock); lock) {
            total_ += buffer.capacity();
            kept_.push_back(std::move(buffer));
            while (total_ > kKeep) {  // the one that waited longest
                total_ -= kept_.front().capacity();
                kept_.pop_front();
            }
        }
    }

    std::size_t kept_bytes() {
        std::lock_guard lock(mutex_);
        return total_;
    }

private:
    std::mutex mutex_;
    std::deque<Buffer<std::byte>> kept_;
    std::size_t total_ = 0;
};

}  // namespace graphx
