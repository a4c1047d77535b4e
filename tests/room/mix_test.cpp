#include "host/room/mix.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "host/base/error.hpp"

namespace gpuconv::test {
namespace {

Response response_of(Signal left, Signal right, int lead = 0) {
  Response response;
  response.taps = {std::move(left), std::move(right)};
  response.rate = 16000;
  response.latency_frames = lead;
  return response;
}

TEST(Mixed, ChangesNothingByDefault) {
  const Response same = mixed(response_of({1, 2, 3}, {4, 5, 6}), {});
  EXPECT_EQ(same.taps.left, Signal({1, 2, 3}));
  EXPECT_EQ(same.taps.right, Signal({4, 5, 6}));
}

TEST(Mixed, AppliesOneGainToBothEars) {
  const Response louder =
      mixed(response_of({1, 0}, {0, -0.25f}), {.gain_db = 20 * std::log10(2.0)});
  EXPECT_EQ(louder.taps.left, Signal({2, 0}));
  EXPECT_EQ(louder.taps.right, Signal({0, -0.5f}));
}

TEST(Mixed, AddsTheDrySignalAtTimeZeroAndDelaysOnlyTheWet) {
  Mix mix;
  mix.dry_db = -20;
  mix.predelay = "2smp";
  const Response both = mixed(response_of({0.1f, 1, 0.5f}, {0.2f, 2, 1}, 1), mix);
  ASSERT_EQ(both.taps.left.size(), 5u);
  EXPECT_EQ(both.taps.left[0], 0);
  EXPECT_FLOAT_EQ(both.taps.left[1], 0.1f);  // the dry signal, at time zero
  EXPECT_FLOAT_EQ(both.taps.right[1], 0.1f);
  // The whole response, with the resampler's ringing before its first tap, comes 2 samples later.
  EXPECT_FLOAT_EQ(both.taps.left[2], 0.1f);
  EXPECT_EQ(both.taps.left[3], 1);
  EXPECT_EQ(both.taps.right[3], 2);
}

TEST(Mixed, ScalesBothEarsToAMeanEnergyOfOne) {
  Mix mix;
  mix.has_unit_energy = true;
  const Response unit = mixed(response_of({3, 0, 4}, {0, 5, 0}), mix);
  EXPECT_FLOAT_EQ(unit.taps.left[0], 0.6f);
  EXPECT_FLOAT_EQ(unit.taps.left[2], 0.8f);
  EXPECT_FLOAT_EQ(unit.taps.right[1], 1);
  // One silent ear: the other one has the energy of both. Levels and the dry signal come after.
  mix.wet_db = 20 * std::log10(0.5);
  mix.dry_db = 0;
  const Response one = mixed(response_of({0, 0.01f}, {0, 0}), mix);
  EXPECT_FLOAT_EQ(one.taps.left[1], std::sqrt(2.0f) / 2);
  EXPECT_EQ(one.taps.left[0], 1);
  EXPECT_EQ(one.taps.right[0], 1);
  EXPECT_NEAR(unit_energy_factor(response_of({1e-30f}, {1e-30f})), 1e30, 1e24);
  const Response silence = mixed(response_of({0, 0}, {0, 0}), Mix{.has_unit_energy = true});
  EXPECT_EQ(silence.taps.left, Signal({0, 0}));
}

TEST(ParseDuration, KnowsItsUnits) {
  EXPECT_EQ(parse_duration("20ms", 16000, "--predelay"), 320);
  EXPECT_EQ(parse_duration("0.5s", 16000, "--predelay"), 8000);
  EXPECT_EQ(parse_duration("7smp", 16000, "--predelay"), 7);
  EXPECT_EQ(parse_duration("0s", 16000, "--predelay"), 0);
  for (const char* const wrong : {"", "20", "ms", "-1ms", "nanms", "1e9s", "20 ms", "20m", "61s"}) {
    EXPECT_THROW(parse_duration(wrong, 16000, "--predelay"), UsageError) << wrong;
  }
}

}  // namespace
}  // namespace gpuconv::test
