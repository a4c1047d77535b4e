#include "host/write/quantise.hpp"

#include <gtest/gtest.h>

#include <algorithm>
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

TEST(QuantiseTest, ABlockIsRoundedAsTheSystemRounds) {
  Random random(3);
  std::vector<float> samples(10'007);
  for (float& x : samples) x = 1.1f * random.uniform();
  for (std::size_t n = 0; n < samples.size(); n += 3) {  // on the steps and between them
    samples[n] = static_cast<float>(random.integer(-70'000, 70'000)) / 65'536;
  }
  for (const int bits : {16, 24, 32}) {
    const double scale = std::ldexp(1.0, bits - 1);
    std::vector<std::int32_t> pcm(samples.size());
    std::int64_t clipped = 0;
    EXPECT_GT(quantise(samples, bits, pcm), 0);
    for (std::size_t n = 0; n < samples.size(); ++n) {
      const double rounded = std::nearbyint(samples[n] * scale);
      ASSERT_EQ(pcm[n], static_cast<std::int32_t>(std::clamp(rounded, -scale, scale - 1)))
          << samples[n] << " in " << bits << " bits";
      clipped += std::abs(samples[n]) > 1;
    }
    EXPECT_EQ(quantise(samples, bits, pcm), clipped);
  }
}

TEST(DitherTest, MakesTheErrorThatOfNoiseWhateverTheSignal) {
  constexpr int kSamples = 200'000;
  for (const double steps : {0.1, 0.25, 0.5, 0.9, 12'345.5}) {
    const std::vector<float> samples(kSamples, static_cast<float>(steps / 32'768));
    std::vector<std::int32_t> pcm(kSamples);
    Random random(7);
    EXPECT_EQ(quantise(samples, 16, pcm, random), 0);
    double sum = 0;
    double squares = 0;
    for (const std::int32_t q : pcm) {
      const double error = q - double{samples[0]} * 32'768;
      ASSERT_LT(std::abs(error), 1.5);
      sum += error;
      squares += error * error;
    }
    // Five standard deviations of a mean of that many.
    EXPECT_NEAR(sum / kSamples, 0, 5 * 0.5 / std::sqrt(kSamples)) << steps;
    EXPECT_NEAR(squares / kSamples, 0.25, 5 * 0.4 / std::sqrt(kSamples)) << steps;
  }
}

TEST(DitherTest, LeavesSilenceSilentAndTheEndsWhereTheyAre) {
  const std::vector<float> samples{0.0f, -0.0f, 1.0f, -1.0f, 1.5f, -2.0f, kInf, std::nanf("")};
  std::vector<std::int32_t> pcm(samples.size());
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    Random random(seed);
    EXPECT_EQ(quantise(samples, 16, pcm, random), 3);
    ASSERT_EQ(pcm[0], 0);
    ASSERT_EQ(pcm[1], 0);
    ASSERT_GE(pcm[2], 32'766);
    ASSERT_LE(pcm[3], -32'767);
    ASSERT_EQ(pcm[4], 32'767);
    ASSERT_EQ(pcm[5], -32'768);
    ASSERT_EQ(pcm[6], 32'767);
    ASSERT_EQ(pcm[7], 0);
  }
}

TEST(DitherTest, DoesNotDependOnHowTheSignalIsCut) {
  std::vector<float> samples(999);
  for (std::size_t n = 0; n < samples.size(); ++n) samples[n] = n % 5 == 0 ? 0.0f : 1e-4f;
  std::vector<std::int32_t> whole(samples.size()), parts(samples.size());
  Random random(3);
  quantise(samples, 16, whole, random);
  Random again(3);
  for (std::size_t first = 0; first < samples.size(); first += 100) {
    const std::size_t count = std::min<std::size_t>(100, samples.size() - first);
    quantise(std::span(samples).subspan(first, count), 16, std::span(parts).subspan(first, count),
             again);
  }
  EXPECT_EQ(parts, whole);
}

}  // namespace
}  // namespace gpuconv
