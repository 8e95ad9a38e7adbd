// Python sees the writer of vectors as text.
#include "common.hpp"
#include "graphx/vectors.hpp"

#include <nanobind/stl/optional.h>

#include <optional>
#include <stdexcept>
#include <string>

namespace graphx::bind {

namespace {

nb::bytes vectors_format(Matrix<float> x, std::int64_t first, std::optional<Vector<std::int64_t>> ids,
                         std::optional<nb::bytes> text, std::optional<Vector<std::int64_t>> ends, int threads) {
    const auto rows = static_cast<std::int64_t>(x.shape(0));
    RowNames names;
    names.first = first;
    if (ids) {
        if (static_cast<std::int64_t>(ids->shape(0)) != rows) throw std::invalid_argument("ids: one for each row");
        names.ids = ids->data();
    }
    if (text.has_value() != ends.has_value()) throw std::invalid_argument("text and ends belong together");
    if (ends) {
        const std::int64_t* end = ends->data();
        if (static_cast<std::int64_t>(ends->shape(0)) != rows) throw std::invalid_argument("ends: one for each row");
        std::int64_t before = 0;
        for (std::int64_t i = 0; i < rows; before = end[i++])
            if (end[i] < before) throw std::invalid_argument("ends must not fall");
        if (before > static_cast<std::int64_t>(text->size())) throw std::invalid_argument("ends pass the text");
        names.text = text->c_str();
        names.ends = end;
    }
    const std::vector<std::string> pieces = run_interruptible(threads, nb::none(), [&](Control& control) {
        return format_vectors(names, x.data(), rows, static_cast<std::int64_t>(x.shape(1)), control);
    });
    std::size_t size = 0;
    for (const std::string& piece : pieces) size += piece.size();
    std::string all;
    all.reserve(size);
    for (const std::string& piece : pieces) all += piece;
    return nb::bytes(all.data(), all.size());
}

}  // namespace

void register_vectors(nb::module_& m) {
    m.def("vectors_format", &vectors_format, nb::arg("x").noconvert(), nb::arg("first"), nb::arg("ids").noconvert().none(),
          nb::arg("text").none(), nb::arg("ends").noconvert().none(), nb::arg("threads"),
          "Rows as lines of text: a name and its numbers.");
}

}  // namespace graphx::bind
