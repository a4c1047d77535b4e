#include "host/room/onset.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gpuconv {

float maximum_of(const Signal& taps) {
  float maximum = 0;
  for (const float tap : taps) maximum = std::max(maximum, std::abs(tap));
  return maximum;
}

std::optional<std::size_t> first_near(const Signal& taps, float maximum) {
  if (maximum == 0) return std::nullopt;
  const auto found = std::ranges::find_if(
      taps, [maximum](float tap) { return 10 * std::abs(double{tap}) >= double{maximum}; });
  if (found == taps.end()) return std::nullopt;
  return static_cast<std::size_t>(found - taps.begin());
}

double direct_sound(const Stereo<Signal>& taps, const Stereo<double>& delays) {
  const float maximum = std::max(maximum_of(taps.left), maximum_of(taps.right));
  if (maximum == 0) return 0;
  double first = std::numeric_limits<double>::infinity();
  for (const Side side : kSides) {
    if (const auto found = first_near(taps[side], maximum)) {
      first = std::min(first, static_cast<double>(*found) + delays[side]);
    }
  }
  return first;
}

}  // namespace gpuconv
