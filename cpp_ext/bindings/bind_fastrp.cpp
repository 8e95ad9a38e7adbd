// Python sees the kernels of FastRP. bfloat16 states are uint16 arrays that hold the bits.
#include <nanobind/stl/optional.h>

#include <optional>
#include <utility>

#include "common.hpp"
#include "graphx/fastrp.hpp"

namespace graphx::bind {

namespace {

template <class T>
using Out = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

void expect(bool holds, const char* what) {
    if (!holds) throw nb::value_error(what);
}

Projection projection(std::optional<Vector<std::uint64_t>>& ids, std::uint64_t first, std::int64_t rows,
                      std::int64_t begin, std::int64_t end, std::uint64_t seed, double density, float scale,
                      std::optional<Vector<float>>& rows_scale) {
    expect(!ids || static_cast<std::int64_t>(ids->shape(0)) == rows, "one id for each row");
    expect(!rows_scale || static_cast<std::int64_t>(rows_scale->shape(0)) == rows, "one factor for each row");
    expect(0 <= begin && begin <= end && rows >= 0, "columns from begin to end");
    return Projection{seed, ids ? ids->data() : nullptr,  first, density, scale, rows_scale ? rows_scale->data() : nullptr,
                      rows, begin,                        end};
}

template <class S>
void project_into(std::optional<Vector<std::uint64_t>> ids, std::uint64_t first, std::int64_t begin,
                  std::uint64_t seed, double density, float scale, std::optional<Vector<float>> rows_scale, Out<S> out,
                  int threads) {
    const auto p = projection(ids, first, static_cast<std::int64_t>(out.shape(0)), begin,
                              begin + static_cast<std::int64_t>(out.shape(1)), seed, density, scale, rows_scale);
    run_interruptible(threads, nb::none(), [&](Control& control) { project(p, out.data(), control); });
}

nb::tuple project_to_sparse(std::optional<Vector<std::uint64_t>> ids, std::uint64_t first, std::int64_t rows,
                            std::int64_t begin, std::int64_t end, std::uint64_t seed, double density, float scale,
                            std::optional<Vector<float>> rows_scale, int threads) {
    const auto p = projection(ids, first, rows, begin, end, seed, density, scale, rows_scale);
    SparseRows made =
        run_interruptible(threads, nb::none(), [&](Control& control) { return project_sparse(p, control); });
    return nb::make_tuple(to_numpy(std::move(made.indptr)), to_numpy(std::move(made.columns)),
                          to_numpy(std::move(made.values)));
}

// The parts of a hop that do not depend on where its source is.
template <class S>
Hop<S> make_hop(const Vector<std::int64_t>& indptr, const Vector<std::int32_t>& indices,
                const std::optional<Vector<double>>& weights, double weights_scale, bool by_count,
                std::int64_t columns, std::int64_t source_rows, std::optional<Out<S>>& target,
                std::optional<Out<float>>& out, std::int64_t own_row, float own_weight, float new_weight,
                bool accumulate, bool normalize) {
    Hop<S> h;
    h.rows = static_cast<std::int64_t>(indptr.shape(0)) - 1;
    h.indptr = indptr.data();
    h.indices = indices.data();
    h.weights = weights ? weights->data() : nullptr;
    h.weights_scale = weights_scale;
    h.by_count = by_count;
    h.columns = columns;
    h.own_row = own_row;
    h.target = target ? target->data() : nullptr;
    h.out = out ? out->data() : nullptr;
    h.own_weight = own_weight;
    h.new_weight = new_weight;
    h.accumulate = accumulate;
    h.normalize = normalize;
    const auto rows = static_cast<std::size_t>(h.rows), width = static_cast<std::size_t>(columns);
    expect(h.rows >= 0, "indptr holds one number at least");
    expect(indptr.data()[h.rows] <= static_cast<std::int64_t>(indices.shape(0)), "indptr ends within indices");
    expect(!weights || weights->shape(0) == indices.shape(0), "one weight for each entry");
    expect(!target || (target->shape(0) == rows && target->shape(1) == width), "target is [rows, columns]");
    expect(!out || (out->shape(0) == rows && out->shape(1) == width), "out is [rows, columns]");
    expect(own_weight == 0 || (own_row >= 0 && own_row + h.rows <= source_rows), "own rows lie in the source");
    return h;
}

template <class S>
void dense_hop(Vector<std::int64_t> indptr, Vector<std::int32_t> indices, std::optional<Vector<double>> weights,
               double weights_scale, bool by_count, Matrix<S> source, std::optional<Out<S>> target,
               std::optional<Out<float>> out, std::int64_t own_row, float own_weight, float new_weight,
               bool accumulate, bool normalize, int threads, nb::object progress) {
    Hop<S> h = make_hop<S>(indptr, indices, weights, weights_scale, by_count,
                           static_cast<std::int64_t>(source.shape(1)), static_cast<std::int64_t>(source.shape(0)),
                           target, out, own_row, own_weight, new_weight, accumulate, normalize);
    h.source = source.data();
    run_interruptible(threads, std::move(progress), [&](Control& control) { hop(h, control); });
}

template <class S>
void sparse_hop(Vector<std::int64_t> indptr, Vector<std::int32_t> indices, std::optional<Vector<double>> weights,
                double weights_scale, bool by_count, Vector<std::int64_t> source_indptr,
                Vector<std::int32_t> source_columns, Vector<float> source_values, std::int64_t columns,
                std::optional<Out<S>> target, std::optional<Out<float>> out, std::int64_t own_row, float own_weight,
                float new_weight, bool accumulate, bool normalize, int threads, nb::object progress) {
    const auto rows = static_cast<std::int64_t>(source_indptr.shape(0)) - 1;
    Hop<S> h = make_hop<S>(indptr, indices, weights, weights_scale, by_count, columns, rows, target, out, own_row,
                           own_weight, new_weight, accumulate, normalize);
    h.sparse_indptr = source_indptr.data();
    h.sparse_columns = source_columns.data();
    h.sparse_values = source_values.data();
    h.sparse_rows = rows;
    run_interruptible(threads, std::move(progress), [&](Control& control) { hop(h, control); });
}

template <class S>
void accumulate_rows(Matrix<S> source, float weight, bool normalize, std::optional<Vector<float>> factors, bool add,
                     Out<float> out, int threads) {
    const auto rows = static_cast<std::int64_t>(source.shape(0)), columns = static_cast<std::int64_t>(source.shape(1));
    expect(out.shape(0) == source.shape(0) && out.shape(1) == source.shape(1), "out has the shape of source");
    expect(!factors || factors->shape(0) == source.shape(0), "one factor for each row");
    run_interruptible(threads, nb::none(), [&](Control& control) {
        if (factors) accumulate_scaled(source.data(), rows, columns, factors->data(), add, out.data(), control);
        else accumulate(source.data(), rows, columns, weight, normalize, add, out.data(), control);
    });
}

template <class S>
NumpyMatrix<double> squares_by_group(Matrix<S> source, int threads) {
    const auto groups = (source.shape(1) + static_cast<std::size_t>(kGroup) - 1) / static_cast<std::size_t>(kGroup);
    Buffer<double> made(source.shape(0) * groups);
    run_interruptible(threads, nb::none(), [&](Control& control) {
        group_squares(source.data(), static_cast<std::int64_t>(source.shape(0)),
                      static_cast<std::int64_t>(source.shape(1)), made.data(), control);
    });
    return to_numpy(std::move(made), source.shape(0), groups);
}

template <class S>
void register_state(nb::module_& m) {
    m.def("fastrp_project", &project_into<S>, nb::arg("ids").noconvert().none(), nb::arg("first"), nb::arg("begin"),
          nb::arg("seed"), nb::arg("density"), nb::arg("scale"), nb::arg("rows_scale").noconvert().none(),
          nb::arg("out").noconvert(), nb::arg("threads"));
    m.def("fastrp_hop", &dense_hop<S>, nb::arg("indptr").noconvert(), nb::arg("indices").noconvert(),
          nb::arg("weights").noconvert().none(), nb::arg("weights_scale"), nb::arg("by_count"),
          nb::arg("source").noconvert(), nb::arg("target").noconvert().none(), nb::arg("out").noconvert().none(),
          nb::arg("own_row"), nb::arg("own_weight"), nb::arg("new_weight"), nb::arg("accumulate"),
          nb::arg("normalize"), nb::arg("threads"), nb::arg("progress").none());
    const char* sparse = sizeof(S) == 4 ? "fastrp_sparse_hop" : "fastrp_sparse_hop_bfloat16";
    m.def(sparse, &sparse_hop<S>, nb::arg("indptr").noconvert(), nb::arg("indices").noconvert(),
          nb::arg("weights").noconvert().none(), nb::arg("weights_scale"), nb::arg("by_count"),
          nb::arg("source_indptr").noconvert(), nb::arg("source_columns").noconvert(),
          nb::arg("source_values").noconvert(), nb::arg("columns"), nb::arg("target").noconvert().none(),
          nb::arg("out").noconvert().none(), nb::arg("own_row"), nb::arg("own_weight"), nb::arg("new_weight"),
          nb::arg("accumulate"), nb::arg("normalize"), nb::arg("threads"), nb::arg("progress").none());
    m.def("fastrp_accumulate", &accumulate_rows<S>, nb::arg("source").noconvert(), nb::arg("weight"),
          nb::arg("normalize"), nb::arg("factors").noconvert().none(), nb::arg("add"), nb::arg("out").noconvert(),
          nb::arg("threads"));
    m.def("fastrp_group_squares", &squares_by_group<S>, nb::arg("source").noconvert(), nb::arg("threads"));
}

}  // namespace

void register_fastrp(nb::module_& m) {
    m.attr("FASTRP_GROUP") = kGroup;
    register_state<float>(m);
    register_state<std::uint16_t>(m);
    m.def("fastrp_project_sparse", &project_to_sparse, nb::arg("ids").noconvert().none(), nb::arg("first"),
          nb::arg("rows"), nb::arg("begin"), nb::arg("end"), nb::arg("seed"), nb::arg("density"), nb::arg("scale"),
          nb::arg("rows_scale").noconvert().none(), nb::arg("threads"));
    m.def(
        "fastrp_narrow",
        [](Matrix<float> source, Out<std::uint16_t> out, int threads) {
            expect(source.size() == out.size(), "out has the shape of source");
            run_interruptible(threads, nb::none(), [&](Control& control) {
                narrow(source.data(), static_cast<std::int64_t>(source.size()), out.data(), control);
            });
        },
        nb::arg("source").noconvert(), nb::arg("out").noconvert(), nb::arg("threads"));
    m.def(
        "fastrp_widen",
        [](Matrix<std::uint16_t> source, Out<float> out, int threads) {
            expect(source.size() == out.size(), "out has the shape of source");
            run_interruptible(threads, nb::none(), [&](Control& control) {
                widen(source.data(), static_cast<std::int64_t>(source.size()), out.data(), control);
            });
        },
        nb::arg("source").noconvert(), nb::arg("out").noconvert(), nb::arg("threads"));
    m.def(
        "fastrp_moments",
        [](Matrix<float> x, int threads) {
            Buffer<double> mean(x.shape(1)), variance(x.shape(1));
            run_interruptible(threads, nb::none(), [&](Control& control) {
                column_moments(x.data(), static_cast<std::int64_t>(x.shape(0)), static_cast<std::int64_t>(x.shape(1)),
                               mean.data(), variance.data(), control);
            });
            return nb::make_tuple(to_numpy(std::move(mean)), to_numpy(std::move(variance)));
        },
        nb::arg("x").noconvert(), nb::arg("threads"));
    m.def(
        "fastrp_standardize",
        [](Out<float> x, Vector<float> mean, Vector<float> factor, int threads, std::optional<Out<float>> out,
           std::int64_t first) {
            expect(mean.shape(0) == x.shape(1) && factor.shape(0) == x.shape(1), "one number for each column");
            const auto rows = static_cast<std::int64_t>(x.shape(0)), columns = static_cast<std::int64_t>(x.shape(1));
            const auto stride = out ? static_cast<std::int64_t>(out->shape(1)) : columns;
            expect(!out || (out->shape(0) == x.shape(0) && first >= 0 && first + columns <= stride),
                   "out has the rows of x and room for its columns");
            run_interruptible(threads, nb::none(), [&](Control& control) {
                standardize(x.data(), rows, columns, mean.data(), factor.data(), out ? out->data() + first : x.data(),
                            stride, control);
            });
        },
        nb::arg("x").noconvert(), nb::arg("mean").noconvert(), nb::arg("factor").noconvert(), nb::arg("threads"),
        nb::arg("out").noconvert().none() = nb::none(), nb::arg("first") = 0);
}

}  // namespace graphx::bind
