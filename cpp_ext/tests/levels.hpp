// Every level of instructions that this processor has, one after the other.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

#include "graphx/simd.hpp"

namespace graphx::test {

// GRAPHX_SIMD set to a level as long as this lives, then as it was.
class AtLevel {
public:
    explicit AtLevel(const char* level) {
        if (const char* before = std::getenv("GRAPHX_SIMD")) before_ = before;
        setenv("GRAPHX_SIMD", level, 1);
    }
    ~AtLevel() {
        if (before_)
            setenv("GRAPHX_SIMD", before_->c_str(), 1);
        else
            unsetenv("GRAPHX_SIMD");
    }
    AtLevel(const AtLevel&) = delete;
    AtLevel& operator=(const AtLevel&) = delete;

private:
    std::optional<std::string> before_;
};

// body(level) at plain, and at what more there is.
template <class F>
void at_every_level(F&& body) {
    constexpr const char* names[] = {"plain", "avx2", "avx512"};
    for (int level = 0; level < 3; ++level) {
        const AtLevel set(names[level]);
        if (static_cast<int>(simd_level()) == level) body(simd_level());
    }
}

}  // namespace graphx::test
