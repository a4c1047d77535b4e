// block_queue.hpp - what is queued for one block of the source, for both ears
//
//   source stream   transform what both ears need                     -> event source_ready
//   ear streams     wait for it; convolve; add the tail of block b-1; what the caller finishes with
//
// A convolver with history needs no tail but the last: see Convolver::history().
//
// The renderer and the benchmark queue blocks by it. Between source_ready and its end the left and
// the right ear share no stream and no event, unless the method computes both in the same launches:
// then both streams are one.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "cuda/methods/convolver.hpp"
#include "cuda/runtime/resources.hpp"

namespace gpuconv {

/// Where a block is queued, and the events recorded on the way; null: nobody waits for it.
struct BlockRoute {
  const Stream* source = nullptr;
  Stereo<const Stream*> ears = {};
  Event* source_ready = nullptr;
  Stereo<Event*> started = {};  ///< each ear's part
};

class BlockQueue {
 public:
  /// `overlap` is K - 1: so many samples at the end of a block are the next one's tail.
  BlockQueue(Convolver& convolver, std::size_t overlap);

  /// Whether the sides are computed apart.
  bool is_per_ear() const { return per_ear_ != nullptr; }

  /// Samples before each block but the first: Convolver::history().
  std::size_t history() const { return history_; }

  /// Of each side's wet signal, for a block of `length` samples: with the tail, K - 1 more, unless
  /// the convolver has history and another block follows.
  std::size_t wet_size(std::size_t length) const {
    return length + (history_ > 0 && length == block_length_ ? 0 : overlap_);
  }

  /// The next block is the first of a source.
  void restart() { newest_ = {}; }

  /// Every block has the memory of the one before: from now on its tail is put aside.
  void keep_tails();

  /// Queues `block`; nobody waits. `finish(side)` is called when an ear's `wet`, of wet_size(), is
  /// queued.
  void enqueue(const Block& block, const Stereo<std::span<float>>& wet, const BlockRoute& route,
               const std::function<void(Side)>& finish);

  /// Whether the latest block has its tail. If not, one without samples comes after it.
  bool has_tail() const { return has_tail_; }

  /// K - 1 samples after the latest block. Only with has_tail().
  std::span<const float> tail(Side side) const { return newest_[side].last(overlap_); }

 private:
  std::span<const float> kept_tail(Side side, const Stream& stream) const;

  Convolver& convolver_;
  PerEarConvolver* per_ear_;  // the same, if its sides can be computed apart; else null
  std::size_t overlap_;
  std::size_t history_;
  std::size_t block_length_;
  Stereo<std::span<const float>> newest_;  // wet signals of the latest block, on the device
  bool has_tail_ = false;
  bool keeps_tails_ = false;
  Stereo<DeviceBuffer<float>> tails_;
};

}  // namespace gpuconv
