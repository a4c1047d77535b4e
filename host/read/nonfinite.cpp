#include "host/read/nonfinite.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "host/base/error.hpp"

namespace gpuconv {

std::size_t find_nonfinite(std::span<const float> samples) {
  // A loop that may end early does not become vectors; one over a stretch does.
  constexpr std::size_t kStretch = 1024;
  constexpr std::uint32_t kExponent = 0x7f800000;
  for (std::size_t begin = 0; begin < samples.size(); begin += kStretch) {
    const auto stretch = samples.subspan(begin, std::min(kStretch, samples.size() - begin));
    std::uint32_t bad = 0;
    for (const float x : stretch) {
      bad |= (std::bit_cast<std::uint32_t>(x) & kExponent) == kExponent ? 1U : 0U;
    }
    if (bad == 0) continue;
    const auto found = std::ranges::find_if(stretch, [](float x) { return !std::isfinite(x); });
    return begin + static_cast<std::size_t>(found - stretch.begin());
  }
  return samples.size();
}

const char* nonfinite_name(float sample) {
  return std::isnan(sample) ? "not a number" : "infinite";
}

std::int64_t mend_nonfinite(const std::string& path, std::span<float> samples, int channels,
                            std::int64_t first_frame, NonFinite policy) {
  const std::size_t first = find_nonfinite(samples);
  if (first == samples.size()) return 0;
  if (policy == NonFinite::error) {
    const auto width = static_cast<std::size_t>(channels);
    const std::string channel = channels > 1 ? fmt::format(", channel {}", first % width + 1) : "";
    throw FileError(path,
                    fmt::format("frame {}{} is {}; --nonfinite zero replaces such samples by 0",
                                first_frame + static_cast<std::int64_t>(first / width), channel,
                                nonfinite_name(samples[first])));
  }
  std::int64_t replaced = 0;
  for (float& sample : samples.subspan(first)) {
    if (std::isfinite(sample)) continue;
    sample = 0;
    ++replaced;
  }
  return replaced;
}

}  // namespace gpuconv
