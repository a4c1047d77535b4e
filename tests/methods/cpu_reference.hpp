// cpu_reference.hpp - what the tests of the CPU rungs share
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "tests/support/closeness.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/reference.hpp"

namespace gpuconv::test {

using ConvolveEar = void (*)(std::span<const float> source, std::span<const float> response,
                             std::span<float> wet);

inline Signal run_ear(ConvolveEar convolve, const Signal& source, const Signal& response) {
  // What is there before must not matter.
  Signal wet(source.size() + response.size() - 1, std::nanf(""));
  convolve(source, response, wet);
  return wet;
}

inline ErrorBound direct_bound(std::size_t K) {
  return {0.75 * 0x1p-24 * (1 + std::sqrt(static_cast<double>(K))),
          static_cast<double>(K + 1) * 0x1p-24};
}

inline ErrorBound transform_bound(std::size_t length, int partitions = 1) {
  const double levels = std::log2(static_cast<double>(std::max<std::size_t>(length, 2)));
  return {1.5 * 0x1p-24 * std::sqrt(2 * levels + partitions / 2.0),
          (length <= 512 ? 3 : 1) * 0x1p-24};
}

/// All pairs up to 9, then around each of `edges`, with either operand the longer.
inline std::vector<std::pair<std::size_t, std::size_t>> lengths_around(
    const std::vector<std::size_t>& edges) {
  std::vector<std::pair<std::size_t, std::size_t>> lengths;
  for (std::size_t N = 1; N <= 9; ++N) {
    for (std::size_t K = 1; K <= 9; ++K) lengths.emplace_back(N, K);
  }
  for (const std::size_t edge : edges) {
    for (const std::size_t long_one : {edge - 1, edge, edge + 1}) {
      for (const std::size_t short_one : {std::size_t{1}, std::size_t{2}, std::size_t{37}}) {
        lengths.emplace_back(long_one, short_one);
        lengths.emplace_back(short_one, long_one);
      }
      lengths.emplace_back(long_one, edge);
    }
  }
  return lengths;
}

}  // namespace gpuconv::test
