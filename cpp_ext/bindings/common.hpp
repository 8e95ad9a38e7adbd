// Shared by the binding files: array types that never convert, interrupt polling, arrays that own C++ memory.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "graphx/buffer.hpp"
#include "graphx/csr.hpp"
#include "graphx/parallel.hpp"

namespace nb = nanobind;

namespace graphx::bind {

// Every argument of these types carries .noconvert() at its nb::arg: wrong dtype, strides or device is a TypeError.
template <class T>
using Vector = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Matrix = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using NumpyVector = nb::ndarray<nb::numpy, T, nb::ndim<1>>;
template <class T>
using NumpyMatrix = nb::ndarray<nb::numpy, T, nb::ndim<2>>;

// A numpy array over a buffer, which it keeps alive.
template <class T>
NumpyVector<T> to_numpy(Buffer<T>&& buffer) {
    auto owned = std::make_unique<Buffer<T>>(std::move(buffer));
    owned->shrink();
    T* data = owned->data();
    const std::size_t size = owned->size();
    nb::capsule owner(owned.get(), [](void* p) noexcept { delete static_cast<Buffer<T>*>(p); });
    owned.release();
    return NumpyVector<T>(data, {size}, owner);
}

template <class T>
NumpyMatrix<T> to_numpy(Buffer<T>&& buffer, std::size_t rows, std::size_t columns) {
    auto owned = std::make_unique<Buffer<T>>(std::move(buffer));
    T* data = owned->data();
    nb::capsule owner(owned.get(), [](void* p) noexcept { delete static_cast<Buffer<T>*>(p); });
    owned.release();
    return NumpyMatrix<T>(data, {rows, columns}, owner);
}

// A poll that looks for Ctrl-C and reports progress; call with the GIL held, use in code that released it.
// `progress` is None or a callable that takes the amount of work done.

struct PollState {
    nb::object progress;
    std::unique_ptr<nb::python_error> error;
};

inline Control::Poll make_poll(PollState& state) {
    return [&state](std::int64_t done) -> bool {
        nb::gil_scoped_acquire gil;
        if (PyErr_CheckSignals() != 0) {
            state.error = std::make_unique<nb::python_error>();
            return true;
        }
        if (!state.progress.is_none()) {
            try {
                state.progress(done);
            } catch (nb::python_error& error) {
                state.error = std::make_unique<nb::python_error>(std::move(error));
                return true;
            }
        }
        return false;
    };
}

// Runs body(control) without the GIL; a pending Python error (KeyboardInterrupt, or one raised by progress) is raised
// in place of Cancelled.
template <class F>
auto run_interruptible(int threads, nb::object progress, F&& body) {
    PollState state{std::move(progress), nullptr};
    Control control(threads, make_poll(state));
    try {
        nb::gil_scoped_release release;
        return body(control);
    } catch (const Cancelled&) {
        if (state.error) {
            nb::python_error error = std::move(*state.error);
            state.error.reset();
            throw error;
        }
        throw;
    }
}

}  // namespace graphx::bind
