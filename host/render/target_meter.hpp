// target_meter.hpp - which factor brings a result to its target level
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "host/base/levels.hpp"
#include "host/base/loudness.hpp"
#include "host/base/signal.hpp"
#include "host/render/target_level.hpp"

namespace gpuconv {

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
