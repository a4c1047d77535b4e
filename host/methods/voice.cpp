#include "host/methods/voice.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <stdexcept>

namespace gpuconv {

bool is_whole(const Voice& voice) {
  return voice.begin <= 0 && voice.end >= kForever && voice.fade_in == 0 && voice.fade_out == 0;
}

double gain_of(const Voice& voice, std::int64_t n) {
  if (n < voice.begin || n >= voice.end) return 0;
  const auto ramp = [](std::int64_t i, int F) {
    return (1 - std::cos(std::numbers::pi * (static_cast<double>(i) + 0.5) / F)) / 2;
  };
  if (n < voice.begin + voice.fade_in) return ramp(n - voice.begin, voice.fade_in);
  const std::int64_t fading = n - (voice.end - voice.fade_out);
  return fading >= 0 ? 1 - ramp(fading, voice.fade_out) : 1;
}

void check_voices(std::span<const Voice> voices, std::size_t responses) {
  for (const Voice& voice : voices) {
    if (voice.response >= responses) {
      throw std::invalid_argument(
          fmt::format("a voice has response {} of {}", voice.response, responses));
    }
    if (voice.fade_in < 0 || voice.fade_out < 0 || voice.begin < 0 ||
        voice.end - voice.begin < std::int64_t{voice.fade_in} + voice.fade_out) {
      throw std::invalid_argument(
          fmt::format("a voice from frame {} to {} cannot have ramps of {} and {} frames",
                      voice.begin, voice.end, voice.fade_in, voice.fade_out));
    }
  }
}

void check_sources(std::span<const Voice> voices, std::size_t sources) {
  for (const Voice& voice : voices) {
    if (voice.source < sources) continue;
    throw std::invalid_argument(fmt::format("a voice has source {} of {}", voice.source, sources));
  }
}

}  // namespace gpuconv
