#include "host/batch/draw.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace gpuconv::test {
namespace {

// Numbers of another program: XXH64 and the mixing in whole numbers of Python.
TEST(DrawsTest, AreTheNumbersOfTheirFormula) {
  const Draws one(0, {.id = "utt1"}, 1);
  EXPECT_EQ(one.key(), 0xfa9a48512dfcfe9du);
  EXPECT_EQ(one.bits(Purpose::response), 0xa833f4226724db64u);
  EXPECT_EQ(one.bits(Purpose::measurement), 0x50d6716557abbc9bu);
  EXPECT_EQ(one.bits(Purpose::noise), 0x0f4e8745bccc868bu);
  EXPECT_EQ(one.bits(Purpose::noise_start), 0x962b3cc659f5202au);
  EXPECT_EQ(one.bits(Purpose::snr), 0xf6a53bfaeb6a00b7u);
  EXPECT_EQ(one.index(Purpose::response, 20), 13u);
  EXPECT_EQ(one.index(Purpose::snr, 20), 19u);
  EXPECT_EQ(one.fraction(Purpose::noise_start), 0.5865972503906574);
  EXPECT_EQ(Draws(7, {.id = "utt1"}, 1).key(), 0x8d5df5805a911bffu);
  EXPECT_EQ(Draws(7, {.id = "utt1"}, 2).key(), 0xd447b9b86858d383u);
  EXPECT_EQ(Draws(0, {.input = "clips/a long name of a recording.wav"}, 1).key(),
            0xd1647d17718217eeu);
  EXPECT_EQ(
      Draws(123456789, {.input = "a.wav", .channel = 2, .offset = 0.5, .duration = 12}, 3).key(),
      0x0da1e51f0fcbe9b3u);
}

TEST(DrawsTest, OfAnIdDoNotDependOnTheInput) {
  EXPECT_EQ(Draws(1, {.id = "a", .input = "x.wav"}, 1).key(),
            Draws(1, {.id = "a", .input = "y.wav", .offset = 3}, 1).key());
  EXPECT_NE(Draws(1, {.id = "a"}, 1).key(), Draws(1, {.input = "a"}, 1).key());
}

TEST(DrawsTest, AreNearlyUniformAndUnrelated) {
  constexpr int kJobs = 20'000;
  constexpr std::size_t kChoices = 7;
  std::vector<int> counts(kChoices);
  double sum = 0, squares = 0, products = 0;
  for (int i = 0; i < kJobs; ++i) {
    const std::string name = std::to_string(i);
    const Draws draws(3, {.input = name}, 1);
    ++counts[draws.index(Purpose::response, kChoices)];
    const double u = draws.fraction(Purpose::snr);
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
    squares += u * u;
    products += (u - 0.5) * (draws.fraction(Purpose::noise_start) - 0.5);
  }
  // Six standard deviations.
  const double mean = kJobs / double{kChoices};
  for (const int count : counts) EXPECT_NEAR(count, mean, 6 * std::sqrt(mean));
  EXPECT_NEAR(sum / kJobs, 0.5, 6 * std::sqrt(1 / 12.0 / kJobs));
  EXPECT_NEAR(squares / kJobs, 1 / 3.0, 6 * 0.3 / std::sqrt(kJobs));
  EXPECT_NEAR(products / kJobs, 0, 6 / 12.0 / std::sqrt(kJobs));
}

}  // namespace
}  // namespace gpuconv::test
