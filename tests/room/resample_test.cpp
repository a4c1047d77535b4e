#include "host/room/resample.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "host/base/error.hpp"
#include "host/base/levels.hpp"
#include "tests/support/files.hpp"

namespace gpuconv {
namespace {

struct Case {
  int from;
  int to;
};

// The last ones make ratios of large terms.
constexpr Case kCases[] = {{44'100, 16'000}, {16'000, 44'100}, {48'000, 44'100}, {44'100, 48'000},
                           {192'000, 8'000}, {8'000, 192'000}, {44'100, 44'101}, {48'001, 44'100},
                           {44'100, 47'999}, {16'000, 44'099}, {192'000, 44'101}};

double sum_of(const Signal& taps) { return std::accumulate(taps.begin(), taps.end(), 0.0); }

/// Where a response has its middle, in samples from time zero.
double middle_of(const Signal& taps, int lead) {
  double moment = 0;
  for (std::size_t n = 0; n < taps.size(); ++n) {
    moment += (static_cast<double>(n) - lead) * taps[n];
  }
  return moment / sum_of(taps);
}

/// Magnitude at `frequency` in cycles per sample.
double magnitude_at(const Signal& taps, double frequency) {
  double re = 0;
  double im = 0;
  for (std::size_t n = 0; n < taps.size(); ++n) {
    const double angle = 2 * std::numbers::pi * frequency * static_cast<double>(n);
    re += taps[n] * std::cos(angle);
    im += taps[n] * std::sin(angle);
  }
  return std::hypot(re, im);
}

Response unit_tap(int rate, std::size_t left, std::size_t right, std::size_t length) {
  Response response;
  response.rate = rate;
  response.taps = {Signal(length), Signal(length)};
  response.taps.left[left] = 1;
  response.taps.right[right] = 1;
  return response;
}

TEST(ResampleTest, ATapKeepsItsGainAndItsTimeWhereverItStands) {
  for (const Case& each : kCases) {
    for (const std::size_t tap : {0u, 1u, 8u, 64u, 299u}) {
      const Response old = unit_tap(each.from, tap, tap, 300);
      const Response response = resample(old, each.to);
      const auto where = ::testing::Message() << each.from << " to " << each.to << ", tap " << tap;
      EXPECT_EQ(response.rate, each.to);
      EXPECT_EQ(response.taps.left, response.taps.right) << where;
      EXPECT_NEAR(dbfs(sum_of(response.taps.left)), 0, 0.01) << where;
      const double due = static_cast<double>(tap) * each.to / each.from;
      EXPECT_NEAR(middle_of(response.taps.left, response.latency_frames), due, 2e-3) << where;
    }
  }
}

TEST(ResampleTest, TheRingingOfTheFirstAndLastTapIsWhole) {
  for (const Case& each : kCases) {
    const Response response = resample(unit_tap(each.from, 0, 299, 300), each.to);
    for (const Side side : kSides) {
      const Signal& taps = response.taps[side];
      const float peak = *std::ranges::max_element(taps);
      EXPECT_LT(std::abs(taps.front()), 1e-7f * peak) << each.from << " " << each.to;
      EXPECT_LT(std::abs(taps.back()), 1e-7f * peak) << each.from << " " << each.to;
    }
  }
}

TEST(ResampleTest, ALongResponseIsConvertedToItsEnd) {
  const Response response = resample(unit_tap(192'000, 0, 999'999, 1'000'000), 44'100);
  EXPECT_NEAR(middle_of(response.taps.right, response.latency_frames), 999'999 * 44'100.0 / 192'000,
              2e-3);
  EXPECT_NEAR(dbfs(sum_of(response.taps.right)), 0, 0.01);
}

/// A tone that swells and dies around `middle`, in seconds: nearly nothing beyond its band.
double tone(double seconds, double middle, double hertz, double width) {
  const double t = seconds - middle;
  return std::exp(-t * t / (2 * width * width)) * std::sin(2 * std::numbers::pi * hertz * t);
}

/// Soon after the beginning and ten seconds later: a clock that is not exact drifts.
TEST(ResampleTest, AToneIsWhereAndWhatItWasWhateverTheRates) {
  for (const Case& each : kCases) {
    const double slower = std::min(each.from, each.to);
    const double width = 60 / slower;
    for (const double cycles : {0.05, 0.25, 0.42}) {  // per sample of the slower rate
      for (const double middle : {12 * width, 10 + 12 * width}) {
        const auto K = static_cast<std::size_t>((middle + 12 * width) * each.from);
        Response old = unit_tap(each.from, 0, 0, K);
        for (std::size_t k = 0; k < K; ++k) {
          old.taps.left[k] = static_cast<float>(
              tone(static_cast<double>(k) / each.from, middle, cycles * slower, width));
        }
        const Response response = resample(old, each.to);
        double error = 0, power = 0;
        for (std::size_t n = 0; n < response.taps.left.size(); ++n) {
          const double due = tone((static_cast<double>(n) - response.latency_frames) / each.to,
                                  middle, cycles * slower, width) *
                             each.from / each.to;
          error += std::pow(response.taps.left[n] - due, 2);
          power += due * due;
        }
        EXPECT_LT(10 * std::log10(error / power), -140)
            << each.from << " to " << each.to << ", " << cycles << ", at " << middle << " s";
      }
    }
  }
}

TEST(ResampleTest, TheEarsKeepTheirDifferenceInTime) {
  const Response response = resample(unit_tap(44'100, 3, 30, 100), 16'000);
  ASSERT_EQ(response.taps.left.size(), response.taps.right.size());
  EXPECT_NEAR(middle_of(response.taps.right, 0) - middle_of(response.taps.left, 0),
              27 * 16'000.0 / 44'100, 2e-3);
}

TEST(ResampleTest, ALowSineIsHeardAtItsOldLevel) {
  // A response that decays, asked at 1 kHz before and after: the same filter.
  Response old = unit_tap(44'100, 0, 0, 2'000);
  for (std::size_t k = 0; k < 2'000; ++k) {
    old.taps.left[k] = static_cast<float>(std::exp(-static_cast<double>(k) / 200) *
                                          std::cos(0.3 * static_cast<double>(k)));
  }
  const double before = magnitude_at(old.taps.left, 1'000.0 / 44'100);
  for (const int rate : {16'000, 48'000, 96'000}) {
    const Response response = resample(old, rate);
    EXPECT_NEAR(dbfs(magnitude_at(response.taps.left, 1'000.0 / rate) / before), 0, 0.01) << rate;
  }
}

TEST(ResampleTest, WhatTheNewRateCanNotHoldIsRemoved) {
  Response old = unit_tap(44'100, 0, 0, 4'000);
  for (std::size_t k = 0; k < 4'000; ++k) {  // 12 kHz, faded in and out
    const double t = static_cast<double>(k) / 4'000;
    old.taps.left[k] = static_cast<float>(
        std::pow(std::sin(std::numbers::pi * t), 2) *
        std::sin(2 * std::numbers::pi * 12'000 / 44'100 * static_cast<double>(k)));
  }
  const Response response = resample(old, 16'000);
  EXPECT_LT(*std::ranges::max_element(response.taps.left), 1e-6f);
}

TEST(ResampleTest, ASilentEarStaysSilent) {
  Response old = unit_tap(44'100, 5, 5, 100);
  old.taps.right.assign(100, 0.0f);
  const Response response = resample(old, 16'000);
  EXPECT_TRUE(std::ranges::all_of(response.taps.right, [](float tap) { return tap == 0; }));
  EXPECT_EQ(response.taps.right.size(), response.taps.left.size());
}

TEST(ResampleTest, AnEarlierLeadIsKept) {
  Response old = unit_tap(44'100, 32 + 7, 32 + 7, 100);
  old.latency_frames = 32;
  const Response response = resample(old, 16'000);
  EXPECT_NEAR(middle_of(response.taps.left, response.latency_frames), 7 * 16'000.0 / 44'100, 2e-3);
}

TEST(ResampleTest, TheSameRateChangesNothing) {
  const Response old = unit_tap(44'100, 0, 1, 3);
  const Response response = resample(old, 44'100);
  EXPECT_EQ(response.taps.left, old.taps.left);
  EXPECT_EQ(response.latency_frames, 0);
}

TEST(ResampleTest, NoPairOfRatesNeedsALongLead) {
  for (const Case& each : kCases) {
    const Response response = resample(unit_tap(each.from, 0, 0, 1), each.to);
    const double slower = std::min(each.from, each.to);
    EXPECT_LT(response.latency_frames, 162 / slower * each.to) << each.from << " to " << each.to;
  }
  EXPECT_EQ(resample(unit_tap(44'100, 0, 0, 1), 16'000).latency_frames, 160);
  EXPECT_EQ(resample(unit_tap(16'000, 0, 0, 1), 44'100).latency_frames, 441);
}

TEST(ResampleTest, AResponseThatWouldGetTooLongIsRefused) {
  const Response long_one = unit_tap(8'000, 0, 0, 3'000'000);
  EXPECT_TRUE(test::says(test::message_of<UsageError>([&] { resample(long_one, 768'000); }),
                         {"taps at 768000 Hz", "limit 268435456"}));
}

TEST(ResampleTest, AbsurdRatesAreRefused) {
  const Response old = unit_tap(44'100, 0, 0, 1);
  EXPECT_THROW(resample(old, 0), UsageError);
  EXPECT_THROW(resample(old, 768'001), UsageError);
  EXPECT_THROW(resample(old, 100), UsageError);
}

TEST(ResampleTest, TwiceTheSameIsTheSame) {
  const Response old = unit_tap(48'000, 10, 20, 5'000);
  EXPECT_EQ(resample(old, 44'100).taps.left, resample(old, 44'100).taps.left);
}

}  // namespace
}  // namespace gpuconv
