#include "host/bench/timer.hpp"

#include <time.h>

#include <vector>

#include "host/bench/statistics.hpp"

namespace gpuconv {
namespace {

double processor_seconds() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

}  // namespace

bool TimerControl::is_trustworthy() const {
  return empty < 1e-5 && shortest >= 0.999 * asked && shortest <= 1.1 * asked;
}

TimerControl control_timer() {
  constexpr int kRuns = 15;
  constexpr double kAsked = 2e-3;
  std::vector<double> nothing, loop;
  for (int run = 0; run < kRuns; ++run) {
    nothing.push_back(seconds_of([] {}));
    loop.push_back(seconds_of([] {
      const double start = processor_seconds();
      while (processor_seconds() - start < kAsked) {
      }
    }));
  }
  const Statistics loops = summarise(loop);
  return {summarise(nothing).median, kAsked, loops.min, loops.median};
}

}  // namespace gpuconv
