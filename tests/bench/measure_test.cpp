// measure_test.cpp - the clock tells time, and nobody stops too early
#include "host/bench/measure.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "host/bench/timer.hpp"
#include "tests/support/noise.hpp"

namespace gpuconv::test {
namespace {

TEST(TimerTest, TakesNothingForNothingAndAKnownTimeForItself) {
  // Another process may have this processor for the whole of one control, not of five.
  TimerControl control = control_timer();
  for (int i = 0; i < 4 && !control.is_trustworthy(); ++i) control = control_timer();
  EXPECT_TRUE(control.is_trustworthy()) << control.empty << " s for nothing, " << control.shortest
                                        << " to " << control.median << " s for " << control.asked;
  EXPECT_GE(control.median, control.shortest);
  const double slept =
      seconds_of([] { std::this_thread::sleep_for(std::chrono::milliseconds(30)); });
  EXPECT_GE(slept, 0.03);
}

TEST(TimerTest, IsNotTrustedWhenItShouldNotBe) {
  EXPECT_TRUE((TimerControl{20e-9, 2e-3, 2.01e-3, 2.5e-3}.is_trustworthy()));
  EXPECT_FALSE((TimerControl{20e-6, 2e-3, 2.01e-3, 2.5e-3}.is_trustworthy()));  // slow clock
  EXPECT_FALSE((TimerControl{20e-9, 2e-3, 1e-3, 2e-3}.is_trustworthy()));       // half the time
  EXPECT_FALSE((TimerControl{20e-9, 2e-3, 4e-3, 4e-3}.is_trustworthy()));       // a busy machine
  EXPECT_DOUBLE_EQ((TimerControl{20e-9, 2e-3, 2e-3, 4e-3}.stolen()), 0.5);
}

/// A run of `seconds`, plus up to `noise` of it, without any waiting.
TimedRun pretend(double seconds, double noise, std::vector<int>* order = nullptr, int name = 0) {
  return [=, random = Random(7)]() mutable {
    if (order != nullptr) order->push_back(name);
    return seconds * (1 + noise * (1 + static_cast<double>(random.uniform())) / 2);
  };
}

TEST(TakeTurnsTest, StopsWhenTheMedianIsTight) {
  const TimedRun runs[] = {pretend(1e-3, 0), pretend(1e-3, 0.2)};
  const auto values = take_turns(runs, {.tight = 0.01, .seconds = 10});
  EXPECT_EQ(values[0].size(), 11u);
  EXPECT_GT(values[1].size(), 60u);
  EXPECT_LE(summarise(values[1]).uncertainty(), 0.01);
}

TEST(TakeTurnsTest, StopsWhenItsTimeIsUpButNotBeforeItsFewestRuns) {
  const TimedRun runs[] = {pretend(0.1, 2)};
  const Rule rule{.fewest = 11, .tight = 1e-6, .seconds = 3, .patience = 60};
  const auto values = take_turns(runs, rule);
  EXPECT_GE(values[0].size(), 11u);
  EXPECT_LE(values[0].size(), 31u);
  const TimedRun slow[] = {pretend(25, 0)};
  EXPECT_EQ(take_turns(slow, rule)[0].size(), 3u);  // patience ends it
  const TimedRun fast[] = {pretend(1e-9, 2)};
  EXPECT_EQ(take_turns(fast, {.most = 50, .tight = 0})[0].size(), 50u);
}

TEST(TakeTurnsTest, TakesTurns) {
  std::vector<int> order;
  const TimedRun runs[] = {pretend(1e-3, 0, &order, 1), pretend(1e-3, 0, &order, 2)};
  take_turns(runs, {.warm_ups = 0, .fewest = 3});
  EXPECT_EQ(order, (std::vector<int>{1, 2, 1, 2, 1, 2}));
}

TEST(SecondsLeftTest, AreThoseOfTheRule) {
  const Rule rule{.fewest = 10, .most = 20, .seconds = 3, .patience = 20};
  EXPECT_EQ(seconds_left({}, 0, rule), 3);       // not known
  EXPECT_EQ(seconds_left({}, 0.5, rule), 5);     // the fewest runs
  EXPECT_EQ(seconds_left({}, 5, rule), 20);      // patience
  EXPECT_EQ(seconds_left({}, 0.01, rule), 0.2);  // the most runs
  EXPECT_EQ(seconds_left(std::vector<double>{4, 4, 4}, 1, rule), 8);
  EXPECT_EQ(seconds_left(std::vector<double>(10, 1.0), 1, rule), 0);  // tight
}

TEST(RatioTest, IsOfPairsNotOfMedians) {
  // Both slow down together: pair by pair one takes half of the other.
  const std::vector<double> values{1, 10, 2}, anchor{2, 20, 4};
  const Statistics half = ratio(values, anchor);
  EXPECT_EQ(half.median, 0.5);
  EXPECT_EQ(half.min, half.max);
  EXPECT_EQ(ratio(values, std::vector<double>{2}).runs, 1);
}

}  // namespace
}  // namespace gpuconv::test
