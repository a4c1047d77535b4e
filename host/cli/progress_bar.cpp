#include "host/cli/progress_bar.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/duration.hpp"
#include "host/base/levels.hpp"
#include "host/cli/message.hpp"

namespace gpuconv {
namespace {

constexpr int kBarWidth = 20;  // characters

}  // namespace

std::string real_time(double sound_seconds, double seconds) {
  const double speed = sound_seconds / seconds;
  if (speed < 0.095) return fmt::format("{:.1g} x real time", speed);
  return fmt::format("{:.{}f} x real time", speed, speed < 9.95 ? 1 : 0);
}

std::string progress_line(const Progress& progress, double seconds) {
  const auto done = static_cast<double>(progress.samples);
  const Stereo<Level>& levels = progress.levels;
  const Stereo<std::int64_t>& clipped = progress.clipped;
  std::string line;
  if (progress.all_samples) {
    const double share = done / static_cast<double>(*progress.all_samples);
    const auto filled = static_cast<std::size_t>(kBarWidth * share);
    line = fmt::format("{:3.0f} % [{:<{}}] ", 100 * share, std::string(filled, '='), kBarWidth);
  } else {
    line = duration(done / progress.rate) + " so far, ";
  }
  line += fmt::format("{}, peak {} dBFS", real_time(done / progress.rate, seconds),
                      tenths(dbfs(std::max(levels.left.peak, levels.right.peak))));
  if (clipped.left + clipped.right > 0) {
    line += fmt::format(", {} clipped", clipped.left + clipped.right);
  }
  const double left = static_cast<double>(progress.all_samples.value_or(0)) - done;
  if (left > 0 && done > 0) line += fmt::format(", {} left", duration(seconds * left / done));
  return line;
}

std::string estimate_line(std::string_view what, double seconds) {
  return fmt::format("{}: about {} by estimate", what, duration(seconds));
}

ProgressBar::~ProgressBar() { wipe(); }

void ProgressBar::wipe() {
  if (is_drawn_ && !is_for_log_) say("\r\x1b[K");
}

void ProgressBar::clear() {
  wipe();
  is_drawn_ = false;
}

void ProgressBar::announce(const std::string& line) {
  wipe();
  say("{}\n", line);
}

void ProgressBar::show(const Progress& progress) {
  if (!is_due()) return;
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  show(progress_line(progress, seconds));
}

void ProgressBar::show(const std::string& line) {
  if (!is_due()) return;
  if (is_for_log_) {
    say("{}\n", line);
  } else {
    say("\r{}\x1b[K", line);
  }
  drawn_ = Clock::now();
  is_drawn_ = true;
}

}  // namespace gpuconv
