#include "host/base/levels.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace gpuconv {

void measure(std::span<const float> samples, Level& level) {
  float peak = level.peak;
  std::int64_t over = 0;
  for (const float sample : samples) {
    const float magnitude = std::abs(sample);
    peak = std::max(peak, magnitude);
    over += magnitude > 1;
  }
  level.peak = peak;
  level.over += over;
}

void measure(Stereo<std::span<const float>> wet, Stereo<Level>& levels) {
  for (const Side side : kSides) measure(wet[side], levels[side]);
}

double dbfs(double level) { return 20 * std::log10(level); }

std::string tenths(double decibels) {
  const double rounded = std::round(10 * decibels) / 10;
  return rounded == 0 ? "0.0" : fmt::format("{:+.1f}", rounded);
}

double amplitude(double decibels) { return std::pow(10.0, decibels / 20); }

}  // namespace gpuconv
