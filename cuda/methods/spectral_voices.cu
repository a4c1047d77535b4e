#include "cuda/methods/spectral_voices.cuh"

#include <algorithm>
#include <bit>

#include "cuda/fft/compensated.cuh"
#include "cuda/fft/complex.cuh"
#include "cuda/runtime/launch.cuh"

namespace gpuconv {
namespace {

constexpr int kThreads = 256;
/// Sums that a group of tiles has at least, if a block has as many: threads for a large GPU.
constexpr int kManySums = 1 << 18;

struct VoiceSums {
  const VoiceTile* tiles;
  const VoiceItem* items;
  const float2* spectra;  ///< of items from `first_item` on
  const float2* responses[2];
  float2* sums[2];
  float2* errors[2];
  int first_item;
  int elements;
  int blocks;  ///< of a tile
};

/// A thread sums one element of all segments of a tile, for both sides.
__global__ void __launch_bounds__(kThreads) voice_sums_kernel(VoiceSums voices) {
  const int block = static_cast<int>(blockIdx.x);
  const int k = block % voices.blocks * kThreads + static_cast<int>(threadIdx.x);
  wait_for_previous();
  if (k >= voices.elements) return;  // no barrier below
  const VoiceTile tile = voices.tiles[block / voices.blocks];
  const int first = tile.first_segment * voices.elements + k;
  float2 sum[kTileSegments][2];
  float2 error[kTileSegments][2];
  unrolled<kTileSegments>([&](auto j) {
    const bool is_begun = (tile.begun & tile.heard & (1U << j)) != 0;
    unrolled<2>([&](auto side) {
      const int at = first + j * voices.elements;
      sum[j][side] = is_begun ? voices.sums[side][at] : make_float2(-0.0f, -0.0f);
      error[j][side] = is_begun ? voices.errors[side][at] : make_float2(0.0f, 0.0f);
    });
  });
  int slot = -1;
  float2 response[2] = {};
  for (int i = tile.first_item; i < tile.end_item; ++i) {
    const VoiceItem item = voices.items[i];
    const float2 spectrum = voices.spectra[(i - voices.first_item) * voices.elements + k];
    if (item.slot != slot) {
      slot = item.slot;
      unrolled<2>([&](auto side) {
        response[side] = voices.responses[side][std::int64_t{slot} * voices.elements + k];
      });
    }
    unrolled<kTileSegments>([&](auto j) {
      if (item.segment != tile.first_segment + j) return;
      unrolled<2>([&](auto side) {
        const float2 product = multiply(spectrum, response[side]);
        add_term(sum[j][side].x, error[j][side].x, product.x);
        add_term(sum[j][side].y, error[j][side].y, product.y);
      });
    });
  }
  unrolled<kTileSegments>([&](auto j) {
    if ((tile.heard & (1U << j)) == 0) return;
    unrolled<2>([&](auto side) {
      const int at = first + j * voices.elements;
      voices.sums[side][at] = sum[j][side];
      voices.errors[side][at] = error[j][side];
    });
  });
}

}  // namespace

SpectralVoices::SpectralVoices(const Sizes& sizes, const VoiceMemory& memory)
    : sizes_(sizes), block_length_(sizes.block_length) {
  const auto elements = static_cast<std::size_t>(sizes.elements);
  const std::size_t bytes = elements * sizeof(float2);
  const auto fit = [](std::size_t room, std::size_t each, std::size_t most) {
    return std::clamp<std::size_t>(room / each, 1, most);
  };
  slots_ = static_cast<int>(
      fit(memory.response_bytes, 2 * bytes, static_cast<std::size_t>(memory.slots)));
  // No more than if all responses are heard all the time: a small scene takes little memory.
  const std::size_t items =
      fit(memory.scratch_bytes, bytes,
          static_cast<std::size_t>(sizes.segments) * static_cast<std::size_t>(memory.slots));
  grid_ = {sizes.advance, sizes.overlap, sizes.segments, static_cast<int>(items),
           kTileSegments * std::max(1, kManySums / sizes.elements)};
  scratch_ = DeviceBuffer<float2>(items * elements);
  for (const Side side : kSides) {
    responses_[side] = DeviceBuffer<float2>(static_cast<std::size_t>(slots_) * elements);
    sums_[side] = DeviceBuffer<float2>(static_cast<std::size_t>(sizes.segments) * elements);
    errors_[side] = DeviceBuffer<float2>(sums_[side].size());
  }
}

void SpectralVoices::wait_for_plan(const Stream& stream) {
  if (is_planned_) return;
  wait(stream, planned_);
  is_planned_ = true;  // what is queued later comes after this
}

std::span<float2> SpectralVoices::of_slot(Side side, int slot) const {
  const auto elements = static_cast<std::size_t>(sizes_.elements);
  return responses_[side].span().subspan(static_cast<std::size_t>(slot) * elements, elements);
}

void SpectralVoices::enqueue_response(int slot, Stereo<std::span<const float>> taps,
                                      const Stream& stream) {
  wait_for_plan(stream);
  enqueue_taps(taps, {of_slot(Side::left, slot), of_slot(Side::right, slot)}, stream);
}

void SpectralVoices::enqueue_voices(const VoiceLists& lists, const DeviceVoices& voices,
                                    const Stream& stream) {
  wait_for_plan(stream);
  const int blocks = ceil_div(sizes_.elements, kThreads);
  for (const VoiceBatch& batch : lists.batches) {
    const auto items = std::span(lists.items)
                           .subspan(static_cast<std::size_t>(batch.first_item),
                                    static_cast<std::size_t>(batch.items));
    enqueue_items(items, voices.items + batch.first_item, voices.samples, scratch_.span(), stream);
    const VoiceSums sums{voices.tiles + batch.first_tile,
                         voices.items,
                         scratch_.data(),
                         {responses_.left.data(), responses_.right.data()},
                         {sums_.left.data(), sums_.right.data()},
                         {errors_.left.data(), errors_.right.data()},
                         batch.first_item,
                         sizes_.elements,
                         blocks};
    const LaunchShape shape{static_cast<unsigned>(batch.tiles * blocks), kThreads, 0, true};
    launch(voice_sums_kernel, shape, stream, sums);
  }
}

void SpectralVoices::enqueue_wet(std::span<const SegmentRun> runs, int source_length,
                                 const Stereo<std::span<float>>& wet, const Stream& stream) {
  const int wet_length = source_length + sizes_.response_length - 1;
  const bool is_all_heard = runs.size() == 1 && runs[0].first == 0 &&
                            runs[0].count >= ceil_div(wet_length, sizes_.advance);
  for (const Side side : kSides) {
    if (is_all_heard) continue;
    GPUCONV_CUDA(cudaMemsetAsync(wet[side].data(), 0, wet[side].size_bytes(), stream.get()));
  }
  for (const SegmentRun& run : runs) {
    Stereo<std::span<float2>> sums;
    Stereo<std::span<float>> results;
    const auto elements = static_cast<std::size_t>(sizes_.elements);
    for (const Side side : kSides) {
      sums[side] = sums_[side].span().subspan(static_cast<std::size_t>(run.first) * elements,
                                              static_cast<std::size_t>(run.count) * elements);
      results[side] = wet[side].subspan(static_cast<std::size_t>(run.first * sizes_.advance));
    }
    enqueue_inverse(sums, run.count, results, stream);
  }
}

SegmentWriter SpectralVoices::writer(std::span<float> wet) const {
  return {wet.data(),
          static_cast<int>(wet.size()),
          0,
          {sizes_.segments, sizes_.advance, sizes_.overlap}};
}

SegmentReader SpectralVoices::tap_reader(std::span<const float> taps) const {
  return {taps.data(), static_cast<int>(taps.size()), 0, {1, 0, 0}};
}

Cost SpectralVoices::response_cost(int taps) const {
  Cost cost = transform_cost(2, true);
  cost.device_bytes += 2.0 * sizeof(float) * taps - 2.0 * sizeof(float2) * sizes_.elements;
  cost.launches = taps_launches();
  return cost;
}

Cost SpectralVoices::voices_cost(const VoiceLists& lists) const {
  const double elements = sizes_.elements;
  Cost cost;
  for (const VoiceBatch& batch : lists.batches) {
    const Cost forward = transform_cost(batch.items, true);
    cost.operations += forward.operations + batch.items * 2 * (6 + 8) * elements;
    cost.device_bytes += forward.device_bytes + batch.items * sizeof(float2) * elements;
    cost.launches += forward.launches + 1;
  }
  double responses = 0;
  double sums = 0;  // read or written, with their errors
  for (const VoiceTile& tile : lists.tiles) {
    int slot = -1;
    for (int i = tile.first_item; i < tile.end_item; ++i) {
      const VoiceItem& item = lists.items[static_cast<std::size_t>(i)];
      responses += item.slot != slot ? 1 : 0;
      slot = item.slot;
    }
    sums += std::popcount(tile.heard) + std::popcount(tile.heard & tile.begun);
  }
  cost.device_bytes += (responses + 2 * sums) * 2 * sizeof(float2) * elements;
  return cost;
}

Cost SpectralVoices::wet_cost(std::span<const SegmentRun> runs, int source_length) const {
  Cost cost;
  cost.device_bytes = 2.0 * sizeof(float) * (source_length + sizes_.response_length - 1);
  for (const SegmentRun& run : runs) {
    const Cost inverse = transform_cost(2 * run.count, false);
    cost.operations += inverse.operations;
    cost.device_bytes += inverse.device_bytes;
    cost.launches += inverse.launches;
  }
  return cost;
}

}  // namespace gpuconv
