#include "cuda/methods/direct_voices.hpp"

#include <algorithm>

#include "cuda/fft/compensated.cuh"
#include "cuda/runtime/launch.cuh"

namespace gpuconv {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    add_kernel(const float* __restrict__ wet, int length, float* __restrict__ sum,
               float* __restrict__ error) {
  const int n = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (n < length) add_term(sum[n], error[n], wet[n]);
}

}  // namespace

DirectVoices::DirectVoices(int response_length, int block_length, const VoiceMemory& memory,
                           EnqueueDirect enqueue, DirectCost cost)
    : response_length_(response_length),
      block_length_(block_length),
      enqueue_(std::move(enqueue)),
      cost_(std::move(cost)) {
  const std::size_t stored = stored_length(static_cast<std::size_t>(response_length));
  taps_.resize(std::clamp<std::size_t>(memory.response_bytes / (2 * sizeof(float) * stored), 1,
                                       static_cast<std::size_t>(memory.slots)));
  const std::size_t wet_length =
      stored_length(static_cast<std::size_t>(block_length + response_length - 1));
  for (const Side side : kSides) {
    responses_[side] = DeviceBuffer<float>(taps_.size() * stored);
    sums_[side] = DeviceBuffer<float>(wet_length);
    errors_[side] = DeviceBuffer<float>(wet_length);
  }
  wet_ = DeviceBuffer<float>(wet_length);
}

VoiceGrid DirectVoices::grid() const {
  // The whole block is one segment.
  return {block_length_ + response_length_, 0, 1, 1 << 20, kTileSegments};
}

std::span<float> DirectVoices::of_slot(Side side, int slot) const {
  const std::size_t stored = responses_.left.size() / taps_.size();
  return responses_[side].span().subspan(static_cast<std::size_t>(slot) * stored, stored);
}

void DirectVoices::enqueue_response(int slot, Stereo<std::span<const float>> taps,
                                    const Stream& stream) {
  for (const Side side : kSides) copy_async(taps[side], of_slot(side, slot), stream);
  taps_[static_cast<std::size_t>(slot)] = static_cast<int>(taps.left.size());
}

void DirectVoices::enqueue_voices(const VoiceLists& lists, const DeviceVoices& voices,
                                  const Stream& stream) {
  for (const VoiceTile& tile : lists.tiles) {
    for (int i = tile.first_item; i < tile.end_item; ++i) {
      const bool is_first = tile.begun == 0 && i == tile.first_item;
      const VoiceItem& item = lists.items[static_cast<std::size_t>(i)];
      const auto taps = static_cast<std::size_t>(taps_[static_cast<std::size_t>(item.slot)]);
      const std::span source(voices.samples + item.offset, static_cast<std::size_t>(item.length));
      const std::size_t wet_length = source.size() + taps - 1;
      for (const Side side : kSides) {
        const auto part = [&](const DeviceBuffer<float>& of) {
          return of.span().subspan(static_cast<std::size_t>(-item.first), wet_length);
        };
        if (is_first) {
          for (const DeviceBuffer<float>* const all : {&sums_[side], &errors_[side]}) {
            GPUCONV_CUDA(cudaMemsetAsync(all->data(), 0, all->span().size_bytes(), stream.get()));
          }
        }
        const std::span<float> wet = is_first ? part(sums_[side]) : wet_.span().first(wet_length);
        enqueue_(source, of_slot(side, item.slot).first(taps), wet, stream);
        if (is_first) continue;
        const auto length = static_cast<int>(wet_length);
        const LaunchShape shape{static_cast<unsigned>(ceil_div(length, kThreads)), kThreads};
        launch(add_kernel, shape, stream, wet.data(), length, part(sums_[side]).data(),
               part(errors_[side]).data());
      }
    }
  }
}

void DirectVoices::enqueue_wet(std::span<const SegmentRun> runs, int,
                               const Stereo<std::span<float>>& wet, const Stream& stream) {
  for (const Side side : kSides) {
    if (runs.empty()) {
      GPUCONV_CUDA(cudaMemsetAsync(wet[side].data(), 0, wet[side].size_bytes(), stream.get()));
    } else {
      copy_async<float>(sums_[side].span().first(wet[side].size()), wet[side], stream);
    }
  }
}

Cost DirectVoices::response_cost(int taps) const { return {0, 4.0 * sizeof(float) * taps, 0}; }

Cost DirectVoices::voices_cost(const VoiceLists& lists) const {
  Cost sum;
  const auto add = [&](const Cost& cost) {
    sum.operations += cost.operations;
    sum.device_bytes += cost.device_bytes;
    sum.launches += cost.launches;
  };
  for (const VoiceTile& tile : lists.tiles) {
    for (int i = tile.first_item; i < tile.end_item; ++i) {
      const VoiceItem& item = lists.items[static_cast<std::size_t>(i)];
      const int taps = taps_[static_cast<std::size_t>(item.slot)];
      add(cost_(item.length, taps));
      if (tile.begun == 0 && i == tile.first_item) {
        sum.device_bytes += 2 * 2.0 * static_cast<double>(sums_.left.span().size_bytes());  // zeros
      } else {
        const double floats = 2.0 * (item.length + taps - 1);  // three in, two out
        add({4 * floats, 5 * sizeof(float) * floats, 2});
      }
    }
  }
  return sum;
}

Cost DirectVoices::wet_cost(std::span<const SegmentRun> runs, int source_length) const {
  const double bytes = 2.0 * sizeof(float) * (source_length + response_length_ - 1);
  return {0, (runs.empty() ? 1 : 2) * bytes, 0};
}

}  // namespace gpuconv
