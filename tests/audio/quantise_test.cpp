#include "host/audio/quantise.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace gpuconv {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(QuantiseTest, TheEndsAreExact) {
  EXPECT_EQ(quantise(1.0f, 16), 32'767);
  EXPECT_EQ(quantise(-1.0f, 16), -32'768);
  EXPECT_EQ(quantise(1.0f, 24), 8'388'607);
  EXPECT_EQ(quantise(-1.0f, 24), -8'388'608);
  EXPECT_EQ(quantise(1.0f, 32), 2'147'483'647);
  EXPECT_EQ(quantise(-1.0f, 32), -2'147'483'647 - 1);
}

TEST(QuantiseTest, TiesGoToTheEvenNumber) {
  constexpr float kStep = 1 / 32'768.0f;
  EXPECT_EQ(quantise(0.5f * kStep, 16), 0);
  EXPECT_EQ(quantise(1.5f * kStep, 16), 2);
  EXPECT_EQ(quantise(2.5f * kStep, 16), 2);
  EXPECT_EQ(quantise(-0.5f * kStep, 16), 0);
  EXPECT_EQ(quantise(-1.5f * kStep, 16), -2);
  EXPECT_EQ(quantise(0.51f * kStep, 16), 1);
  EXPECT_EQ(quantise(-0.51f * kStep, 16), -1);
}

TEST(QuantiseTest, EveryNumberOfSixteenBitsComesBack) {
  for (int q = -32'768; q <= 32'767; ++q) {
    ASSERT_EQ(quantise(static_cast<float>(q) / 32'768, 16), q);
    ASSERT_EQ(quantise(static_cast<float>(q) / 32'768, 24), q * 256);
  }
}

TEST(QuantiseTest, LoudSamplesAreLimitedAndCounted) {
  const std::vector<float> samples{2.0f, -2.0f, 1.0f, -1.0f, 1.0000001f, 0.99999f, 1e30f};
  std::vector<std::int32_t> pcm(samples.size());
  EXPECT_EQ(quantise(samples, 16, pcm), 4);
  EXPECT_EQ(pcm,
            (std::vector<std::int32_t>{32'767, -32'768, 32'767, -32'768, 32'767, 32'767, 32'767}));
}

TEST(QuantiseTest, WhatIsNoNumberMakesNoClick) {
  EXPECT_EQ(quantise(std::nanf(""), 16), 0);
  EXPECT_EQ(quantise(std::nanf(""), 32), 0);
  EXPECT_EQ(quantise(kInf, 16), 32'767);
  EXPECT_EQ(quantise(-kInf, 32), -2'147'483'647 - 1);
}

}  // namespace
}  // namespace gpuconv
