#include "common.hpp"

namespace graphx::bind {
void register_edgelist(nb::module_&) {}
}  // namespace graphx::bind
