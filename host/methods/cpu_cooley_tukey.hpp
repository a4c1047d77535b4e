// cpu_cooley_tukey.hpp - method "cpu-cooley-tukey"
//
//   X[k] = E[k] + w^k O[k],   X[k + L/2] = E[k] - w^k O[k],   0 <= k < L/2,   w = exp(-2 pi i / L)
//
//   x  source    N floats      linear sample amplitude, full scale = 1
//   h  response  K floats      gain per sample of delay
//   y  wet       N+K-1 floats, the inverse of X[k] H[k];  L: the next power of two
//
// Idea     The transforms E and O of the even and the odd samples are half as long, and serve
// twice.
//          Splitting until one sample is left, its own transform, takes L log2 L steps, not L^2.
// Order    Fixed by L alone.
// Cost     Three transforms of 5 L log2 L flops, on one core.
#pragma once

#include <span>

#include "host/methods/fft_teaching.hpp"

namespace gpuconv {

/// X[k] of `signal`, both of length L, a power of two; `roots` are w^n for 0 <= n < L.
void transform_cooley_tukey(std::span<const Complex> signal, std::span<const Complex> roots,
                            std::span<Complex> spectrum);

void convolve_cooley_tukey(std::span<const float> source, std::span<const float> response,
                           std::span<float> wet);

}  // namespace gpuconv
