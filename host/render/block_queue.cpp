#include "host/render/block_queue.hpp"

#include <stdexcept>

#include "cuda/blocks/overlap_add.hpp"
#include "cuda/runtime/range.hpp"

namespace gpuconv {

BlockQueue::BlockQueue(Convolver& convolver, std::size_t overlap)
    : convolver_(convolver),
      per_ear_(dynamic_cast<PerEarConvolver*>(&convolver)),
      overlap_(overlap),
      history_(static_cast<std::size_t>(convolver.history())),
      block_length_(static_cast<std::size_t>(convolver.block_length())) {}

void BlockQueue::keep_tails() {
  if (history_ > 0) return;
  keeps_tails_ = true;
  for (const Side side : kSides) tails_[side] = DeviceBuffer<float>(overlap_);
}

std::span<const float> BlockQueue::kept_tail(Side side, const Stream& stream) const {
  if (!keeps_tails_) return tail(side);
  copy_async(tail(side), tails_[side].span(), stream);
  return tails_[side].span();
}

void BlockQueue::enqueue(const Block& block, const Stereo<std::span<float>>& wet,
                         const BlockRoute& route, const std::function<void(Side)>& finish) {
  if (per_ear_ != nullptr && !block.response.left.empty()) {
    throw std::logic_error("BlockQueue: this convolver cannot take another response");
  }
  if (per_ear_ != nullptr) per_ear_->enqueue_source_spectrum(block, *route.source);
  if (route.source_ready != nullptr) route.source_ready->record(*route.source);
  Stereo<std::span<const float>> before;
  for (const Side side : kSides) {
    const Stream& stream = *route.ears[side];
    if (route.source_ready != nullptr) wait(stream, *route.source_ready);
    if (route.started[side] != nullptr) route.started[side]->record(stream);
    if (history_ == 0 && !newest_[side].empty()) before[side] = kept_tail(side, stream);
  }
  if (per_ear_ == nullptr) {
    const Range range("convolve");
    convolver_.enqueue_both(block, wet, *route.ears.left);
    enqueue_overlap_add(before, wet, *route.ears.left);
  }
  for (const Side side : kSides) {
    if (per_ear_ != nullptr) {
      const Range range("convolve", side);
      const Stream& stream = *route.ears[side];
      per_ear_->enqueue(side, block, wet[side], stream);
      enqueue_overlap_add(before[side], wet[side], stream);
    }
    newest_[side] = wet[side];
    finish(side);
  }
  has_tail_ = wet.left.size() > block.source.size() || overlap_ == 0;
}

}  // namespace gpuconv
