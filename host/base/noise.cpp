#include "host/base/noise.hpp"

#include <cmath>

namespace gpuconv {

Signal noise(std::size_t length, std::uint64_t seed) {
  Random random(seed);
  Signal signal(length);
  for (float& sample : signal) sample = random.uniform();
  return signal;
}

Signal decaying_noise(std::size_t length, std::uint64_t seed) {
  Signal signal = noise(length, seed);
  for (std::size_t n = 0; n < length; ++n) {
    const double time = static_cast<double>(n) / static_cast<double>(length);
    signal[n] *= static_cast<float>(std::exp(-6.9 * time));
  }
  return signal;
}

}  // namespace gpuconv
