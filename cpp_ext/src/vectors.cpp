#include "graphx/vectors.hpp"

#include <algorithm>
#include <charconv>

namespace graphx {

namespace {

constexpr std::int64_t kRows = 256;  // of a task
constexpr std::int64_t kNumber = 24;  // characters of a number at most, with its space

void append_row(std::string& out, const RowNames& names, std::int64_t row, const float* x, std::int64_t columns) {
    if (names.ends) {
        const std::int64_t begin = row == 0 ? 0 : names.ends[row - 1];
        out.append(names.text + begin, static_cast<std::size_t>(names.ends[row] - begin));
    }
    const std::size_t used = out.size();
    out.resize(used + static_cast<std::size_t>(kNumber * (columns + 1)));
    char* at = out.data() + used;
    char* const stop = out.data() + out.size();
    if (!names.ends) at = std::to_chars(at, stop, names.ids ? names.ids[row] : names.first + row).ptr;
    for (std::int64_t j = 0; j < columns; ++j) {
        *at++ = ' ';
        at = std::to_chars(at, stop, x[j]).ptr;
    }
    *at++ = '\n';
    out.resize(static_cast<std::size_t>(at - out.data()));
}

}  // namespace

std::vector<std::string> format_vectors(const RowNames& names, const float* x, std::int64_t rows, std::int64_t columns,
                                        Control& control) {
    const std::int64_t tasks = (rows + kRows - 1) / kRows;
    std::vector<std::string> pieces(static_cast<std::size_t>(tasks));
    parallel_for(control, tasks, [&](std::int64_t task, int) {
        std::string& piece = pieces[static_cast<std::size_t>(task)];
        const std::int64_t stop = std::min(rows, (task + 1) * kRows);
        for (std::int64_t row = task * kRows; row < stop; ++row) append_row(piece, names, row, x + row * columns, columns);
        control.advance(stop - task * kRows);
    });
    return pieces;
}

}  // namespace graphx
