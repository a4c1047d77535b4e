// state.hpp - what the emulated libraries (CUB, cuFFT, NVTX) need of the emulated runtime
#pragma once

#include <cuda_runtime.h>

#include <functional>
#include <string>

#include "tests/emulation/emulation.hpp"

namespace emulation {

/// Queues `run` in `stream`.
void enqueue(cudaStream_t stream, Work work, std::function<void()> run);

/// Remembers an NVTX range for ranges().
void note_range(const char* domain, const std::string& name);

}  // namespace emulation
