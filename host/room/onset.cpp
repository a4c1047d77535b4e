#include "host/room/onset.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gpuconv {

double direct_sound(const Stereo<Signal>& taps, const Stereo<double>& delays) {
  float maximum = 0;
  for (const Side side : kSides) {
    for (const float tap : taps[side]) maximum = std::max(maximum, std::abs(tap));
  }
  if (maximum == 0) return 0;
  double first = std::numeric_limits<double>::infinity();
  for (const Side side : kSides) {
    const auto found = std::ranges::find_if(
        taps[side], [maximum](float tap) { return 10 * std::abs(double{tap}) >= double{maximum}; });
    if (found == taps[side].end()) continue;
    first = std::min(first, static_cast<double>(found - taps[side].begin()) + delays[side]);
  }
  return first;
}

}  // namespace gpuconv
