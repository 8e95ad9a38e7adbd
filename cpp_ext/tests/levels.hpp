// The levels of instructions that this processor has, and one of them for a while.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "graphx/simd.hpp"

namespace graphx::test {

// GRAPHX_SIMD set to `name` until the end of the block, then as it was.
class AtLevel {
public:
    explicit AtLevel(const char* name) {
        if (const char* now = std::getenv("GRAPHX_SIMD")) {
            had_ = true;
            before_ = now;
        }
        setenv("GRAPHX_SIMD", name, 1);
    }
    AtLevel(const AtLevel&) = delete;
    AtLevel& operator=(const AtLevel&) = delete;
    ~AtLevel() {
        if (had_) setenv("GRAPHX_SIMD", before_.c_str(), 1);
        else unsetenv("GRAPHX_SIMD");
    }

private:
    bool had_ = false;
    std::string before_;
};

// Those that can be reached here, the plain one first.
inline std::vector<const char*> levels() {
    std::vector<const char*> reached{"plain"};
    if (simd_level() >= Simd::avx2) reached.push_back("avx2");
    if (simd_level() >= Simd::avx512) reached.push_back("avx512");
    return reached;
}

}  // namespace graphx::test
