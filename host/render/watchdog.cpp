// watchdog.cpp - a handler may call only what is async-signal-safe: no malloc, no locks, no stdio
#include "host/render/watchdog.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <ctime>
#include <mutex>

#include "cuda/runtime/resources.hpp"
#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"

namespace gpuconv {
namespace {

timer_t timer;
constexpr int kMaxWaits = 64;  // at a time, more are not watched
constexpr int kNone = -1;
std::atomic<int> most_ticks;
std::array<std::atomic<int>, kMaxWaits> waits;  // seconds of each so far, and 1; or 0: none
std::mutex mutex;                               // of starting and ending a wait
int waiting = 0;
thread_local int own = kNone;  // this thread's wait
static_assert(std::atomic<int>::is_always_lock_free);

// Seconds are counted one by one and not with one long timer: those that pass while the process is
// stopped arrive as a single signal.
void on_tick(int) {
  bool is_too_long = false;
  for (std::atomic<int>& seconds : waits) {
    int so_far = seconds;
    // A wait that ends meanwhile stays ended.
    if (so_far > 0 && seconds.compare_exchange_strong(so_far, so_far + 1)) {
      is_too_long = is_too_long || so_far >= most_ticks;
    }
  }
  if (!is_too_long) return;
  constexpr char kLine[] =
      "error: the GPU does not answer: a kernel that never ends, or a driver that hangs "
      "(--gpu-timeout SECONDS waits longer)\n";
  // Nobody may be left to read it.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kLine, sizeof kLine - 1);
  leave_at_once(static_cast<int>(Exit::gpu));
}

void note_wait(bool is_waiting) {
  const std::lock_guard lock(mutex);
  if (is_waiting) {
    for (own = 0; own < kMaxWaits && waits[static_cast<std::size_t>(own)] != 0; ++own) {
    }
    if (own < kMaxWaits) waits[static_cast<std::size_t>(own)] = 1;
  } else if (own < kMaxWaits && own != kNone) {
    waits[static_cast<std::size_t>(own)] = 0;
  }
  const int before = waiting;
  waiting += is_waiting ? 1 : -1;
  if (before > 0 && waiting > 0) return;
  itimerspec each_second{};
  if (is_waiting) each_second.it_value.tv_sec = each_second.it_interval.tv_sec = 1;
  ::timer_settime(timer, 0, &each_second, nullptr);
}

}  // namespace

void watch_gpu(int seconds) {
  note_waits(nullptr);
  most_ticks = seconds;
  if (seconds == 0) return;
  static const bool is_ready = [] {
    struct sigaction action {};
    action.sa_handler = on_tick;
    action.sa_flags = SA_RESTART;  // what the wait itself is doing goes on
    ::sigemptyset(&action.sa_mask);
    sigevent expiry{};
    expiry.sigev_notify = SIGEV_SIGNAL;
    expiry.sigev_signo = SIGRTMIN;
    return ::sigaction(SIGRTMIN, &action, nullptr) == 0 &&
           ::timer_create(CLOCK_MONOTONIC, &expiry, &timer) == 0;
  }();
  if (is_ready) note_waits(note_wait);
}

}  // namespace gpuconv
