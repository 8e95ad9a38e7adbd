// parallel_for: every task once, in any number of threads; exceptions, cancelling and progress.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

#include "graphx/parallel.hpp"
#include "test.hpp"

using graphx::Cancelled;
using graphx::Control;
using graphx::parallel_for;

namespace {

void nap(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

constexpr int kThreadCounts[] = {1, 2, 3, 7, 64};

}  // namespace

TEST(every_task_runs_once_whatever_the_thread_count) {
    for (int threads : kThreadCounts) {
        for (std::int64_t tasks : {0, 1, 2, 6, 1000}) {
            Control control(threads);
            std::vector<int> runs(static_cast<std::size_t>(tasks), 0);
            parallel_for(control, tasks, [&](std::int64_t task, int) { ++runs[static_cast<std::size_t>(task)]; });
            for (int count : runs) CHECK_EQ(count, 1);
        }
    }
}

TEST(negative_task_count_is_no_work) {
    Control control(2);
    parallel_for(control, -5, [](std::int64_t, int) { CHECK(false); });
}

TEST(thread_count_below_one_is_one) {
    CHECK_EQ(Control(0).threads(), 1);
    CHECK_EQ(Control(-3).threads(), 1);
    CHECK_EQ(Control(5).threads(), 5);
}

TEST(worker_ids_are_in_range_and_never_shared_at_one_time) {
    const int threads = 4;
    Control control(threads);
    std::vector<std::atomic<int>> inside(threads);
    parallel_for(control, 500, [&](std::int64_t, int worker) {
        CHECK(worker >= 0 && worker < threads);
        CHECK_EQ(inside[static_cast<std::size_t>(worker)].fetch_add(1), 0);
        inside[static_cast<std::size_t>(worker)].fetch_sub(1);
    });
}

TEST(partial_sums_by_task_do_not_depend_on_threads) {
    std::vector<double> expected;
    for (int threads : kThreadCounts) {
        std::vector<double> sums(37);
        Control control(threads);
        parallel_for(control, 37, [&](std::int64_t task, int) {
            double sum = 0;
            for (int i = 1; i < 1000; ++i) sum += 1.0 / static_cast<double>(i + task);
            sums[static_cast<std::size_t>(task)] = sum;
        });
        if (expected.empty()) expected = sums;
        CHECK(expected == sums);
    }
}

TEST(an_exception_of_the_body_reaches_the_caller_and_stops_the_loop) {
    for (int threads : kThreadCounts) {
        Control control(threads);
        std::atomic<int> runs{0};
        CHECK_THROWS(std::out_of_range, parallel_for(control, 1'000'000, [&](std::int64_t task, int) {
                         ++runs;
                         if (task == 10) throw std::out_of_range("task 10");
                         control.checkpoint();
                     }));
        CHECK(runs.load() < 1'000'000);
    }
}

TEST(a_poll_that_says_stop_cancels) {
    for (int threads : kThreadCounts) {
        const auto begin = std::chrono::steady_clock::now();
        Control control(threads, [](std::int64_t) { return true; });
        CHECK_THROWS(Cancelled, parallel_for(control, 100'000, [&](std::int64_t, int) {
                         nap(1);
                         control.checkpoint();
                     }));
        CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));  // 100 s if it were not stopped
        CHECK(control.stopping());
    }
}

TEST(a_checkpoint_inside_one_long_task_cancels) {
    for (int threads : kThreadCounts) {
        Control control(threads, [](std::int64_t) { return true; });
        CHECK_THROWS(Cancelled, parallel_for(control, 2, [&](std::int64_t, int) {
                         for (int i = 0; i < 20'000; ++i) {
                             nap(1);
                             control.checkpoint();
                         }
                     }));
    }
}

TEST(an_exception_of_the_poll_reaches_the_caller) {
    for (int threads : kThreadCounts) {
        Control control(threads, [](std::int64_t) -> bool { throw std::domain_error("poll"); });
        CHECK_THROWS(std::domain_error, parallel_for(control, 100'000, [&](std::int64_t, int) {
                         nap(1);
                         control.checkpoint();
                     }));
    }
}

TEST(the_poll_runs_on_the_calling_thread_and_sees_progress_grow) {
    for (int threads : {1, 3}) {
        const auto caller = std::this_thread::get_id();
        std::int64_t last = 0;
        int calls = 0;
        Control control(threads, [&](std::int64_t done) {
            CHECK(std::this_thread::get_id() == caller);
            CHECK(done >= last);
            last = done;
            ++calls;
            return false;
        });
        parallel_for(control, 300, [&](std::int64_t, int) {
            nap(2);
            control.advance(1);
        });
        CHECK(calls > 0);
        CHECK(last > 0 && last <= 300);
    }
}

TEST(loops_nest_when_each_has_its_control) {
    Control outer(3);
    std::atomic<std::int64_t> sum{0};
    parallel_for(outer, 8, [&](std::int64_t, int) {
        Control inner(2);
        parallel_for(inner, 8, [&](std::int64_t task, int) { sum += task; });
    });
    CHECK_EQ(sum.load(), 8 * 28);
}

TEST(a_stopped_control_starts_nothing_more) {
    for (int threads : kThreadCounts) {
        Control control(threads);
        control.request_stop();
        std::atomic<int> runs{0};
        CHECK_THROWS(Cancelled, parallel_for(control, 50, [&](std::int64_t, int) { ++runs; }));
        CHECK_EQ(runs.load(), 0);
    }
}

#if !defined(__SANITIZE_THREAD__)  // ThreadSanitizer does not follow threads into a forked child
TEST(a_forked_child_can_run_loops) {
    Control control(4);
    parallel_for(control, 100, [](std::int64_t, int) {});
    const pid_t child = fork();
    if (child == 0) {
        alarm(20);  // a child that hangs dies
        std::atomic<int> runs{0};
        Control own(4);
        parallel_for(own, 100, [&](std::int64_t, int) { ++runs; });
        _exit(runs.load() == 100 ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif
