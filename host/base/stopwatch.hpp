// stopwatch.hpp - adds up the time of a stage that happens many times
#pragma once

#include <chrono>
#include <mutex>

namespace gpuconv {

class Stopwatch {
 public:
  /// Runs `stage` and adds its duration.
  template <typename Stage>
  decltype(auto) time(Stage&& stage) {
    struct Lap {
      Stopwatch& watch;
      std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
      ~Lap() { watch.total_ += std::chrono::steady_clock::now() - start; }
    } lap{*this};
    return stage();
  }
  double seconds() const { return total_.count(); }

 private:
  std::chrono::duration<double> total_{0};
};

/// Adds up the time during which at least one of several threads is in a stage.
class SharedStopwatch {
 public:
  /// Runs `stage`, on any thread.
  template <typename Stage>
  decltype(auto) time(Stage&& stage) {
    struct Lap {
      SharedStopwatch& watch;
      explicit Lap(SharedStopwatch& of) : watch(of) { watch.change(+1); }
      ~Lap() { watch.change(-1); }
    } lap(*this);
    return stage();
  }
  /// While no thread is in a stage.
  double seconds() const { return busy_.count(); }

 private:
  void change(int by) {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (inside_ > 0) busy_ += now - since_;
    since_ = now;
    inside_ += by;
  }

  std::mutex mutex_;
  int inside_ = 0;
  std::chrono::steady_clock::time_point since_;
  std::chrono::duration<double> busy_{0};
};

}  // namespace gpuconv
