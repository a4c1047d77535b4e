#include "host/base/levels.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

namespace gpuconv {

void measure(std::span<const float> samples, Level& level) {
  // Lanes that do not wait for each other become vectors.
  constexpr std::size_t kLanes = 16;
  std::array<float, kLanes> peaks;
  peaks.fill(level.peak);
  std::array<std::int32_t, kLanes> over{};
  const auto take = [&](float sample, std::size_t lane) {
    const float magnitude = std::abs(sample);
    peaks[lane] = std::max(peaks[lane], magnitude);
    over[lane] += magnitude > 1 ? 1 : 0;
  };
  constexpr std::size_t kBlock = 1 << 20;  // no lane counts beyond its range
  for (std::size_t start = 0; start < samples.size(); start += kBlock) {
    const auto block = samples.subspan(start, std::min(kBlock, samples.size() - start));
    std::size_t n = 0;
    for (; n + kLanes <= block.size(); n += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) take(block[n + lane], lane);
    }
    for (; n < block.size(); ++n) take(block[n], 0);
    for (std::int32_t& count : over) level.over += std::exchange(count, 0);
  }
  level.peak = *std::ranges::max_element(peaks);
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
