// target_level.hpp - the level that the whole result has to reach, by one factor for all of it
//
//   peak   20 log10 max |y|                         of the louder channel, dBFS
//   rms    10 log10 mean(y^2)                       over all frames and channels, dBFS
//   lufs   integrated loudness, ITU-R BS.1770-4     of the file, LUFS
//
// A square wave of full scale has 0 dBFS rms, a sine -3.01 dBFS (AES17 would call the sine 0). The
// channels are those of the file: both ears, or the only one of a file with one channel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "host/base/levels.hpp"
#include "host/base/loudness.hpp"
#include "host/base/signal.hpp"

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

/// Throws FileError, which names `output`, if so few frames, or such a rate,
/// have no such level.
void check_length(const TargetLevel& target, const std::string& output, std::int64_t frames,
                  int rate);

/// Power of a result: mean(y^2) over all frames and both ears, which is full scale = 1.
class PowerMeter {
 public:
  /// Takes the next frames. The result does not depend on where frames are cut.
  void take(Stereo<std::span<const float>> wet);
  double power() const;

 private:
  Stereo<double> sums_;
  std::int64_t frames_ = 0;
};

class TargetMeter {
 public:
  /// `channels` of the file, 1 or 2; one channel is in both ears.
  TargetMeter(const TargetLevel& target, int rate, int channels);

  void take(Stereo<std::span<const float>> wet);

  /// The factor for every sample; nothing if all are 0, and 1 if one is not finite. Throws
  /// FileError, which names `output`, if the result is too short for a loudness.
  std::optional<double> factor(const std::string& output) const;

 private:
  TargetLevel target_;
  int rate_;
  std::int64_t frames_ = 0;
  Stereo<Level> levels_;
  PowerMeter power_;                       // for rms
  std::optional<LoudnessMeter> loudness_;  // for lufs
};

}  // namespace gpuconv
