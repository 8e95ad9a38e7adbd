#include "common.hpp"

namespace graphx::bind {
void register_orbits(nb::module_&) {}
}  // namespace graphx::bind
