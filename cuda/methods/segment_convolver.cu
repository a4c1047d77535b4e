#include "cuda/methods/segment_convolver.cuh"

#include "cuda/runtime/check.hpp"

namespace gpuconv {

void SegmentConvolver::transform(const Stereo<std::span<const float>>& response) {
  Stereo<DeviceBuffer<float>> taps;
  for (const Side side : kSides) {
    spectra_[side] = DeviceBuffer<float2>(static_cast<std::size_t>(fft_points()));
    taps[side] = DeviceBuffer<float>(stored_length(response[side].size()));
    GPUCONV_CUDA(
        cudaMemsetAsync(taps[side].data(), 0, taps[side].span().size_bytes(), stream_.get()));
    upload_async(response[side], taps[side].span(), stream_);
  }
  enqueue_response({taps.left.span(), taps.right.span()}, stream_);
  stream_.synchronize();  // the spectra are there for every stream
}

void SegmentConvolver::enqueue_response(const Stereo<std::span<const float>>& taps,
                                        const Stream& stream) {
  for (const Side side : kSides) {
    enqueue_spectrum(SegmentReader(taps[side].data(), response_length_, 0, {1, 0, 0}),
                     spectra_[side].span(), stream);
  }
}

void SegmentConvolver::enqueue_both(const Block& block, const Stereo<std::span<float>>& wet,
                                    const Stream& stream) {
  const int source_length = source_length_of(block, wet);
  const int wet_length = source_length + response_length_ - 1;
  const SegmentGrid grid{segments(source_length, 1), lengths_.advance, lengths_.overlap};
  const auto writer = [&](Side side) {
    return SegmentWriter(
        wet[side].data(), wet_length,
        static_cast<std::int64_t>(stored_length(static_cast<std::size_t>(wet_length))), grid,
        1.0f / static_cast<float>(fft_points()));
  };
  enqueue_segments(SegmentReader(block.source.data(), source_length, source_length, grid),
                   {writer(Side::left), writer(Side::right)}, block.clips * grid.segments,
                   {spectra_.left.span(), spectra_.right.span()}, stream);
}

}  // namespace gpuconv
