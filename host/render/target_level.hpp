// target_level.hpp - the level that the whole result has to reach, by one factor for all of it
//
//   peak   20 log10 max |y|                         of the louder channel, dBFS
//   rms    10 log10 mean(y^2)                       over all frames and channels, dBFS
//   lufs   integrated loudness, ITU-R BS.1770-4     of the file, LUFS
//
// A square wave of full scale has 0 dBFS rms, a sine -3.01 dBFS (AES17 would call the sine 0). The
// channels are those of the file: both ears, or the only one of a file with one channel.
#pragma once

#include <string>

namespace gpuconv {

struct TargetLevel {
  enum class Kind { peak, rms, lufs };
  Kind kind = Kind::peak;
  double level = 0;                ///< dBFS or LUFS
  std::string option = "--level";  ///< that asked for it, for messages
};

/// "peak", "rms" or "lufs".
const char* name(TargetLevel::Kind kind);
/// "dBFS" or "LUFS".
const char* unit(TargetLevel::Kind kind);

}  // namespace gpuconv
