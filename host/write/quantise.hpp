// quantise.hpp - from float to PCM
//
//   q = clamp(round(x 2^(bits-1)), -2^(bits-1), 2^(bits-1) - 1),   ties to even
//
// Written here and not left to libsndfile, which wraps loud samples round (2.0 becomes -2), turns
// NaN into a full-scale click and rounds differently from version to version. +1 becomes the
// largest number there is, one step below, and does not count as clipped; beyond +-1 counts.
#pragma once

#include <cstdint>
#include <span>

#include "host/base/noise.hpp"

namespace gpuconv {

/// One sample; bits = 16, 24 or 32. NaN becomes 0.
std::int32_t quantise(float x, int bits);

/// Quantises `samples` into `pcm`, of the same length, and returns how many were clipped.
std::int64_t quantise(std::span<const float> samples, int bits, std::span<std::int32_t> pcm);

/// The same with dither: noise of triangular density, two steps wide, is added before rounding.
/// Then mean and variance of the whole error, 0 and 1/4 step^2, are those of noise whatever the
/// signal, and what is quieter than a step is still heard (Lipshitz, Wannamaker, Vanderkooy:
/// "Quantization and dither", J. Audio Eng. Soc. 40, 1992). A sample of exactly 0 stays 0: silence
/// is silent. Takes one number of `random` for each sample, so the bytes do not depend on how a
/// signal is cut.
std::int64_t quantise(std::span<const float> samples, int bits, std::span<std::int32_t> pcm,
                      Random& random);

}  // namespace gpuconv
