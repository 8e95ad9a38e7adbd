// Products over column tiles.
#include <nanobind/stl/optional.h>

#include <optional>
#include <stdexcept>
#include <utility>

#include "common.hpp"
#include "graphx/tiles.hpp"

namespace graphx::bind {

namespace {

template <class T, int Dimensions>
using Out = nb::ndarray<T, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;
template <class T>
using Cube = nb::ndarray<const T, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

// (indptr | None, indices | None, values | None[, x]) as a summand; the caller's list keeps the arrays alive.
TileTerm term_of(nb::handle item, std::int64_t nodes, std::int64_t width) {
    const auto parts = nb::cast<nb::tuple>(item);
    TileTerm term;
    if (!parts[0].is_none()) {
        const auto indptr = nb::cast<Vector<std::int64_t>>(parts[0], false);
        if (static_cast<std::int64_t>(indptr.shape(0)) != nodes + 1) throw std::invalid_argument("indptr: N + 1 numbers");
        term.indptr = indptr.data();
        term.indices = nb::cast<Vector<std::int32_t>>(parts[1], false).data();
    }
    if (!parts[2].is_none()) term.values = nb::cast<Vector<float>>(parts[2], false).data();
    if (!term.indptr && !term.values) throw std::invalid_argument("a term needs indptr or values");
    if (width > 0) {
        const auto x = nb::cast<Matrix<float>>(parts[3], false);
        const auto columns = static_cast<std::int64_t>(x.shape(1));
        term.packed = width == kPackedColumns && columns == kPackedStride;
        if (static_cast<std::int64_t>(x.shape(0)) != nodes || (columns != width && !term.packed))
            throw std::invalid_argument("x: [N, width]");
        term.x = x.data();
    }
    return term;
}

// (own | None, factors | None, target, first, columns, weight, normalize, accumulate)
Finish finish_of(const nb::tuple& parts, std::int64_t nodes, std::int64_t width) {
    Finish f;
    const auto target = nb::cast<Out<float, 2>>(parts[2], false);
    const auto first = nb::cast<std::int64_t>(parts[3]);
    f.columns = nb::cast<std::int64_t>(parts[4]);
    f.stride = static_cast<std::int64_t>(target.shape(1));
    if (static_cast<std::int64_t>(target.shape(0)) != nodes || first < 0 || f.columns > width ||
        first + f.columns > f.stride)
        throw std::invalid_argument("the rows do not fit the target");
    f.target = target.data() + first;
    if (!parts[0].is_none()) {
        const auto own = nb::cast<Matrix<float>>(parts[0], false);
        const auto factors = nb::cast<Vector<float>>(parts[1], false);
        const auto columns = static_cast<std::int64_t>(own.shape(1));
        f.own_packed = width == kPackedColumns && columns == kPackedStride;
        if (static_cast<std::int64_t>(own.shape(0)) != nodes || (columns != width && !f.own_packed) ||
            factors.shape(0) != own.shape(0))
            throw std::invalid_argument("own: [N, width], factors: [N]");
        f.own = own.data();
        f.factors = factors.data();
    }
    f.weight = nb::cast<double>(parts[5]);
    f.normalize = nb::cast<bool>(parts[6]);
    f.accumulate = nb::cast<bool>(parts[7]);
    return f;
}

void multiply_one(nb::list terms, Out<float, 2> out, bool accumulate, std::optional<Vector<float>> row_scale,
                  std::optional<Out<double, 1>> squares, int threads, std::optional<nb::tuple> finish, bool packed) {
    TileProduct product;
    product.num_nodes = static_cast<std::int64_t>(out.shape(0));
    product.width = packed ? kPackedColumns : static_cast<std::int64_t>(out.shape(1));
    product.packed = packed;
    if (packed && (static_cast<std::int64_t>(out.shape(1)) != kPackedStride || accumulate || finish))
        throw std::invalid_argument("packed rows: [N, 144], made anew and kept");
    for (nb::handle item : terms) product.terms.push_back(term_of(item, product.num_nodes, product.width));
    product.out = out.data();
    product.accumulate = accumulate;
    product.row_scale = row_scale ? row_scale->data() : nullptr;
    product.squares = squares ? squares->data() : nullptr;
    Finish after;
    if (finish) {
        if (accumulate) throw std::invalid_argument("rows that are not kept cannot add to what is there");
        after = finish_of(*finish, product.num_nodes, product.width);
        product.finish = &after;
        product.out = nullptr;
    }
    run_interruptible(threads, nb::none(), [&](Control& control) { multiply_tile(product, control); });
}

void multiply_sparse(nb::list terms, nb::tuple projection, Out<float, 3> out, bool accumulate,
                     std::optional<Vector<float>> row_scale, std::optional<Out<double, 2>> squares, int threads,
                     bool packed) {
    TileProduct product;
    product.num_nodes = static_cast<std::int64_t>(out.shape(1));
    product.width = packed ? kPackedColumns : static_cast<std::int64_t>(out.shape(2));
    product.packed = packed;
    if (packed && (out.shape(0) != 1 || static_cast<std::int64_t>(out.shape(2)) != kPackedStride || accumulate))
        throw std::invalid_argument("packed rows: one tile [1, N, 144], made anew");
    for (nb::handle item : terms) product.terms.push_back(term_of(item, product.num_nodes, 0));
    product.out = out.data();
    product.accumulate = accumulate;
    product.row_scale = row_scale ? row_scale->data() : nullptr;
    product.squares = squares ? squares->data() : nullptr;
    const SparseProjection r{nb::cast<Vector<std::int64_t>>(projection[0], false).data(),
                       nb::cast<Vector<std::int32_t>>(projection[1], false).data(),
                       nb::cast<Vector<float>>(projection[2], false).data()};
    const auto tiles = static_cast<std::int64_t>(out.shape(0));
    run_interruptible(threads, nb::none(), [&](Control& control) { multiply_projection(product, r, tiles, control); });
}

void merge(nb::list states, Out<float, 2> target, std::int64_t first, std::int64_t columns, bool accumulate,
           int threads) {
    Merge m;
    m.num_nodes = static_cast<std::int64_t>(target.shape(0));
    m.stride = static_cast<std::int64_t>(target.shape(1));
    for (nb::handle item : states) {
        const auto pair = nb::cast<nb::tuple>(item);
        const auto tiles = nb::cast<Cube<float>>(pair[0], false);
        const auto factors = nb::cast<Vector<float>>(pair[1], false);
        m.width = static_cast<std::int64_t>(tiles.shape(2));
        if (static_cast<std::int64_t>(tiles.shape(1)) != m.num_nodes || factors.shape(0) != tiles.shape(1) ||
            columns > static_cast<std::int64_t>(tiles.shape(0)) * m.width)
            throw std::invalid_argument("the tiles do not fit the target");
        m.states.emplace_back(tiles.data(), factors.data());
    }
    if (first < 0 || first + columns > m.stride) throw std::invalid_argument("columns out of range");
    m.columns = columns;
    m.target = target.data() + first;
    m.accumulate = accumulate;
    run_interruptible(threads, nb::none(), [&](Control& control) { merge_tiles(m, control); });
}

}  // namespace

void register_tiles(nb::module_& m) {
    m.def("tile_multiply", &multiply_one, nb::arg("terms"), nb::arg("out").noconvert(), nb::arg("accumulate"),
          nb::arg("row_scale").noconvert().none(), nb::arg("squares").noconvert().none(), nb::arg("threads"),
          nb::arg("finish").none() = nb::none(), nb::arg("packed") = false);
    m.def("tile_project", &multiply_sparse, nb::arg("terms"), nb::arg("projection"), nb::arg("out").noconvert(),
          nb::arg("accumulate"), nb::arg("row_scale").noconvert().none(), nb::arg("squares").noconvert().none(),
          nb::arg("threads"), nb::arg("packed") = false);
    m.def("tile_packs", &packing_pays);
    m.attr("TILE_PACKED") = nb::make_tuple(kPackedColumns, kPackedStride);
    m.def("tile_merge", &merge, nb::arg("states"), nb::arg("target").noconvert(), nb::arg("first"),
          nb::arg("columns"), nb::arg("accumulate"), nb::arg("threads"));
}

}  // namespace graphx::bind
