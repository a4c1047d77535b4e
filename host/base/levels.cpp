#include "host/base/levels.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace gpuconv {

void measure(std::span<const float> samples, Level& level) {
  // Without their signs, floats are in the order of their bits; the largest integer is found by
  // vectors, the largest float is not.
  constexpr std::int32_t kMagnitude = 0x7fffffff;
  constexpr auto kFullScale = std::bit_cast<std::int32_t>(1.0F);
  auto peak = std::bit_cast<std::int32_t>(level.peak);
  constexpr std::size_t kBlock = 1 << 20;  // no count beyond its range
  for (std::size_t start = 0; start < samples.size(); start += kBlock) {
    std::int32_t over = 0;
    for (const float sample : samples.subspan(start, std::min(kBlock, samples.size() - start))) {
      const std::int32_t magnitude = std::bit_cast<std::int32_t>(sample) & kMagnitude;
      peak = std::max(peak, magnitude);
      over += magnitude > kFullScale ? 1 : 0;
    }
    level.over += over;
  }
  level.peak = std::bit_cast<float>(peak);
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
