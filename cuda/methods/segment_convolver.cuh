// segment_convolver.cuh - the base of methods that convolve both sides in the same launches
#pragma once

#include <memory>
#include <span>

#include "cuda/methods/convolver.hpp"
#include "cuda/methods/lengths.hpp"
#include "cuda/methods/segments.cuh"

namespace gpuconv {

class SegmentConvolver : public ReplacingConvolver {
 public:
  int block_length() const final { return lengths_.block_length; }
  int history() const final { return lengths_.history; }
  void enqueue_both(const Block&, const Stereo<std::span<float>>& wet, const Stream&) final;
  void finish_plan() final;

 protected:
  SegmentConvolver(int response_length, const SegmentLengths& lengths)
      : lengths_(lengths), response_length_(response_length) {}

  /// Queues the upload and the transforms of the response. For constructors, at their end.
  void transform(const Stereo<std::span<const float>>& response);

  /// Queues the transforms of each side's taps to spectra of fft_points() elements, in the method's
  /// own order.
  virtual void enqueue_spectra(const SegmentReader (&taps)[2],
                               const std::span<float2> (&spectra)[2], const Stream&) = 0;

  /// Queues the convolution of `segments` segments, of all clips.
  virtual void enqueue_segments(const SegmentReader& source, const SegmentWriter (&wet)[2],
                                int segments, const std::span<const float2> (&spectra)[2],
                                const Stream&) = 0;

  /// Queues both of the above.
  virtual void enqueue_with_spectra(const SegmentReader (&taps)[2], const SegmentReader& source,
                                    const SegmentWriter (&wet)[2], int segments,
                                    const std::span<float2> (&spectra)[2], const Stream& stream) {
    enqueue_spectra(taps, spectra, stream);
    enqueue_segments(source, wet, segments, {spectra[0], spectra[1]}, stream);
  }

  int response_length() const { return response_length_; }
  /// Complex length M of a segment of 2M samples.
  int fft_points() const { return lengths_.segment_samples / 2; }
  int segments(int source_length, int clips) const {
    return clips * lengths_.segments(source_length, response_length_);
  }
  /// Bytes of the wet signals of both sides.
  double wet_bytes(int source_length, int clips) const {
    return clips * 2.0 * sizeof(float) * lengths_.results(source_length, response_length_);
  }

  /// What a plan is made in.
  const Stream& stream() const { return stream_; }

 private:
  SegmentReader tap_reader(std::span<const float> taps) const {
    return {taps.data(), response_length_, 0, {1, 0, 0}};
  }

  SegmentLengths lengths_;
  int response_length_;
  Stream stream_;
  Event planned_;
  bool is_planned_ = false;  ///< for every stream
  Stereo<UploadedTable<float>> taps_;
  Stereo<DeviceBuffer<float2>> spectra_;
};

}  // namespace gpuconv
