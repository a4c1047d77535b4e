#include "host/cli/progress_bar.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/audio/levels.hpp"
#include "host/cli/message.hpp"
#include "host/duration.hpp"

namespace gpuconv {
namespace {

constexpr std::chrono::milliseconds kBetween{100};
constexpr int kBarWidth = 20;  // characters

}  // namespace

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
  line += fmt::format("{:.0f} x real time, peak {:+.1f} dBFS", done / progress.rate / seconds,
                      dbfs(std::max(levels.left.peak, levels.right.peak)));
  if (clipped.left + clipped.right > 0) {
    line += fmt::format(", {} clipped", clipped.left + clipped.right);
  }
  if (progress.all_samples && done > 0) {
    const double left = static_cast<double>(*progress.all_samples) - done;
    line += fmt::format(", {} left", duration(seconds * left / done));
  }
  return line;
}

ProgressBar::~ProgressBar() {
  if (is_drawn_) say("\r\x1b[K");
}

void ProgressBar::show(const Progress& progress) {
  const Clock::time_point now = Clock::now();
  if (now - drawn_ < kBetween) return;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  say("\r{}\x1b[K", progress_line(progress, seconds));
  drawn_ = now;
  is_drawn_ = true;
}

}  // namespace gpuconv
