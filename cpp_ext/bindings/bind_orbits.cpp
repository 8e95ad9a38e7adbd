// OrbitCounter: the edge basis of one graph and everything that is made of it.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common.hpp"
#include "graphx/orbit_parts.hpp"
#include "graphx/orbits.hpp"
#include "graphx/rows.hpp"
#include "graphx/spmm.hpp"

namespace graphx::bind {

namespace {

constexpr std::int64_t kMatrixBlockBytes = std::int64_t{12} << 20;  // rows made at a time: they stay in the cache

// Memory of a block handed to Python; goes back to the stream that made it when the last array is gone.
struct Arenas {
    std::mutex mutex;
    std::vector<Buffer<char>> free;
};

struct Arena {
    std::shared_ptr<Arenas> home;
    Buffer<char> memory;
};

void give_back(void* p) noexcept {
    auto* arena = static_cast<Arena*>(p);
    {
        std::lock_guard<std::mutex> lock(arena->home->mutex);
        if (arena->home->free.size() < 2) arena->home->free.push_back(std::move(arena->memory));
    }
    delete arena;
}

std::vector<int> list_keys(std::uint32_t keys) {
    std::vector<int> list;
    for (int key = 0; key < kNumKeys; ++key)
        if (has_key(keys, key)) list.push_back(key);
    return list;
}

template <class T>
using Out = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// (indptr, indices, values), or (None, None, values) for the pattern of the graph.
nb::tuple to_tuple(Part&& part) {
    if (part.indptr.size() == 0) return nb::make_tuple(nb::none(), nb::none(), to_numpy(std::move(part.values)));
    return nb::make_tuple(to_numpy(std::move(part.indptr)), to_numpy(std::move(part.indices)),
                          to_numpy(std::move(part.values)));
}

class OrbitCounter {
public:
    virtual ~OrbitCounter() = default;
    virtual nb::dict facts() const = 0;
    virtual nb::object graphlet_degrees(int threads, nb::object progress) = 0;
    virtual nb::object edge_graphlet_degrees(int threads, nb::object progress) = 0;
    virtual nb::object hop1_values(int key, int threads, nb::object progress) = 0;
    virtual nb::list edge_parts(const std::vector<int>& keys, int threads) = 0;
    virtual nb::object square_pairs(std::int64_t most_bytes, int threads) = 0;
    virtual nb::list summarize(std::uint32_t keys, int threads, nb::object progress) = 0;
    virtual nb::list matrices(std::uint32_t keys, bool narrow, int threads, nb::object progress) = 0;
    virtual void make_pairs(int threads, nb::object progress) = 0;
    virtual void drop_pairs() = 0;
    virtual bool has_pairs() const = 0;
    virtual nb::object pair_matrix(int key, int threads, nb::object progress) = 0;
    virtual nb::object stream(nb::object self, std::uint32_t keys, std::int64_t start, std::int64_t stop) = 0;
    virtual void multiply_triangles(const Matrix<float>& x, std::int64_t scale, Out<float>& out, int threads,
                                    nb::object progress) = 0;
    virtual void multiply_triangles(const Matrix<double>& x, std::int64_t scale, Out<double>& out, int threads,
                                    nb::object progress) = 0;
    virtual void multiply_triangles(const Matrix<std::int64_t>& x, std::int64_t scale, Out<std::int64_t>& out,
                                    int threads, nb::object progress) = 0;
    virtual void multiply_rows(int key, const Matrix<float>& x, Out<float>& out, int threads, nb::object progress) = 0;
    virtual void multiply_rows(int key, const Matrix<double>& x, Out<double>& out, int threads,
                               nb::object progress) = 0;
    virtual void multiply_rows(int key, const Matrix<std::int64_t>& x, Out<std::int64_t>& out, int threads,
                               nb::object progress) = 0;
};

class Stream {
public:
    virtual ~Stream() = default;
    virtual nb::object next(std::int64_t block_bytes, int threads, nb::object progress) = 0;
};

template <class I>
class TypedStream;

template <class I>
class TypedCounter final : public OrbitCounter {
public:
    TypedCounter(Vector<std::int64_t> indptr, Vector<std::int32_t> indices, int threads, nb::object progress)
        : indptr_(indptr), indices_(indices) {
        const Csr graph{static_cast<std::int64_t>(indptr.shape(0)) - 1, indptr.data(), indices.data()};
        basis_ = run_interruptible(threads, std::move(progress),
                                   [&](Control& control) { return count_edge_basis<I>(graph, control); });
    }

    nb::dict facts() const override {
        nb::dict out;
        out["max_degree"] = basis_.max_degree;
        out["num_triangles"] = basis_.num_triangles;
        out["value_bytes"] = sizeof(I);
        return out;
    }

    nb::object graphlet_degrees(int threads, nb::object progress) override {
        const auto n = static_cast<std::size_t>(basis_.graph.num_nodes);
        Buffer<std::int64_t> out(n * 15);
        run_interruptible(threads, std::move(progress),
                          [&](Control& control) { graphx::graphlet_degrees(basis_, out.data(), control); });
        return nb::cast(to_numpy(std::move(out), n, 15));
    }

    nb::object edge_graphlet_degrees(int threads, nb::object progress) override {
        if (sizeof(I) == 4 && basis_.max_degree <= kMaxDegreeInt32Edges)
            return edge_degrees_as<I>(threads, std::move(progress));
        return edge_degrees_as<std::int64_t>(threads, std::move(progress));
    }

    nb::object hop1_values(int key, int threads, nb::object progress) override {
        Buffer<I> out(static_cast<std::size_t>(basis_.graph.num_entries()));
        run_interruptible(threads, std::move(progress),
                          [&](Control& control) { graphx::hop1_values(basis_, key, out.data(), control); });
        return nb::cast(to_numpy(std::move(out)));
    }

    nb::list edge_parts(const std::vector<int>& keys, int threads) override {
        for (const int key : keys)
            if (key < 0 || key >= kNumKeys) throw std::invalid_argument("no such key");
        auto parts = run_interruptible(threads, nb::none(),
                                       [&](Control& control) { return graphx::edge_parts(basis_, keys, control); });
        nb::list out;
        for (Part& part : parts) out.append(to_tuple(std::move(part)));
        return out;
    }

    // None where the edges inside common neighbourhoods are found otherwise; False where it would pass `most_bytes`.
    nb::object square_pairs(std::int64_t most_bytes, int threads) override {
        std::optional<SquarePairs> pairs;
        run_interruptible(threads, nb::none(), [&](Control& control) {
            const auto shared = tables(kHop2Keys, control);
            if (shared->has_lists() || basis_.num_triangles == 0)
                pairs = graphx::square_pairs(basis_, *shared, most_bytes, control);
        });
        if (!pairs) return nb::none();
        if (!pairs->fits) return nb::bool_(false);
        return nb::make_tuple(to_tuple(std::move(pairs->squares)), to_tuple(std::move(pairs->diamonds)));
    }

    nb::list summarize(std::uint32_t keys, int threads, nb::object progress) override {
        const auto sums = run_interruptible(threads, std::move(progress), [&](Control& control) {
            return summarize_rows(basis_, *tables(keys, control), keys, control);
        });
        nb::list out;
        for (int key : list_keys(keys))
            out.append(nb::make_tuple(key, sums[key].num_nonzeros, sums[key].total, sums[key].maximum));
        return out;
    }

    nb::list matrices(std::uint32_t keys, bool narrow, int threads, nb::object progress) override {
        struct Target {
            int key, width;
            std::size_t size = 0;
            Buffer<std::int64_t> indptr;
            Buffer<std::int32_t> indices;
            Buffer<std::int16_t> narrow;
            Buffer<I> values;
        };
        const std::int64_t n = basis_.graph.num_nodes;
        std::vector<Target> targets;
        for (int key : list_keys(keys)) {
            Target target;
            target.key = key;
            target.width = narrow && key == k3_4_4 ? 2 : sizeof(I);
            target.indptr.resize(static_cast<std::size_t>(n) + 1);
            target.indptr[0] = 0;
            targets.push_back(std::move(target));
        }
        run_interruptible(threads, std::move(progress), [&](Control& control) {
            const auto shared = tables(keys, control);
            RowStream<I> stream(basis_, *shared, keys);
            while (stream.next(kMatrixBlockBytes, control)) {
                std::vector<CopyTarget> copies;
                for (Target& t : targets) {
                    const auto more = static_cast<std::size_t>(stream.num_entries(t.key));
                    t.indices.grow(t.size + more);
                    if (t.width == 2 && stream.maximum(t.key) > 32767) {  // widen what is there, then go on
                        t.values.resize(t.size);
                        for (std::size_t i = 0; i < t.size; ++i) t.values[i] = t.narrow[i];
                        t.narrow.release();
                        t.width = sizeof(I);
                    }
                    void* values;
                    if (t.width == 2) {
                        t.narrow.grow(t.size + more);
                        values = t.narrow.data() + t.size;
                    } else {
                        t.values.grow(t.size + more);
                        values = t.values.data() + t.size;
                    }
                    copies.push_back({t.key, static_cast<std::int64_t>(t.size), t.indptr.data() + stream.start(),
                                      t.indices.data() + t.size, values, t.width});
                    t.size += more;
                }
                stream.copy(copies, control);
            }
        });
        nb::list out;
        for (Target& t : targets) {
            nb::object values = t.width == 2 ? nb::cast(to_numpy(std::move(t.narrow))) : nb::cast(to_numpy(std::move(t.values)));
            out.append(nb::make_tuple(t.key, to_numpy(std::move(t.indptr)), to_numpy(std::move(t.indices)), values));
        }
        return out;
    }

    void make_pairs(int threads, nb::object progress) override {
        run_interruptible(threads, std::move(progress), [&](Control& control) {
            auto pairs = std::make_shared<PairBasis<I>>();
            const auto shared = tables(kHop2Keys, control);
            pairs->indptr.resize(static_cast<std::size_t>(basis_.graph.num_nodes) + 1);
            pairs->indptr[0] = 0;
            RowStream<I> stream(basis_, *shared, kHop2Keys, true);
            std::size_t size = 0;
            while (stream.next(kMatrixBlockBytes, control)) {
                const auto more = static_cast<std::size_t>(stream.num_entries(0));
                pairs->indices.grow(size + more);
                std::vector<CopyTarget> copies;
                for (int k = 0; k < kNumPairSums; ++k) {
                    pairs->sums[k].grow(size + more);
                    copies.push_back({k, static_cast<std::int64_t>(size), pairs->indptr.data() + stream.start(),
                                      k == 0 ? pairs->indices.data() + size : nullptr, pairs->sums[k].data() + size,
                                      static_cast<int>(sizeof(I))});
                }
                // Only the first writes the row pointer: the others share it and would write the same numbers.
                Buffer<std::int64_t> spare(static_cast<std::size_t>(stream.stop() - stream.start()) + 1);
                for (std::size_t k = 1; k < copies.size(); ++k) copies[k].indptr = spare.data();
                stream.copy(copies, control);
                size += more;
            }
            std::lock_guard<std::mutex> lock(pairs_mutex_);
            pairs_ = std::move(pairs);
        });
    }
    void drop_pairs() override {
        std::lock_guard<std::mutex> lock(pairs_mutex_);
        pairs_.reset();
    }
    bool has_pairs() const override { return pairs() != nullptr; }

    // None where another thread dropped the pairs since the caller looked.
    nb::object pair_matrix(int key, int threads, nb::object progress) override {
        const auto pairs = this->pairs();
        if (!pairs) return nb::none();
        Buffer<std::int64_t> indptr;
        Buffer<std::int32_t> indices;
        Buffer<I> values;
        run_interruptible(threads, std::move(progress), [&](Control& control) {
            graphx::pair_matrix(basis_, *pairs, key, indptr, indices, values, control);
        });
        return nb::make_tuple(to_numpy(std::move(indptr)), to_numpy(std::move(indices)), to_numpy(std::move(values)));
    }

    nb::object stream(nb::object self, std::uint32_t keys, std::int64_t start, std::int64_t stop) override;

    void multiply_triangles(const Matrix<float>& x, std::int64_t scale, Out<float>& out, int threads,
                            nb::object progress) override {
        triangles_times(x, scale, out, threads, std::move(progress));
    }
    void multiply_triangles(const Matrix<double>& x, std::int64_t scale, Out<double>& out, int threads,
                            nb::object progress) override {
        triangles_times(x, scale, out, threads, std::move(progress));
    }
    void multiply_triangles(const Matrix<std::int64_t>& x, std::int64_t scale, Out<std::int64_t>& out, int threads,
                            nb::object progress) override {
        triangles_times(x, scale, out, threads, std::move(progress));
    }
    void multiply_rows(int key, const Matrix<float>& x, Out<float>& out, int threads, nb::object progress) override {
        rows_times(key, x, out, threads, std::move(progress));
    }
    void multiply_rows(int key, const Matrix<double>& x, Out<double>& out, int threads, nb::object progress) override {
        rows_times(key, x, out, threads, std::move(progress));
    }
    void multiply_rows(int key, const Matrix<std::int64_t>& x, Out<std::int64_t>& out, int threads,
                       nb::object progress) override {
        rows_times(key, x, out, threads, std::move(progress));
    }

    // Called without the GIL.
    std::shared_ptr<const RowTables<I>> tables(std::uint32_t keys, Control& control) {
        std::lock_guard<std::mutex> lock(mutex_);
        const bool near = (keys & ~kHop1Keys) != 0;
        if (!tables_ || (near && !tables_->near) || (needs_inside_edges(keys) && !tables_->inside))
            tables_ = std::make_shared<const RowTables<I>>(make_row_tables(basis_, keys, control));
        return tables_;
    }

    const EdgeBasis<I>& basis() const { return basis_; }

private:
    template <class T>
    void triangles_times(const Matrix<T>& x, std::int64_t scale, Out<T>& out, int threads, nb::object progress) {
        run_interruptible(threads, std::move(progress), [&](Control& control) {
            std::shared_ptr<const TriangleLists> lists;
            {
                std::lock_guard<std::mutex> lock(mutex_);
                if (!lists_) lists_ = std::make_shared<const TriangleLists>(make_triangle_lists(basis_, control));
                lists = lists_;
            }
            graphx::multiply_triangles(*lists, x.data(), static_cast<std::int64_t>(x.shape(1)), scale, out.data(),
                                       control);
        });
    }

    template <class T>
    void rows_times(int key, const Matrix<T>& x, Out<T>& out, int threads, nb::object progress) {
        run_interruptible(threads, std::move(progress), [&](Control& control) {
            const auto shared = tables(std::uint32_t{1} << key, control);
            graphx::multiply_rows(basis_, *shared, key, x.data(), static_cast<std::int64_t>(x.shape(1)), out.data(),
                                  control);
        });
    }

    template <class O>
    nb::object edge_degrees_as(int threads, nb::object progress) {
        const auto m = static_cast<std::size_t>(basis_.num_edges);
        Buffer<O> out(m * 12);
        run_interruptible(threads, std::move(progress),
                          [&](Control& control) { graphx::edge_graphlet_degrees(basis_, out.data(), control); });
        return nb::cast(to_numpy(std::move(out), m, 12));
    }

    Vector<std::int64_t> indptr_;  // keep the caller's arrays alive
    Vector<std::int32_t> indices_;
    EdgeBasis<I> basis_;
    std::mutex mutex_;
    std::shared_ptr<const RowTables<I>> tables_;
    std::shared_ptr<const TriangleLists> lists_;
    std::shared_ptr<const PairBasis<I>> pairs() const {
        std::lock_guard<std::mutex> lock(pairs_mutex_);
        return pairs_;
    }

    mutable std::mutex pairs_mutex_;  // held for a moment only, never while waiting for the GIL
    std::shared_ptr<const PairBasis<I>> pairs_;
};

template <class I>
class TypedStream final : public Stream {
public:
    TypedStream(nb::object owner, TypedCounter<I>& counter, std::uint32_t keys, std::int64_t start, std::int64_t stop)
        : owner_(std::move(owner)), counter_(counter), keys_(list_keys(keys)), mask_(keys), first_(start), last_(stop),
          arenas_(std::make_shared<Arenas>()) {}

    nb::object next(std::int64_t block_bytes, int threads, nb::object progress) override {
        auto arena = std::make_unique<Arena>();
        arena->home = arenas_;
        std::int64_t start = 0, stop = 0;
        std::size_t entries = 0, indices = 0, values = 0;
        std::vector<std::size_t> first;  // entry at which a key begins
        const bool more = run_interruptible(threads, std::move(progress), [&](Control& control) {
            if (!stream_) {
                tables_ = counter_.tables(mask_, control);
                stream_ = std::make_unique<RowStream<I>>(counter_.basis(), *tables_, mask_);
                stream_->limit(first_, last_);
            }
            if (!stream_->next(block_bytes, control)) return false;
            start = stream_->start();
            stop = stream_->stop();
            const auto rows = static_cast<std::size_t>(stop - start);
            constexpr std::size_t kAligned = 64;
            for (int key : keys_) {
                first.push_back(entries);
                const auto size = static_cast<std::size_t>(stream_->num_entries(key));
                entries += (size + kAligned / 4 - 1) / (kAligned / 4) * (kAligned / 4);
            }
            indices = (keys_.size() * (rows + 1) * sizeof(std::int64_t) + kAligned - 1) / kAligned * kAligned;
            values = indices + entries * sizeof(std::int32_t);
            const std::size_t bytes = values + entries * sizeof(I);
            {
                std::lock_guard<std::mutex> lock(arenas_->mutex);
                if (!arenas_->free.empty()) {
                    arena->memory = std::move(arenas_->free.back());
                    arenas_->free.pop_back();
                }
            }
            if (arena->memory.capacity() > 2 * bytes + (std::size_t{1} << 20)) arena->memory.release();
            arena->memory.resize(bytes + 64);
            char* base = arena->memory.data();
            std::vector<CopyTarget> copies;
            for (std::size_t k = 0; k < keys_.size(); ++k)
                copies.push_back({keys_[k], 0, reinterpret_cast<std::int64_t*>(base) + k * (rows + 1),
                                  reinterpret_cast<std::int32_t*>(base + indices) + first[k],
                                  base + values + first[k] * sizeof(I), static_cast<int>(sizeof(I))});
            stream_->copy(copies, control);
            return true;
        });
        if (!more) return nb::none();
        // Three arrays for all keys: an array for every part of every key would take longer than some blocks.
        char* base = arena->memory.data();
        nb::capsule owner(arena.get(), give_back);
        arena.release();
        nb::list begins;
        for (std::size_t at : first) begins.append(at);
        return nb::make_tuple(
            start, stop,
            NumpyMatrix<std::int64_t>(reinterpret_cast<std::int64_t*>(base),
                                      {keys_.size(), static_cast<std::size_t>(stop - start) + 1}, owner),
            NumpyVector<std::int32_t>(reinterpret_cast<std::int32_t*>(base + indices), {entries}, owner),
            NumpyVector<I>(reinterpret_cast<I*>(base + values), {entries}, owner), begins);
    }

private:
    nb::object owner_;
    TypedCounter<I>& counter_;
    std::vector<int> keys_;
    std::uint32_t mask_;
    std::int64_t first_, last_;
    std::shared_ptr<Arenas> arenas_;
    std::shared_ptr<const RowTables<I>> tables_;
    std::unique_ptr<RowStream<I>> stream_;
};

template <class I>
nb::object TypedCounter<I>::stream(nb::object self, std::uint32_t keys, std::int64_t start, std::int64_t stop) {
    if (start < 0 || start > stop || stop > basis_.graph.num_nodes) throw nb::value_error("rows out of range");
    return nb::cast(std::unique_ptr<Stream>(new TypedStream<I>(std::move(self), *this, keys, start, stop)));
}

template <class V, class T>
void spmm(Vector<std::int64_t> indptr, Vector<std::int32_t> indices, std::optional<Vector<V>> values, Matrix<T> x,
          Out<T> out, std::int64_t scale, bool accumulate, std::optional<Vector<std::int64_t>> diagonal,
          std::optional<Matrix<T>> y, int threads) {
    Product<V, T> product;
    product.pattern = Csr{static_cast<std::int64_t>(indptr.shape(0)) - 1, indptr.data(), indices.data()};
    product.values = values ? values->data() : nullptr;
    product.x = x.data();
    product.out = out.data();
    product.columns = static_cast<std::int64_t>(x.shape(1));
    product.scale = scale;
    product.accumulate = accumulate;
    product.diagonal = diagonal ? diagonal->data() : nullptr;
    product.y = y ? y->data() : nullptr;
    run_interruptible(threads, nb::none(), [&](Control& control) { multiply(product, control); });
}

template <class V, class T>
void register_spmm(nb::module_& m) {
    m.def("spmm", &spmm<V, T>, nb::arg("indptr").noconvert(), nb::arg("indices").noconvert(),
          nb::arg("values").noconvert().none(), nb::arg("x").noconvert(), nb::arg("out").noconvert(), nb::arg("scale"),
          nb::arg("accumulate"), nb::arg("diagonal").noconvert().none(), nb::arg("y").noconvert().none(),
          nb::arg("threads"));
}

template <class T>
void register_products(nb::class_<OrbitCounter>& counter) {
    counter
        .def(
            "multiply_triangles",
            [](OrbitCounter& self, Matrix<T> x, std::int64_t scale, Out<T> out, int threads, nb::object progress) {
                self.multiply_triangles(x, scale, out, threads, std::move(progress));
            },
            nb::arg("x").noconvert(), nb::arg("scale"), nb::arg("out").noconvert(), nb::arg("threads"),
            nb::arg("progress").none())
        .def(
            "multiply_rows",
            [](OrbitCounter& self, int key, Matrix<T> x, Out<T> out, int threads, nb::object progress) {
                self.multiply_rows(key, x, out, threads, std::move(progress));
            },
            nb::arg("key"), nb::arg("x").noconvert(), nb::arg("out").noconvert(), nb::arg("threads"),
            nb::arg("progress").none());
}

std::unique_ptr<OrbitCounter> make_counter(Vector<std::int64_t> indptr, Vector<std::int32_t> indices, bool wide,
                                           int threads, nb::object progress) {
    if (wide) return std::make_unique<TypedCounter<std::int64_t>>(indptr, indices, threads, std::move(progress));
    return std::make_unique<TypedCounter<std::int32_t>>(indptr, indices, threads, std::move(progress));
}

}  // namespace

void register_orbits(nb::module_& m) {
    m.attr("MAX_DEGREE_INT32") = kMaxDegreeInt32;
    nb::class_<Stream>(m, "OrbitStream")
        .def("next", &Stream::next, nb::arg("block_bytes"), nb::arg("threads"), nb::arg("progress").none(),
             "The next rows as (start, stop, indptr [keys, rows + 1], indices, values, first entry of each key), or "
             "None at the end.");
    nb::class_<OrbitCounter> counter(m, "OrbitCounter");
    register_products<float>(counter);
    register_products<double>(counter);
    register_products<std::int64_t>(counter);
    register_spmm<std::int32_t, float>(m);
    register_spmm<std::int32_t, double>(m);
    register_spmm<std::int32_t, std::int64_t>(m);
    register_spmm<std::int64_t, float>(m);
    register_spmm<std::int64_t, double>(m);
    register_spmm<std::int64_t, std::int64_t>(m);
    counter
        .def("facts", &OrbitCounter::facts)
        .def("graphlet_degrees", &OrbitCounter::graphlet_degrees, nb::arg("threads"), nb::arg("progress").none())
        .def("edge_graphlet_degrees", &OrbitCounter::edge_graphlet_degrees, nb::arg("threads"),
             nb::arg("progress").none())
        .def("hop1_values", &OrbitCounter::hop1_values, nb::arg("key"), nb::arg("threads"), nb::arg("progress").none())
        .def("edge_parts", &OrbitCounter::edge_parts, nb::arg("keys"), nb::arg("threads"))
        .def("square_pairs", &OrbitCounter::square_pairs, nb::arg("most_bytes"), nb::arg("threads"))
        .def("summarize", &OrbitCounter::summarize, nb::arg("keys"), nb::arg("threads"), nb::arg("progress").none())
        .def("matrices", &OrbitCounter::matrices, nb::arg("keys"), nb::arg("narrow"), nb::arg("threads"),
             nb::arg("progress").none())
        .def("make_pairs", &OrbitCounter::make_pairs, nb::arg("threads"), nb::arg("progress").none())
        .def("drop_pairs", &OrbitCounter::drop_pairs)
        .def("has_pairs", &OrbitCounter::has_pairs)
        .def("pair_matrix", &OrbitCounter::pair_matrix, nb::arg("key"), nb::arg("threads"), nb::arg("progress").none())
        .def(
            "stream",
            [](nb::object self, std::uint32_t keys, std::int64_t start, std::int64_t stop) {
                return nb::cast<OrbitCounter&>(self).stream(self, keys, start, stop);
            },
            nb::arg("keys"), nb::arg("start"), nb::arg("stop"));
    m.def("count_orbits", &make_counter, nb::arg("indptr").noconvert(), nb::arg("indices").noconvert(), nb::arg("wide"),
          nb::arg("threads"), nb::arg("progress").none(),
          "Counts the edge basis of a simple undirected graph given as a checked CSR.");
}

}  // namespace graphx::bind
