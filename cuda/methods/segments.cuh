// segments.cuh - overlap-save segments: real samples in and out of complex transforms of half the
// length
//
// A segment of 2M real samples becomes M complex numbers without padding,
//     z[n] = (x[n] + i x[n+M]) w^n,   w = exp(2 pi i / 4M),   0 <= n < M
// because t^2M + 1 = (t^M - i)(t^M + i), and modulo t^M - i real sequences of length 2M are complex
// ones of length M; w^n turns that modulus into s^M - 1, which a transform of length M multiplies
// in. Transforms that shift their frequencies by a quarter have the turn w^n built in. The
// wrap-around then comes with a minus sign, in samples that are dropped.
//
// For one real transform of 2M this costs M complex points, once for the source and once for each
// side: as much as packing two segments into one complex transform. But nothing leaks from one side
// or one segment into another, no segment needs a partner, sides of very different level need no
// equalising, and nothing has to be untangled.
//
// Folding and zero padding are a load, unfolding and cropping a store.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/fft/block_fft.cuh"
#include "cuda/methods/voice_lists.hpp"

namespace gpuconv {

/// Clips of equal length, each cut into the same number of segments. Segment p of the launch is
/// segment p % segments of clip p / segments.
struct SegmentGrid {
  int segments;  ///< of a clip
  int advance;   ///< from one segment to the next, in samples
  int overlap;   ///< samples before the first that is new
};

/// Reads one segment of a source; zeros outside.
class SegmentReader {
 public:
  SegmentReader() = default;
  /// `stride` samples lie between the starts of two clips.
  SegmentReader(const float* source, int source_length, std::int64_t stride,
                const SegmentGrid& grid)
      : source_(source), source_length_(source_length), stride_(stride), grid_(grid) {}
  /// The segment of an item.
  __device__ SegmentReader(const float* samples, const VoiceItem& item)
      : source_(opaque(samples + item.offset)), source_length_(item.length), first_(item.first) {}

  __device__ SegmentReader segment(int p) const {
    SegmentReader one = *this;
    one.source_ = opaque(source_ + p / grid_.segments * stride_);
    one.first_ = p % grid_.segments * grid_.advance - grid_.overlap;
    return one;
  }

  /// The same for one of two that were chosen from: see opaque().
  __device__ SegmentReader held() const {
    SegmentReader one = *this;
    one.source_ = opaque(source_);
    return one;
  }

  /// v[w][t] = x[n + w] + i x[n + w + M] for one or two neighbours w. Two need an even n, overlap,
  /// advance, M and stride that are even, too, and a source at a multiple of 8 bytes that goes on
  /// with a zero if its length is odd.
  template <int M, typename Values>
  __device__ void read(int n, Values& v, int t) const {
    float real[kWidthOf<Values>];
    float imaginary[kWidthOf<Values>];
    samples(first_ + n, real);
    samples(first_ + n + M, imaginary);
    for (int w = 0; w < kWidthOf<Values>; ++w) {
      v[w][t] = make_float2(real[w], imaginary[w]);
    }
  }

 private:
  /// One comparison does for both ends: what is negative is large without a sign.
  __device__ bool has(int n) const {
    return static_cast<unsigned>(n) < static_cast<unsigned>(source_length_);
  }
  __device__ void samples(int n, float (&x)[1]) const { x[0] = has(n) ? source_[n] : 0.0f; }
  __device__ void samples(int n, float (&x)[2]) const {
    const float2 both =
        has(n) ? *reinterpret_cast<const float2*>(source_ + n) : make_float2(0.0f, 0.0f);
    x[0] = both.x;
    x[1] = both.y;  // n is even: where it is the last sample, what follows is a zero
  }

  const float* source_ = nullptr;
  int source_length_ = 0;
  std::int64_t stride_ = 0;
  SegmentGrid grid_{};
  int first_ = 0;  ///< sample of the segment's element 0
};

/// Writes what is right of one segment to the wet signal of one side.
class SegmentWriter {
 public:
  SegmentWriter() = default;
  SegmentWriter(float* wet, int wet_length, std::int64_t stride, const SegmentGrid& grid)
      : wet_(wet), wet_length_(wet_length), stride_(stride), grid_(grid) {}

  __device__ SegmentWriter segment(int p) const {
    SegmentWriter one = *this;
    const int first = p % grid_.segments * grid_.advance;  // that is new
    one.wet_ += p / grid_.segments * stride_;
    one.wet_ += first - grid_.overlap;  // sample of element 0
    one.added_length_ = wet_length_ - first;
    return one;
  }

  /// The same for a kernel that has registers to spare: fewer instructions (see opaque()).
  __device__ SegmentWriter held() const {
    SegmentWriter one = *this;
    one.wet_ = opaque(wet_);
    return one;
  }

  /// Unfolds elements n + w: their real parts are samples n + w of the segment, their imaginary
  /// parts samples n + w + M. Two neighbours need what SegmentReader does; after a signal of odd
  /// length one more is written.
  template <int M, typename Values>
  __device__ void write(int n, const Values& v, int t) const {
    float real[kWidthOf<Values>];
    float imaginary[kWidthOf<Values>];
    for (int w = 0; w < kWidthOf<Values>; ++w) {
      real[w] = v[w][t].x;
      imaginary[w] = v[w][t].y;
    }
    samples(n, real);
    samples(n + M, imaginary);
  }

 private:
  // What wrapped around is negative, so large without a sign: one comparison will do.
  __device__ bool has(int n) const {
    return static_cast<unsigned>(n - grid_.overlap) < static_cast<unsigned>(added_length_);
  }
  __device__ void samples(int n, const float (&y)[1]) const {
    if (has(n)) wet_[n] = y[0];
  }
  __device__ void samples(int n, const float (&y)[2]) const {
    if (has(n)) {
      *reinterpret_cast<float2*>(wet_ + n) = make_float2(y[0], y[1]);  // one store of 8 bytes
    }
  }

  float* wet_ = nullptr;
  int wet_length_ = 0;
  std::int64_t stride_ = 0;
  SegmentGrid grid_{};
  int added_length_ = 0;  ///< samples from the first that is new on
};

}  // namespace gpuconv
