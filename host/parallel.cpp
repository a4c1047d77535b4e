// parallel.cpp - the same work on several threads
//
// Threads are started for each call and joined before it returns: 20 us for the second one, against
// the millisecond or more of the calls here. A pool would save them and cost an owner.
#include "host/parallel.hpp"

#include <sched.h>

#include <algorithm>
#include <exception>
#include <latch>
#include <mutex>
#include <thread>
#include <vector>

#include "cuda/runtime/range.hpp"

namespace gpuconv {

int core_count() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void run_workers(int threads, const std::function<void(int worker, int workers)>& body) {
  const int wanted = threads > 0 ? threads : core_count();
  if (wanted == 1) return body(0, 1);

  int workers = 1;
  std::latch workers_counted(1);
  std::mutex failure_mutex;
  std::exception_ptr failure;
  const auto run = [&](int worker) {
    const Range range("work");
    try {
      body(worker, workers);
    } catch (...) {
      const std::lock_guard lock(failure_mutex);
      if (!failure) failure = std::current_exception();
    }
  };

  {
    std::vector<std::jthread> helpers;
    helpers.reserve(static_cast<std::size_t>(wanted - 1));
    try {
      for (int worker = 1; worker < wanted; ++worker) {
        helpers.emplace_back([&, worker] {
          workers_counted.wait();
          run(worker);
        });
      }
    } catch (const std::exception&) {
      // No more threads to be had, or no memory for one: those that started do all the work. They
      // are waiting, so that nothing may leave here.
    }
    workers = 1 + static_cast<int>(helpers.size());
    workers_counted.count_down();
    run(0);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace gpuconv
