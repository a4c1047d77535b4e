// levels.hpp - peak and count of samples over full scale, found on the device
#pragma once

#include <span>

#include "cuda/blocks/level.hpp"
#include "cuda/runtime/resources.hpp"
#include "cuda/runtime/stereo.hpp"

namespace gpuconv {

/// Scratch for one stream at a time.
class LevelMeter {
 public:
  /// For signals of up to `longest` samples.
  explicit LevelMeter(std::size_t longest);
  /// Queues *level = the level of `wet`; `level` is device memory.
  void enqueue(std::span<const float> wet, BlockLevel* level, const Stream& stream);

 private:
  DeviceBuffer<unsigned char> scratch_;
};

/// Where a clip's frames stand in the wet signals of a group of clips.
struct ClipFrames {
  int start;
  int length;
};

/// Partial levels of one ear of a clip, for the host to join.
inline constexpr int kLevelParts = 16;

/// Queues the levels of each clip: of clip c and ear e (0 left, 1 right) those from
/// levels[(2 c + e) kLevelParts] on. All are device memory.
void enqueue_clip_levels(const Stereo<std::span<const float>>& wet,
                         std::span<const ClipFrames> clips, std::span<BlockLevel> levels,
                         const Stream& stream);

}  // namespace gpuconv
