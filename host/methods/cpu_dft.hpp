// cpu_dft.hpp - method "cpu-dft"
//
//   X[k] = sum_n x[n] w^(nk),   y[n] = 1/L sum_k X[k] H[k] w^(-nk),   0 <= n, k < L = N+K-1
//
//   w = exp(-2 pi i / L)
//
//   x  source    N floats      linear sample amplitude, full scale = 1
//   h  response  K floats      gain per sample of delay
//   y  wet       N+K-1 floats
//
// Idea     In the frequency domain the convolution is a product, one for each frequency. This is
// the
//          definition of the way there and back: right, and slower than the sum it replaces.
// Order    Each sum in double, in ascending n or k.
// Cost     8 L (N + K + L) flops on one core.
#pragma once

#include <span>

namespace gpuconv {

void convolve_dft(std::span<const float> source, std::span<const float> response,
                  std::span<float> wet);

}  // namespace gpuconv
