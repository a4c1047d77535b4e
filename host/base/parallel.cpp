// parallel.cpp - the same work on several threads
//
// Threads are started for each call and joined before it returns: 20 us for the second one, against
// the millisecond or more of the calls here. A pool would save them and cost an owner.
#include "host/base/parallel.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <fstream>
#include <latch>
#include <mutex>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "cuda/runtime/range.hpp"

namespace gpuconv {

namespace {

thread_local int thread_limit = 0;  // 0: all cores

int count_cores() {
  cpu_set_t allowed;
  const int here = sched_getaffinity(0, sizeof allowed, &allowed) == 0
                       ? CPU_COUNT(&allowed)
                       : static_cast<int>(std::thread::hardware_concurrency());
  std::ostringstream membership;
  membership << std::ifstream("/proc/self/cgroup").rdbuf();  // unlike an iterator, it never throws
  const double quota = cpu_quota("/sys/fs/cgroup", membership.str()).value_or(here);
  return std::max(1, std::min(here, static_cast<int>(std::ceil(quota))));
}

}  // namespace

int core_count() {
  static const int count = count_cores();
  return count;
}

std::optional<double> cpu_quota(const std::string& root, const std::string& membership) {
  // "0::/path" is the line of version 2; version 1 has controllers between the colons.
  const std::size_t start = membership.starts_with("0::/") ? 0 : membership.find("\n0::/") + 1;
  if (start == 0 && !membership.starts_with("0::/")) return std::nullopt;
  const std::size_t end = membership.find('\n', start);
  std::string path = membership.substr(start + 3, end - start - 3);
  std::optional<double> least;
  while (true) {
    std::ifstream file(root + path + "/cpu.max");
    double quota = 0;
    double period = 0;
    // "max" is not a number: the container has no limit.
    if (file >> quota >> period && quota > 0 && period > 0) {
      least = std::min(least.value_or(quota / period), quota / period);
    }
    if (path.empty()) return least;
    path.resize(path.find_last_of('/'));
  }
}

int thread_count() { return thread_limit > 0 ? thread_limit : core_count(); }

ThreadLimit::ThreadLimit(int threads) : before_(std::exchange(thread_limit, threads)) {}

ThreadLimit::~ThreadLimit() { thread_limit = before_; }

void run_workers(int threads, const std::function<void(int worker, int workers)>& body) {
  const int wanted = threads > 0 ? threads : thread_count();
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
