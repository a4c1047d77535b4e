#include "host/room/sofa/neighbours.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "host/base/noise.hpp"
#include "tests/support/smooth_head.hpp"

namespace gpuconv::test {
namespace {

double sum_of(const Neighbours& found) {
  double sum = 0;
  for (int i = 0; i < found.count; ++i) sum += found.weights[static_cast<std::size_t>(i)];
  return sum;
}

/// Where the weights put the direction.
Direction middle(const Neighbours& found, const std::vector<Direction>& all) {
  Vector sum;
  for (std::size_t i = 0; i < static_cast<std::size_t>(found.count); ++i) {
    sum = sum + found.weights[i] * unit_vector(all[found.which[i]]);
  }
  return direction_of(sum);
}

std::vector<double> all_weights(const Neighbours& found, std::size_t count) {
  std::vector<double> weights(count);
  for (std::size_t i = 0; i < static_cast<std::size_t>(found.count); ++i) {
    weights[found.which[i]] = found.weights[i];
  }
  return weights;
}

TEST(DirectionsBetween, AreThoseOfThreeMeasurementsAroundThem) {
  const std::vector<Direction> all = rings(15, -75, 75, 15);
  MeasuredDirections measured(all);
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    const Direction asked{static_cast<double>(random.integer(-1800, 1800)) / 5,
                          static_cast<double>(random.integer(-900, 900)) / 10};
    const Neighbours found = measured.around(asked);
    EXPECT_NEAR(sum_of(found), 1, 1e-12);
    EXPECT_EQ(found.away, 0);
    EXPECT_LT(angle_between(middle(found, all), asked), 1e-4)
        << asked.azimuth << " " << asked.elevation;
    for (std::size_t k = 0; k < static_cast<std::size_t>(found.count); ++k) {
      EXPECT_GT(found.weights[k], 0);
      EXPECT_LT(angle_between(all[found.which[k]], asked), 30);
    }
  }
}

TEST(DirectionsBetween, DoNotDependOnTheDirectionBefore) {
  const std::vector<Direction> all = rings(15, -75, 75, 15);
  MeasuredDirections measured(all);
  Random random(2);
  Direction asked{0, 0};
  for (int i = 0; i < 1000; ++i) {
    asked.azimuth += static_cast<double>(random.integer(-30, 30)) / 5;
    asked.elevation = 40 * std::sin(static_cast<double>(i) / 50);
    const Neighbours found = measured.around(asked);
    const Neighbours alone = MeasuredDirections(all).around(asked);
    ASSERT_EQ(found.count, alone.count);
    EXPECT_EQ(found.which, alone.which) << asked.azimuth << " " << asked.elevation;
    EXPECT_EQ(found.weights, alone.weights) << asked.azimuth << " " << asked.elevation;
  }
}

TEST(DirectionsBetween, AreAMeasurementItselfThere) {
  const std::vector<Direction> all = rings(10, -40, 80, 10);
  MeasuredDirections measured(all);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Neighbours found =
        measured.around({all[i].azimuth + 360 + 1e-5, all[i].elevation + 1e-5});
    EXPECT_EQ(found.count, 1);
    EXPECT_EQ(found.which[0], i);
    EXPECT_EQ(found.weights[0], 1);
  }
}

TEST(DirectionsBetween, ChangeTheirWeightsSteadilyAlongAnyPath) {
  // A ring, so that the path runs along edges, through corners and across cells.
  const std::vector<Direction> all = rings(15, -30, 60, 15);
  MeasuredDirections measured(all);
  for (const double slope : {0.0, 0.05, 0.3}) {
    std::vector<double> before = all_weights(measured.around({0, slope * -60}), all.size());
    for (double azimuth = 0.1; azimuth <= 180; azimuth += 0.1) {
      const Neighbours found = measured.around({azimuth, slope * (azimuth - 60)});
      const std::vector<double> now = all_weights(found, all.size());
      for (std::size_t i = 0; i < now.size(); ++i) {
        EXPECT_LT(std::abs(now[i] - before[i]), 0.05) << azimuth << " " << slope;
      }
      before = now;
    }
  }
}

TEST(DirectionsBetween, GoToTheNearestArcBelowAndAbove) {
  const std::vector<Direction> all = rings(10, -30, 30, 10);
  MeasuredDirections measured(all);
  const Neighbours below = measured.around({43, -50});
  ASSERT_EQ(below.count, 2);
  EXPECT_NEAR(below.away, 20, 0.1);
  EXPECT_EQ(all[below.which[0]].elevation, -30);
  EXPECT_NEAR(middle(below, all).azimuth, 43, 0.5);
  EXPECT_NEAR(measured.around({0, 90}).away, 60, 0.2);
}

TEST(DirectionsBetween, OfASingleRingLieOnIt) {
  const std::vector<Direction> all = rings(5, 0, 0, 1);
  MeasuredDirections measured(all);
  const Neighbours found = measured.around({-91.25, 0});
  ASSERT_EQ(found.count, 2);
  EXPECT_NEAR(found.away, 0, 1e-6);
  std::map<double, double> weights;
  for (std::size_t i = 0; i < 2; ++i) weights[all[found.which[i]].azimuth] = found.weights[i];
  EXPECT_NEAR(weights[270], 0.75, 1e-3);
  EXPECT_NEAR(weights[265], 0.25, 1e-3);
  EXPECT_NEAR(measured.around({12, 20}).away, 20, 0.1);
}

TEST(DirectionsBetween, OfFewMeasurementsAreTheNearest) {
  EXPECT_EQ(MeasuredDirections(std::vector<Direction>{{70, 0}}).around({-20, 30}).count, 1);
  // A hole of more than 60 degrees is not bridged.
  MeasuredDirections four(rings(90, 0, 0, 1));
  const Neighbours found = four.around({40, 0});
  EXPECT_EQ(found.count, 1);
  EXPECT_EQ(found.which[0], 0U);
  EXPECT_NEAR(found.away, 40, 1e-9);
  // The same measurement twice.
  MeasuredDirections twice(std::vector<Direction>{{0, 0}, {0, 0}, {20, 0}});
  EXPECT_EQ(twice.around({10, 0}).count, 2);
  EXPECT_EQ(twice.around({0, 0}).count, 1);
}

TEST(DirectionsBetween, NearestIsTheNearest) {
  const std::vector<Direction> all = rings(10, -30, 30, 10);
  const Neighbours found = MeasuredDirections(all).nearest({-14, 26});
  EXPECT_EQ(found.count, 1);
  EXPECT_EQ(all[found.which[0]].azimuth, 350);
  EXPECT_EQ(all[found.which[0]].elevation, 30);
  EXPECT_NEAR(found.away, angle_between({-14, 26}, {350, 30}), 1e-9);
}

}  // namespace
}  // namespace gpuconv::test
