#include "cuda/runtime/trace.hpp"

#include <set>
#include <stdexcept>

namespace gpuconv {
namespace {

/// Numbers of the threads that live, from 1.
class ThreadNumbers {
 public:
  int take() {
    const std::lock_guard lock(mutex_);
    int number = 1;
    while (taken_.contains(number)) ++number;
    taken_.insert(number);
    return number;
  }
  void give_back(int number) {
    const std::lock_guard lock(mutex_);
    taken_.erase(number);
  }

 private:
  std::mutex mutex_;
  std::set<int> taken_;
};

ThreadNumbers& thread_numbers() {
  static ThreadNumbers numbers;
  return numbers;
}

struct ThreadNumber {
  const int value = thread_numbers().take();
  ThreadNumber() = default;
  ThreadNumber(const ThreadNumber&) = delete;
  ThreadNumber& operator=(const ThreadNumber&) = delete;
  ~ThreadNumber() { thread_numbers().give_back(value); }
};

}  // namespace

std::atomic<Trace*> Trace::current_{nullptr};

Trace::Trace() {
  Trace* none = nullptr;
  if (!current_.compare_exchange_strong(none, this)) {
    throw std::logic_error("a trace is being taken already");
  }
}

Trace::~Trace() { current_ = nullptr; }

double Trace::now() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void Trace::add(Span span) {
  const std::lock_guard lock(mutex_);
  if (spans_.size() == kMost) {
    is_full_ = true;
  } else {
    spans_.push_back(std::move(span));
  }
}

void Trace::add(Arrow arrow) {
  const std::lock_guard lock(mutex_);
  if (arrows_.size() == kMost) {
    is_full_ = true;
  } else {
    arrows_.push_back(std::move(arrow));
  }
}

std::vector<Trace::Span> Trace::spans() const {
  const std::lock_guard lock(mutex_);
  return spans_;
}

std::vector<Trace::Arrow> Trace::arrows() const {
  const std::lock_guard lock(mutex_);
  return arrows_;
}

bool Trace::is_full() const {
  const std::lock_guard lock(mutex_);
  return is_full_;
}

Trace::Row Trace::this_thread() {
  thread_local const ThreadNumber number;
  return {false, "thread " + std::to_string(number.value)};
}

}  // namespace gpuconv
