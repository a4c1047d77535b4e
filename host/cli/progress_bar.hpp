// progress_bar.hpp - one line on a terminal that says how a render gets on
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "host/render/progress.hpp"

namespace gpuconv {

/// "812 x real time", "0.3 x real time"
std::string real_time(double sound_seconds, double seconds);

/// "42 % [========            ] 812 x real time, peak -3.1 dBFS, 12 clipped, 1.3 min left"; without
/// share, bar and rest where nobody knows the length.
std::string progress_line(const Progress& progress, double seconds);

/// Work that takes longer is announced.
inline constexpr double kLongSeconds = 10;

/// "cpu-naive: about 47 s by estimate"
std::string estimate_line(std::string_view what, double seconds);

/// Draws at most ten times a second, over itself, and wipes itself out at its end; or else says a
/// line every ten seconds, for a log.
class ProgressBar {
 public:
  explicit ProgressBar(bool is_for_log = false)
      : ProgressBar(std::chrono::milliseconds(is_for_log ? 10'000 : 100), is_for_log) {}
  ProgressBar(std::chrono::milliseconds between, bool is_for_log)
      : is_for_log_(is_for_log), between_(between) {}
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();
  void show(const Progress& progress);
  void show(const std::string& line);
  /// Makes room for a line of somebody else.
  void clear();
  /// A line that stays.
  void announce(const std::string& line);

 private:
  using Clock = std::chrono::steady_clock;
  void wipe();
  bool is_due() const { return Clock::now() - drawn_ >= between_; }

  bool is_for_log_;
  std::chrono::milliseconds between_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_ = start_;  // fast jobs draw nothing
  bool is_drawn_ = false;
};

}  // namespace gpuconv
