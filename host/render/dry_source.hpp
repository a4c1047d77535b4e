// dry_source.hpp - one channel of a recording in the time of a scene
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "host/render/recording.hpp"
#include "host/render/scene_request.hpp"
#include "host/room/resample.hpp"

namespace gpuconv {

/// The channel at the rate of the scene: soxr converts it as it is read, keeps its level, and its
/// first sample stays the first one.
class DrySource {
 public:
  /// `recording` outlives it, and `channel` is as Recording::read() counts them. `start` is in
  /// frames of the scene. Throws UsageError if the rates are too far apart.
  DrySource(Recording& recording, std::size_t channel, int rate, std::int64_t start,
            bool is_measured);

  std::int64_t start() const { return start_; }
  /// At the rate of the scene; from kEndless on, any number will do.
  std::int64_t length() const;
  std::optional<std::int64_t> exact_length() const;
  /// Samples at the rate of the scene that will come for certain.
  std::int64_t least_length() const;
  const Recording& recording() const { return recording_; }

  /// Fits ReadSource.
  std::size_t read(std::span<float> block);

  /// After read(), also while another thread is in it.
  std::int64_t samples_read() const { return samples_read_; }

  /// Of the samples so far, if it is measured.
  SoundLevel level() const;

  /// The next read() begins again. Before that, its recording has to.
  void restart();

 private:
  std::int64_t at_rate(std::int64_t samples) const;
  std::size_t convert(std::span<float> block);
  void measure(std::span<const float> samples);

  Recording& recording_;
  std::size_t channel_;
  int rate_;
  std::int64_t start_;
  bool is_measured_;
  std::optional<SoundResampler> resampler_;  ///< absent: the rate is the same
  std::vector<float> portion_, ready_;       ///< before and after it
  std::size_t used_ = 0;                     ///< of `ready_`
  std::int64_t file_samples_ = 0;            ///< before it, so far
  std::int64_t converted_ = 0;               ///< after it, so far, as read() has returned them
  bool has_ended_ = false;
  std::atomic<std::int64_t> samples_read_ = 0;
  float peak_ = 0;
  double energy_ = 0;
};

}  // namespace gpuconv
