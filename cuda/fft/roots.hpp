// roots.hpp - roots of unity, made in double and rounded once
#pragma once

#include <cuda_runtime.h>

#include <vector>

namespace gpuconv {

/// scale exp(2 pi i numerator / denominator), each part rounded once from double; exact on the axes
/// if `scale` is a power of two.
float2 unit_root(long long numerator, long long denominator, double scale = 1);

/// What rotate() takes to turn by numerator / denominator of a circle, at most a quarter of it.
float2 shears_of_turn(long long numerator, long long denominator);

/// Twiddles of all butterfly stages up to transforms of `length` (a power of two): entry half + j
/// is exp(-pi i j / half) for half = 1, 2, 4 ... length/2 and 0 <= j < half. Every stage reads its
/// own neighbouring entries, and one table serves every shorter transform. Entry 0 is unused.
std::vector<float2> stage_twiddles(int length);

/// exp(+pi i n / (2 length)), 0 <= n < length: turns a convolution modulo s^length - 1 into one
/// modulo t^length - i.
std::vector<float2> quarter_turn(int length);

}  // namespace gpuconv
