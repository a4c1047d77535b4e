// response.hpp - the room at two ears: a 2-channel audio file, or one direction of a SOFA file
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/base/signal.hpp"
#include "host/read/input_tolerance.hpp"
#include "host/room/sofa/direction.hpp"
#include "host/room/sofa/options.hpp"

namespace gpuconv {

struct Response {
  Stereo<Signal> taps;  ///< both ears have the same number of taps
  int rate = 0;         ///< Hz
  int latency_frames =
      0;  ///< wet frames before time zero: the caller crops them after the convolution
  double direct_sound = 0;             ///< samples from time zero until it arrives: see onset.hpp
  std::optional<Direction> direction;  ///< of the measurement of a SOFA file
  std::string description;
  Repairs repairs;
  std::vector<std::string> warnings;  ///< what is doubtful about the choice of a measurement
  std::optional<FarMeasurement> far;  ///< its warning is one of `warnings`
};

struct ResponseOptions {
  SofaOptions sofa;  ///< only for SOFA files
  NonFinite nonfinite = NonFinite::error;
  Truncated truncated = Truncated::error;
  Formats formats = Formats::allowed;
  bool both_ears = false;  ///< both ears get the one channel of an audio file that has no other
};

/// Longest response: 93 minutes at 48 kHz. What goes on for ever fails here and not for memory.
inline constexpr std::int64_t kMaxTaps = std::int64_t{1} << 28;

class SofaSet;

/// All channels of an audio file, for responses to be made of two of them each.
struct ResponseChannels {
  std::string path;
  std::vector<Signal> channels;  ///< of one length
  int rate = 0;                  ///< Hz
  std::string description;
  Repairs repairs;
};

/// Throws FileError unless it is an audio file with a channel that is not silent, and UsageError if
/// a direction is asked of it.
ResponseChannels load_channels(const std::string& path, const ResponseOptions& options);

/// Two of the channels, counted from 1. Both may be silent.
Response response_of(const ResponseChannels& channels, int left, int right);

/// Whether all taps of both ears are 0.
bool is_silent(const Response& response);

/// Throws FileError unless there are two channels (or one for both ears) of which at least one is
/// not silent, and UsageError if a direction is asked of a file that has none. `path` is read anew;
/// ResponseCache reads a file once.
Response load_response(const std::string& path, const ResponseOptions& options = {});

/// One measurement of a set that is open, with its delays (Data.Delay) applied.
Response response_of(SofaSet& set, const ResponseOptions& options);

}  // namespace gpuconv
