// worker.hpp - a thread that can be asked to stop, even while it waits for a pipe
//
// A thread that waits in read() or write() sees no flag. While `stop` is set, the owner, who waits
// for the thread's end, sends it a signal that does nothing: the call returns with EINTR, and
// must_stop() of interrupt.hpp is true there. The signal is SIGRTMIN + 1.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <thread>

namespace gpuconv {

class Worker {
 public:
  /// Runs `body`, which throws nothing, on a thread of its own. `stop` outlives this object. Throws
  /// std::system_error if the system gives no thread.
  Worker(const std::atomic<bool>& stop, std::function<void()> body);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Waits for the end of `body`. Once `stop` is set, interrupts what the thread waits for.
  ~Worker();

 private:
  const std::atomic<bool>& stop_;
  std::future<void> ended_;
  std::thread thread_;
};

}  // namespace gpuconv
