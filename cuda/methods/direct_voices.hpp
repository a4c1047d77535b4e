// direct_voices.hpp - voices summed in time, for the direct methods
//
// A voice's wet signal is computed apart and added to those before it: V voices cost what V
// convolutions cost, and a launch each for the sums.
#pragma once

#include <functional>
#include <vector>

#include "cuda/methods/voices.hpp"

namespace gpuconv {

class DirectVoices final : public VoiceConvolver {
 public:
  /// Queues a convolution, of one side.
  using EnqueueDirect =
      std::function<void(std::span<const float> source, std::span<const float> response,
                         std::span<float> wet, const Stream&)>;
  /// What it costs, both sides together.
  using DirectCost = std::function<Cost(int source_length, int response_length)>;

  DirectVoices(int response_length, int block_length, const VoiceMemory& memory,
               EnqueueDirect enqueue, DirectCost cost);

  int block_length() const override { return block_length_; }
  int slots() const override { return static_cast<int>(taps_.size()); }
  VoiceGrid grid() const override;
  void enqueue_response(int slot, Stereo<std::span<const float>> taps, const Stream&) override;
  void enqueue_voices(const VoiceLists& lists, const DeviceVoices& voices, const Stream&) override;
  void enqueue_wet(std::span<const SegmentRun> runs, int source_length,
                   const Stereo<std::span<float>>& wet, const Stream&) override;
  Cost response_cost(int taps) const override;
  Cost voices_cost(const VoiceLists& lists) const override;
  Cost wet_cost(std::span<const SegmentRun> runs, int source_length) const override;

 private:
  std::span<float> of_slot(Side side, int slot) const;

  int response_length_;
  int block_length_;
  EnqueueDirect enqueue_;
  DirectCost cost_;
  std::vector<int> taps_;  // of the response in each slot
  Stereo<DeviceBuffer<float>> responses_;
  Stereo<DeviceBuffer<float>> sums_;  // the wet signal of a block
  Stereo<DeviceBuffer<float>> errors_;
  DeviceBuffer<float> wet_;  // of one voice
};

}  // namespace gpuconv
