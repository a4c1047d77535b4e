#include "host/methods/cpu_naive.hpp"

#include <algorithm>

#include "host/methods/cpu_lengths.hpp"

namespace gpuconv {

void convolve_naive(std::span<const float> source, std::span<const float> response,
                    std::span<float> wet) {
  check_lengths(source, response, wet);
  std::fill(wet.begin(), wet.end(), 0.0F);
  for (std::size_t n = 0; n < source.size(); ++n) {
    for (std::size_t k = 0; k < response.size(); ++k) {
      wet[n + k] += source[n] * response[k];
    }
  }
}

}  // namespace gpuconv
