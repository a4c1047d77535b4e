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

/// v exp(-i angle), or v exp(+i angle), for shears = {tan(angle / 2), sin(angle)}: one instruction
/// less than a product, and as exact as long as the angle is at most a quarter of a circle (Paeth
/// 1986; in transforms Oraintara, Chen and Nguyen 2002).
template <bool is_clockwise>
__device__ inline float2 rotate(float2 v, float2 shears) {
  const float tangent = is_clockwise ? shears.x : -shears.x;
  const float sine = is_clockwise ? -shears.y : shears.y;
  const float x = fmaf(tangent, v.y, v.x);
  const float y = fmaf(sine, x, v.y);
  return make_float2(fmaf(tangent, y, x), y);
}

}  // namespace gpuconv
