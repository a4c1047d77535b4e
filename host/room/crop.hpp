// crop.hpp - a part of a response, the same of both ears
#pragma once

#include <string>

#include "host/room/response.hpp"

namespace gpuconv {

/// Times are those that parse_duration() takes, and count from time zero of the response.
struct Crop {
  std::string start = "0s";  ///< what comes before is dropped, and the rest earlier by so much
  std::string length = "";   ///< of what follows; empty: all. A shorter response stays as it is
  std::string fade = "0s";   ///< of raised cosine up to the end, without a step there

  bool operator==(const Crop&) const = default;
};

/// Taps [start, start + length) of both ears. The last `fade` of them are multiplied by
/// (1 + cos(pi (i + 1/2) / F)) / 2, i from 0 to F - 1. Frames before time zero stay where nothing
/// is dropped at the start. The direct sound is that of the part; a warning says if an ear has lost
/// its own. Throws UsageError where nothing but silence is left, unless it may be, or the fade is
/// longer than what is left.
Response cropped(Response response, const Crop& crop, bool may_be_silent = false);

}  // namespace gpuconv
