// parallel_for: every task once, in any number of threads; exceptions, cancelling and progress.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "graphx/openmp.hpp"
#include "graphx/parallel.hpp"
#include "test.hpp"

using graphx::Cancelled;
using graphx::Control;
using graphx::parallel_for;

namespace {

void nap(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

constexpr int kThreadCounts[] = {1, 2, 3, 7, 64};

// Threads that a caller lends: as many as asked for, the caller alone, two too many, none.
bool lend_all(void (*run)(void*), void* data, int workers) {
    std::vector<std::thread> threads;
    for (int k = 1; k < workers; ++k) threads.emplace_back(run, data);
    run(data);
    for (auto& thread : threads) thread.join();
    return true;
}
bool lend_one(void (*run)(void*), void* data, int) {
    run(data);
    return true;
}
bool lend_more(void (*run)(void*), void* data, int workers) { return lend_all(run, data, workers + 2); }
bool lend_none(void (*)(void*), void*, int) { return false; }
constexpr graphx::Team kTeams[] = {lend_all, lend_one, lend_more, lend_none};

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

TEST(lent_threads_do_every_task_once_with_ids_of_their_own) {
    for (const graphx::Team team : kTeams)
        for (int threads : kThreadCounts)
            for (std::int64_t tasks : {0, 1, 2, 6, 1000}) {
                Control control(threads);
                control.lend(team);
                std::vector<int> runs(static_cast<std::size_t>(tasks), 0);
                std::vector<std::atomic<int>> inside(static_cast<std::size_t>(threads));
                parallel_for(control, tasks, [&](std::int64_t task, int worker) {
                    CHECK(worker >= 0 && worker < threads);
                    CHECK_EQ(inside[static_cast<std::size_t>(worker)].fetch_add(1), 0);
                    ++runs[static_cast<std::size_t>(task)];
                    inside[static_cast<std::size_t>(worker)].fetch_sub(1);
                });
                for (int count : runs) CHECK_EQ(count, 1);
            }
}

TEST(lent_threads_hand_on_errors_and_stop_when_asked) {
    for (const graphx::Team team : kTeams) {
        Control failing(3);
        failing.lend(team);
        std::string seen;
        try {
            parallel_for(failing, 1000, [&](std::int64_t task, int) {
                if (task == 5) throw std::runtime_error("task 5");
            });
        } catch (const std::runtime_error& error) {
            seen = error.what();
        }
        CHECK_EQ(seen, std::string("task 5"));
        bool asked = false;
        Control stopped(3, [&](std::int64_t) { return asked = true; });
        stopped.lend(team);
        bool cancelled = false;
        try {
            parallel_for(stopped, 100000, [&](std::int64_t, int) { nap(1); });
        } catch (const Cancelled&) {
            cancelled = true;
        }
        CHECK(asked && cancelled);
    }
}

TEST(an_openmp_runtime_that_is_not_loaded_is_not_joined) {
    CHECK(!graphx::join_openmp("/nowhere/libgomp.so.1"));
    int calls = 0;
    CHECK(!graphx::openmp_team([](void* data) { ++*static_cast<int*>(data); }, &calls, 2));
    CHECK_EQ(calls, 0);
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

// The lowest task that fails is not always the first to: what comes out is one of those thrown, and nothing runs after.
TEST(of_several_failures_one_is_told_and_no_body_outlives_the_loop) {
    for (int threads : kThreadCounts) {
        Control control(threads);
        std::atomic<int> inside{0};
        try {
            parallel_for(control, 1000, [&](std::int64_t task, int) {
                ++inside;
                struct Leave {
                    std::atomic<int>& count;
                    ~Leave() { --count; }
                } leave{inside};
                nap(1);
                if (task % 2) throw std::out_of_range(std::to_string(task));
            });
            CHECK(false);
        } catch (const std::out_of_range& error) {
            CHECK_EQ(std::stoi(error.what()) % 2, 1);
        }
        CHECK_EQ(inside.load(), 0);
        CHECK(control.stopping() || threads == 1);
    }
}

TEST(tasks_are_handed_out_in_ascending_order) {
    for (int threads : kThreadCounts) {
        Control control(threads);
        std::vector<std::vector<std::int64_t>> mine(static_cast<std::size_t>(threads));
        parallel_for(control, 2000, [&](std::int64_t task, int worker) { mine[static_cast<std::size_t>(worker)].push_back(task); });
        std::size_t total = 0;
        for (const auto& tasks : mine) {
            total += tasks.size();
            for (std::size_t i = 1; i < tasks.size(); ++i) CHECK(tasks[i - 1] < tasks[i]);
        }
        CHECK_EQ(total, 2000u);
    }
}

TEST(a_checkpoint_polls_on_its_own_thread_only) {
    int polls = 0;
    Control control(4, [&](std::int64_t) {
        ++polls;
        return true;
    });
    nap(60);  // so that the owner's next look would poll
    std::thread other([&] {
        for (int i = 0; i < 100; ++i) control.checkpoint();
    });
    other.join();
    CHECK_EQ(polls, 0);
    CHECK(!control.stopping());
    CHECK_THROWS(Cancelled, control.checkpoint());
    CHECK_EQ(polls, 1);
    bool cancelled = false;
    std::thread late([&] {
        try {
            control.checkpoint();
        } catch (const Cancelled&) {
            cancelled = true;
        }
    });
    late.join();
    CHECK(cancelled);
}

TEST(a_poll_is_not_called_again_at_once) {
    int polls = 0;
    std::int64_t seen = -1;
    Control control(1, [&](std::int64_t done) {
        ++polls;
        seen = done;
        return false;
    });
    control.advance(40);
    control.advance(2);
    nap(60);
    for (int i = 0; i < 1000; ++i) control.checkpoint();
    CHECK(polls >= 1 && polls < 100);
    CHECK_EQ(seen, 42);
}

TEST(a_stop_asked_from_a_body_ends_the_loop) {
    for (int threads : {2, 3, 7}) {
        Control control(threads);
        std::atomic<int> runs{0};
        CHECK_THROWS(Cancelled, parallel_for(control, 1'000'000, [&](std::int64_t task, int) {
                         ++runs;
                         if (task == 100) control.request_stop();
                     }));
        CHECK(runs.load() > 100 && runs.load() < 1'000'000);
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
