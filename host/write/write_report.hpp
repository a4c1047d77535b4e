// write_report.hpp - what is known of a file that was written
#pragma once

#include <cstdint>
#include <string>

#include "cuda/blocks/level.hpp"
#include "cuda/runtime/stereo.hpp"
#include "host/write/output_format.hpp"

namespace gpuconv {

struct WriteReport {
  std::int64_t frames = 0;
  /// Of the wet signal, before it was quantised. For a file with one channel both are that one.
  Stereo<Level> levels;
  /// Samples that PCM had to limit; 0 in float. One channel counts as the left one.
  Stereo<std::int64_t> clipped;
  std::int64_t bytes = 0;
  std::string container;  ///< "WAV", "RF64", ...
  FileFormat format;
};

}  // namespace gpuconv
