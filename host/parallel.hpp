// parallel.hpp - the same work on several threads
#pragma once

#include <functional>

namespace gpuconv {

/// The cores this process may use, at least 1.
int core_count();

/// Runs `body(worker, workers)` once for each worker in [0, workers), worker 0 on the calling
/// thread, and returns when all are done. `threads` is the number wanted, 0 for all cores; where
/// the system gives fewer, `workers` says how many there are. The first exception of a body is
/// thrown here, after all are done.
void run_workers(int threads, const std::function<void(int worker, int workers)>& body);

}  // namespace gpuconv
