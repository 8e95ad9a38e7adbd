// Streams of rows: the same blocks for any number of threads, any range of rows, any width; stopped, left and taken up.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "families.hpp"
#include "graphx/rows.hpp"
#include "levels.hpp"
#include "row_matrices.hpp"
#include "test.hpp"

using namespace graphx;
using namespace graphx::test;

namespace {

struct Blocks {  // what a stream made: where each block ends, and all entries of (3, 4, 4), one after the other
    std::vector<std::int64_t> stops;
    std::vector<std::int32_t> values;
    bool operator==(const Blocks&) const = default;
};

// Takes up to `most` blocks of the stream; every `skip`-th is not copied.
template <class I>
Blocks take(RowStream<I>& stream, Control& control, std::size_t most, std::size_t skip = 0) {
    Blocks made;
    while (made.stops.size() < most && stream.next(1 << 12, control)) {
        const auto entries = static_cast<std::size_t>(stream.num_entries(k3_4_4)), old = made.values.size();
        made.stops.push_back(stream.stop());
        if (skip && made.stops.size() % skip == 0) continue;
        std::vector<std::int64_t> indptr(static_cast<std::size_t>(stream.stop() - stream.start()) + 1);
        std::vector<std::int32_t> indices(entries);
        std::vector<I> values(entries);
        stream.copy({{k3_4_4, 0, indptr.data(), indices.data(), values.data(), static_cast<int>(sizeof(I))}}, control);
        made.values.resize(old + entries);
        std::copy(values.begin(), values.end(), made.values.begin() + static_cast<std::ptrdiff_t>(old));
    }
    return made;
}

}  // namespace

TEST(a_stream_is_the_same_for_any_number_of_threads) {
    const TestGraph g = random_graph(150, 0.1, 5);
    Control one(1);
    const auto basis = count_edge_basis<std::int32_t>(g.csr(), one);
    const auto tables = make_row_tables(basis, kAllKeys, one);
    RowStream<std::int32_t> alone(basis, tables, kAllKeys);
    const Blocks expected = take(alone, one, 1000);
    CHECK(expected.stops.size() > 10);
    CHECK_EQ(expected.stops.back(), 150);
    for (const int threads : {2, 3, 7}) {
        Control control(threads);
        RowStream<std::int32_t> stream(basis, tables, kAllKeys);
        CHECK(take(stream, control, 1000) == expected);
        CHECK(!stream.next(1 << 12, control));
    }
}

TEST(a_stream_may_be_left_at_any_block_and_blocks_be_skipped) {
    const TestGraph g = random_graph(120, 0.1, 6);
    Control control(3);
    const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
    const auto tables = make_row_tables(basis, kAllKeys, control);
    RowStream<std::int32_t> whole(basis, tables, kAllKeys);
    const Blocks all = take(whole, control, 1000);
    for (std::size_t blocks = 0; blocks < 6; ++blocks) {
        RowStream<std::int32_t> stream(basis, tables, kAllKeys);
        CHECK_EQ(take(stream, control, blocks).stops.size(), blocks);
    }
    RowStream<std::int32_t> some(basis, tables, kAllKeys);
    CHECK(take(some, control, 1000, 2).stops == all.stops);
}

TEST(a_stream_that_was_stopped_takes_up_where_it_was) {
    const TestGraph g = random_graph(120, 0.1, 7);
    Control control(2);
    const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
    const auto tables = make_row_tables(basis, kAllKeys, control);
    RowStream<std::int32_t> whole(basis, tables, kAllKeys), stream(basis, tables, kAllKeys);
    const Blocks all = take(whole, control, 1000);
    Blocks made = take(stream, control, 3);
    Control stopped(2);
    stopped.request_stop();
    bool cancelled = false;
    try {
        take(stream, stopped, 1000);
    } catch (const Cancelled&) {
        cancelled = true;
    }
    CHECK(cancelled);
    const Blocks rest = take(stream, control, 1000);
    made.values.insert(made.values.end(), rest.values.begin(), rest.values.end());
    CHECK(made.values == all.values);
}

namespace {

// Takes rows start..stop key by key with other targets than the rest, and compares them with the matrices.
void check_slice(const EdgeBasis<std::int32_t>& basis, const RowTables<std::int32_t>& tables, const Matrices& expected,
                 std::int64_t start, std::int64_t stop, std::int64_t bytes, int threads) {
    const auto n = static_cast<std::size_t>(basis.graph.num_nodes);
    Control control(threads);
    RowStream<std::int32_t> stream(basis, tables, kAllKeys);
    stream.limit(start, stop);
    std::int64_t next = start, blocks = 0;
    while (stream.next(bytes, control)) {
        CHECK_EQ(stream.start(), next);
        next = stream.stop();
        CHECK(next > stream.start() && next <= stop);
        CHECK(next - stream.start() >= 2 || next == stop);
        const auto rows = static_cast<std::size_t>(next - stream.start());
        const std::int64_t offset = ++blocks * 1000;
        for (int key = 0; key < kNumKeys; ++key) {
            KeySummary slice;
            for (std::size_t i = static_cast<std::size_t>(stream.start()) * n; i < static_cast<std::size_t>(next) * n; ++i) {
                slice.num_nonzeros += expected[static_cast<std::size_t>(key)][i] != 0;
                slice.maximum = std::max(slice.maximum, expected[static_cast<std::size_t>(key)][i]);
            }
            CHECK_EQ(stream.num_entries(key), slice.num_nonzeros);
            CHECK_EQ(stream.maximum(key), slice.maximum);
        }
        // the same key three times, once for each width, and another one's values without its columns
        const int keys[] = {k3_4_4, k3_4_4, k3_4_4, k2_6_6};
        const int widths[] = {2, 4, 8, 2};
        std::vector<std::vector<std::int64_t>> indptr(4, std::vector<std::int64_t>(rows + 1, -1));
        std::vector<std::vector<std::int32_t>> indices(4);
        std::vector<std::vector<char>> values(4);
        std::vector<CopyTarget> targets;
        for (std::size_t k = 0; k < 4; ++k) {
            const auto size = static_cast<std::size_t>(stream.num_entries(keys[k]));
            indices[k].resize(size + 1, -1);
            values[k].resize(size * static_cast<std::size_t>(widths[k]) + 1, 'x');
            targets.push_back({keys[k], offset, indptr[k].data(), k == 3 ? nullptr : indices[k].data(), values[k].data(), widths[k]});
        }
        const std::int64_t first = stream.start();
        stream.copy(targets, control);
        for (std::size_t k = 0; k < 4; ++k) {
            CHECK_EQ(indptr[k][0], offset);
            CHECK_EQ(indptr[k][rows] - offset, static_cast<std::int64_t>(indices[k].size()) - 1);
            CHECK_EQ(indices[k].back(), -1);  // nothing behind the end
            CHECK_EQ(values[k].back(), 'x');
            std::size_t at = 0;
            for (std::size_t r = 0; r < rows; ++r) {
                CHECK_EQ(indptr[k][r], offset + static_cast<std::int64_t>(at));
                for (std::size_t v = 0; v < n; ++v) {
                    const std::int64_t value = expected[static_cast<std::size_t>(keys[k])][(static_cast<std::size_t>(first) + r) * n + v];
                    if (value == 0) continue;
                    std::int64_t found = 0;  // little-endian, and no value is negative
                    std::memcpy(&found, values[k].data() + at * static_cast<std::size_t>(widths[k]), static_cast<std::size_t>(widths[k]));
                    CHECK_EQ(found, value);
                    if (k < 3) CHECK_EQ(indices[k][at], static_cast<std::int32_t>(v));
                    ++at;
                }
            }
        }
    }
    CHECK_EQ(next, std::max(start, stop));
    CHECK(!stream.next(bytes, control));  // the end stays the end
}

}  // namespace

TEST(any_slice_of_rows_in_any_width_is_that_of_the_matrix) {
    const TestGraph graphs[] = {random_graph(70, 0.25, 4), random_graph(75, 0.05, 5), disjoint(cycle(40), with_hub(30, 0.2, 1))};
    const std::pair<std::int64_t, std::int64_t> slices[] = {{0, 70}, {0, 1}, {69, 70}, {31, 33}, {32, 64}, {5, 5}, {7, 66}};
    for (const TestGraph& graph : graphs) {
        const Matrices expected = enumerate(graph);
        for (const char* name : levels()) {
            const AtLevel level(name);
            Control control(1);
            const auto basis = count_edge_basis<std::int32_t>(graph.csr(), control);
            const auto tables = make_row_tables(basis, kAllKeys, control);
            int threads = 0;
            for (const auto& [start, stop] : slices)
                for (const std::int64_t bytes : {std::int64_t{1}, std::int64_t{20000}, std::int64_t{1} << 24})
                    check_slice(basis, tables, expected, start, stop, bytes, 1 + threads++ % 3);
        }
    }
}

TEST(streams_of_graphs_without_rows_or_edges_end) {
    for (const std::size_t n : {0, 1, 2, 40}) {
        const TestGraph g = empty_graph(n);
        Control control(3);
        const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
        const auto tables = make_row_tables(basis, kAllKeys, control);
        const Matrices made = stream_matrices(basis, tables, kAllKeys, 1, control);
        for (const Matrix& matrix : made) check_summary(summary_of(matrix), {});
    }
}

// Whatever moment it is stopped at, in whatever call: the rows that follow are those that were due.
TEST(a_stream_stopped_at_any_moment_loses_nothing) {
    const TestGraph g = random_graph(110, 0.15, 8);
    Control quiet(1);
    const auto basis = count_edge_basis<std::int32_t>(g.csr(), quiet);
    const auto tables = make_row_tables(basis, kAllKeys, quiet);
    RowStream<std::int32_t> whole(basis, tables, kAllKeys);
    const Blocks all = take(whole, quiet, 1000);
    std::mt19937 random(3);
    for (int round = 0; round < 12; ++round) {
        const int threads = 1 + round % 3;
        RowStream<std::int32_t> stream(basis, tables, kAllKeys);
        Blocks made;
        int stops = 0;
        while (made.stops.empty() || made.stops.back() < 110) {
            Control control(threads);
            std::thread stopper([&, wait = random() % 3000] {
                std::this_thread::sleep_for(std::chrono::microseconds(wait));
                control.request_stop();
            });
            try {
                while (stops < 20) {  // block by block, so that what was copied is kept
                    const Blocks one = take(stream, control, 1);
                    if (one.stops.empty()) break;
                    made.stops.push_back(one.stops[0]);
                    made.values.insert(made.values.end(), one.values.begin(), one.values.end());
                }
            } catch (const Cancelled&) {
                ++stops;
            }
            stopper.join();
            if (stops < 20) continue;
            Control rest(threads);
            const Blocks last = take(stream, rest, 1000);
            made.stops.insert(made.stops.end(), last.stops.begin(), last.stops.end());
            made.values.insert(made.values.end(), last.values.begin(), last.values.end());
        }
        CHECK(made.values == all.values);
    }
}

TEST(what_the_poll_throws_leaves_the_stream_before_the_block) {
    const TestGraph g = random_graph(100, 0.15, 8);
    Control quiet(1);
    const auto basis = count_edge_basis<std::int32_t>(g.csr(), quiet);
    const auto tables = make_row_tables(basis, kAllKeys, quiet);
    RowStream<std::int32_t> whole(basis, tables, kAllKeys), stream(basis, tables, kAllKeys);
    const Blocks all = take(whole, quiet, 1000);
    Blocks made = take(stream, quiet, 2);
    // One thread: several may have the next block ready, and then nothing is left to wait for.
    Control control(1, [](std::int64_t) -> bool { throw std::domain_error("poll"); });
    std::this_thread::sleep_for(std::chrono::milliseconds(60));  // so that the first look already polls
    const std::int64_t before = stream.stop();
    CHECK_THROWS(std::domain_error, stream.next(1 << 12, control));
    CHECK_EQ(stream.start(), before);
    CHECK_EQ(stream.stop(), before);
    const Blocks rest = take(stream, quiet, 1000);
    made.values.insert(made.values.end(), rest.values.begin(), rest.values.end());
    CHECK(made.values == all.values);
}

TEST(progress_of_a_stream_ends_at_the_number_of_rows) {
    const TestGraph g = random_graph(90, 0.1, 2);
    std::int64_t seen = 0;
    for (const int threads : {1, 3}) {
        Control control(threads, [&](std::int64_t done) {
            seen = done;
            return false;
        });
        Control quiet(1);
        const auto basis = count_edge_basis<std::int32_t>(g.csr(), quiet);
        const auto tables = make_row_tables(basis, kAllKeys, quiet);
        RowStream<std::int32_t> stream(basis, tables, kAllKeys);
        take(stream, control, 1000);
        std::this_thread::sleep_for(std::chrono::milliseconds(60));
        control.checkpoint();
        CHECK_EQ(seen, 90);
        seen = 0;
    }
}

#if !defined(__SANITIZE_THREAD__)  // ThreadSanitizer does not follow threads into a forked child
TEST(a_stream_goes_on_in_a_forked_child_and_in_its_parent) {
    const TestGraph g = random_graph(130, 0.1, 5);
    Control control(3);
    const auto basis = count_edge_basis<std::int32_t>(g.csr(), control);
    const auto tables = make_row_tables(basis, kAllKeys, control);
    RowStream<std::int32_t> whole(basis, tables, kAllKeys), stream(basis, tables, kAllKeys);
    const Blocks all = take(whole, control, 1000);
    Blocks made = take(stream, control, 4);
    const auto complete = [&](Blocks& begun) {
        const Blocks rest = take(stream, control, 1000);
        begun.values.insert(begun.values.end(), rest.values.begin(), rest.values.end());
        return begun.values == all.values;
    };
    const pid_t child = fork();
    if (child == 0) {
        alarm(20);  // a child that hangs dies
        _exit(complete(made) ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(complete(made));
}
#endif
