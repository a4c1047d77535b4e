// emulation.hpp - what tests can ask the emulated CUDA runtime
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace emulation {

enum class Work { kernel, upload, download, copy, fill, record, wait, host_function };

/// One piece of queued work that was executed.
struct Executed {
  int number;  ///< position in the order of execution
  int stream;  ///< number of its stream
  Work work;
  std::vector<int> depends_on;  ///< numbers of the work it had to follow
};

/// Everything executed since the last forget(), in order.
const std::vector<Executed>& schedule();
void forget();

/// Names of the NVTX ranges opened since the last forget(), as "domain/name", in order.
const std::vector<std::string>& ranges();

/// What the last faulting kernel did wrong; empty when none did.
const std::string& last_fault();

/// Ends the sticky error state that a faulting kernel leaves. A real device needs a new process.
void recover();

/// Allocations of device and pinned memory that are alive.
std::size_t live_allocations();

}  // namespace emulation
