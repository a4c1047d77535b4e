#include "host/base/levels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace gpuconv {
namespace {

TEST(LevelsTest, ThePeakIsTheLargestMagnitudeOfEachEar) {
  const std::vector<float> left{0.25f, -0.75f, 0.5f};
  const std::vector<float> right{0, 0.125f, 0};
  Stereo<Level> levels;
  measure({left, right}, levels);
  EXPECT_EQ(levels.left.peak, 0.75f);
  EXPECT_EQ(levels.right.peak, 0.125f);
}

TEST(LevelsTest, OnlyWhatIsBeyondFullScaleIsOver) {
  const std::vector<float> samples{1, -1, 1.0000001f, -2, 0};
  Level level;
  measure(samples, level);
  EXPECT_EQ(level.over, 2);
  EXPECT_EQ(level.peak, 2);
}

TEST(LevelsTest, BlocksAddUp) {
  Level level;
  measure(std::vector<float>{3, 0}, level);
  measure(std::vector<float>{-2, 0.5f}, level);
  measure(std::vector<float>{}, level);
  EXPECT_EQ(level.peak, 3);
  EXPECT_EQ(level.over, 2);
}

TEST(LevelsTest, FindsTheLoudestSampleWhereverItIs) {
  for (const std::size_t length : {1, 7, 31, 100, 4096, 4097, 10'000}) {
    for (std::size_t n = 0; n < length; n += length / 100 + 1) {
      std::vector<float> samples(length, -0.25f);
      samples[n] = -1.5f;
      Level level;
      measure(samples, level);
      ASSERT_EQ(level.peak, 1.5f) << n << " of " << length;
      ASSERT_EQ(level.over, 1) << n << " of " << length;
    }
  }
}

TEST(LevelsTest, APeakThatIsNotFiniteStays) {
  for (const float bad :
       {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::quiet_NaN()}) {
    for (const std::size_t n : {0, 5, 9'999}) {
      std::vector<float> samples(10'000, 0.5f);
      samples[n] = bad;
      Level level;
      measure(samples, level);
      measure(std::vector<float>{2}, level);
      EXPECT_FALSE(std::isfinite(level.peak)) << bad << " at " << n;
      EXPECT_EQ(level.over, 2) << bad << " at " << n;
    }
  }
}

TEST(LevelsTest, TenthsHaveASignUnlessTheyAreZero) {
  EXPECT_EQ(tenths(-0.04), "0.0");
  EXPECT_EQ(tenths(0.04), "0.0");
  EXPECT_EQ(tenths(-0.06), "-0.1");
  EXPECT_EQ(tenths(12.34), "+12.3");
  EXPECT_EQ(tenths(dbfs(0)), "-inf");
}

TEST(LevelsTest, FullScaleIsZeroDecibels) {
  EXPECT_EQ(dbfs(1), 0);
  EXPECT_NEAR(dbfs(0.5), -6.0206, 1e-4);
  EXPECT_NEAR(dbfs(10), 20, 1e-12);
  EXPECT_EQ(dbfs(0), -std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace gpuconv
