#include "host/methods/definition.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <numeric>

namespace gpuconv {

ExactSample definition(std::span<const float> samples, std::int64_t first,
                       std::span<const float> taps, std::int64_t n) {
  const std::int64_t begin = std::max(first, n - std::ssize(taps) + 1);
  const std::int64_t end = std::min(first + std::ssize(samples), n + 1);
  if (begin >= end) return {};
  const auto x = samples.begin() + (begin - first);
  const auto x_end = samples.begin() + (end - first);
  const auto h = std::make_reverse_iterator(taps.begin() + (n - begin + 1));  // from h[n - begin]
  const auto product = [](float a, float b) { return double{a} * double{b}; };
  const auto size = [](float a, float b) { return std::abs(double{a} * double{b}); };
  return {std::transform_reduce(x, x_end, h, 0.0, std::plus<>(), product),
          std::transform_reduce(x, x_end, h, 0.0, std::plus<>(), size)};
}

double energy(std::span<const float> signal) {
  return std::transform_reduce(signal.begin(), signal.end(), 0.0, std::plus<>(),
                               [](float x) { return double{x} * double{x}; });
}

double norm(std::span<const float> signal) { return std::sqrt(energy(signal)); }

}  // namespace gpuconv
