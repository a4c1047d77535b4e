// progress_bar.hpp - one line on a terminal that says how a render gets on
#pragma once

#include <chrono>
#include <string>

#include "host/render/progress.hpp"

namespace gpuconv {

/// "812 x real time", "0.3 x real time"
std::string real_time(double sound_seconds, double seconds);

/// "42 % [========            ] 812 x real time, peak -3.1 dBFS, 12 clipped, 1.3 min left"; without
/// share, bar and rest where nobody knows the length.
std::string progress_line(const Progress& progress, double seconds);

/// Draws at most ten times a second, over itself, and wipes itself out at its end.
class ProgressBar {
 public:
  ProgressBar() = default;
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();
  void show(const Progress& progress);

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_ = start_;  // fast jobs draw nothing
  bool is_drawn_ = false;
};

}  // namespace gpuconv
