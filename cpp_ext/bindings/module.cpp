// graphx._core: one register function for each kernel family.
#include <nanobind/nanobind.h>

#include "graphx/simd.hpp"

namespace nb = nanobind;

namespace graphx::bind {
void register_edgelist(nb::module_& m);
void register_fastrp(nb::module_& m);
void register_lcm(nb::module_& m);
void register_mobius(nb::module_& m);
void register_neighbors(nb::module_& m);
void register_orbits(nb::module_& m);
void register_tiles(nb::module_& m);
void register_vectors(nb::module_& m);
}  // namespace graphx::bind

NB_MODULE(_core, m) {
    nb::set_leak_warnings(false);  // an object that is alive at exit is no concern of the user's
    m.doc() = "Compiled kernels of graphx. Private: use the functions and classes of the package.";
    m.def(
        "simd_level",
        [] {
            static constexpr const char* names[] = {"plain", "avx2", "avx512"};
            return names[static_cast<int>(graphx::simd_level())];
        },
        "The instruction set in use: 'plain', 'avx2' or 'avx512'.");
    graphx::bind::register_edgelist(m);
    graphx::bind::register_fastrp(m);
    graphx::bind::register_lcm(m);
    graphx::bind::register_mobius(m);
    graphx::bind::register_neighbors(m);
    graphx::bind::register_orbits(m);
    graphx::bind::register_tiles(m);
    graphx::bind::register_vectors(m);
}
