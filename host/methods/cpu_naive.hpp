// cpu_naive.hpp - method "cpu-naive"
//
//   y[n] = sum_k h[k] x[n-k],   0 <= n < N+K-1,   0 <= k < K,   x = 0 outside [0, N)
//
//   x  source    N floats      linear sample amplitude, full scale = 1
//   h  response  K floats      gain per sample of delay
//   y  wet       N+K-1 floats
//
// Idea     The definition. Each sample excites the whole response.
// Order    Each y[n] is one float sum in ascending source sample.
// Cost     2NK flops on one core.
#pragma once

#include <span>

namespace gpuconv {

void convolve_naive(std::span<const float> source, std::span<const float> response,
                    std::span<float> wet);

}  // namespace gpuconv
