// voice_gains.hpp - the samples of a source as a voice lets them through
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "host/methods/voice.hpp"

namespace gpuconv {

/// The ramps of some voices, each length of them computed once.
class VoiceGains {
 public:
  explicit VoiceGains(std::span<const Voice> voices);

  /// to[i] = g_v[first + i] samples[i], for frames from `begin` to `end` of the voice.
  void apply(const Voice& voice, std::int64_t first, std::span<const float> samples,
             float* to) const;

 private:
  std::map<int, std::vector<float>> ramps_;  // rising, by their length
};

}  // namespace gpuconv
