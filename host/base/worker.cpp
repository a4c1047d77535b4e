#include "host/base/worker.hpp"

#include <pthread.h>

#include <chrono>
#include <csignal>
#include <utility>

#include "host/base/interrupt.hpp"

namespace gpuconv {
namespace {

/// The signal may come before the call that it is to interrupt, so it is sent again.
constexpr std::chrono::milliseconds kPause{5};

int nudge() { return SIGRTMIN + 1; }

void install_nudge() {
  static const bool is_installed = [] {
    struct sigaction action {};
    action.sa_handler = [](int) {};  // no SA_RESTART: that is its purpose
    ::sigemptyset(&action.sa_mask);
    return ::sigaction(nudge(), &action, nullptr) == 0;
  }();
  static_cast<void>(is_installed);
}

/// A thread inherits the signals that its starter blocks.
void let_nudge_through() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, nudge());
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace

Worker::Worker(const std::atomic<bool>& stop, std::function<void()> body) : stop_(stop) {
  install_nudge();
  std::packaged_task<void()> task([&stop, body = std::move(body)] {
    let_nudge_through();
    obey(&stop);
    body();
  });
  ended_ = task.get_future();
  thread_ = std::thread(std::move(task));
}

Worker::~Worker() {
  while (ended_.wait_for(kPause) != std::future_status::ready) {
    if (stop_) ::pthread_kill(thread_.native_handle(), nudge());
  }
  thread_.join();
}

}  // namespace gpuconv
