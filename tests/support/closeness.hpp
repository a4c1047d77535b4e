// closeness.hpp - the only comparator
//
// Lengths first; then !(error <= bound), so that a NaN fails whatever the bound is.
#pragma once

#include <gtest/gtest.h>

#include <span>

#include "host/methods/method.hpp"
#include "tests/support/reference.hpp"

namespace gpuconv::test {

/// What was seen, in units of u = 2^-24.
struct Closeness {
  double relative;  ///< E = ||y^ - y|| / max(||y||, ||x|| ||h||)
  double peak;  ///< FFT methods: max |y^ - y| / (||x|| ||h||); direct: per sample over magnitude
};

Closeness closeness(std::span<const float> wet, const Reference& reference, bool is_direct);

/// Success if `wet` is the convolution within `bound`.
::testing::AssertionResult is_close(std::span<const float> wet, const Reference& reference,
                                    const ErrorBound& bound, bool is_direct);

}  // namespace gpuconv::test
