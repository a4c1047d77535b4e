#include "host/room/motion.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gpuconv::test {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

Track track(std::vector<Track::Row> rows) { return {std::move(rows), false, ""}; }

Motion walk(std::vector<Track::Row> rows) { return {{}, track(std::move(rows)), std::nullopt}; }

TEST(MotionTest, IsOneStepWithoutMovement) {
  for (const Motion& motion :
       {Motion{{{20, 10}, 1}, std::nullopt, std::nullopt}, walk({{0, {20, 10, 0}}}),
        walk({{5, {20, 10, 0}}}), walk({{0, {20, 10, 0}}, {10, {20, 10, 0}}})}) {
    const std::vector<Step> steps = steps_of(motion, 60);
    ASSERT_EQ(steps.size(), 1U);
    EXPECT_EQ(steps[0].seconds, 0);
    EXPECT_EQ(steps[0].until, kNever);
    EXPECT_EQ(steps[0].seen.direction.azimuth, 20);
  }
}

TEST(MotionTest, TakesStepsOfOneAngle) {
  const std::vector<Step> steps = steps_of(walk({{0, {0, 0, 0}}, {60, {1800, 0, 0}}}), 60);
  ASSERT_EQ(steps.size(), 901U);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_NEAR(steps[i].seconds, static_cast<double>(i) / 15, 1e-6);
    EXPECT_NEAR(steps[i].seen.direction.azimuth, 2.0 * static_cast<double>(i), 1e-5);
    if (i + 1 < steps.size()) {
      EXPECT_EQ(steps[i].until, steps[i].seconds);
    }
  }
  EXPECT_EQ(steps.back().until, kNever);
}

TEST(MotionTest, CountsTheAngleOfTheGreatCircle) {
  const auto at = [](double elevation) {
    return steps_of(walk({{0, {0, elevation, 0}}, {10, {100, elevation, 0}}}), 10).size();
  };
  EXPECT_EQ(at(0), 51U);
  EXPECT_NEAR(static_cast<double>(at(60)), 26, 1);
  EXPECT_EQ(at(90), 1U);  // a source that turns on the spot
}

TEST(MotionTest, RestsInOneStepBeforeBetweenAndAfter) {
  const std::vector<Step> steps =
      steps_of(walk({{2, {0, 0, 0}}, {3, {11, 0, 0}}, {5, {11, 0, 0}}, {6, {0, 0, 0}}}), 60);
  EXPECT_EQ(steps.front().seconds, 0);
  EXPECT_EQ(steps.front().until, 2);
  const auto pause = std::ranges::find(steps, 5.0, &Step::until);
  ASSERT_NE(pause, steps.end());
  EXPECT_EQ(pause->seconds, 3);
  EXPECT_EQ(pause->seen.direction.azimuth, 11);
  EXPECT_EQ(pause - steps.begin(), 6);
  EXPECT_EQ(steps.back().seconds, 6);
  EXPECT_EQ(steps.back().until, kNever);
  EXPECT_EQ(steps.size(), 13U);
}

TEST(MotionTest, NeverTakesStepsFasterThanItsLimit) {
  // A jump, and one back before the first has ended.
  const std::vector<Step> jump = steps_of(
      walk({{1, {0, 0, 0}}, {1.001, {90, 0, 0}}, {1.002, {0, 0, 0}}, {1.003, {90, 0, 0}}}), 60);
  ASSERT_EQ(jump.size(), 2U);
  EXPECT_EQ(jump[0].until, 1);
  EXPECT_NEAR(jump[1].seconds, 1.01, 1e-12);
  EXPECT_EQ(jump[1].seen.direction.azimuth, 90);
  const std::vector<Step> spin = steps_of(walk({{0, {0, 0, 0}}, {1, {36'000, 0, 0}}}), 60);
  EXPECT_NEAR(static_cast<double>(spin.size()), 101, 1);
  for (std::size_t i = 1; i < spin.size(); ++i) {
    EXPECT_GE(spin[i].seconds - spin[i - 1].seconds, 0.01 - 1e-12);
  }
}

TEST(MotionTest, TakesShortRestsOfATrackerForMovement) {
  std::vector<Track::Row> rows;
  for (int i = 0; i < 100; ++i) rows.push_back({i * 0.01, {std::floor(i / 3.0), 0, 0}});
  const std::size_t count = steps_of(walk(rows), 60).size();
  EXPECT_GE(count, 15U);
  EXPECT_LE(count, 19U);
}

TEST(MotionTest, EndsWithTheSound) {
  const Motion motion = walk({{0, {0, 0, 0}}, {600, {18'000, 0, 0}}});
  const std::vector<Step> steps = steps_of(motion, 1);
  EXPECT_GE(steps.back().until, 1);
  EXPECT_LT(steps.size(), 20U);
  EXPECT_EQ(steps_of(motion, 0).size(), 1U);
}

TEST(MotionTest, SeesTheSourceFromTheHead) {
  Motion motion{{{90, 0}, 1}, std::nullopt, track({{0, {0, 0, 0}}, {9, {90, 0, 0}}})};
  EXPECT_NEAR(motion.at(3).direction.azimuth, 60, 1e-9);
  EXPECT_EQ(steps_of(motion, 60).size(), 46U);
  // Both turn alike: the head sees a source at rest.
  motion.source = track({{0, {20, 0, 0}}, {9, {110, 0, 0}}});
  EXPECT_NEAR(motion.at(5).direction.azimuth, 20, 1e-9);
  EXPECT_EQ(steps_of(motion, 60).size(), 1U);
}

TEST(MotionTest, CountsATenthOfTheDistanceAsTwoDegrees) {
  Motion motion = walk({{0, {0, 0, 1}}, {1, {0, 0, 1.1 * 1.1 * 1.1}}});
  EXPECT_EQ(steps_of(motion, 60).size(), 1U);  // the track has no distances
  motion.source->has_third = true;
  EXPECT_EQ(steps_of(motion, 60).size(), 4U);
}

}  // namespace
}  // namespace gpuconv::test
