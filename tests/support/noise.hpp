// noise.hpp - more seeded signals
#pragma once

#include <cstdint>

#include "host/base/noise.hpp"

namespace gpuconv::test {

/// Whole numbers in [-largest, largest].
inline Signal integers(std::size_t length, int largest, std::uint64_t seed) {
  Random random(seed);
  Signal signal(length);
  for (float& sample : signal) sample = static_cast<float>(random.integer(-largest, largest));
  return signal;
}

}  // namespace gpuconv::test
