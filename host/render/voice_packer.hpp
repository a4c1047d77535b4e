// voice_packer.hpp - the samples of a scene's voices, block by block, packed for a device
//
// All sources are read side by side, a block at a time. The voices of a block go into groups, by
// their order, each of which fits into the memory of one upload and needs no more responses than
// the device has slots for. A group brings along the responses that are not on the device: when a
// slot is needed, the response in it that nobody will hear again goes first, then the one used
// last, since all others are heard sooner in the block to come. Groups, slots and memory change no
// byte of the result.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "cuda/methods/convolver.hpp"
#include "cuda/methods/voice_lists.hpp"
#include "host/base/stopwatch.hpp"
#include "host/methods/voice.hpp"
#include "host/methods/voice_gains.hpp"

namespace gpuconv {

/// A response that a group brings along. Positions in the group's memory, in floats.
struct PackedResponse {
  int slot;
  std::size_t taps;
  Stereo<std::size_t> at;
};

/// Voices of one block. The memory holds samples and taps, then the lists' tiles and items.
struct PackedVoices {
  std::size_t used = 0;  ///< floats of the memory
  std::vector<PackedResponse> responses;
  VoiceLists lists;
  std::size_t tiles_at = 0;
  std::size_t items_at = 0;
  bool is_last = false;          ///< of the block
  bool is_end = false;           ///< no block follows
  std::size_t length = 0;        ///< frames of the block, if this is the last group of it
  std::vector<SegmentRun> runs;  ///< segments that hear any voice, if it is
};

class VoicePacker {
 public:
  /// What a plan can do.
  struct Limits {
    VoiceGrid grid;
    int block_length;
    int slots;
  };
  VoicePacker(SceneResponses responses, std::vector<Voice> voices, const Limits& limits);

  /// Floats of memory that every group fits into.
  std::size_t memory_size() const { return memory_size_; }

  /// A new passage of `sources`, which outlive it. No response is on the device.
  void restart(std::span<const SceneSource> sources);

  /// Fills `memory`, of memory_size() floats, with the next group, until one is the end.
  void next(PackedVoices& group, std::span<float> memory);

  /// Frames until the latest source that has been read.
  std::int64_t source_samples() const { return latest_; }
  double seconds_reading() const { return reading_.seconds(); }

 private:
  struct Source {
    const SceneSource* from = nullptr;
    std::size_t last_voice = 0;  // that has it
    bool has_ended = false;
    bool is_read = false;  // in this block
    Signal samples;        // of the block
    std::int64_t first = 0;
  };
  /// Of the device.
  struct Slot {
    std::int64_t response = -1;
    int taps = 0;
    std::int64_t last_group = -1;
  };
  struct Response {
    int slot = -1;
    std::int64_t end = 0;  // of the last that hears it
    std::size_t last_voice = 0;
  };

  bool add(const Voice& voice, std::span<float> memory, PackedVoices& group);
  int find_slot() const;
  int load(std::size_t response, int slot, std::span<float> memory, PackedVoices& group);
  void read_block(Source& source);
  void release(Source& source);
  void end_block(PackedVoices& group);
  std::size_t memory_for(const Voice& voice, const VoiceEntry& entry) const;

  SceneResponses responses_;
  std::vector<Voice> voices_;
  VoiceGains gains_;
  int block_length_;
  VoiceGrid grid_;
  std::vector<Slot> slots_;
  std::size_t memory_size_;
  std::vector<Response> response_states_;

  // Of one passage.
  std::vector<Source> sources_;
  std::vector<Signal> spare_;
  VoiceListMaker maker_;
  std::int64_t block_begin_ = 0;
  std::size_t voice_ = 0;  // the next one
  std::int64_t group_ = 0;
  std::int64_t latest_ = 0;
  std::vector<VoiceEntry> entries_;
  std::size_t list_floats_ = 0;
  Stopwatch reading_;
};

}  // namespace gpuconv
