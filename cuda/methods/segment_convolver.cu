#include "cuda/methods/segment_convolver.cuh"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "cuda/runtime/check.hpp"

namespace gpuconv {

void SegmentConvolver::transform(const Stereo<std::span<const float>>& response) {
  for (const Side side : kSides) {
    spectra_[side] = DeviceBuffer<float2>(static_cast<std::size_t>(fft_points()));
    std::vector<float> taps(stored_length(response[side].size()));
    std::copy(response[side].begin(), response[side].end(), taps.begin());
    taps_[side] = UploadedTable<float>(std::move(taps), stream_);
  }
  enqueue_spectra({tap_reader(taps_.left.span()), tap_reader(taps_.right.span())},
                  {spectra_.left.span(), spectra_.right.span()}, stream_);
  planned_.record(stream_);
}

void SegmentConvolver::finish_plan() {
  if (is_planned_) return;
  planned_.synchronize();
  is_planned_ = true;
}

void SegmentConvolver::enqueue_both(const Block& block, const Stereo<std::span<float>>& wet,
                                    const Stream& stream) {
  const int source_length = source_length_of(block, wet);
  const int wet_length = lengths_.results(source_length, response_length_);
  const SegmentGrid grid{segments(source_length, 1), lengths_.advance, lengths_.overlap};
  // Its history is the beginning of what a block reads.
  const SegmentReader source(block.source.data() - block.history, block.history + source_length,
                             source_length,
                             {grid.segments, lengths_.advance, lengths_.overlap - block.history});
  const auto writer = [&](Side side) {
    return SegmentWriter(
        wet[side].data(), wet_length,
        static_cast<std::int64_t>(stored_length(static_cast<std::size_t>(wet_length))), grid);
  };
  const SegmentWriter writers[] = {writer(Side::left), writer(Side::right)};
  const int segments = block.clips * grid.segments;
  if (!is_planned_) {
    wait(stream, planned_);
    is_planned_ = true;  // a block in another stream comes after this one
  }
  if (block.response.left.empty()) {
    enqueue_segments(source, writers, segments, {spectra_.left.span(), spectra_.right.span()},
                     stream);
    return;
  }
  for (const Side side : kSides) {
    if (block.response[side].size() != static_cast<std::size_t>(response_length_)) {
      throw std::invalid_argument("Convolver: another response has another length");
    }
  }
  enqueue_with_spectra({tap_reader(block.response.left), tap_reader(block.response.right)}, source,
                       writers, segments, {spectra_.left.span(), spectra_.right.span()}, stream);
}

}  // namespace gpuconv
