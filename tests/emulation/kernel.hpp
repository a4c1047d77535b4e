// kernel.hpp - runs one launch: its blocks one after the other, its threads as fibres
#pragma once

#include <cuda_runtime.h>

#include <functional>
#include <memory>
#include <stdexcept>

namespace emulation {

/// A kernel did what would be undefined on a GPU.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Launch {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes;
  bool starts_early;
  std::function<void()> thread_body;
};

/// One block of a launch whose threads wait for the kernel before.
class EarlyBlock;

/// Runs the first block of a launch that starts early until its threads wait for the kernel before.
/// Throws Fault. Races are watched kernel by kernel: where they are, it does nothing.
std::shared_ptr<EarlyBlock> begin_early(const Launch& launch);

/// Runs every thread of every block; throws Fault. `begun` is null or what begin_early() returned.
void run_kernel(const Launch& launch, const std::shared_ptr<EarlyBlock>& begun);

void forget_kernels();

}  // namespace emulation
