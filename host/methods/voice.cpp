#include "host/methods/voice.hpp"

#include <cmath>
#include <numbers>

namespace gpuconv {

double gain_of(const Voice& voice, std::int64_t n) {
  if (n < voice.begin || n >= voice.end) return 0;
  const auto ramp = [](std::int64_t i, int F) {
    return (1 - std::cos(std::numbers::pi * (static_cast<double>(i) + 0.5) / F)) / 2;
  };
  if (n < voice.begin + voice.fade_in) return ramp(n - voice.begin, voice.fade_in);
  const std::int64_t fading = n - (voice.end - voice.fade_out);
  return fading >= 0 ? 1 - ramp(fading, voice.fade_out) : 1;
}

}  // namespace gpuconv
