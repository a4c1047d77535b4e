#include "host/read/nonfinite.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "host/base/error.hpp"

namespace gpuconv {

std::size_t find_nonfinite(std::span<const float> samples) {
  // A block is looked at as a whole, which vectors can do, and only then sample by sample.
  constexpr std::size_t kBlock = 256;
  for (std::size_t start = 0; start < samples.size(); start += kBlock) {
    const auto block = samples.subspan(start, std::min(kBlock, samples.size() - start));
    constexpr std::uint32_t kExponent = 0x7F800000;  // all of its bits are set only there
    std::uint32_t is_any = 0;
    for (const float sample : block) {
      is_any |= (std::bit_cast<std::uint32_t>(sample) & kExponent) == kExponent ? 1U : 0U;
    }
    if (is_any == 0) continue;
    const auto found = std::ranges::find_if(block, [](float x) { return !std::isfinite(x); });
    return start + static_cast<std::size_t>(found - block.begin());
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
