// output_rate.hpp - the wet sound at another sample rate: --output-rate
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/base/signal.hpp"
#include "host/room/resample.hpp"

namespace gpuconv {

/// Passes frames on at another rate: soxr converts both ears alike and keeps their level, and the
/// first frame stays the first one. N frames become ceil(N to / from).
class OutputRate {
 public:
  /// Rates in Hz; equal ones pass frames on as they are. Throws what check_rates() throws.
  OutputRate(int from, int to, WriteWet write);

  void take(Stereo<std::span<const float>> wet);
  bool converts() const { return resampler_.has_value(); }
  std::int64_t taken() const { return taken_; }  ///< frames

  /// Passes on what the last frames still make. Nothing may be taken after that.
  void finish();

 private:
  void pass_on();

  int from_, to_;
  WriteWet write_;
  std::optional<SoundResampler> resampler_;
  std::vector<float> interleaved_, converted_;
  Stereo<Signal> ears_;
  std::int64_t taken_ = 0, passed_ = 0;
};

}  // namespace gpuconv
