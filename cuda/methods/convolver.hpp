// convolver.hpp - a plan for one response, enqueued once for every block of source
//
//   wet[n] = sum_{k=0}^{K-1} response[k] source[n-k],   0 <= n < N+K-1
//
// Building a Convolver may allocate, transform the response and wait. Enqueueing only queues work
// in the given stream: nothing is allocated and nobody waits. What building has queued and not
// waited for, the first block waits for on the device.
#pragma once

#include <cstddef>
#include <span>

#include "cuda/methods/plans.hpp"
#include "cuda/runtime/resources.hpp"
#include "cuda/runtime/stereo.hpp"

namespace gpuconv {

/// What one block costs, both sides together.
struct Cost {
  double operations = 0;    ///< float additions and multiplications; a fused one counts as two, a
                            ///< transform of length M of any radix as 5 M log2(M)
  double device_bytes = 0;  ///< read from and written to device memory, caches not counted
  int launches = 0;
};

/// Samples that a signal of this length takes in device memory, so that it can be read and written
/// by pairs. What follows a source must be zeros; what follows a wet signal has no meaning.
constexpr std::size_t stored_length(std::size_t length) { return (length + 3) / 4 * 4; }

/// One block of source on the device, or a batch of clips that stand one after the other. Source
/// and wet signals lie in memory of stored_length().
struct Block {
  /// Clips times 1 to block_length() samples, at 16 bytes. None in a block that comes after a full
  /// one and only has results: see Convolver::history().
  std::span<const float> source;
  std::span<float> source_spectrum;  ///< source_spectrum_size() floats: what both sides make use of
  /// Equally long clips; where more than one, their length is a multiple of four. Their wet signals
  /// start at multiples of their stored_length(). Only methods that compute both sides at once take
  /// more than one.
  int clips = 1;
  /// Taps of another response, K for each side, in memory as a source's: this block and all later
  /// ones are convolved with it. Empty: with the one before. Only a ReplacingConvolver takes one.
  Stereo<std::span<const float>> response = {};
  /// Samples of the same source that stand in memory before `source`: Convolver::history() of them,
  /// or none if this is the first block.
  int history = 0;
};

/// Samples of a clip. Throws std::invalid_argument if the source or a wet signal is not aligned.
int source_length_of(const Block& block, const Stereo<std::span<float>>& wet);

class Convolver {
 public:
  virtual ~Convolver() = default;

  /// Longest block of source, in samples.
  virtual int block_length() const = 0;

  /// Samples that must stand in memory before every block but the first. The results of a full
  /// block, one of block_length() samples, are then as many as its samples, since another one
  /// follows, if only one without samples. 0: every block is convolved by itself, and its results
  /// are K - 1 more than its samples, which are the tail that the next one starts with.
  virtual int history() const { return 0; }

  /// Floats that a block needs for what both sides share; 0 if they share nothing but the source.
  virtual std::size_t source_spectrum_size() const { return 0; }

  /// Queues a block: writes all samples of each side's wet signal, K - 1 more than a clip of the
  /// source has (but see history()); it starts at a multiple of 16 bytes. One block after the
  /// other: the plan's scratch memory serves one at a time, so the next is queued in the same
  /// stream or waits for an event.
  virtual void enqueue_both(const Block&, const Stereo<std::span<float>>& wet, const Stream&) = 0;

  /// Makes the host wait for what building has queued. Before blocks are captured in a graph, which
  /// cannot wait for what was queued outside.
  virtual void finish_plan() {}

  /// Of a block of `clips` times `source_length` samples.
  virtual Cost cost(int source_length, int clips) const = 0;
  Cost cost(int source_length) const { return cost(source_length, 1); }
};

/// One that can take another response, of the same length, with a block: see Block::response.
class ReplacingConvolver : public Convolver {
 public:
  /// What that adds to the cost of such a block.
  virtual Cost response_cost(int source_length, int clips) const = 0;
};

/// One whose sides can be computed in streams of their own.
class PerEarConvolver : public Convolver {
 public:
  /// Queues the work that both sides share, such as transforming the source.
  virtual void enqueue_source_spectrum(const Block&, const Stream&) {}

  /// Queues one side. Both may run at the same time in different streams, after
  /// enqueue_source_spectrum() has happened.
  virtual void enqueue(Side, const Block&, std::span<float> wet, const Stream&) = 0;

  void enqueue_both(const Block& block, const Stereo<std::span<float>>& wet,
                    const Stream& stream) final {
    enqueue_source_spectrum(block, stream);
    for (const Side side : kSides) enqueue(side, block, wet[side], stream);
  }
};

}  // namespace gpuconv
