// Edges to CSR: from arrays and from text.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>
#include <string>

#include "bind_csr.hpp"
#include "graphx/edgelist.hpp"
#include "graphx/synthetic.hpp"

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

nb::object names_to_python(EdgeList& list) {
    if (!list.text_names.empty()) {
        nb::object names = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(list.text_names.size())));
        for (std::size_t i = 0; i < list.text_names.size(); ++i) {
            const std::string& text = list.text_names[i];
            PyObject* name = PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "strict");
            if (!name) throw nb::python_error();
            PyTuple_SetItem(names.ptr(), static_cast<Py_ssize_t>(i), name);
        }
        return names;
    }
    if (list.integer_names.size() > 0) return nb::cast(to_numpy(std::move(list.integer_names)));
    return nb::none();
}

// `source`: (descriptor, begin, end) of a regular file, or an object with readinto() and seek().
nb::tuple read(nb::object source, int ids, const std::string& delimiter, int header, int weighted, nb::object columns,
               std::int64_t num_nodes, bool directed, bool drop_loops, int duplicates, int threads, nb::object progress) {
    EdgeListOptions options;
    options.lines.ids = static_cast<Ids>(ids);
    options.lines.delimiter = delimiter.empty() ? '\0' : delimiter[0];
    options.lines.header = static_cast<Choice>(header);
    options.lines.weighted = static_cast<Choice>(weighted);
    if (!columns.is_none()) {
        options.lines.source = nb::cast<int>(columns[0]);
        options.lines.target = nb::cast<int>(columns[1]);
        if (nb::len(columns) > 2) options.lines.weight = nb::cast<int>(columns[2]);
    }
    options.num_nodes = num_nodes;
    options.directed = directed;
    options.drop_loops = drop_loops;
    options.duplicates = static_cast<Duplicates>(duplicates);
    TextSource text;
    if (nb::isinstance<nb::tuple>(source)) {
        text.file = nb::cast<int>(source[0]);
        text.begin = nb::cast<std::int64_t>(source[1]);
        text.end = nb::cast<std::int64_t>(source[2]);
    } else {
        text.read = [&source](char* into, std::size_t most) {
            nb::gil_scoped_acquire gil;
            nb::object view = nb::steal(PyMemoryView_FromMemory(into, static_cast<Py_ssize_t>(most), PyBUF_WRITE));
            const auto got = nb::cast<std::size_t>(source.attr("readinto")(view));
            view.attr("release")();
            return got;
        };
        text.rewind = [&source] {
            nb::gil_scoped_acquire gil;
            source.attr("seek")(0);
        };
    }
    EdgeList list = run_interruptible(threads, std::move(progress),
                                      [&](Control& control) { return read_edge_list(control, text, options); });
    nb::dict facts;
    facts["lines"] = list.lines;
    facts["comments"] = list.comments;
    facts["edges"] = list.edges;
    facts["header"] = nb::steal(PyUnicode_DecodeUTF8(list.header.data(), static_cast<Py_ssize_t>(list.header.size()), "replace"));
    facts["weights_ignored"] = list.weights_ignored;
    facts["text_because"] = nb::make_tuple(list.text_because.line, list.text_because.column);
    facts["problem"] = nb::none();
    if (list.refused)
        facts["problem"] = nb::make_tuple(
            list.problem.line, list.problem.column,
            nb::steal(PyUnicode_DecodeUTF8(list.problem.message.data(), static_cast<Py_ssize_t>(list.problem.message.size()), "replace")));
    nb::object names = names_to_python(list);
    return nb::make_tuple(built_to_python(std::move(list.csr), list.weighted), names, facts);
}

nb::bytes format(Vector<std::int64_t> sources, Vector<std::int64_t> targets, const std::string& delimiter) {
    Buffer<char> text;
    format_edges(sources.data(), targets.data(), static_cast<std::int64_t>(sources.size()), delimiter[0], text);
    return nb::bytes(text.data(), text.size());
}

nb::tuple ba(std::int64_t num_nodes, std::int64_t m, std::uint64_t seed) {
    Buffer<std::int64_t> sources, targets;
    run_interruptible(1, nb::none(), [&](Control& control) { barabasi_albert(control, num_nodes, m, seed, sources, targets); });
    return nb::make_tuple(nb::cast(to_numpy(std::move(sources))), nb::cast(to_numpy(std::move(targets))));
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
    m.def("edgelist_read", &read, nb::arg("source"), nb::arg("ids"), nb::arg("delimiter"), nb::arg("header"),
          nb::arg("weighted"), nb::arg("columns").none(), nb::arg("num_nodes"), nb::arg("directed"), nb::arg("drop_loops"),
          nb::arg("duplicates"), nb::arg("threads") = 1, nb::arg("progress") = nb::none(),
          "Text to ((indptr, indices, weights | None, facts), names | None, facts); see graphx.data.edgelist.");
    m.def("edgelist_format", &format, nb::arg("sources").noconvert(), nb::arg("targets").noconvert(), nb::arg("delimiter"),
          "Edges as lines of text.");
    m.def("barabasi_albert", &ba, nb::arg("num_nodes"), nb::arg("m"), nb::arg("seed"), "(sources, targets) of a random graph.");
}

}  // namespace graphx::bind
