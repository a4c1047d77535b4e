// piece_convolver.cuh - what methods share that convolve both sides of a piece in the same launches
#pragma once

#include <memory>
#include <span>

#include "cuda/methods/convolver.hpp"
#include "cuda/methods/lengths.hpp"
#include "cuda/methods/pieces.cuh"

namespace gpuconv {

class PieceConvolver : public ReplacingConvolver {
 public:
  int block_length() const final { return lengths_.block_length; }
  void enqueue_both(const Block&, const Stereo<std::span<float>>& wet, const Stream&) final;
  void enqueue_response(const Stereo<std::span<const float>>& taps, const Stream&) final;

 protected:
  PieceConvolver(int response_length, const PieceLengths& lengths)
      : lengths_(lengths), response_length_(response_length) {}

  /// Transforms the response of each side and waits. For constructors, at their end.
  void transform(const Stereo<std::span<const float>>& response);

  /// Transforms one side's taps to a spectrum of length() elements, in the method's own order.
  virtual void enqueue_spectrum(const PieceReader& taps, std::span<float2> spectrum,
                                const Stream&) = 0;

  /// Convolves `pieces` pieces, of all clips.
  virtual void enqueue_pieces(const PieceReader& source, const PieceWriter (&wet)[2], int pieces,
                              const std::span<const float2> (&spectra)[2], const Stream&) = 0;

  int response_length() const { return response_length_; }
  /// Complex length M of a piece of 2M samples.
  int length() const { return lengths_.length / 2; }
  int pieces(int source_length, int clips) const {
    return clips * lengths_.pieces(source_length, response_length_);
  }
  /// Bytes of the wet signals of both sides.
  double wet_bytes(int source_length, int clips) const {
    return clips * 2.0 * sizeof(float) * (source_length + response_length_ - 1);
  }

  /// What a plan is made in.
  const Stream& stream() const { return stream_; }

 private:
  PieceLengths lengths_;
  int response_length_;
  Stream stream_;
  Stereo<DeviceBuffer<float2>> spectra_;
};

}  // namespace gpuconv
