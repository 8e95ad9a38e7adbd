// Python sees the kernels of hyperbolic products.
#include <nanobind/nanobind.h>

namespace nb = nanobind;

namespace graphx::bind {

void register_mobius(nb::module_& m) { (void)m; }

}  // namespace graphx::bind
