#include "host/room/mix.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "host/base/error.hpp"
#include "host/base/levels.hpp"

namespace gpuconv {

double unit_energy_factor(const Response& response) {
  double energy = 0;
  for (const Side side : kSides) {
    for (const float tap : response.taps[side]) energy += double{tap} * double{tap};
  }
  return energy > 0 ? std::sqrt(2 / energy) : 1;
}

Response mixed(Response response, const Mix& mix) {
  const double wet = amplitude(mix.gain_db + mix.wet_db) *
                     (mix.has_unit_energy ? unit_energy_factor(response) : 1);
  const std::int64_t predelay = parse_duration(mix.predelay, response.rate, "--predelay");
  for (const Side side : kSides) {
    Signal& taps = response.taps[side];
    for (float& tap : taps) tap = static_cast<float>(wet * double{tap});
    // Also before the resampler's ringing: `latency_frames` still counts frames before time zero.
    taps.insert(taps.begin(), static_cast<std::size_t>(predelay), 0.0f);
    if (mix.dry_db && mix.hears_dry[side]) {
      float& now = taps[static_cast<std::size_t>(response.latency_frames)];
      now = static_cast<float>(double{now} + amplitude(mix.gain_db + *mix.dry_db));
    }
  }
  return response;
}

std::int64_t parse_duration(const std::string& text, int rate, const std::string& option) {
  constexpr double kLongestSeconds = 60;
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit = text.substr(static_cast<std::size_t>(rest - text.data()));
  const double samples = unit == "s"     ? number * rate
                         : unit == "ms"  ? number * rate / 1000
                         : unit == "smp" ? number
                                         : -1;
  if (error != std::errc() || !(samples >= 0) || samples > kLongestSeconds * rate) {
    throw UsageError(fmt::format(
        "{} {}: expected a time from 0 to {:.0f} s with its unit, such as 20ms, 0.02s or 320smp",
        option, text, kLongestSeconds));
  }
  return std::llround(samples);
}

}  // namespace gpuconv
