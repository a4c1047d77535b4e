#include "host/room/delay.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace gpuconv {
namespace {

/// Value of a filter's frequency response at `frequency` cycles per sample, time counted from
/// `lead`.
std::pair<double, double> response_at(const Signal& taps, double frequency, int lead) {
  double re = 0;
  double im = 0;
  for (std::size_t n = 0; n < taps.size(); ++n) {
    const double angle = -2 * std::numbers::pi * frequency * (static_cast<double>(n) - lead);
    re += taps[n] * std::cos(angle);
    im += taps[n] * std::sin(angle);
  }
  return {re, im};
}

TEST(DelayTest, AWholeDelayIsZerosBefore) {
  const Signal taps{1, 2, 3};
  EXPECT_EQ(delayed(taps, 0, 0), taps);
  EXPECT_EQ(delayed(taps, 2, 0), (Signal{0, 0, 1, 2, 3}));
  EXPECT_EQ(delayed(taps, 1.0004, 0), (Signal{0, 1, 2, 3}));
  EXPECT_EQ(delayed(taps, 1.9996, 1), (Signal{0, 0, 0, 1, 2, 3}));
}

TEST(DelayTest, AFractionDelaysAllHeardFrequenciesAlike) {
  const Signal unit{1};
  for (const double delay : {0.25, 0.5, 7.9, 100.001}) {
    const Signal taps = delayed(unit, delay, kDelayReach);
    // Up to 0.45 of the rate: 19.8 kHz at 44.1 kHz.
    for (double frequency = 0; frequency <= 0.45; frequency += 0.05) {
      const auto [re, im] = response_at(taps, frequency, kDelayReach);
      const double angle = -2 * std::numbers::pi * frequency * delay;
      EXPECT_NEAR(re, std::cos(angle), 1e-3) << delay << " " << frequency;
      EXPECT_NEAR(im, std::sin(angle), 1e-3) << delay << " " << frequency;
    }
    EXPECT_NEAR(response_at(taps, 0, 0).first, 1, 1e-6);
  }
}

}  // namespace
}  // namespace gpuconv
