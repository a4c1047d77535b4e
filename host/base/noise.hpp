// noise.hpp - seeded signals, the same on every machine
#pragma once

#include <cstdint>

#include "host/base/signal.hpp"

namespace gpuconv {

/// SplitMix64 of Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014):
/// unlike the distributions of <random>, the same everywhere.
class Random {
 public:
  // The seed is mixed, too: neighbouring seeds would otherwise give one sequence, shifted by one.
  explicit Random(std::uint64_t seed) : state_(mix(seed + kStep)) {}
  std::uint64_t next() { return mix(state_ += kStep); }
  /// Uniform in [-1, 1), a multiple of 2^-23.
  float uniform() { return static_cast<float>(next() >> 40) * 0x1p-23f - 1.0f; }
  /// Uniform in [low, high].
  std::int64_t integer(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
  }

 private:
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15u;
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

/// In [-1, 1).
Signal noise(std::size_t length, std::uint64_t seed);

/// Noise that decays by 60 dB over its length, as a room does.
Signal decaying_noise(std::size_t length, std::uint64_t seed);

}  // namespace gpuconv
