#include "host/write/quantise.hpp"

#include <algorithm>
#include <cmath>

namespace gpuconv {
namespace {

double full_scale(int bits) { return static_cast<double>(std::int64_t{1} << (bits - 1)); }

/// `steps` in double: exact for every float.
std::int32_t limited(double steps, int bits) {
  const double rounded = std::nearbyint(steps);
  if (std::isnan(rounded)) return 0;
  return static_cast<std::int32_t>(std::clamp(rounded, -full_scale(bits), full_scale(bits) - 1));
}

bool is_clipped(float x) { return std::abs(x) > 1; }

/// In (-1, 1): the difference of two numbers that are uniform in [0, 1).
double triangular(std::uint64_t bits) {
  const auto first = static_cast<std::int64_t>(bits >> 32);
  const auto second = static_cast<std::int64_t>(bits & 0xffffffffu);
  return static_cast<double>(first - second) * 0x1p-32;
}

}  // namespace

std::int32_t quantise(float x, int bits) { return limited(x * full_scale(bits), bits); }

std::int64_t quantise(std::span<const float> samples, int bits, std::span<std::int32_t> pcm) {
  std::int64_t clipped = 0;
  for (std::size_t n = 0; n < samples.size(); ++n) {
    pcm[n] = quantise(samples[n], bits);
    clipped += is_clipped(samples[n]);
  }
  return clipped;
}

std::int64_t quantise(std::span<const float> samples, int bits, std::span<std::int32_t> pcm,
                      Random& random) {
  std::int64_t clipped = 0;
  for (std::size_t n = 0; n < samples.size(); ++n) {
    const double dither = triangular(random.next());
    const float x = samples[n];
    pcm[n] = x == 0 ? 0 : limited(x * full_scale(bits) + dither, bits);
    clipped += is_clipped(x);
  }
  return clipped;
}

}  // namespace gpuconv
