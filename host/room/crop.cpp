#include "host/room/crop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "host/base/error.hpp"
#include "host/room/mix.hpp"
#include "host/room/onset.hpp"

namespace gpuconv {

Response cropped(Response response, const Crop& crop, bool may_be_silent) {
  if (crop == Crop{}) return response;
  const int rate = response.rate;
  const std::int64_t K = std::ssize(response.taps.left);
  const std::int64_t start = parse_duration(crop.start, rate, "--response-start");
  const std::int64_t first = start == 0 ? 0 : response.latency_frames + start;
  const std::int64_t zero = start == 0 ? response.latency_frames : 0;  // of what is kept
  std::int64_t count = K - first;
  if (count <= zero) {
    throw UsageError(fmt::format("--response-start {}: the response ends after {:.3f} s",
                                 crop.start,
                                 static_cast<double>(K - response.latency_frames) / rate));
  }
  if (!crop.length.empty()) {
    const std::int64_t length = parse_duration(crop.length, rate, "--response-length");
    if (length == 0) throw UsageError("--response-length " + crop.length + ": leaves no tap");
    count = std::min(count, zero + length);
  }
  const std::int64_t F = parse_duration(crop.fade, rate, "--response-fade");
  if (F > count - zero) {
    throw UsageError(fmt::format("--response-fade {}: only {:.3f} s of the response are left",
                                 crop.fade, static_cast<double>(count - zero) / rate));
  }
  for (const Side side : kSides) {
    Signal& taps = response.taps[side];
    const auto onset = first_near(taps, maximum_of(taps));
    const auto at = static_cast<std::int64_t>(onset.value_or(0));
    if (onset && (at < first || at >= first + count)) {
      response.warnings.push_back(fmt::format(
          "what is used of the response leaves out the direct sound of the {} ear, which arrives "
          "after {:.2f} ms",
          name(side), 1000.0 * static_cast<double>(at - response.latency_frames) / rate));
    }
    taps = Signal(taps.begin() + first, taps.begin() + first + count);
    for (std::int64_t i = 0; i < F; ++i) {
      const double gain = (1 + std::cos(std::numbers::pi * (static_cast<double>(i) + 0.5) /
                                        static_cast<double>(F))) /
                          2;
      float& tap = taps[static_cast<std::size_t>(count - F + i)];
      tap = static_cast<float>(gain * double{tap});
    }
  }
  if (!may_be_silent && maximum_of(response.taps.left) == 0 &&
      maximum_of(response.taps.right) == 0) {
    throw UsageError("--response-start and --response-length leave nothing but silence");
  }
  response.latency_frames = static_cast<int>(zero);
  const auto dropped = static_cast<double>(start);
  const double arrival = response.direct_sound - dropped;
  // Where it is not in what is left, that of what is left counts.
  response.direct_sound =
      arrival >= 0 && arrival < static_cast<double>(count - zero)
          ? arrival
          : std::max(0.0, direct_sound(response.taps) - static_cast<double>(zero));
  return response;
}

}  // namespace gpuconv
