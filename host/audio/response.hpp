// response.hpp - the room at two ears: a 2-channel audio file, or one direction of a SOFA file
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "host/audio/policy.hpp"
#include "host/signal.hpp"

namespace gpuconv {

struct Response {
  Stereo<Signal> taps;  ///< both ears have the same number of taps
  int rate = 0;         ///< Hz
  int lead = 0;  ///< wet frames before time zero: the caller crops them after the convolution
  std::string description;
  Mended mended;
  std::string direction_warning;  ///< that the nearest measurement is far away; or empty
};

struct ResponseOptions {
  std::optional<double> azimuth;    ///< degrees, 0 in front, 90 left; for a SOFA file, default 0
  std::optional<double> elevation;  ///< degrees, 90 above; for a SOFA file, default 0
  NonFinite nonfinite = NonFinite::error;
  Truncated truncated = Truncated::error;
  Formats formats = Formats::listed;
};

/// Longest response: 93 minutes at 48 kHz. What goes on for ever fails here and not for memory.
inline constexpr std::int64_t kMaxTaps = std::int64_t{1} << 28;

/// Throws FileError unless there are two channels of which at least one is not silent, and
/// UsageError if a direction is asked of a file that has none.
Response load_response(const std::string& path, const ResponseOptions& options = {});

}  // namespace gpuconv
