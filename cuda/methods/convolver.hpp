// convolver.hpp - a plan for one response, enqueued once for every block of source
//
//   wet[n] = sum_{k=0}^{K-1} response[k] source[n-k],   0 <= n < N+K-1
//
// Building a Convolver may allocate, transform the response and wait. Enqueueing only queues work
// in the given stream: nothing is allocated and nobody waits.
#pragma once

#include <cstddef>
#include <span>

#include "cuda/methods/plans.hpp"
#include "cuda/runtime/resources.hpp"
#include "cuda/runtime/stereo.hpp"

namespace gpuconv {

/// What one block costs, both sides together.
struct Cost {
  double operations = 0;    ///< float additions and multiplications; a fused one counts as two
  double device_bytes = 0;  ///< read from and written to device memory, caches not counted
  int launches = 0;
};

/// One block of source on the device.
struct Block {
  std::span<const float> source;  ///< 1 to block_length() samples
  std::span<float> common;        ///< common_size() floats: what both sides make use of
};

class Convolver {
 public:
  virtual ~Convolver() = default;

  /// Longest block of source, in samples.
  virtual int block_length() const = 0;

  /// Floats that a block needs for what both sides share; 0 if they share nothing but the source.
  virtual std::size_t common_size() const { return 0; }

  /// Queues the work that both sides share, such as transforming the source.
  virtual void enqueue_common(const Block&, const Stream&) {}

  /// Queues one side: writes all source.size() + K - 1 samples of `wet`. Both sides may run at the
  /// same time in different streams, after enqueue_common() has happened.
  virtual void enqueue(Side, const Block&, std::span<float> wet, const Stream&) = 0;

  /// Of a block of `source_length` samples.
  virtual Cost cost(int source_length) const = 0;
};

}  // namespace gpuconv
