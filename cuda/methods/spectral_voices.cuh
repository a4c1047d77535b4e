// spectral_voices.cuh - the base of plans that sum voices in the spectrum
//
//   1  transform the samples of a batch of items          scratch_[item][element]
//   2  add their products with the responses              sums_[side][segment][element]
//   3  once all voices are summed: transform back
//
// The sums are compensated: voices that are alike have rounding errors that are, too, and those of
// hundreds would add up.
//
// Steps 1 and 2 are launches of their own. For each item and each of M elements, step 1 writes 8
// bytes and step 2 reads 8 of the spectrum, 16 / kTileSegments of the responses, and moves 64 of
// the sums and their errors once for all items of a segment in a batch. Sums in registers beside
// the transform would need 16 and the sums, but ptxas spills them for sm_90 in three of the seven
// lengths of gpu-fused and in all rows of gpu-fourstep.
#pragma once

#include <memory>
#include <span>

#include "cuda/methods/lengths.hpp"
#include "cuda/methods/segments.cuh"
#include "cuda/methods/voices.hpp"

namespace gpuconv {

class SpectralVoices : public VoiceConvolver {
 public:
  int block_length() const final { return block_length_; }
  int slots() const final { return slots_; }
  VoiceGrid grid() const final { return grid_; }
  void enqueue_response(int slot, Stereo<std::span<const float>> taps, const Stream&) final;
  void enqueue_voices(const VoiceLists& lists, const DeviceVoices& voices, const Stream&) final;
  void enqueue_wet(std::span<const SegmentRun> runs, int source_length,
                   const Stereo<std::span<float>>& wet, const Stream&) final;
  Cost response_cost(int taps) const final;
  Cost voices_cost(const VoiceLists& lists) const final;
  Cost wet_cost(std::span<const SegmentRun> runs, int source_length) const final;

 protected:
  /// Of segments, or transforms, whose spectra have `elements` complex numbers.
  struct Sizes {
    int response_length;  ///< K
    int block_length;
    int advance;
    int overlap;
    int segments;  ///< of the longest block
    int elements;
  };
  SpectralVoices(const Sizes& sizes, const VoiceMemory& memory);

  /// Tails join the blocks of a scene: history would have to be uploaded again for each voice.
  static Sizes segment_sizes(int response_length, const SegmentLengths& lengths) {
    return {response_length,    lengths.block_length_with_tail(), lengths.advance, lengths.overlap,
            lengths.transforms, lengths.segment_samples / 2};
  }

  /// The plan is complete but for what stream() does. For constructors, at their end.
  void note_planned() { planned_.record(stream_); }

  /// Queues the transforms of taps to the spectra of both sides.
  virtual void enqueue_taps(Stereo<std::span<const float>> taps,
                            const Stereo<std::span<float2>>& spectra, const Stream&) = 0;

  /// Queues the transforms of items to `spectra`, one after the other.
  virtual void enqueue_items(std::span<const VoiceItem> items, const VoiceItem* items_on_device,
                             const float* samples, std::span<float2> spectra, const Stream&) = 0;

  /// Queues the transforms of the sums of `count` segments back to `wet`, where the results of the
  /// first begin. May overwrite the sums.
  virtual void enqueue_inverse(const Stereo<std::span<float2>>& sums, int count,
                               const Stereo<std::span<float>>& wet, const Stream&) = 0;

  /// What one transform costs, from samples to a spectrum or back, both of them counted, for each
  /// of `count` items or segments and sides. `launches` are those for all of them.
  virtual Cost transform_cost(int count, bool is_forward) const = 0;

  /// Launches of enqueue_taps().
  virtual int taps_launches() const { return transform_cost(2, true).launches; }

  const Stream& stream() const { return stream_; }  ///< what a plan is made in
  const Sizes& sizes() const { return sizes_; }

  /// What the segments of `wet` are written by, the first of which begins with it.
  SegmentWriter writer(std::span<float> wet) const;
  SegmentReader tap_reader(std::span<const float> taps) const;

 private:
  void wait_for_plan(const Stream& stream);
  std::span<float2> of_slot(Side side, int slot) const;

  Sizes sizes_;
  int block_length_;
  int slots_;
  VoiceGrid grid_;
  Stream stream_;
  Event planned_;
  bool is_planned_ = false;  // for every stream
  DeviceBuffer<float2> scratch_;
  Stereo<DeviceBuffer<float2>> responses_;
  Stereo<DeviceBuffer<float2>> sums_;
  Stereo<DeviceBuffer<float2>> errors_;
};

}  // namespace gpuconv
