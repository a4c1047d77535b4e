// cpu_negacyclic.hpp - a real transform without bookkeeping passes, for convolution only
//
//   w[n], 0 <= n < 2M, becomes z[n] = w[n] + i w[n+M], the polynomial Z(x) = sum_n z[n] x^n, and
//   the spectrum of w is Z at the M roots of x^M = i.
//
// Products of such spectra are convolutions modulo x^M - i, and these are exactly the real
// convolutions modulo x^2M + 1: what runs out at the end comes back in at the start with its sign
// turned. Overlap-save throws that part away and so does not care about the sign. What is gained
// over a complex transform of M packed pairs is the pass that would untangle them.
//
// The roots are found by halving: x^2m - r^2 = (x^m - r)(x^m + r). A polynomial modulo x^2m - r^2
// is lo + x^m hi, so its remainders are lo + r hi and lo - r hi: one number r for a whole block,
// natural order in, neighbours stay neighbours, and the way back is (a + b), (a - b) / r. The order
// in which the roots come out is nobody's business, since spectra are only multiplied.
//
// Arithmetic: each product is rounded before it is added (no fused multiply-add), and no sum
// depends on how many lanes a vector has. So every processor gives the same bytes.
// cpu_vectorised.cpp says what that costs.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "cuda/runtime/stereo.hpp"
#include "host/methods/cpu_aligned_floats.hpp"

namespace gpuconv {

/// The transform of 2M real samples, M = `half` = 256, 512, 1024, ... Pointers are to the start of
/// a cache line. Const and without state: threads share one.
class NegacyclicTransform {
 public:
  static constexpr int kShortestHalf = 256;

  explicit NegacyclicTransform(int half);

  int half() const { return half_; }
  /// Floats of one spectrum: M real parts, a gap, M imaginary parts, a gap. The gaps keep equal
  /// indices of neighbouring planes out of the same cache set.
  std::size_t spectrum_size() const { return 2 * plane(); }

  /// The spectrum of the 2M samples whose first half is `lower` and whose second half is `upper`.
  void forward(const float* lower, const float* upper, float* spectrum) const;

  /// The second half of the samples whose spectrum is sum_p response[p] window[p], for each side.
  /// `scratch` is overwritten: room for two spectra.
  void filter(std::span<const float* const> windows, Stereo<std::span<const float* const>> response,
              float* scratch, Stereo<float*> upper) const;

 private:
  std::size_t plane() const { return static_cast<std::size_t>(half_) + 32; }

  int half_;
  AlignedFloats roots_;
};

/// Instruction sets for which the methods of the CPU are compiled, best first, and the one that
/// this processor gets: "AVX2".
struct SimdTargets {
  std::vector<std::string> compiled;
  std::string chosen;
};
SimdTargets simd_targets();

}  // namespace gpuconv
