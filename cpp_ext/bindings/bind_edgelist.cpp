// Edges to CSR: from arrays and from text.
#include <nanobind/stl/optional.h>

#include <optional>

#include "bind_csr.hpp"

namespace graphx::bind {
namespace {

nb::tuple csr_from_edges(Vector<std::int64_t> sources, Vector<std::int64_t> targets,
                         std::optional<Vector<double>> weights, std::int64_t num_nodes, bool symmetric, bool drop_loops,
                         int duplicates, int threads, nb::object progress) {
    const BuildOptions options{num_nodes, symmetric, drop_loops, static_cast<Duplicates>(duplicates)};
    BuiltCsr built = run_interruptible(threads, std::move(progress), [&](Control& control) {
        return csr_from_arrays(control, sources.data(), targets.data(), weights ? weights->data() : nullptr,
                               static_cast<std::int64_t>(sources.size()), options);
    });
    return built_to_python(std::move(built), weights.has_value());
}

nb::tuple check(Vector<std::int64_t> indptr, Vector<std::int32_t> indices, int threads) {
    const CsrCheck result = run_interruptible(threads, nb::none(), [&](Control& control) {
        return check_csr(control, indptr.data(), static_cast<std::int64_t>(indptr.size()) - 1, indices.data(),
                         static_cast<std::int64_t>(indices.size()));
    });
    static constexpr const char* kinds[] = {"", "start", "decreasing", "length", "range", "unsorted", "duplicate"};
    return nb::make_tuple(kinds[static_cast<int>(result.kind)], result.row, result.position);
}

nb::tuple facts(Vector<std::int64_t> indptr, Vector<std::int32_t> indices, std::optional<Vector<double>> weights, int threads) {
    const CsrFacts result = run_interruptible(threads, nb::none(), [&](Control& control) {
        const Csr csr{static_cast<std::int64_t>(indptr.size()) - 1, indptr.data(), indices.data()};
        return csr_facts(control, csr, weights ? weights->data() : nullptr);
    });
    return nb::make_tuple(result.loops, result.max_degree, result.one_way, result.uneven);
}

}  // namespace

void register_edgelist(nb::module_& m) {
    m.def("csr_from_edges", &csr_from_edges, nb::arg("sources").noconvert(), nb::arg("targets").noconvert(),
          nb::arg("weights").noconvert().none(), nb::arg("num_nodes"), nb::arg("symmetric"), nb::arg("drop_loops"),
          nb::arg("duplicates"), nb::arg("threads") = 1, nb::arg("progress") = nb::none(),
          "Edges in [0, num_nodes) to (indptr, indices, weights | None, facts); duplicates: 0 error, 1 merge, 2 sum.");
    m.def("csr_check", &check, nb::arg("indptr").noconvert(), nb::arg("indices").noconvert(), nb::arg("threads") = 1,
          "The first fault of a claimed CSR as (kind, row, position); kind is '' when there is none.");
    m.def("csr_facts", &facts, nb::arg("indptr").noconvert(), nb::arg("indices").noconvert(),
          nb::arg("weights").noconvert().none(), nb::arg("threads") = 1,
          "(loops, max_degree, one_way entries, entries whose twin has another weight) of a checked CSR.");
}

}  // namespace graphx::bind
