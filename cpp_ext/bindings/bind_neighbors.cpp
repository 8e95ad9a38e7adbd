// Python sees the kernels of common neighbours. A side is the tuple (indptr, indices, weights, bits, excluded), the last
// three perhaps None; a query is (first, second, num_columns, pairs [2, B]).
#include <nanobind/nanobind.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "common.hpp"
#include "graphx/neighbors.hpp"
#include "graphx/openmp.hpp"

namespace graphx::bind {

namespace {

template <class T>
using Out = nb::ndarray<T, nb::c_contig, nb::device::cpu>;
template <class T>
using Rows = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// Kernels are called between torch's operators, so they take its threads.
template <class F>
auto run(int threads, F&& body) {
    return run_interruptible(threads, nb::none(), [&](Control& control) {
        control.lend(openmp_team);
        return body(control);
    });
}

// What keeps the arrays of a side alive, and its exclusion.
struct Side {
    Vector<std::int64_t> indptr;
    Vector<std::int32_t> indices;
    Vector<double> weights;
    Rows<std::int64_t> bits;
    Vector<std::int64_t> excluded;
    Exclusion exclusion;
    NeighborSide view;

    Side(const nb::tuple& parts, std::int64_t num_columns) {
        if (parts.size() != 5) throw nb::type_error("a side is (indptr, indices, weights, bits, excluded)");
        indptr = nb::cast<Vector<std::int64_t>>(parts[0], false);
        indices = nb::cast<Vector<std::int32_t>>(parts[1], false);
        view.num_rows = static_cast<std::int64_t>(indptr.shape(0)) - 1;
        view.indptr = indptr.data();
        view.indices = indices.data();
        const auto entries = static_cast<std::int64_t>(indices.shape(0));
        if (view.num_rows < 0 || view.num_entries() != entries) throw nb::value_error("indptr and indices do not match");
        if (!parts[2].is_none()) {
            weights = nb::cast<Vector<double>>(parts[2], false);
            if (static_cast<std::int64_t>(weights.shape(0)) != entries) throw nb::value_error("a weight for each entry");
            view.weights = weights.data();
        }
        if (!parts[3].is_none()) {
            bits = nb::cast<Rows<std::int64_t>>(parts[3], false);
            if (static_cast<std::int64_t>(bits.shape(0)) != view.num_rows ||
                static_cast<std::int64_t>(bits.shape(1)) != (num_columns + 63) / 64)
                throw nb::value_error("bits have another shape than the rows");
            view.bits = reinterpret_cast<const std::uint64_t*>(bits.data());
        }
        if (!parts[4].is_none()) {
            excluded = nb::cast<Vector<std::int64_t>>(parts[4], false);
            const std::int64_t* first = excluded.data();
            const std::int64_t* last = first + excluded.shape(0);
            if (std::any_of(first, last, [&](std::int64_t e) { return e < 0 || e >= entries; }))
                throw nb::index_error("excluded entries out of range");
        }
    }

    // Without the GIL.
    void prepare(std::int64_t num_columns, Control& control) {
        if (excluded.size() == 0) return;
        exclusion = make_exclusion(view, num_columns, excluded.data(), static_cast<std::int64_t>(excluded.shape(0)),
                                   control);
        view.absent = exclusion.absent.data();
        if (view.bits) view.bits = exclusion.bits.get();
    }
};

struct Query {
    bool shared;  // one side twice: its exclusion is made once
    Side first;
    Side second;
    Rows<std::int64_t> pairs;
    PairQuery view;

    explicit Query(const nb::tuple& parts)
        : shared(parts[0].is(parts[1])),
          first(nb::cast<nb::tuple>(parts[0]), nb::cast<std::int64_t>(parts[2])),
          second(nb::cast<nb::tuple>(parts[1]), nb::cast<std::int64_t>(parts[2])),
          pairs(nb::cast<Rows<std::int64_t>>(parts[3], false)) {
        if (pairs.shape(0) != 2) throw nb::value_error("pairs are not [2, B]");
        view.num_columns = nb::cast<std::int64_t>(parts[2]);
        view.num_pairs = static_cast<std::int64_t>(pairs.shape(1));
        view.sources = pairs.data();
        view.targets = pairs.data() + view.num_pairs;
        for (std::int64_t b = 0; b < view.num_pairs; ++b) {
            const std::int64_t s = view.sources[b], t = view.targets[b];
            if (s < 0 || s >= first.view.num_rows || t < 0 || t >= second.view.num_rows)
                throw nb::index_error("pairs out of range");
        }
    }

    const PairQuery& prepared(Control& control) {
        first.prepare(view.num_columns, control);
        if (!shared) second.prepare(view.num_columns, control);
        view.first = first.view;
        view.second = shared ? first.view : second.view;
        return view;
    }
};

void expect(bool good) {
    if (!good) throw nb::value_error("an array has another shape than the query");
}

nb::tuple lists_to_python(NeighborLists&& lists, bool weighted) {
    nb::object values = weighted ? nb::cast(to_numpy(std::move(lists.values))) : nb::none();
    return nb::make_tuple(to_numpy(std::move(lists.rowptr)), to_numpy(std::move(lists.columns)), values);
}

void count(const nb::tuple& parts, Out<std::int64_t> counts, int threads) {
    Query query(parts);
    expect(static_cast<std::int64_t>(counts.size()) == query.view.num_pairs);
    run(threads, [&](Control& control) { count_common(query.prepared(control), counts.data(), control); });
}

void score(const nb::tuple& parts, nb::object node_weights, Out<double> out, int threads) {
    Query query(parts);
    expect(static_cast<std::int64_t>(out.size()) == query.view.num_pairs);
    Vector<double> given;
    if (!node_weights.is_none()) {
        given = nb::cast<Vector<double>>(node_weights, false);
        expect(static_cast<std::int64_t>(given.size()) == query.view.num_columns);
    }
    const double* weights = node_weights.is_none() ? nullptr : given.data();
    run(threads, [&](Control& control) { score_common(query.prepared(control), weights, out.data(), control); });
}

nb::tuple lists(const nb::tuple& parts, int threads) {
    Query query(parts);
    auto made = run(threads, [&](Control& control) { return list_common(query.prepared(control), control); });
    return lists_to_python(std::move(made), query.view.weighted());
}

nb::tuple differences(const nb::tuple& parts, int threads) {
    Query query(parts);
    auto made = run(threads, [&](Control& control) { return list_differences(query.prepared(control), control); });
    return nb::make_tuple(to_numpy(std::move(made.first.rowptr)), to_numpy(std::move(made.first.columns)),
                          to_numpy(std::move(made.second.rowptr)), to_numpy(std::move(made.second.columns)));
}

template <class T>
void pool(const nb::tuple& parts, Rows<T> x, Out<T> out, Out<std::int64_t> counts, int threads) {
    Query query(parts);
    const auto channels = static_cast<std::int64_t>(x.shape(1));
    expect(static_cast<std::int64_t>(x.shape(0)) == query.view.num_columns &&
           static_cast<std::int64_t>(out.size()) == query.view.num_pairs * channels &&
           static_cast<std::int64_t>(counts.size()) == query.view.num_pairs);
    run(threads, [&](Control& control) {
        pool_common(query.prepared(control), x.data(), channels, out.data(), counts.data(), control);
    });
}

template <class T>
void pool_backward(const nb::tuple& parts, Vector<std::int64_t> counts, Rows<T> grad_out, Out<T> grad_x, int threads) {
    Query query(parts);
    const auto channels = static_cast<std::int64_t>(grad_out.shape(1));
    expect(static_cast<std::int64_t>(grad_out.shape(0)) == query.view.num_pairs &&
           static_cast<std::int64_t>(counts.size()) == query.view.num_pairs &&
           static_cast<std::int64_t>(grad_x.size()) == query.view.num_columns * channels);
    run(threads, [&](Control& control) {
        pool_common_backward(query.prepared(control), counts.data(), grad_out.data(), channels, grad_x.data(), control);
    });
}

nb::object bits(const nb::tuple& side, std::int64_t num_columns, int threads) {
    Side made(side, num_columns);
    const auto rows = static_cast<std::size_t>(made.view.num_rows);
    auto words = run(threads, [&](Control& control) { return make_bits(made.view, num_columns, control); });
    return nb::cast(to_numpy(std::move(words), rows, static_cast<std::size_t>((num_columns + 63) / 64)));
}

nb::object entries(Vector<std::int64_t> indptr, Vector<std::int32_t> indices, nb::object bits, Rows<std::int64_t> edges,
                   bool both, int threads) {
    const auto rows = static_cast<std::int64_t>(indptr.shape(0)) - 1;
    const auto size = static_cast<std::int64_t>(edges.shape(1));
    expect(rows >= 0 && edges.shape(0) == 2 && indptr.data()[rows] == static_cast<std::int64_t>(indices.shape(0)));
    if (std::any_of(edges.data(), edges.data() + (both ? 2 * size : size),
                    [&](std::int64_t v) { return v < 0 || v >= rows; }))
        throw nb::index_error("edges out of range");
    NeighborSide side;
    side.num_rows = rows;
    side.indptr = indptr.data();
    side.indices = indices.data();
    Rows<std::int64_t> words;
    if (!bits.is_none()) {
        words = nb::cast<Rows<std::int64_t>>(bits, false);
        expect(static_cast<std::int64_t>(words.shape(0)) == rows &&
               static_cast<std::int64_t>(words.shape(1)) == (rows + 63) / 64);
        side.bits = reinterpret_cast<const std::uint64_t*>(words.data());
    }
    return nb::cast(to_numpy(run(threads, [&](Control& control) {
        return find_entries(side, edges.data(), edges.data() + size, size, both, control);
    })));
}

}  // namespace

void register_neighbors(nb::module_& m) {
    m.def("join_openmp", &join_openmp, nb::arg("path"));
    m.def("neighbors_count", &count, nb::arg("query"), nb::arg("counts").noconvert(), nb::arg("threads"));
    m.def("neighbors_score", &score, nb::arg("query"), nb::arg("node_weights").none(), nb::arg("out").noconvert(),
          nb::arg("threads"));
    m.def("neighbors_lists", &lists, nb::arg("query"), nb::arg("threads"));
    m.def("neighbors_differences", &differences, nb::arg("query"), nb::arg("threads"));
    m.def("neighbors_pool", &pool<float>, nb::arg("query"), nb::arg("x").noconvert(), nb::arg("out").noconvert(),
          nb::arg("counts").noconvert(), nb::arg("threads"));
    m.def("neighbors_pool", &pool<double>, nb::arg("query"), nb::arg("x").noconvert(), nb::arg("out").noconvert(),
          nb::arg("counts").noconvert(), nb::arg("threads"));
    m.def("neighbors_pool_backward", &pool_backward<float>, nb::arg("query"), nb::arg("counts").noconvert(),
          nb::arg("grad_out").noconvert(), nb::arg("grad_x").noconvert(), nb::arg("threads"));
    m.def("neighbors_pool_backward", &pool_backward<double>, nb::arg("query"), nb::arg("counts").noconvert(),
          nb::arg("grad_out").noconvert(), nb::arg("grad_x").noconvert(), nb::arg("threads"));
    m.def("neighbors_bits", &bits, nb::arg("side"), nb::arg("num_columns"), nb::arg("threads"));
    m.def("neighbors_entries", &entries, nb::arg("indptr").noconvert(), nb::arg("indices").noconvert(),
          nb::arg("bits").none(), nb::arg("edges").noconvert(), nb::arg("both"), nb::arg("threads"));
}

}  // namespace graphx::bind
