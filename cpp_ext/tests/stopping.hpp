// A caller that asks to stop, not at once but in the middle.
#pragma once

#include <chrono>
#include <thread>

#include "graphx/parallel.hpp"
#include "test.hpp"

namespace graphx::test {

// Runs work(control) with a poll that says stop when it is asked for the `looks`-th time. A poll sleeps longer than the
// 50 ms between two of them, so every checkpoint of the calling thread asks, and one thread always stops at the same
// place. More threads do the rest while it sleeps: with them only the first look is sure to come.
template <class F>
void check_stops(F&& work, int looks = 2, int threads = 1) {
    constexpr auto pause = std::chrono::milliseconds(55);
    int asked = 0;
    Control control(threads, [&](std::int64_t) {
        if (++asked == looks) return true;
        std::this_thread::sleep_for(pause);
        return false;
    });
    std::this_thread::sleep_for(pause);
    CHECK_THROWS(Cancelled, work(control));
    CHECK_EQ(asked, looks);
}

}  // namespace graphx::test
