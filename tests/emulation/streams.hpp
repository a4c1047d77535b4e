// streams.hpp - queued work, and when it is done
#pragma once

#include <cuda_runtime.h>

#include <functional>
#include <vector>

#include "tests/emulation/emulation.hpp"
#include "tests/emulation/kernel.hpp"

namespace emulation {

/// Queues `run` in `stream`. `pointers` is what it uses: device memory among them has to be the
/// stream's device's. Fails only while the stream captures.
cudaError_t enqueue(cudaStream_t stream, Work work, std::function<void()> run,
                    std::vector<const void*> pointers);

int device_of(cudaStream_t stream);

/// Does all work that is queued.
void execute_everything();

/// Loses the device because of `fault`, and prints it.
void report_fault(const Fault& fault);

void forget_schedule();
void forget_calls();
void forget_errors();

}  // namespace emulation
