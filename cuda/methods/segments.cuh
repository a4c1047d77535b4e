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

  // Without signs, which take instructions.
  __device__ int clip(int p) const {
    return static_cast<int>(static_cast<unsigned>(p) / static_cast<unsigned>(segments));
  }
  __device__ int within_clip(int p) const { return p - clip(p) * segments; }
};

/// Bit t is set if 0 <= n + t kStep < length, t < 32: one instruction for each of many samples.
template <int kStep>
__device__ inline unsigned inside(int n, int length) {
  const auto steps = [](int distance) {  // until it begins or ends
    const int samples = distance + kStep - 1;
    const unsigned count = static_cast<unsigned>(samples > 0 ? samples : 0) / unsigned{kStep};
    return count < 32 ? count : 32;
  };
  return static_cast<unsigned>((1ULL << steps(length - n)) - (1ULL << steps(-n)));
}

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
    one.source_ = opaque(source_ + grid_.clip(p) * stride_);
    one.first_ = grid_.within_clip(p) * grid_.advance - grid_.overlap;
    return one;
  }

  /// The same for one of two that were chosen from: see opaque().
  __device__ SegmentReader held() const {
    SegmentReader one = *this;
    one.source_ = opaque(source_);
    return one;
  }

  /// Of R elements that stand M / R apart, first, first + M / R ... for one or two neighbours w:
  /// v[w][t] = x[n + w] + i x[n + w + M]. Two need an even n, overlap, advance, M and stride that
  /// are even, too, and a source at a multiple of 8 bytes that goes on with a zero if its length is
  /// odd.
  template <int M, typename Values>
  __device__ void read(int first, Values& v) const {
    constexpr int kRadix = kRadixOf<Values>;
    constexpr int kStep = M / kRadix;
    const float* const x = source_ + first_ + first;
    const unsigned has = inside<kStep>(first_ + first, source_length_);
    unrolled<kRadix>([&](auto t) {
      float real[kWidthOf<Values>];
      float imaginary[kWidthOf<Values>];
      samples(x + t * kStep, has >> t & 1, real);
      samples(x + t * kStep + M, has >> (t + kRadix) & 1, imaginary);
      unrolled<kWidthOf<Values>>([&](auto w) { v[w][t] = make_float2(real[w], imaginary[w]); });
    });
  }

 private:
  __device__ static void samples(const float* x, bool has, float (&values)[1]) {
    values[0] = has ? *x : 0.0f;
  }
  __device__ static void samples(const float* x, bool has, float (&values)[2]) {
    const float2 both = has ? *reinterpret_cast<const float2*>(x) : make_float2(0.0f, 0.0f);
    values[0] = both.x;
    values[1] = both.y;  // n is even: where it is the last sample, what follows is a zero
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
    const int first = grid_.within_clip(p) * grid_.advance;  // that is new
    one.wet_ += grid_.clip(p) * stride_;
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

  /// Unfolds R elements that stand M / R apart, first, first + M / R ... and their neighbours: the
  /// real parts of n + w are samples n + w of the segment, the imaginary parts samples n + w + M.
  /// Two neighbours need what SegmentReader does; after a signal of odd length one more is written.
  template <int M, typename Values>
  __device__ void write(int first, const Values& v) const {
    constexpr int kRadix = kRadixOf<Values>;
    constexpr int kStep = M / kRadix;
    float* const y = wet_ + first;
    const unsigned has = inside<kStep>(first - grid_.overlap, added_length_);
    unrolled<kRadix>([&](auto t) {
      float real[kWidthOf<Values>];
      float imaginary[kWidthOf<Values>];
      unrolled<kWidthOf<Values>>([&](auto w) {
        real[w] = v[w][t].x;
        imaginary[w] = v[w][t].y;
      });
      if (has >> t & 1) samples(y + t * kStep, real);
      if (has >> (t + kRadix) & 1) samples(y + t * kStep + M, imaginary);
    });
  }

 private:
  __device__ static void samples(float* y, const float (&values)[1]) { *y = values[0]; }
  __device__ static void samples(float* y, const float (&values)[2]) {
    *reinterpret_cast<float2*>(y) = make_float2(values[0], values[1]);  // one store of 8 bytes
  }

  float* wet_ = nullptr;
  int wet_length_ = 0;
  std::int64_t stride_ = 0;
  SegmentGrid grid_{};
  int added_length_ = 0;  ///< samples from the first that is new on
};

}  // namespace gpuconv
