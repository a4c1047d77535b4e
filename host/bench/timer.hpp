// timer.hpp - the clock of the benchmark, and its control
#pragma once

#include <chrono>

namespace gpuconv {

/// Seconds that `body` takes by the wall clock.
template <typename Body>
double seconds_of(Body&& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// What the clock says of nothing, and of work whose length another clock knows: a loop that ends
/// when this thread has used `asked` seconds of processor time.
struct TimerControl {
  double empty = 0;     ///< seconds of an empty body: median of many
  double asked = 0;     ///< seconds
  double shortest = 0;  ///< that the loop was measured as: where nobody else wanted the processor
  double median = 0;    ///< the same, usual; what exceeds `asked` went to others

  /// The clock can be believed, as far as this machine lets anybody measure.
  bool is_trustworthy() const;
  /// Share of the time that other work took from this thread.
  double stolen() const { return median > 0 ? 1 - asked / median : 0; }
};

TimerControl control_timer();

}  // namespace gpuconv
