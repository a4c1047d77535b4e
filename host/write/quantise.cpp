#include "host/write/quantise.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace gpuconv {
namespace {

double full_scale(int bits) { return static_cast<double>(std::int64_t{1} << (bits - 1)); }

/// `steps` in double: exact for every float. Without a call or a branch, so that loops become
/// vectors.
std::int32_t limited(double steps, double full_scale) {
  const double most = full_scale - 1;
  steps = steps > most ? most : steps;
  steps = steps < -full_scale ? -full_scale : steps;
  steps = steps == steps ? steps : 0;  // not a number
  constexpr double kUnit = 0x1.8p52;   // here the step from one double to the next is 1
  return static_cast<std::int32_t>((steps + kUnit) - kUnit);
}

std::int64_t count_clipped(std::span<const float> samples) {
  std::int64_t clipped = 0;
  constexpr std::size_t kBlock = 1 << 20;  // no count beyond its range
  for (std::size_t start = 0; start < samples.size(); start += kBlock) {
    std::int32_t count = 0;
    for (const float x : samples.subspan(start, std::min(kBlock, samples.size() - start))) {
      count += std::abs(x) > 1 ? 1 : 0;
    }
    clipped += count;
  }
  return clipped;
}

/// In (-1, 1): the difference of two numbers that are uniform in [0, 1).
double triangular(std::uint64_t bits) {
  const auto first = static_cast<std::int64_t>(bits >> 32);
  const auto second = static_cast<std::int64_t>(bits & 0xffffffffu);
  return static_cast<double>(first - second) * 0x1p-32;
}

}  // namespace

std::int32_t quantise(float x, int bits) { return limited(x * full_scale(bits), full_scale(bits)); }

std::int64_t quantise(std::span<const float> samples, int bits, std::span<std::int32_t> pcm) {
  const double scale = full_scale(bits);
  const float* const from = samples.data();
  std::int32_t* const to = pcm.data();
  for (std::size_t n = 0; n < samples.size(); ++n) to[n] = limited(from[n] * scale, scale);
  return count_clipped(samples);
}

std::int64_t quantise(std::span<const float> samples, int bits, std::span<std::int32_t> pcm,
                      Random& random) {
  constexpr std::size_t kBlock = 256;
  std::array<double, kBlock> dither;
  const double scale = full_scale(bits);
  for (std::size_t start = 0; start < samples.size(); start += kBlock) {
    const std::size_t count = std::min(kBlock, samples.size() - start);
    for (std::size_t n = 0; n < count; ++n) dither[n] = triangular(random.next());
    const float* const from = samples.data() + start;
    std::int32_t* const to = pcm.data() + start;
    for (std::size_t n = 0; n < count; ++n) {
      const std::int32_t q = limited(from[n] * scale + dither[n], scale);
      to[n] = from[n] == 0 ? 0 : q;
    }
  }
  return count_clipped(samples);
}

}  // namespace gpuconv
