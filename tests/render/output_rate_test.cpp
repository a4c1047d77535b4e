// output_rate_test.cpp - the wet sound at another rate
#include "host/render/output_rate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "host/base/error.hpp"
#include "host/base/noise.hpp"

namespace gpuconv::test {
namespace {

Stereo<Signal> converted(const Stereo<Signal>& wet, int from, int to, std::size_t block) {
  Stereo<Signal> got;
  OutputRate rate(from, to, [&](Stereo<std::span<const float>> frames) {
    EXPECT_EQ(frames.left.size(), frames.right.size());
    for (const Side side : kSides) {
      got[side].insert(got[side].end(), frames[side].begin(), frames[side].end());
    }
  });
  for (std::size_t n = 0; n < wet.left.size(); n += block) {
    const std::size_t count = std::min(block, wet.left.size() - n);
    rate.take({std::span(wet.left).subspan(n, count), std::span(wet.right).subspan(n, count)});
  }
  rate.finish();
  return got;
}

TEST(OutputRateTest, KeepsLevelTimeAndEars) {
  Stereo<Signal> wet{Signal(20'000), Signal(20'000)};
  const auto sine = [](double n, double rate, double hertz) {
    return static_cast<float>(std::sin(2 * std::numbers::pi * hertz * n / rate));
  };
  for (std::size_t n = 0; n < 20'000; ++n) {
    wet.left[n] = sine(static_cast<double>(n), 48'000, 997);
    wet.right[n] = sine(static_cast<double>(n), 48'000, 440) / 3;
  }
  for (const int to : {16'000, 44'100, 96'000}) {
    const Stereo<Signal> got = converted(wet, 48'000, to, 7777);
    EXPECT_EQ(got.left.size(), static_cast<std::size_t>(std::ceil(20'000.0 * to / 48'000)));
    for (std::size_t n = got.left.size() / 4; n < got.left.size() / 2; ++n) {
      ASSERT_NEAR(got.left[n], sine(static_cast<double>(n), to, 997), 1e-4) << to;
      ASSERT_NEAR(got.right[n], sine(static_cast<double>(n), to, 440) / 3, 1e-4) << to;
    }
  }
}

TEST(OutputRateTest, DependsOnNothingButTheFrames) {
  const Stereo<Signal> wet{noise(50'001, 1), noise(50'001, 2)};
  const Stereo<Signal> once = converted(wet, 44'100, 48'000, wet.left.size());
  for (const std::size_t block : {1, 4096, 16'384, 16'385}) {
    const Stereo<Signal> got = converted(wet, 44'100, 48'000, block);
    EXPECT_TRUE(got.left == once.left && got.right == once.right) << block;
  }
  EXPECT_EQ(once.left.size(), static_cast<std::size_t>(frames_at_rate(50'001, 44'100, 48'000)));
}

TEST(OutputRateTest, EqualRatesAndShortSounds) {
  const Stereo<Signal> wet{noise(3, 1), noise(3, 2)};
  EXPECT_EQ(converted(wet, 8000, 8000, 2).right, wet.right);
  EXPECT_EQ(converted(wet, 8000, 16'000, 2).left.size(), 6u);
  EXPECT_EQ(converted(wet, 16'000, 8000, 2).left.size(), 2u);
  EXPECT_TRUE(converted({}, 16'000, 8000, 2).left.empty());
  EXPECT_THROW(OutputRate(8000, 0, {}), UsageError);
}

}  // namespace
}  // namespace gpuconv::test
