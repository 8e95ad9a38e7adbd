// Rows of numbers as lines of text, in the form of word2vec.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graphx/parallel.hpp"

namespace graphx {

// What stands before each row: text[ends[i - 1], ends[i]) (from 0 for the first), or a number when ends is null.
struct RowNames {
    const char* text = nullptr;
    const std::int64_t* ends = nullptr;
    const std::int64_t* ids = nullptr;
    std::int64_t first = 0;  // row i is called ids[i], or first + i without ids
};

// "name x x x\n" for each row, in the shortest form from which float32 is read back exactly, in pieces in order.
// Precondition: x is rows x columns and finite or not ("inf", "nan").
std::vector<std::string> format_vectors(const RowNames& names, const float* x, std::int64_t rows, std::int64_t columns,
                                        Control& control);

}  // namespace graphx
