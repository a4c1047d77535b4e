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
//
// The work is cut so that several cores can share one transform, and so that a transform that
// leaves the second-level cache goes through memory only twice. Element n = row * chunk + column:
//
//   columns   the first levels join elements of one column. A group of columns goes through all of
//             them in the first-level cache.
//   chunks    then each row is a transform of its own, in the first-level cache, too. Products of
//             spectra are made there, a chunk at a time, between its forward and its inverse
//             levels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "cuda/runtime/stereo.hpp"
#include "host/methods/cpu_aligned_floats.hpp"

namespace gpuconv {

/// The samples of a window: zeros from `count` on. They may lie in a ring of `ring` samples: after
/// its last one comes its first. Then `first` and `ring` are multiples of
/// NegacyclicTransform::kAlignment.
struct WindowSamples {
  const float* samples;  ///< of the ring
  int count;
  std::int64_t first = 0;  ///< in the ring, of the window
  std::int64_t ring = std::numeric_limits<std::int64_t>::max();

  /// Sample n; of a ring, up to its end or n + kAlignment at most.
  const float* at(int n) const {
    const std::int64_t place = first + n;
    return samples + (place < ring ? place : place - ring);
  }
};

/// Takes the samples [begin, end) of a window to `to`. `begin` is a multiple of 16; `to` is the
/// start of a cache line and has room for a whole number of them.
struct WindowWet {
  float* to;
  int begin;
  int end;
};

/// The transform of 2M real samples; M = `half` is 1, 3 or 9 times a power of two of at least 256.
/// Spectra and scratch start on a cache line. Const and without state: threads share one, and
/// different columns or chunks of a spectrum are independent of each other.
class NegacyclicTransform {
 public:
  static constexpr int kShortestHalf = 256;
  static constexpr int kAlignment = 128;  // samples

  explicit NegacyclicTransform(int half);

  int half() const { return half_; }
  /// Floats of one spectrum.
  std::size_t spectrum_size() const;
  /// Floats of the memory that work on columns needs.
  std::size_t scratch_size() const;
  int column_groups() const;
  int chunks() const;

  /// First levels of the spectrum of a window, of one group of columns.
  void forward_columns(WindowSamples window, int group, float* scratch, float* spectrum) const;
  /// The other levels, of one chunk.
  void forward_chunk(int chunk, float* spectrum) const;
  /// The first levels back of sum_p response[p] window[p], of one chunk for each side. `product`
  /// may be the memory of one window's spectrum, if it is the only one.
  void filter_chunk(std::span<const float* const> windows,
                    Stereo<std::span<const float* const>> response, int chunk,
                    Stereo<float*> product) const;
  /// Windows whose products are added to each other before they are added to the rest.
  static constexpr std::size_t kTogether = 8;

  /// sum_p response[p] window[p] of one chunk for each side; with `adds`, added to `product`.
  /// `lost` keeps what rounding takes from the sums of groups of kTogether (2Sum; Knuth, The Art of
  /// Computer Programming, volume 2, 4.2.2), or is null: then all are added one after the other.
  void multiply_chunk(std::span<const float* const> windows,
                      Stereo<std::span<const float* const>> response, int chunk,
                      Stereo<float*> product, bool adds, Stereo<float*> lost = {}) const;
  /// Adds `lost`, unless it is null, and does the first levels back, of one chunk for each side:
  /// filter_chunk() after multiply_chunk().
  void inverse_chunk(int chunk, Stereo<float*> product, Stereo<float*> lost = {}) const;
  /// The other levels back, of one group of columns.
  void inverse_columns(const float* product, int group, float* scratch, WindowWet wet) const;
  /// The same in place: nothing is fetched from memory only to be overwritten.
  void inverse_columns(int group, float* scratch, float* product) const;
  /// Of the samples [begin, end) that inverse_columns() left in place, the first ones, as many as
  /// lie side by side. 0 <= begin < end <= 2M.
  std::span<const float> samples(const float* product, int begin, int end) const;

 private:
  int half_;
  const float* roots_;  // shared by all transforms of this length
};

/// Instruction sets for which the methods of the CPU are compiled, best first, and the one that
/// this processor gets: "AVX2".
struct SimdTargets {
  std::vector<std::string> compiled;
  std::string chosen;
};
SimdTargets simd_targets();

}  // namespace gpuconv
