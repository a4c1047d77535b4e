// compensated.cuh - sums of many terms that lose nothing (Kahan's summation)
//
// The rounding errors of equal terms point the same way: those of a plain sum of V add up to a
// multiple of V. Kernels are compiled without fast-math, so no compiler removes the correction.
#pragma once

#include <cuda_runtime.h>

namespace gpuconv {

/// Adds `term`; `error` is how much too large the sum is. From a sum of -0 on, which changes
/// nothing that is added to it, one term alone stays as it is, and so does its sign.
__device__ inline void add_term(float& sum, float& error, float term) {
  const float corrected = term - error;
  const float next = sum + corrected;
  error = (next - sum) - corrected;
  sum = next;
}

}  // namespace gpuconv
