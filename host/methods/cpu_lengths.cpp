#include "host/methods/cpu_lengths.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

namespace gpuconv {

void check_lengths(std::span<const float> source, std::span<const float> response,
                   std::span<const float> wet) {
  if (source.empty() || response.empty()) {
    throw std::invalid_argument("convolving needs at least 1 sample and 1 tap, not " +
                                std::to_string(source.size()) + " and " +
                                std::to_string(response.size()));
  }
  const std::size_t needed = source.size() + response.size() - 1;
  if (wet.size() != needed) {
    throw std::invalid_argument("the wet signal needs " + std::to_string(needed) +
                                " samples, not " + std::to_string(wet.size()));
  }
}

std::int64_t whole_block_length(std::int64_t response_length) {
  // With the tail, as much as fits a transform of twice a power of two.
  const auto taps = static_cast<std::uint64_t>(response_length);
  const std::uint64_t padded = 2 * std::bit_ceil(std::max(taps, std::uint64_t{1} << 20));
  return static_cast<std::int64_t>(padded - taps + 1);
}

}  // namespace gpuconv
