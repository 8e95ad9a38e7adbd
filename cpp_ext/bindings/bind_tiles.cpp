// Products over column tiles.
#include <nanobind/stl/optional.h>

#include <optional>
#include <stdexcept>

#include "common.hpp"
#include "graphx/tiles.hpp"

namespace graphx::bind {

namespace {

template <class T, int Dimensions>
using Out = nb::ndarray<T, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;
// Rows of float, or of bfloat16 as uint16; one of the two pointers is null.
template <int Dimensions>
struct Place {
    float* floats = nullptr;
    std::uint16_t* halves = nullptr;
    std::int64_t shape[Dimensions] = {};
};

template <int Dimensions>
Place<Dimensions> place_of(nb::handle item) {
    Place<Dimensions> place;
    const auto sizes = [&](const auto& array) {
        for (int i = 0; i < Dimensions; ++i) place.shape[i] = static_cast<std::int64_t>(array.shape(static_cast<std::size_t>(i)));
    };
    Out<std::uint16_t, Dimensions> halves;
    if (nb::try_cast(item, halves, false)) {
        place.halves = halves.data();
        sizes(halves);
        return place;
    }
    const auto floats = nb::cast<Out<float, Dimensions>>(item, false);
    place.floats = floats.data();
    sizes(floats);
    return place;
}

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
        const auto x = place_of<2>(parts[3]);
        term.packed = x.floats && width == kPackedColumns && x.shape[1] == kPackedStride;
        if (x.shape[0] != nodes || (x.shape[1] != width && !term.packed)) throw std::invalid_argument("x: [N, width]");
        term.x = x.floats;
        term.half = x.halves;
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
        const auto own = place_of<2>(parts[0]);
        const auto factors = nb::cast<Vector<float>>(parts[1], false);
        f.own_packed = own.floats && width == kPackedColumns && own.shape[1] == kPackedStride;
        if (own.shape[0] != nodes || (own.shape[1] != width && !f.own_packed) ||
            static_cast<std::int64_t>(factors.shape(0)) != nodes)
            throw std::invalid_argument("own: [N, width], factors: [N]");
        f.own = own.floats;
        f.half = own.halves;
        f.factors = factors.data();
    }
    f.weight = nb::cast<double>(parts[5]);
    f.normalize = nb::cast<bool>(parts[6]);
    f.accumulate = nb::cast<bool>(parts[7]);
    return f;
}

void multiply_one(nb::list terms, nb::object target, bool accumulate, std::optional<Vector<float>> row_scale,
                  std::optional<Out<double, 1>> squares, int threads, std::optional<nb::tuple> finish, bool packed, bool rounded) {
    const auto out = place_of<2>(target);
    TileProduct product;
    product.num_nodes = out.shape[0];
    product.width = packed ? kPackedColumns : out.shape[1];
    product.packed = packed;
    product.rounded = packed && rounded;
    if (packed && (!out.floats || out.shape[1] != kPackedStride || accumulate || finish))
        throw std::invalid_argument("packed rows: [N, 144], made anew and kept");
    for (nb::handle item : terms) product.terms.push_back(term_of(item, product.num_nodes, product.width));
    product.out = out.floats;
    product.half = out.halves;
    product.accumulate = accumulate;
    product.row_scale = row_scale ? row_scale->data() : nullptr;
    product.squares = squares ? squares->data() : nullptr;
    Finish after;
    if (finish) {
        if (accumulate) throw std::invalid_argument("rows that are not kept cannot add to what is there");
        after = finish_of(*finish, product.num_nodes, product.width);
        product.finish = &after;
        product.out = nullptr;
        product.half = nullptr;
    }
    run_interruptible(threads, nb::none(), [&](Control& control) { multiply_tile(product, control); });
}

void multiply_sparse(nb::list terms, nb::tuple projection, nb::object target, bool accumulate,
                     std::optional<Vector<float>> row_scale, std::optional<Out<double, 2>> squares, int threads,
                     bool packed, bool rounded) {
    const auto out = place_of<3>(target);
    TileProduct product;
    product.num_nodes = out.shape[1];
    product.width = packed ? kPackedColumns : out.shape[2];
    product.packed = packed;
    product.rounded = packed && rounded;
    if (packed && (!out.floats || out.shape[0] != 1 || out.shape[2] != kPackedStride || accumulate))
        throw std::invalid_argument("packed rows: one tile [1, N, 144], made anew");
    for (nb::handle item : terms) product.terms.push_back(term_of(item, product.num_nodes, 0));
    product.out = out.floats;
    product.half = out.halves;
    product.accumulate = accumulate;
    product.row_scale = row_scale ? row_scale->data() : nullptr;
    product.squares = squares ? squares->data() : nullptr;
    const SparseProjection r{nb::cast<Vector<std::int64_t>>(projection[0], false).data(),
                       nb::cast<Vector<std::int32_t>>(projection[1], false).data(),
                       nb::cast<Vector<float>>(projection[2], false).data()};
    const std::int64_t tiles = out.shape[0];
    run_interruptible(threads, nb::none(), [&](Control& control) { multiply_projection(product, r, tiles, control); });
}

void merge(nb::list states, Out<float, 2> target, std::int64_t first, std::int64_t columns, bool accumulate,
           int threads) {
    Merge m;
    m.num_nodes = static_cast<std::int64_t>(target.shape(0));
    m.stride = static_cast<std::int64_t>(target.shape(1));
    for (nb::handle item : states) {
        const auto pair = nb::cast<nb::tuple>(item);
        const auto tiles = place_of<3>(pair[0]);
        const auto factors = nb::cast<Vector<float>>(pair[1], false);
        m.width = tiles.shape[2];
        if (tiles.shape[1] != m.num_nodes || static_cast<std::int64_t>(factors.shape(0)) != m.num_nodes ||
            columns > tiles.shape[0] * m.width)
            throw std::invalid_argument("the tiles do not fit the target");
        m.states.push_back({tiles.floats, tiles.halves, factors.data()});
    }
    if (first < 0 || first + columns > m.stride) throw std::invalid_argument("columns out of range");
    m.columns = columns;
    m.target = target.data() + first;
    m.accumulate = accumulate;
    run_interruptible(threads, nb::none(), [&](Control& control) { merge_tiles(m, control); });
}

}  // namespace

void register_tiles(nb::module_& m) {
    m.def("tile_multiply", &multiply_one, nb::arg("terms"), nb::arg("out"), nb::arg("accumulate"),
          nb::arg("row_scale").noconvert().none(), nb::arg("squares").noconvert().none(), nb::arg("threads"),
          nb::arg("finish").none() = nb::none(), nb::arg("packed") = false, nb::arg("rounded") = false);
    m.def("tile_project", &multiply_sparse, nb::arg("terms"), nb::arg("projection"), nb::arg("out").noconvert(),
          nb::arg("accumulate"), nb::arg("row_scale").noconvert().none(), nb::arg("squares").noconvert().none(),
          nb::arg("threads"), nb::arg("packed") = false, nb::arg("rounded") = false);
    m.def("tile_packs", &packing_pays);
    m.attr("TILE_PACKED") = nb::make_tuple(kPackedColumns, kPackedStride);
    m.def("tile_merge", &merge, nb::arg("states"), nb::arg("target").noconvert(), nb::arg("first"),
          nb::arg("columns"), nb::arg("accumulate"), nb::arg("threads"));
}

}  // namespace graphx::bind
