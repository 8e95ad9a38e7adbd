// RowStream: blocks of rows in order, computed ahead by threads that live as long as the stream.
#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(_WIN32)
#include <process.h>
#else
#include <unistd.h>
#endif

#include "graphx/row_engine.hpp"
#include "graphx/rows.hpp"

namespace graphx {

namespace {

constexpr std::size_t kLeastTiles = 2;  // in a block whatever its size
constexpr int kTilesPerBlock = 4;       // so that threads can share the work of a block
constexpr auto kPatience = std::chrono::microseconds(200);  // to look on before sleeping: to be woken takes longer

long process_id() {
#if defined(_WIN32)
    return _getpid();
#else
    return getpid();
#endif
}

template <class V, class I>
void convert(const I* from, std::size_t size, void* to) {
    auto* out = static_cast<V*>(to);
    if constexpr (std::is_same_v<V, I>) std::memcpy(out, from, size * sizeof(I));
    else
        for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<V>(from[i]);
}

// The dense tile of a task straight into its rows of the target.
template <class I>
void drain(const Output<I>& out, const CopyTarget& target, std::int64_t at, std::int64_t block_start) {
    TileTarget rows;
    rows.width = target.width;
    for (std::int64_t u = out.start; u < out.stop; ++u) {
        const auto r = static_cast<std::size_t>(u - out.start);
        rows.columns[r] = target.indices + at;
        rows.values[r] = static_cast<char*>(target.values) + at * target.width;
        at += out.parts[k3_4_4].size[r];
        target.indptr[u - block_start + 1] = target.offset + at;
    }
    const Emitter<I> emit = emitter<I>();
    const auto nodes = static_cast<std::int64_t>(
        (out.dense == Output<I>::Dense::narrow ? out.narrow.size() : out.wide.size()) / kLanes);
    const int count = static_cast<int>(out.stop - out.start);
    if (out.dense == Output<I>::Dense::narrow) emit.drain16(nodes, count, out.narrow.data(), rows);
    else emit.drain(nodes, count, out.wide.data(), rows);
}

// The rows of one tile to where they belong; `first[k]` is the place of the tile in target k.
template <class I>
void copy_tile(const Output<I>& out, const std::vector<CopyTarget>& targets, const std::vector<std::int64_t>& first,
               std::int64_t block_start, bool pairs) {
    for (std::size_t k = 0; k < targets.size(); ++k) {
        const CopyTarget& target = targets[k];
        const auto& part = out.parts[static_cast<std::size_t>(target.key)];
        std::int64_t at = first[k];
        if (target.key == k3_4_4 && out.dense != Output<I>::Dense::none && !pairs) {
            drain(out, target, at, block_start);
            continue;
        }
        for (std::int64_t u = out.start; u < out.stop; ++u) {
            const auto r = static_cast<std::size_t>(u - out.start);
            const auto size = static_cast<std::size_t>(part.size[r]);
            target.indptr[u - block_start + 1] = target.offset + at + part.size[r];
            if (size == 0) continue;
            if (target.indices)
                std::memcpy(target.indices + at, part.indices.data() + part.offset[r], size * sizeof(std::int32_t));
            const I* from = part.values.data() + part.offset[r];
            char* to = static_cast<char*>(target.values) + at * target.width;
            if (target.width == 2) convert<std::int16_t>(from, size, to);
            else if (target.width == 4) convert<std::int32_t>(from, size, to);
            else convert<std::int64_t>(from, size, to);
            at += part.size[r];
        }
    }
}

struct Rows {
    std::int64_t start, stop;
};

struct Plan {  // the tiles of a block, and the bytes foreseen for them
    std::vector<Rows> tiles;
    double near = 0, far = 0, bytes = 0;
};

template <class I>
struct Tile {
    Rows rows;
    bool ready = false;
    std::unique_ptr<Output<I>> output{};
};

// What the threads of a stream share. The tiles of the current block come first in `tiles`, those of later blocks
// follow. Everything is guarded by `mutex`, but for the output of a tile while one thread makes or copies it.
template <class I>
struct Crew {
    const EdgeBasis<I>& basis;
    const RowTables<I>& tables;
    const std::uint32_t keys;
    const bool pairs;
    const long process = process_id();
    std::mutex mutex{};
    std::condition_variable changed{};
    std::atomic<std::uint64_t> turn{0};  // goes on with every change that may give work
    int sleepers = 0;
    bool closing = false;
    std::exception_ptr error{};
    std::deque<Tile<I>> tiles{};
    std::size_t current = 0;  // tiles of the current block
    std::size_t ready = 0;    // those of them that are made
    std::size_t claimed = 0;  // tiles handed out
    std::size_t held = 0;     // outputs in use
    std::vector<std::unique_ptr<Output<I>>> spare{};
    const std::vector<CopyTarget>* targets = nullptr;                // where the current block goes, while it is copied
    const std::vector<std::vector<std::int64_t>>* places = nullptr;  // of each tile in each target
    std::int64_t block_start = 0;
    std::size_t copies_claimed = 0, copies_done = 0;
    std::vector<std::unique_ptr<RowEngine<I>>> engines{};
    std::vector<std::thread> helpers{};
    Control background{1};  // of the helpers: nothing to poll, only a request to stop

    using Lock = std::unique_lock<std::mutex>;

    void announce() {
        turn.fetch_add(1, std::memory_order_release);
        if (sleepers > 0) changed.notify_all();
    }

    // Until something changes; `longest` at most.
    void rest(Lock& lock, std::chrono::milliseconds longest) {
        const auto seen = turn.load(std::memory_order_relaxed);
        auto same = [&] { return turn.load(std::memory_order_acquire) == seen; };
        lock.unlock();
        const auto until = std::chrono::steady_clock::now() + kPatience;
        while (same() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
        lock.lock();
        if (!same() || closing) return;
        ++sleepers;
        changed.wait_for(lock, longest, [&] { return !same() || closing; });
        --sleepers;
    }

    bool copy_one(Lock& lock) {
        if (!targets || copies_claimed == current) return false;
        const std::size_t at = copies_claimed++;
        Tile<I>& tile = tiles[at];
        lock.unlock();
        copy_tile(*tile.output, *targets, (*places)[at], block_start, pairs);
        lock.lock();
        spare.push_back(std::move(tile.output));
        --held;
        ++copies_done;
        announce();
        return true;
    }

    // Tiles of the current block always, later ones while there are few outputs.
    bool make_one(Lock& lock, int worker, Control& control) {
        if (claimed == tiles.size()) return false;
        if (claimed >= current && held >= current + helpers.size()) return false;
        const std::size_t at = claimed++;
        Tile<I>& tile = tiles[at];
        ++held;
        if (spare.empty()) {
            tile.output = std::make_unique<Output<I>>();
        } else {
            tile.output = std::move(spare.back());
            spare.pop_back();
        }
        lock.unlock();
        auto& engine = engines[static_cast<std::size_t>(worker)];
        if (!engine) engine = std::make_unique<RowEngine<I>>(basis, tables, keys, pairs);
        tile.output->reset(tile.rows.start, tile.rows.stop);
        engine->tile(tile.rows.start, tile.rows.stop, tile.output.get(), nullptr, control);
        lock.lock();
        tile.ready = true;
        announce();
        return true;
    }

    void help(int worker) noexcept {
        Lock lock(mutex);
        try {
            while (!closing)
                if (!copy_one(lock) && !make_one(lock, worker, background)) rest(lock, std::chrono::hours(1));
        } catch (...) {
            if (!lock.owns_lock()) lock.lock();
            if (!error) error = std::current_exception();
            closing = true;
            announce();
        }
    }

    void start(std::size_t threads) {
        engines.resize(threads);
        helpers.reserve(threads - 1);
        Lock lock(mutex);  // so that no helper looks at `helpers` while it grows
        for (std::size_t worker = 1; worker < threads; ++worker) {
            try {
                helpers.emplace_back([this, worker] { help(static_cast<int>(worker)); });
            } catch (const std::system_error&) {  // no more threads to be had: fewer do the same work
                break;
            }
        }
    }

    // The calling thread: what failed in a helper fails here, and Ctrl-C is seen.
    void look_up(Lock& lock, Control& control) {
        if (error) std::rethrow_exception(error);
        lock.unlock();
        control.checkpoint();
        lock.lock();
    }

    void finish_block(Control& control) {
        Lock lock(mutex);
        for (;;) {
            while (ready < current && tiles[ready].ready) ++ready;
            if (ready == current) return;
            look_up(lock, control);
            if (!make_one(lock, 0, control)) rest(lock, std::chrono::milliseconds(50));
        }
    }

    void copy_block(const std::vector<CopyTarget>& to, const std::vector<std::vector<std::int64_t>>& first,
                    std::int64_t start_row, Control& control) {
        Lock lock(mutex);
        targets = &to;
        places = &first;
        block_start = start_row;
        copies_claimed = copies_done = 0;
        announce();
        while (copies_done < current) {
            look_up(lock, control);
            if (!copy_one(lock)) rest(lock, std::chrono::milliseconds(50));
        }
        targets = nullptr;
        places = nullptr;
    }

    // Goes on to the next block, of so many tiles.
    void drop_block(std::size_t next) {
        Lock lock(mutex);
        for (std::size_t i = 0; i < current; ++i) {
            if (tiles.front().output) {  // a block that nobody copied
                spare.push_back(std::move(tiles.front().output));
                --held;
            }
            tiles.pop_front();
        }
        claimed -= current;
        current = next;
        ready = 0;
        while (spare.size() > current + helpers.size()) spare.pop_back();
        announce();
    }

    void add(const Plan& plan) {
        Lock lock(mutex);
        for (const Rows& rows : plan.tiles) tiles.push_back({rows});
        announce();
    }

    ~Crew() {
        {
            Lock lock(mutex);
            closing = true;
            background.request_stop();
            changed.notify_all();
        }
        for (auto& helper : helpers) helper.join();
    }
};

}  // namespace

template <class I>
struct RowStream<I>::State {
    const EdgeBasis<I>& basis;
    const RowTables<I>& tables;
    const std::uint32_t keys;
    const bool pairs;
    std::int64_t end;                        // one past the last row of all
    std::int64_t start = 0, stop = 0;        // of the current block
    double near_fill = 1.0, far_fill = 1.0;  // bytes produced over bytes foreseen, lately
    std::int64_t block_bytes = 0;
    bool current = false;     // the first plan is that of start..stop
    std::deque<Plan> plans{};  // of the current block and two more: how far ahead is the same for any number of threads
    std::unique_ptr<Crew<I>> crew{};

    ~State() { dismiss(); }

    // In a forked child there are no helpers, and one may have left the lock held and a buffer half moved: what is of no
    // more use is left alone.
    void dismiss() {
        if (crew && crew->process != process_id()) static_cast<void>(crew.release());
        crew.reset();
    }

    // Bytes that row u is likely to take, from upper bounds and how full they were of late: hop 1, hop 2, hop 3.
    std::array<double, 3> foreseen(std::int64_t u) const {
        const auto n = static_cast<double>(basis.graph.num_nodes);
        const double entry = sizeof(I) + 4;
        const double near = tables.near ? std::min(n, static_cast<double>(tables.wedges[u])) : 0;
        if (pairs) return {0, near * (kNumPairSums * sizeof(I) + 4), 0};
        return {entry * static_cast<double>(basis.graph.degree(u)) * std::popcount(keys & kHop1Keys),
                entry * near * std::popcount(keys & kHop2Keys), entry * n * std::popcount(keys & kHop3Keys)};
    }

    // Rows from `first` on for one tile of at most `most` bytes, one row at least. Adds what it takes to the plan.
    Rows next_tile(std::int64_t first, double most, Plan& plan) const {
        const std::int64_t last = std::min(end, first + kTile);
        double tile = 0;
        std::int64_t u = first;
        for (; u < last; ++u) {
            const auto row = foreseen(u);
            const double size = row[0] + row[1] * near_fill + row[2] * far_fill;
            if (u > first && tile + size > most) break;
            tile += size;
            plan.near += row[1];
            plan.far += row[2];
        }
        plan.bytes += tile;
        return {first, u};
    }

    std::int64_t planned() const { return plans.empty() ? stop : plans.back().tiles.back().stop; }

    Plan plan_block() const {
        Plan plan;
        std::int64_t first = planned();
        const auto most = static_cast<double>(block_bytes);
        while (first < end) {
            Plan longer = plan;
            const Rows tile = next_tile(first, most / kTilesPerBlock, longer);
            if (plan.tiles.size() >= kLeastTiles && longer.bytes > most) break;
            longer.tiles.push_back(tile);
            plan = std::move(longer);
            first = tile.stop;
        }
        return plan;
    }

    const Output<I>& output(std::size_t tile) const { return *crew->tiles[tile].output; }

    std::int64_t num_entries(int key) const {
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < crew->current; ++i)
            sum += output(i).parts[static_cast<std::size_t>(key)].num_entries();
        return sum;
    }

    // The current block is made: how full was it?
    void learn() {
        double near_made = 0;
        for (int key = pairs ? 0 : kNumHop1; key < k3_4_4; ++key) near_made += static_cast<double>(num_entries(key));
        const double far_made = static_cast<double>(num_entries(k3_4_4));
        const double entry = sizeof(I) + 4;
        auto refine = [entry](double& fill, double made, double foreseen) {
            if (foreseen > 0) fill = std::max(0.5 * fill, std::clamp(made * entry / foreseen, 0.001, 1.0));
        };
        refine(near_fill, near_made, plans.front().near);
        refine(far_fill, far_made, plans.front().far);
    }

    void plan_more() {
        if (planned() >= end) return;
        plans.push_back(plan_block());
        if (crew) crew->add(plans.back());
    }

    void hire(int threads) {
        dismiss();
        crew.reset(new Crew<I>{basis, tables, keys, pairs});
        std::size_t tiles = 0;
        for (const Plan& plan : plans) {
            crew->add(plan);
            tiles += plan.tiles.size();
        }
        crew->current = plans.front().tiles.size();
        crew->start(std::clamp<std::size_t>(static_cast<std::size_t>(threads), 1, tiles));
    }

    // Off with the current block.
    void leave() {
        plans.pop_front();
        current = false;
        if (crew) crew->drop_block(plans.empty() ? 0 : plans.front().tiles.size());
    }
};

template <class I>
RowStream<I>::RowStream(const EdgeBasis<I>& basis, const RowTables<I>& tables, std::uint32_t keys, bool pairs)
    : state_(new State{basis, tables, keys, pairs, basis.graph.num_nodes}) {}
template <class I>
void RowStream<I>::limit(std::int64_t start, std::int64_t stop) {
    state_->start = state_->stop = start;
    state_->end = stop;
}
template <class I>
RowStream<I>::~RowStream() = default;
template <class I>
std::int64_t RowStream<I>::start() const { return state_->start; }
template <class I>
std::int64_t RowStream<I>::stop() const { return state_->stop; }

template <class I>
bool RowStream<I>::next(std::int64_t block_bytes, Control& control) {
    State& s = *state_;
    if (s.crew && s.crew->process != process_id()) s.dismiss();
    if (s.current) s.leave();
    s.start = s.stop;
    s.block_bytes = block_bytes;
    if (s.start >= s.end) {
        s.dismiss();
        return false;
    }
    while (s.plans.size() < 2 && s.planned() < s.end) s.plan_more();
    if (!s.crew) s.hire(control.threads());
    try {
        s.crew->finish_block(control);
    } catch (...) {
        s.dismiss();  // a later call takes up the same block
        throw;
    }
    s.current = true;
    s.stop = s.plans.front().tiles.back().stop;
    s.learn();
    s.plan_more();
    control.advance(s.stop - s.start);
    return true;
}

template <class I>
std::int64_t RowStream<I>::num_entries(int key) const {
    return state_->num_entries(key);
}

template <class I>
std::int64_t RowStream<I>::maximum(int key) const {
    std::int64_t most = 0;
    for (std::size_t i = 0; i < state_->crew->current; ++i)
        most = std::max(most, state_->output(i).parts[static_cast<std::size_t>(key)].maximum);
    return most;
}

template <class I>
void RowStream<I>::copy(const std::vector<CopyTarget>& targets, Control& control) {
    State& s = *state_;
    const std::size_t tiles = s.crew->current;
    std::vector<std::vector<std::int64_t>> first(tiles + 1, std::vector<std::int64_t>(targets.size(), 0));
    for (std::size_t k = 0; k < targets.size(); ++k) {
        for (std::size_t i = 0; i < tiles; ++i)
            first[i + 1][k] =
                first[i][k] + s.output(i).parts[static_cast<std::size_t>(targets[k].key)].num_entries();
        targets[k].indptr[0] = targets[k].offset;
    }
    try {
        s.crew->copy_block(targets, first, s.start, control);
    } catch (...) {
        s.dismiss();
        s.current = false;
        s.stop = s.start;
        throw;
    }
    s.leave();
}

template class RowStream<std::int32_t>;
template class RowStream<std::int64_t>;

}  // namespace graphx
