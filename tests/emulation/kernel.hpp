// kernel.hpp - runs one launch: its blocks one after the other, its threads as fibres
#pragma once

#include <cuda_runtime.h>

#include <functional>
#include <stdexcept>

namespace emulation {

/// A kernel did what would be undefined on a GPU.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Runs every thread of every block; throws Fault.
void run_kernel(dim3 grid, dim3 block, std::size_t shared_bytes,
                const std::function<void()>& thread_body);

void forget_kernels();

}  // namespace emulation
