// captures.hpp - what a program may not do while a stream captures
#pragma once

#include <cuda_runtime.h>

namespace emulation {

/// cudaSuccess, or why this thread may not make a call that CUDA calls potentially unsafe, such as
/// cudaMalloc(). Then the captures in its way are invalid.
cudaError_t check_unsafe_call();

/// cudaSuccess, or why the whole device cannot be waited for. Then its captures are invalid.
cudaError_t check_device_wide_wait();

}  // namespace emulation
