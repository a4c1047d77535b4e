// progress.hpp - what is known of a render while it runs
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "cuda/blocks/level.hpp"
#include "cuda/runtime/stereo.hpp"

namespace gpuconv {

struct Progress {
  std::int64_t samples;                     ///< of the source, read so far
  std::optional<std::int64_t> all_samples;  ///< N, if it is known
  int rate;                                 ///< Hz
  Stereo<Level> levels;                     ///< of the frames so far
  Stereo<std::int64_t> clipped;             ///< samples of the frames so far
};

/// Told after each block.
using WatchProgress = std::function<void(const Progress&)>;

}  // namespace gpuconv
