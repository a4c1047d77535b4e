#include "host/write/channels.hpp"

#include <algorithm>

namespace gpuconv {

const char* name(Channels channels) {
  switch (channels) {
    case Channels::both:
      return "both";
    case Channels::left:
      return "left";
    case Channels::right:
      return "right";
    case Channels::mono:
      return "mono";
  }
  return "";
}

Stereo<std::span<const float>> pick(Stereo<std::span<const float>> wet, Channels channels,
                                    Signal& mean) {
  switch (channels) {
    case Channels::both:
      return wet;
    case Channels::left:
      return {wet.left, wet.left};
    case Channels::right:
      return {wet.right, wet.right};
    case Channels::mono:
      break;
  }
  mean.resize(wet.left.size());
  // In double: the sum of two floats may be out of their range.
  std::ranges::transform(wet.left, wet.right, mean.begin(), [](float left, float right) {
    return static_cast<float>((double{left} + double{right}) / 2);
  });
  return {mean, mean};
}

}  // namespace gpuconv
