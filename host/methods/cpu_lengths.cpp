#include "host/methods/cpu_lengths.hpp"

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

}  // namespace gpuconv
