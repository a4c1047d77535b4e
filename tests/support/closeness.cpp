#include "tests/support/closeness.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gpuconv::test {
namespace {

constexpr double kUnit = 0x1p-24;

/// 0 / 0 is no error: where nothing is expected, nothing came.
double ratio(double error, double scale) { return error == 0 ? 0 : error / scale; }

}  // namespace

Closeness closeness(std::span<const float> wet, const Reference& reference, bool is_direct,
                    Sound sound) {
  const double scale = sound == Sound::broadband
                           ? reference.source_norm * reference.response_norm
                           : std::max(reference.source_sum * reference.response_norm,
                                      reference.source_norm * reference.response_sum);
  double squares = 0;
  double reference_squares = 0;
  double peak = 0;
  for (std::size_t n = 0; n < reference.wet.size(); ++n) {
    const double error = std::abs(double{wet[n]} - reference.wet[n]);
    squares += error * error;
    reference_squares += reference.wet[n] * reference.wet[n];
    // Below the smallest float that is not a denormal, rounding is not relative any more.
    const double forgiven = is_direct ? std::numeric_limits<float>::denorm_min() : 0;
    const double at_n =
        ratio(error <= forgiven ? 0.0 : error, is_direct ? reference.magnitude[n] : scale);
    if (!(at_n <= peak)) peak = at_n;
    if (std::isnan(error)) peak = squares = std::numeric_limits<double>::quiet_NaN();
    if (std::isnan(peak)) break;
  }
  const double relative = ratio(std::sqrt(squares), std::max(std::sqrt(reference_squares), scale));
  return {relative / kUnit, peak / kUnit};
}

::testing::AssertionResult is_close(std::span<const float> wet, const Reference& reference,
                                    const ErrorBound& bound, bool is_direct, Sound sound) {
  if (wet.size() != reference.wet.size()) {
    return ::testing::AssertionFailure()
           << "length " << wet.size() << ", expected " << reference.wet.size();
  }
  const Closeness seen = closeness(wet, reference, is_direct, sound);
  if (!(seen.relative * kUnit <= bound.relative)) {
    return ::testing::AssertionFailure()
           << "relative error " << seen.relative << " u, bound " << bound.relative / kUnit << " u";
  }
  if (!(seen.peak * kUnit <= bound.peak)) {
    return ::testing::AssertionFailure()
           << "peak error " << seen.peak << " u, bound " << bound.peak / kUnit << " u";
  }
  return ::testing::AssertionSuccess();
}

}  // namespace gpuconv::test
