#include <algorithm>

#include "host/render/clip_renderer.hpp"

namespace gpuconv {

void ClipMemory::put(const ClipPlace& place, std::span<const float> samples) const {
  const std::span<float> region = source().subspan(place.start, place.length);
  const auto rest = std::ranges::copy(samples, region.begin()).out;
  std::fill(rest, region.end(), 0.0F);
}

Stereo<std::span<const float>> ClipMemory::frames(const ClipPlace& place) const {
  const Stereo<std::span<const float>> all = wet();
  return {all.left.subspan(place.start, place.frames),
          all.right.subspan(place.start, place.frames)};
}

}  // namespace gpuconv
