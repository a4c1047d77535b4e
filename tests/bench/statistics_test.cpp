#include "host/bench/statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tests/support/noise.hpp"

namespace gpuconv::test {
namespace {

std::vector<double> one_to(int n) {
  std::vector<double> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

TEST(StatisticsTest, FindsMedianAndExtremesInAnyOrder) {
  const Statistics odd = summarise({5, 1, 3});
  EXPECT_EQ(odd.median, 3);
  EXPECT_EQ(odd.min, 1);
  EXPECT_EQ(odd.max, 5);
  EXPECT_EQ(odd.runs, 3);
  EXPECT_EQ(summarise({4, 1, 2, 3}).median, 2.5);
  EXPECT_EQ(summarise({7}).median, 7);
}

// The ranks of Conover, "Practical Nonparametric Statistics", table of the binomial: 95 %.
TEST(StatisticsTest, GivesTheIntervalOfTheBinomialDistribution) {
  const struct {
    int n, low, high;
  } kRanks[] = {{1, 1, 1},   {2, 1, 2},   {5, 1, 5},   {6, 1, 6},   {8, 1, 8},   {9, 2, 8},
                {11, 2, 10}, {12, 3, 10}, {15, 4, 12}, {20, 6, 15}, {25, 8, 18}, {100, 40, 61}};
  for (const auto& [n, low, high] : kRanks) {
    const Statistics statistics = summarise(one_to(n));
    EXPECT_EQ(statistics.low, low) << n;
    EXPECT_EQ(statistics.high, high) << n;
  }
}

TEST(StatisticsTest, MeetsTheTrueMedianAsOftenAsItPromises) {
  Random random(5);
  int met = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    std::vector<double> values(21);
    for (double& value : values) value = std::exp(3.0 * static_cast<double>(random.uniform()));
    const Statistics statistics = summarise(values);
    met += statistics.low <= 1 && 1 <= statistics.high;
  }
  EXPECT_GE(met, 1880);  // 95 % and a little
  EXPECT_LE(met, 1980);  // an interval that is always right says nothing
}

TEST(StatisticsTest, IsTheSurerTheMoreItHasSeen) {
  EXPECT_LT(summarise(one_to(401)).uncertainty(), 0.5 * summarise(one_to(41)).uncertainty());
  EXPECT_EQ(summarise({2, 2, 2}).uncertainty(), 0);
  EXPECT_EQ(summarise({0, 0, 0}).uncertainty(), 0);
  EXPECT_TRUE(std::isinf(summarise({0, 0, 1}).uncertainty()));
}

TEST(StatisticsTest, StaysFiniteForManyThousandRuns) {
  const Statistics statistics = summarise(one_to(20'001));
  EXPECT_EQ(statistics.median, 10'001);
  EXPECT_LT(statistics.low, 10'001);
  EXPECT_GT(statistics.high, 10'001);
}

TEST(StatisticsTest, RefusesNothingAndNan) {
  EXPECT_THROW(summarise({}), std::invalid_argument);
  EXPECT_THROW(summarise({1, std::numeric_limits<double>::quiet_NaN()}), std::invalid_argument);
}

}  // namespace
}  // namespace gpuconv::test
