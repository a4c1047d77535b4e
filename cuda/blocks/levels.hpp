// levels.hpp - peak and count of samples over full scale, found on the device
#pragma once

#include <span>

#include "cuda/blocks/level.hpp"
#include "cuda/runtime/resources.hpp"

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

}  // namespace gpuconv
