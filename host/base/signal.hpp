// signal.hpp - sound in memory
//
// Samples are linear amplitudes, full scale = 1. A response is a Stereo<Signal> in a role: its
// samples ("taps") are gains per sample of delay.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "cuda/runtime/stereo.hpp"

namespace gpuconv {

using Signal = std::vector<float>;

/// Reads the next samples of a mono source into `block` and returns how many it read; fewer than
/// `block.size()` only at the end of the source, and 0 ever after.
using ReadSource = std::function<std::size_t(std::span<float> block)>;

/// Takes the next wet frames: `wet.left` and `wet.right` have the same length.
using WriteWet = std::function<void(Stereo<std::span<const float>> wet)>;

}  // namespace gpuconv
