// complex.cuh - complex arithmetic on float2, rounded the same way everywhere
//
// Kernels are compiled without contraction (-fmad=false), so a fused multiply-add stands exactly
// where fmaf is written, on every GPU and in the emulation.
#pragma once

#include <cuda_runtime.h>

namespace gpuconv {

__device__ inline float2 add(float2 a, float2 b) { return make_float2(a.x + b.x, a.y + b.y); }

__device__ inline float2 subtract(float2 a, float2 b) { return make_float2(a.x - b.x, a.y - b.y); }

/// a b
__device__ inline float2 multiply(float2 a, float2 b) {
  return make_float2(fmaf(-a.y, b.y, a.x * b.x), fmaf(a.y, b.x, a.x * b.y));
}

/// a conj(b)
__device__ inline float2 multiply_conjugate(float2 a, float2 b) {
  return make_float2(fmaf(a.y, b.y, a.x * b.x), fmaf(a.y, b.x, -(a.x * b.y)));
}

}  // namespace gpuconv
