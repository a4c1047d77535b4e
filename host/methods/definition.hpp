// definition.hpp - the convolution by its definition, in double
//
//   y[n] = sum_k h[k] x[n-k],   0 <= n < N+K-1
//
// --verify, the self-test and the benchmark judge a method by it. The tests have an oracle of their
// own. Products of floats are exact in double; only their sum is rounded.
#pragma once

#include <cstdint>
#include <span>

namespace gpuconv {

struct ExactSample {
  double value = 0;      ///< y[n]
  double magnitude = 0;  ///< sum_k |h[k] x[n-k]|

  ExactSample& operator+=(const ExactSample& other) {
    value += other.value;
    magnitude += other.magnitude;
    return *this;
  }
};

/// The share of `samples`, which are x from x[first] on, in y[n]. The shares of consecutive blocks
/// add up to y[n].
ExactSample definition(std::span<const float> samples, std::int64_t first,
                       std::span<const float> taps, std::int64_t n);

/// sum x^2
double energy(std::span<const float> signal);

/// ||x||
double norm(std::span<const float> signal);

}  // namespace gpuconv
