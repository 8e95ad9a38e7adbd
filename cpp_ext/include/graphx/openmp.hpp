// Loops on the threads of torch's OpenMP runtime, for kernels that are called between torch's own operators.
//
// After an operator those threads spin for milliseconds, each on a processor of its own; threads of ours would have to
// share it with them, and took up to twice the time. So they get the work instead. The runtime is found, not linked: one
// that was not started by torch would bring threads of its own.
#pragma once

#if defined(__linux__)
#include <dlfcn.h>
#include <unistd.h>
#endif

#include "graphx/parallel.hpp"

namespace graphx {

using OpenMPParallel = void (*)(void (*run)(void*), void* data, unsigned threads, unsigned flags);

struct OpenMP {
    OpenMPParallel parallel = nullptr;
    int (*most)() = nullptr;
    long process = 0;
};

inline OpenMP& openmp() {
    static OpenMP found;
    return found;
}

// Takes the runtime that is loaded from `path`; false if none is.
inline bool join_openmp(const char* path) {
#if defined(__linux__)
    void* library = dlopen(path, RTLD_NOLOAD | RTLD_LAZY);
    if (!library) return false;
    void* parallel = dlsym(library, "GOMP_parallel");
    void* most = dlsym(library, "omp_get_max_threads");
    if (!parallel || !most) return false;
    openmp() = {reinterpret_cast<OpenMPParallel>(parallel), reinterpret_cast<int (*)()>(most),
                static_cast<long>(getpid())};
    return true;
#else
    (void)path;
    return false;
#endif
}

// A Team; not in a forked child, which has the runtime's state and none of its threads, and not for more threads than
// torch would take: the runtime ends the process when the system gives it too few.
inline bool openmp_team(void (*run)(void*), void* data, int workers) {
#if defined(__linux__)
    const OpenMP& found = openmp();
    if (!found.parallel || found.process != static_cast<long>(getpid()) || workers > found.most())
        return false;
    found.parallel(run, data, static_cast<unsigned>(workers), 0);
    return true;
#else
    (void)run;
    (void)data;
    (void)workers;
    return false;
#endif
}

}  // namespace graphx
