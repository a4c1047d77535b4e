// interrupt.cpp - a handler may call only what is async-signal-safe: no malloc, no locks, no stdio
#include "host/base/interrupt.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>

namespace gpuconv {
namespace {

constexpr int kStopSignals[] = {SIGINT, SIGTERM, SIGHUP};
constexpr long kPatienceNanoseconds = 700'000'000;  // of the second in which we promise to be gone
constexpr int kMaxFiles = 1024;                     // more at a time are not removed

std::atomic<int> received = 0;
std::atomic<char*> files[kMaxFiles];  // whoever takes a pointer out, by exchange(), owns it
constexpr int kMaxGroups = 256;       // more at a time are not killed
std::atomic<int> groups[kMaxGroups];  // 0: none
timer_t patience;
thread_local const std::atomic<bool>* obeyed = nullptr;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<char*>::is_always_lock_free);

/// As failure.cpp says it, with what a handler may use: the descriptions are constants.
void say_stopped(int signal) {
  char line[96] = "error: stopped by a signal (";
  std::strncat(line, ::sigdescr_np(signal), sizeof line / 2);
  std::strcat(line, ")\n");
  // Nobody may be left to read it.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line, std::strlen(line));
}

void on_stop(int signal) {
  int none = 0;
  if (!received.compare_exchange_strong(none, signal)) leave_at_once(128 + signal);
  const int error = errno;
  itimerspec once{};
  once.it_value.tv_nsec = kPatienceNanoseconds;
  ::timer_settime(patience, 0, &once, nullptr);
  errno = error;
}

void on_patience_lost(int) {
  say_stopped(received);
  leave_at_once(128 + received);
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction before {};
  ::sigaction(signal, nullptr, &before);
  if (before.sa_handler == SIG_IGN) return;
  struct sigaction action {};
  action.sa_handler = handler;  // no SA_RESTART: waiting for a pipe ends, too
  ::sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

void catch_signals() {
  // Without a timer there would be no patience, and no end of it: then the signals kill as ever.
  sigevent expiry{};
  expiry.sigev_notify = SIGEV_SIGNAL;
  expiry.sigev_signo = SIGALRM;
  if (::timer_create(CLOCK_MONOTONIC, &expiry, &patience) != 0) return;
  std::signal(SIGALRM, on_patience_lost);
  for (const int signal : kStopSignals) handle(signal, on_stop);
}

void leave_at_once(int exit_code) {
  for (std::atomic<char*>& file : files) {
    if (const char* const path = file.exchange(nullptr)) ::unlink(path);
  }
  for (std::atomic<int>& group : groups) {
    if (const int number = group.exchange(0)) ::kill(-number, SIGKILL);
  }
  ::_exit(exit_code);
}

int received_signal() { return received; }

void obey(const std::atomic<bool>* flag) { obeyed = flag; }

bool must_stop() { return received != 0 || (obeyed != nullptr && *obeyed); }

void stop_if_interrupted() {
  if (received != 0) throw Interrupted("stopped by a signal");
  if (must_stop()) throw Interrupted("stopped, since another thread has failed");
}

RemovedBySignal::RemovedBySignal(const std::string& path)
    : path_(::strdup(path.c_str())), slot_(kMaxFiles) {
  if (path_ == nullptr) throw std::bad_alloc();
}

void RemovedBySignal::arm() noexcept {
  for (slot_ = 0; slot_ < kMaxFiles; ++slot_) {
    char* none = nullptr;
    if (files[slot_].compare_exchange_strong(none, path_)) return;
  }
}

RemovedBySignal::~RemovedBySignal() {
  // What a handler has taken is not ours to free any more; the process is about to end.
  const bool is_ours = slot_ == kMaxFiles || files[slot_].exchange(nullptr) != nullptr;
  if (is_ours) std::free(path_);
}

KilledBySignal::KilledBySignal(int group) noexcept {
  for (slot_ = 0; slot_ < kMaxGroups; ++slot_) {
    int none = 0;
    if (groups[slot_].compare_exchange_strong(none, group)) return;
  }
}

KilledBySignal::~KilledBySignal() {
  if (slot_ < kMaxGroups) groups[slot_] = 0;
}

}  // namespace gpuconv
