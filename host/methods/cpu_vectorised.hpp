// cpu_vectorised.hpp - method "cpu-vectorised"
//
//   y_e[n] = sum_{p=0}^{P-1} sum_{k=0}^{B-1} h_e[pB + k] x[n - pB - k],   0 <= n < N+K-1
//
//   P = ceil(K / B) partitions of B taps;   x = 0 outside [0, N),   h_e = 0 outside [0, K)
//
//   x  source      N floats        linear sample amplitude, full scale = 1
//   h  response    2 x K floats    gain per sample of delay
//   y  wet         2 x (N+K-1) floats
//
// Idea     Partitioned overlap-save. The response is cut into P partitions of B taps, transformed
//          once; each block of B source samples is transformed once, together with the block before
//          it, and serves P output blocks of both ears as a product of spectra.
// Order    The bytes depend on x, h, N and K only: not on threads, processor, or how the source is
//          read.
// Cost     For each B samples 3 transforms of 2B reals and 2P products of B complex numbers. Memory
//          does not grow with N.
#pragma once

#include <cstdint>
#include <vector>

#include "host/base/signal.hpp"
#include "host/methods/cpu_negacyclic.hpp"

namespace gpuconv {

/// How a response of K taps is cut: P = `partitions` of B = `block` taps, the last one filled up
/// with zeros, transformed as `transform_length` = 2B real samples.
struct VectorisedPlan {
  int block;
  int partitions;
  int transform_length;
};

/// A plan for one response; run() may be called any number of times, from several threads too.
class VectorisedConvolver {
 public:
  /// The ears of `response` have the same length K >= 1. `threads`: 0 for all cores.
  explicit VectorisedConvolver(const Stereo<Signal>& response, int threads = 0);

  /// Reads to the end of the source and writes its N+K-1 wet frames in order; none if N = 0. Both
  /// are called on the calling thread; an exception of theirs ends the work and is thrown here.
  void run(const ReadSource& source, const WriteWet& wet) const;

  static VectorisedPlan plan(std::int64_t response_length);

 private:
  class Pipeline;
  friend class VectorisedStream;

  std::int64_t response_length_;
  int threads_;
  VectorisedPlan plan_;
  NegacyclicTransform transform_;
  AlignedFloats spectra_;                         // of the partitions
  Stereo<std::vector<const float*>> partitions_;  // where each of them is
};

}  // namespace gpuconv
