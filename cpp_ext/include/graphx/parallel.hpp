// Parallel loops on std::thread: no OpenMP (an OpenMP runtime hangs in a forked child), no pool that outlives the
// call (nothing to inherit after fork; only a stream of rows keeps threads, and sees for itself that it was forked),
// results never depend on the number of threads. A caller may lend threads of another library, see Team.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

namespace graphx {

// Thrown out of a loop when the caller's poll asked to stop (Ctrl-C); the binding re-raises the pending Python error.
struct Cancelled : std::exception {
    const char* what() const noexcept override { return "cancelled"; }
};

// Threads that another library has at hand: calls run(data) on as many as `workers`, the calling thread among them, and
// returns true when all have come back; or false, without a call, where it cannot.
using Team = bool (*)(void (*run)(void*), void* data, int workers);

// What a long computation shares with its caller: how many threads, a progress counter, a request to stop.
// `poll(done)` runs on the calling thread only, at most every 50 ms, and returns true to stop.
class Control {
public:
    using Poll = std::function<bool(std::int64_t done)>;

    explicit Control(int threads = 1, Poll poll = {}) : threads_(std::max(1, threads)), poll_(std::move(poll)) {}

    int threads() const { return threads_; }
    void lend(Team team) { team_ = team; }  // loops run on it, where it takes them
    void advance(std::int64_t amount) { done_.fetch_add(amount, std::memory_order_relaxed); }
    bool stopping() const { return stop_.load(std::memory_order_relaxed); }
    void request_stop() { stop_.store(true, std::memory_order_relaxed); }

    // Call from any thread inside long work, about every 10-1000 us: throws Cancelled after a request to stop.
    void checkpoint() {
        if (stopping()) throw Cancelled{};
        if (std::this_thread::get_id() == owner_) poll_now();
    }

private:
    template <class F>
    friend void parallel_for(Control&, std::int64_t, F&&);

    void poll_now() {
        auto now = std::chrono::steady_clock::now();
        if (now - last_poll_ < std::chrono::milliseconds(50)) return;
        last_poll_ = now;
        if (poll_ && poll_(done_.load(std::memory_order_relaxed))) {
            request_stop();
            throw Cancelled{};
        }
    }

    int threads_;
    Poll poll_;
    std::atomic<std::int64_t> done_{0};
    std::atomic<bool> stop_{false};
    std::thread::id owner_{std::this_thread::get_id()};  // the calling thread takes part in the work and polls in between
    std::chrono::steady_clock::time_point last_poll_{std::chrono::steady_clock::now()};
    Team team_ = nullptr;
};

// Calls body(task, worker) for every task in [0, tasks), handed out in ascending order; worker < control.threads().
// The calling thread is worker 0. The first exception of any body stops the loop and is rethrown on the calling thread.
template <class F>
void parallel_for(Control& control, std::int64_t tasks, F&& body) {
    if (tasks <= 0) return;
    const int workers = static_cast<int>(std::min<std::int64_t>(control.threads(), tasks));
    if (workers == 1) {
        for (std::int64_t task = 0; task < tasks; ++task) {
            control.checkpoint();
            body(task, 0);
        }
        return;
    }
    std::atomic<std::int64_t> next{0};
    std::mutex mutex;
    std::condition_variable finished;
    std::atomic<int> running{0};
    std::exception_ptr error;
    auto work = [&](int worker) {
        try {
            while (!control.stopping()) {
                if (worker == 0) control.checkpoint();
                const std::int64_t task = next.fetch_add(1, std::memory_order_relaxed);
                if (task >= tasks) break;
                body(task, worker);
            }
        } catch (...) {
            std::lock_guard<std::mutex> lock(mutex);
            if (!error) error = std::current_exception();
            control.request_stop();
        }
    };
    if (control.team_) {
        auto lent = [&, joined = std::atomic<int>{0}]() mutable {
            const bool own = std::this_thread::get_id() == control.owner_;
            const int worker = own ? 0 : 1 + joined.fetch_add(1, std::memory_order_relaxed);
            if (worker < workers) work(worker);
        };
        if (control.team_([](void* data) { (*static_cast<decltype(lent)*>(data))(); }, &lent, workers)) {
            if (error) std::rethrow_exception(error);
            if (control.stopping()) throw Cancelled{};
            return;
        }
    }
    auto helper = [&](int worker) {
        work(worker);
        std::lock_guard<std::mutex> lock(mutex);
        --running;
        finished.notify_all();
    };
    std::vector<std::thread> threads;
    threads.reserve(static_cast<std::size_t>(workers) - 1);
    for (int worker = 1; worker < workers; ++worker) {
        {
            std::lock_guard<std::mutex> lock(mutex);
            ++running;
        }
        try {
            threads.emplace_back(helper, worker);
        } catch (const std::system_error&) {  // no more threads to be had: fewer do the same work
            std::lock_guard<std::mutex> lock(mutex);
            --running;
            break;
        }
    }
    work(0);
    // The others are nearly done as a rule, and to sleep and be woken takes longer than they do.
    const auto patience = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
    while (running.load(std::memory_order_acquire) > 0 && std::chrono::steady_clock::now() < patience)
        std::this_thread::yield();
    {
        std::unique_lock<std::mutex> lock(mutex);
        while (running > 0) {
            finished.wait_for(lock, std::chrono::milliseconds(50));
            if (running == 0 || control.stopping()) continue;
            lock.unlock();
            std::exception_ptr raised;
            try {
                control.poll_now();
            } catch (...) {
                raised = std::current_exception();
                control.request_stop();
            }
            lock.lock();
            if (raised && !error) error = raised;
        }
    }
    for (auto& thread : threads) thread.join();
    if (error) std::rethrow_exception(error);
    if (control.stopping()) throw Cancelled{};
}

}  // namespace graphx
