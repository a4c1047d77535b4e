#include "host/audio/quantise.hpp"

#include <algorithm>
#include <cmath>

namespace gpuconv {

std::int32_t quantise(float x, int bits) {
  const double full_scale = static_cast<double>(std::int64_t{1} << (bits - 1));
  const double rounded = std::nearbyint(x * full_scale);  // double: exact for every float
  if (std::isnan(rounded)) return 0;
  return static_cast<std::int32_t>(std::clamp(rounded, -full_scale, full_scale - 1));
}

std::int64_t quantise(std::span<const float> samples, int bits, std::span<std::int32_t> pcm) {
  std::int64_t clipped = 0;
  for (std::size_t n = 0; n < samples.size(); ++n) {
    pcm[n] = quantise(samples[n], bits);
    clipped += std::abs(samples[n]) > 1;
  }
  return clipped;
}

}  // namespace gpuconv
