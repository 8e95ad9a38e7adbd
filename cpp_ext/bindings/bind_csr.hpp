// How a BuiltCsr reaches Python: (indptr, indices, weights | None, facts).
#pragma once

#include "common.hpp"
#include "graphx/csr_build.hpp"

namespace graphx::bind {

inline nb::tuple built_to_python(BuiltCsr&& built, bool weighted) {
    nb::dict facts;
    facts["loops"] = built.loops;
    facts["duplicates"] = built.duplicates;
    if (built.clash_source >= 0)
        facts["clash"] = nb::make_tuple(built.clash_source, built.clash_target, built.clash_first, built.clash_second);
    else
        facts["clash"] = nb::none();
    nb::object weights = weighted ? nb::cast(to_numpy(std::move(built.weights))) : nb::none();
    return nb::make_tuple(nb::cast(to_numpy(std::move(built.indptr))), nb::cast(to_numpy(std::move(built.indices))), weights,
                          facts);
}

}  // namespace graphx::bind
