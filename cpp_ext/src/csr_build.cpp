#include "graphx/csr_build.hpp"

namespace graphx {
namespace {

constexpr std::int64_t kBlock = 1 << 16, kBlocks = 256;  // edges in a block at least, blocks at most

template <bool Weighted>
struct ArrayEdges {
    static constexpr bool weighted = Weighted;
    const std::int64_t* sources;
    const std::int64_t* targets;
    const double* weights;
    std::int64_t num_edges;
    std::int64_t step = std::max(kBlock, num_edges / kBlocks + 1);

    std::int64_t blocks() const { return (num_edges + step - 1) / step; }
    std::int64_t size(std::int64_t block) const { return std::min(step, num_edges - block * step); }
    std::int64_t source(std::int64_t block, std::int64_t i) const { return sources[block * step + i]; }
    std::int64_t target(std::int64_t block, std::int64_t i) const { return targets[block * step + i]; }
    double weight(std::int64_t block, std::int64_t i) const { return weights[block * step + i]; }
};

}  // namespace

BuiltCsr csr_from_arrays(Control& control, const std::int64_t* sources, const std::int64_t* targets, const double* weights,
                         std::int64_t num_edges, const BuildOptions& options) {
    if (weights) return build_csr(control, ArrayEdges<true>{sources, targets, weights, num_edges}, options, [] {});
    return build_csr(control, ArrayEdges<false>{sources, targets, weights, num_edges}, options, [] {});
}

CsrCheck check_csr(Control& control, const std::int64_t* indptr, std::int64_t num_nodes, const std::int32_t* indices,
                   std::int64_t num_indices) {
    if (indptr[0] != 0) return {CsrFault::start, 0, 0};
    for (std::int64_t row = 0; row < num_nodes; ++row)
        if (indptr[row + 1] < indptr[row]) return {CsrFault::decreasing, row, row + 1};
    if (indptr[num_nodes] != num_indices) return {CsrFault::length, num_nodes, num_nodes};
    const std::int64_t tasks = detail::row_tasks(indptr, num_nodes);
    std::vector<CsrCheck> found(static_cast<std::size_t>(tasks));
    parallel_for(control, tasks, [&](std::int64_t task, int) {
        CsrCheck& mine = found[static_cast<std::size_t>(task)];
        const std::int64_t last = detail::row_split(indptr, num_nodes, task + 1, tasks);
        for (std::int64_t row = detail::row_split(indptr, num_nodes, task, tasks); row < last; ++row) {
            std::int64_t previous = -1;
            for (std::int64_t i = indptr[row]; i < indptr[row + 1]; ++i) {
                const std::int64_t column = indices[i];
                CsrFault kind = CsrFault::none;
                if (column < 0 || column >= num_nodes)
                    kind = CsrFault::range;
                else if (column == previous)
                    kind = CsrFault::duplicate;
                else if (column < previous)
                    kind = CsrFault::unsorted;
                if (kind != CsrFault::none) {
                    mine = {kind, row, i};
                    return;
                }
                previous = column;
            }
        }
    });
    for (const CsrCheck& check : found)
        if (check.kind != CsrFault::none) return check;
    return {};
}

CsrFacts csr_facts(Control& control, const Csr& csr, const double* weights) {
    const std::int64_t n = csr.num_nodes;
    const std::int64_t tasks = detail::row_tasks(csr.indptr, n);
    std::vector<CsrFacts> parts(static_cast<std::size_t>(tasks));
    parallel_for(control, tasks, [&](std::int64_t task, int) {
        CsrFacts mine;
        const std::int64_t last = detail::row_split(csr.indptr, n, task + 1, tasks);
        for (std::int64_t row = detail::row_split(csr.indptr, n, task, tasks); row < last; ++row) {
            mine.max_degree = std::max(mine.max_degree, csr.degree(row));
            for (const std::int32_t* it = csr.begin(row); it != csr.end(row); ++it) {
                const std::int64_t column = *it;
                if (column == row) {
                    ++mine.loops;
                    continue;
                }
                const auto* twin = std::lower_bound(csr.begin(column), csr.end(column), static_cast<std::int32_t>(row));
                if (twin == csr.end(column) || *twin != row)
                    ++mine.one_way;
                else if (weights && weights[twin - csr.indices] != weights[it - csr.indices])
                    ++mine.uneven;
            }
        }
        control.checkpoint();
        parts[static_cast<std::size_t>(task)] = mine;
    });
    CsrFacts total;
    for (const CsrFacts& part : parts) {
        total.loops += part.loops;
        total.one_way += part.one_way;
        total.uneven += part.uneven;
        total.max_degree = std::max(total.max_degree, part.max_degree);
    }
    return total;
}

}  // namespace graphx
