// stopwatch.hpp - adds up the time of a stage that happens many times
#pragma once

#include <chrono>

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

}  // namespace gpuconv
