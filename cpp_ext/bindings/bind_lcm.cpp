// Python sees the kernels of learnable commutative monoid aggregation.
#include <nanobind/nanobind.h>

namespace nb = nanobind;

namespace graphx::bind {

void register_lcm(nb::module_& m) { (void)m; }

}  // namespace graphx::bind
