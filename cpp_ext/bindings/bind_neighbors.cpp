// Python sees the kernels of common neighbours.
#include <nanobind/nanobind.h>

namespace nb = nanobind;

namespace graphx::bind {

void register_neighbors(nb::module_& m) { (void)m; }

}  // namespace graphx::bind
