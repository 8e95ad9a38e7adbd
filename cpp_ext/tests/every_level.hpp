// What is done at every level of instructions that this processor has.
#pragma once

#include "levels.hpp"

namespace graphx::test {

// body(level) at plain, and at what more there is.
template <class F>
void at_every_level(F&& body) {
    for (const char* name : levels()) {
        const AtLevel level(name);
        body(simd_level());
    }
}

}  // namespace graphx::test
