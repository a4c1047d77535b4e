// noise_mix.hpp - adds the noise of a job to its wet sound
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "host/base/signal.hpp"
#include "host/render/noise.hpp"
#include "host/room/background.hpp"
#include "host/write/channels.hpp"

namespace gpuconv {

/// Throws FileError for what is wrong with the file, or with the start, before any work.
void check_noise(const Noise& noise, const BackgroundOptions& options, int rate);

/// The noise for the `frames` frames of one output.
class NoiseMix {
 public:
  /// Finds the factor that gives the SNR with a sound of `wet_power`. Throws FileError if the noise
  /// is silent there, or begins after its end.
  NoiseMix(const Noise& noise, const BackgroundOptions& options, int rate, Channels channels,
           std::int64_t frames, double wet_power);

  const NoiseReport& report() const { return report_; }

  /// Begins again with the first frame.
  void restart();
  /// The next frames and their noise; valid until the next call.
  Stereo<std::span<const float>> operator()(Stereo<std::span<const float>> wet);

 private:
  Stereo<std::span<const float>> next(std::size_t frames);
  Stereo<std::span<const float>> read(std::size_t frames);

  Noise noise_;
  BackgroundOptions options_;
  int rate_;
  Channels channels_;
  std::int64_t start_ = 0;  // frames of the file
  double factor_ = 0;
  NoiseReport report_;
  std::optional<Background> background_;
  Stereo<Signal> kept_;       // all of it, if it is short
  std::size_t position_ = 0;  // in what is kept
  Stereo<Signal> frames_;
  Signal mean_;
  Stereo<Signal> mixed_;
};

}  // namespace gpuconv
