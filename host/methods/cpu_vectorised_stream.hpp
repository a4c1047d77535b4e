// cpu_vectorised_stream.hpp - the method cpu-vectorised on one thread, for samples that are pushed
//
// The same blocks, windows and sums as VectorisedConvolver::run(), so the same bytes. A block of
// frames comes out as soon as its last sample is in, and no thread is started: for streams, and for
// batches of short clips, of which each thread takes its own.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/base/signal.hpp"
#include "host/methods/cpu_vectorised.hpp"

namespace gpuconv {

class VectorisedStream {
 public:
  /// `convolver` must outlive the stream.
  explicit VectorisedStream(const VectorisedConvolver& convolver);

  /// Takes the next samples and writes the frames that they complete.
  void push(std::span<const float> source, const WriteWet& write);

  /// Writes the rest of the N+K-1 frames (none if N = 0). The next push() begins another source.
  void finish(const WriteWet& write);

 private:
  void end_block(std::int64_t windows_end, std::int64_t wet_length, const WriteWet& write);

  float* block(std::int64_t t) { return source_.data() + (t & 1) * block_; }
  float* window(std::int64_t t);

  const VectorisedConvolver& convolver_;
  std::int64_t block_;    // B, samples
  AlignedFloats source_;  // the block that is being filled, and the one before it
  AlignedFloats windows_;
  AlignedFloats scratch_;
  Stereo<AlignedFloats> wet_;
  std::vector<const float*> products_;  // windows of the sum that is being computed
  std::int64_t t_ = 0;                  // the block that is being filled
  std::int64_t filled_ = 0;             // its samples so far
};

}  // namespace gpuconv
