#include "host/methods/voice_gains.hpp"

#include <algorithm>

namespace gpuconv {

VoiceGains::VoiceGains(std::span<const Voice> voices) {
  for (const Voice& voice : voices) {
    for (const int length : {voice.fade_in, voice.fade_out}) {
      if (length == 0 || ramps_.contains(length)) continue;
      std::vector<float>& ramp = ramps_[length];
      const Voice rising{.fade_in = length};
      for (int i = 0; i < length; ++i) ramp.push_back(static_cast<float>(gain_of(rising, i)));
    }
  }
}

void VoiceGains::apply(const Voice& voice, std::int64_t first, std::span<const float> samples,
                       float* to) const {
  const std::int64_t count = std::ssize(samples);
  const auto inside = [&](std::int64_t frame) {
    return std::clamp<std::int64_t>(frame - first, 0, count);
  };
  const std::int64_t flat = inside(voice.begin + voice.fade_in);
  const std::int64_t falling = inside(voice.end - voice.fade_out);
  const float* const from = samples.data();
  if (flat > 0) {
    const float* const gains = ramps_.at(voice.fade_in).data() + (first - voice.begin);
    for (std::int64_t n = 0; n < flat; ++n) to[n] = gains[n] * from[n];
  }
  std::copy(from + flat, from + falling, to + flat);
  if (count > falling) {
    // A falling ramp is a rising one, read backwards.
    const float* const gains = ramps_.at(voice.fade_out).data() + (voice.end - 1 - first - falling);
    for (std::int64_t n = falling; n < count; ++n) to[n] = gains[falling - n] * from[n];
  }
}

}  // namespace gpuconv
