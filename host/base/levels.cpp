#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/base/levels.cpp"
#include "host/base/vector_targets.hpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h, which includes this file again for each target.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace gpuconv::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// The largest of the samples' bits without their signs. Floats are in the order of these, and what
/// is not finite comes last.
std::int32_t largest_bits(const float* samples, std::size_t count) {
  constexpr std::int32_t kMagnitude = 0x7fffffff;
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> bits;
  const auto magnitude = hn::Set(bits, kMagnitude);
  const auto magnitudes = [&](std::size_t n) {
    return hn::And(hn::BitCast(bits, hn::LoadU(d, samples + n)), magnitude);
  };
  const std::size_t lanes = hn::Lanes(d);
  auto even = hn::Zero(bits);
  auto odd = even;
  std::size_t n = 0;
  for (; n + 2 * lanes <= count; n += 2 * lanes) {
    even = hn::Max(even, magnitudes(n));
    odd = hn::Max(odd, magnitudes(n + lanes));
  }
  std::int32_t peak = hn::GetLane(hn::MaxOfLanes(bits, hn::Max(even, odd)));
  for (; n < count; ++n) {
    std::int32_t last = 0;
    std::memcpy(&last, samples + n, sizeof last);
    last &= kMagnitude;
    if (last > peak) peak = last;
  }
  return peak;
}

}  // namespace
}  // namespace gpuconv::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "host/base/levels.hpp"

namespace gpuconv {

HWY_EXPORT(largest_bits);

void measure(std::span<const float> samples, Level& level) {
  constexpr std::size_t kStretch = 4096;  // in the first-level cache
  constexpr auto kFullScale = std::bit_cast<std::int32_t>(1.0F);
  auto peak = std::bit_cast<std::int32_t>(level.peak);
  while (!samples.empty()) {
    const auto stretch = samples.first(std::min(kStretch, samples.size()));
    samples = samples.subspan(stretch.size());
    const std::int32_t largest = HWY_DYNAMIC_DISPATCH(largest_bits)(stretch.data(), stretch.size());
    peak = std::max(peak, largest);
    if (largest <= kFullScale) continue;
    level.over += std::ranges::count_if(stretch, [](float x) { return !(std::abs(x) <= 1); });
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

#endif  // HWY_ONCE
