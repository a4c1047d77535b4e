#include "host/room/delay.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "host/room/filter.hpp"

namespace gpuconv {
namespace {

constexpr double kWholeTolerance = 1e-3;

/// Side lobes 90 dB down: below the noise of a 16-bit measurement.
constexpr double kKaiserBeta = 9.0;

using Kernel = std::array<double, 2 * kDelayReach>;

constexpr int kTerms = 26;

/// 1 / k^2.
constexpr auto kInverseSquares = [] {
  std::array<double, kTerms + 1> inverse{};
  for (int k = 1; k <= kTerms; ++k) inverse[static_cast<std::size_t>(k)] = 1.0 / (k * k);
  return inverse;
}();

/// I0(x) in place of each y = x^2 / 4 <= kKaiserBeta^2 / 4: sum_k y^k / (k!)^2. The terms that are
/// left out are below 1e-17 of the sum. All at once, since one alone waits for each of its terms.
void bessel_i0(Kernel& all) {
  Kernel sums;
  sums.fill(1);
  for (std::size_t k = kTerms; k > 0; --k) {
    for (std::size_t j = 0; j < all.size(); ++j) {
      sums[j] = 1 + sums[j] * (all[j] * kInverseSquares[k]);
    }
  }
  all = sums;
}

/// s(j + 1 - kDelayReach - fraction) for each j, scaled to a sum of 1: the gain at 0 Hz is exact.
Kernel interpolation_kernel(double fraction) {
  constexpr double kQuarter = kKaiserBeta * kKaiserBeta / 4;
  const auto time = [&](std::size_t j) {
    return static_cast<double>(j) - kDelayReach - fraction + 1;
  };
  Kernel kernel{};
  for (std::size_t j = 0; j < kernel.size(); ++j) {
    const double x = time(j) / kDelayReach;
    kernel[j] = kQuarter * std::max(0.0, 1 - x * x);
  }
  bessel_i0(kernel);
  // sin(pi (j + 1 - kDelayReach - fraction)) is that, with the sign of (-1)^j.
  const double sine = std::sin(std::numbers::pi * fraction);
  for (std::size_t j = 0; j < kernel.size(); ++j) {
    const double t = time(j);
    const double sinc = t == 0 ? 1 : (j % 2 == 0 ? sine : -sine) / (std::numbers::pi * t);
    kernel[j] = std::abs(t) < kDelayReach ? kernel[j] * sinc : 0.0;
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
  const std::size_t before = kernel.size() - 1;
  Signal later(first + taps.size() + before);
  std::vector<double> source(before + taps.size() + before + kFilterPadding);
  std::ranges::copy(taps, source.begin() + static_cast<std::ptrdiff_t>(before));
  filter(source.data(), kernel, std::span(later).subspan(first));
  return later;
}

double value_at(std::span<const float> taps, double t) {
  const double whole = std::floor(t);
  const Kernel kernel = interpolation_kernel(t - whole);  // even, so good for both senses of time
  const auto first = static_cast<std::ptrdiff_t>(whole) - (kDelayReach - 1);
  double sum = 0;
  for (std::ptrdiff_t j = 0; j < std::ssize(kernel); ++j) {
    if (first + j < 0 || first + j >= std::ssize(taps)) continue;
    sum += kernel[static_cast<std::size_t>(j)] * taps[static_cast<std::size_t>(first + j)];
  }
  return sum;
}

}  // namespace gpuconv
