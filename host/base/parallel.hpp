// parallel.hpp - the same work on several threads
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace gpuconv {

/// The cores this process may use, at least 1: those it may run on (sched_getaffinity), or fewer
/// where its container has a quota.
int core_count();

/// Cores' worth of time that the cgroups of version 2 under `root` allow a process whose
/// /proc/self/cgroup says `membership`: the least quota / period of cpu.max on the way to the root.
/// Nothing without a limit.
std::optional<double> cpu_quota(const std::string& root, const std::string& membership);

/// Threads that run_workers(0, ...) uses here: all cores, or those of a ThreadLimit.
int thread_count();

/// While it lives, run_workers(0, ...) on the thread that made it uses `threads`: of the cores, the
/// others have work of the same kind.
class ThreadLimit {
 public:
  explicit ThreadLimit(int threads);
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;
  ~ThreadLimit();

 private:
  int before_;
};

/// Runs `body(worker, workers)` once for each worker in [0, workers), worker 0 on the calling
/// thread, and returns when all are done. `threads` is the number wanted, 0 for all cores or those
/// of a ThreadLimit; where the system gives fewer, `workers` says how many there are. The first
/// exception of a body is thrown here, after all are done.
void run_workers(int threads, const std::function<void(int worker, int workers)>& body);

}  // namespace gpuconv
