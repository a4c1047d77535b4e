#include "host/room/onset.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "host/room/delay.hpp"

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

std::optional<double> arrival(const Signal& taps) {
  constexpr int kParts = 16;
  const float maximum = maximum_of(taps);
  const auto first = first_near(taps, maximum);
  if (!first) return std::nullopt;
  // The sample before it is lower, so that the threshold is crossed between the two.
  const double threshold = double{maximum} / 10;
  const double begin = static_cast<double>(*first) - 1;
  double before = *first == 0 ? 0 : std::abs(double{taps[*first - 1]});
  for (int part = 1; part < kParts; ++part) {
    const double t = begin + static_cast<double>(part) / kParts;
    const double here = std::abs(value_at(taps, t));
    if (here >= threshold) return t + ((threshold - before) / (here - before) - 1) / kParts;
    before = here;
  }
  const double last = std::abs(double{taps[*first]});
  return begin + 1 + ((threshold - before) / (last - before) - 1) / kParts;
}

}  // namespace gpuconv
