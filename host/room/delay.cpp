#include "host/room/delay.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

namespace gpuconv {
namespace {

constexpr double kWholeTolerance = 1e-3;

/// Side lobes 90 dB down: below the noise of a 16-bit measurement.
constexpr double kKaiserBeta = 9.0;

using Kernel = std::array<double, 2 * kDelayReach>;

/// s(j + 1 - kDelayReach - fraction) for each j, scaled to a sum of 1: the gain at 0 Hz is exact.
Kernel interpolation_kernel(double fraction) {
  Kernel kernel{};
  for (int j = 0; j < 2 * kDelayReach; ++j) {
    const double t = j - kDelayReach - fraction + 1;
    const double x = t / kDelayReach;
    const double window =
        x * x < 1 ? std::cyl_bessel_i(0.0, kKaiserBeta * std::sqrt(1 - x * x)) : 0.0;
    const double angle = std::numbers::pi * t;
    kernel[static_cast<std::size_t>(j)] = window * (t == 0 ? 1 : std::sin(angle) / angle);
  }
  const double sum = std::accumulate(kernel.begin(), kernel.end(), 0.0);
  for (double& s : kernel) s /= sum;
  return kernel;
}

}  // namespace

bool is_whole(double delay) { return std::abs(delay - std::round(delay)) < kWholeTolerance; }

Signal delayed(std::span<const float> taps, double delay, int lead) {
  const double whole = is_whole(delay) ? std::round(delay) : std::floor(delay);
  const auto start = static_cast<std::size_t>(lead + static_cast<int>(whole));
  if (is_whole(delay)) {
    Signal later(start + taps.size());
    std::ranges::copy(taps, later.begin() + static_cast<std::ptrdiff_t>(start));
    return later;
  }
  const Kernel kernel = interpolation_kernel(delay - whole);
  const std::size_t first = start - (kDelayReach - 1);  // the kernel begins before its tap
  std::vector<double> sum(first + taps.size() + kernel.size() - 1);
  for (std::size_t k = 0; k < taps.size(); ++k) {
    for (std::size_t j = 0; j < kernel.size(); ++j) sum[first + k + j] += taps[k] * kernel[j];
  }
  return Signal(sum.begin(), sum.end());
}

}  // namespace gpuconv
