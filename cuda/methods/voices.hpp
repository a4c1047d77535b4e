// voices.hpp - a plan for many voices: their sum is convolved back once
//
//   wet_e[n] = sum_v sum_{k<K_v} response_{v,e}[k] source_v[n-k],   0 <= n < N+K-1
//
// Fourier methods add the products of the spectra, so that V voices cost V + 2 transforms a segment
// instead of 3 V; direct methods add the wet signals. A segment that hears no voice costs nothing.
// The lengths are those of the method's plan for one response of K taps, K those of the longest: a
// single voice gets the bytes of that plan.
#pragma once

#include <memory>
#include <span>

#include "cuda/methods/convolver.hpp"
#include "cuda/methods/voice_lists.hpp"

namespace gpuconv {

/// What the lists of a group of voices refer to, on the device.
struct DeviceVoices {
  const float* samples = nullptr;  ///< what VoiceEntry::offset counts from, at 16 bytes
  const VoiceTile* tiles = nullptr;
  const VoiceItem* items = nullptr;
};

/// For each block: responses that are new, groups of voices, and the wet signal last, all in the
/// same stream or in streams that wait for each other. Enqueueing allocates nothing.
class VoiceConvolver {
 public:
  virtual ~VoiceConvolver() = default;

  /// Longest block of source, in samples.
  virtual int block_length() const = 0;

  /// Responses that are on the device at the same time.
  virtual int slots() const = 0;

  /// What lists of voices are made for.
  virtual VoiceGrid grid() const = 0;

  /// Queues what makes a response of 1 to K taps, on the device in memory of stored_length(), that
  /// of `slot`, for the voices queued from then on.
  virtual void enqueue_response(int slot, Stereo<std::span<const float>> taps, const Stream&) = 0;

  /// Queues the sums of a group of voices. Its first batch waits on the device for what planning
  /// has queued.
  virtual void enqueue_voices(const VoiceLists& lists, const DeviceVoices& voices,
                              const Stream&) = 0;

  /// Queues the wet signal of a block, `source_length` + K - 1 samples at a multiple of 16 bytes
  /// for each side, in memory of stored_length(). `runs` are the segments that hear any voice.
  virtual void enqueue_wet(std::span<const SegmentRun> runs, int source_length,
                           const Stereo<std::span<float>>& wet, const Stream&) = 0;

  /// What a response costs; what the sums of a group cost; what the wet signal costs.
  virtual Cost response_cost(int taps) const = 0;
  virtual Cost voices_cost(const VoiceLists& lists) const = 0;
  virtual Cost wet_cost(std::span<const SegmentRun> runs, int source_length) const = 0;
};

}  // namespace gpuconv
