// Python sees the kernels of FastRP.
#include <nanobind/nanobind.h>

namespace nb = nanobind;

namespace graphx::bind {

void register_fastrp(nb::module_& m) { (void)m; }

}  // namespace graphx::bind
