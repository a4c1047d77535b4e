// closeness.hpp - the only comparator
//
// Lengths first; then !(error <= bound), so that a NaN fails whatever the bound is.
#pragma once

#include <gtest/gtest.h>

#include <span>

#include "host/methods/method.hpp"
#include "tests/support/reference.hpp"

namespace gpuconv::test {

/// See error_bound(): what errors of FFT methods are measured against.
enum class Sound { broadband, coherent };

/// What was seen, in units of u = 2^-24. The scale S is ||x|| ||h|| for broadband sound and
/// max(||x||_1 ||h||_2, ||x||_2 ||h||_1) for coherent sound.
struct Closeness {
  double relative;  ///< E = ||y^ - y|| / max(||y||, S)
  double peak;      ///< FFT methods: max |y^ - y| / S; direct: per sample over magnitude
};

Closeness closeness(std::span<const float> wet, const Reference& reference, bool is_direct,
                    Sound sound = Sound::broadband);

/// Success if `wet` is the convolution within `bound`.
::testing::AssertionResult is_close(std::span<const float> wet, const Reference& reference,
                                    const ErrorBound& bound, bool is_direct,
                                    Sound sound = Sound::broadband);

}  // namespace gpuconv::test
