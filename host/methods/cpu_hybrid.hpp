// cpu_hybrid.hpp - method "cpu-hybrid"
//
//   L > leaf:   X[k] = E[k] + w^k O[k],   X[k + L/2] = E[k] - w^k O[k]
//   L <= leaf:  X[k] = sum_n x[n] w^(nk)
//
//   x  source    N floats      linear sample amplitude, full scale = 1
//   h  response  K floats      gain per sample of delay
//   y  wet       N+K-1 floats, the inverse of X[k] H[k];  L: the next power of two
//
// Idea     Cooley and Tukey's halving, stopped early: where few samples are left, a product with
// the
//          matrix w^(nk) has more arithmetic but no calls.
// Order    Fixed by L and the leaf.
// Cost     Three transforms of L (8 leaf + 5 log2(L / leaf)) flops, on one core.
#pragma once

#include <span>

namespace gpuconv {

/// 200,000 x 70,000, one ear, on a Zen 4, with a leaf of 1, 4, 8, 16, 32, 64: 159, 145, 140, 138,
/// 128, 137 ms. Little is won, because most of the time goes into fetching samples that lie far
/// apart. From 16 on, the float sums of a leaf lose more than the levels they stand for: errors of
/// 3.6 u ||x|| ||h|| against 2.4 u with 8.
inline constexpr int kHybridLeaf = 8;

/// `leaf`: a power of two.
void convolve_hybrid(std::span<const float> source, std::span<const float> response,
                     std::span<float> wet, int leaf = kHybridLeaf);

}  // namespace gpuconv
