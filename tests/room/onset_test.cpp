#include "host/room/onset.hpp"

#include <gtest/gtest.h>

#include "host/room/resample.hpp"
#include "host/room/response.hpp"
#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

TEST(OnsetTest, IsTheFirstSampleWithin20DecibelsOfTheMaximum) {
  EXPECT_EQ(direct_sound({{0, 0.0999f, 0.1f, 0.5f, -1}, {0, 0, 0, 0, 0}}), 2);
  EXPECT_EQ(direct_sound({{0, 0, -0.2f, 1}, {0, 0, 0, 0}}), 2);
  EXPECT_EQ(direct_sound({{1, 0.5f}, {0, 0.5f}}), 0);
}

TEST(OnsetTest, IsThatOfTheEarlierEarAndNeverOfAnEarWithNoiseOnly) {
  EXPECT_EQ(direct_sound({{0, 0, 0, 1}, {0, 0.5f, 0.2f, 0}}), 1);
  EXPECT_EQ(direct_sound({{0, 0, 0, 1}, {0.001f, -0.002f, 0.001f, 0.001f}}), 3);
  EXPECT_EQ(direct_sound({{0, 0, 0, 0}, {0, 0, 0.3f, 0}}), 2);
}

TEST(OnsetTest, ComesLaterByTheDelayOfItsEar) {
  EXPECT_EQ(direct_sound({{0, 1}, {0, 0.5f}}, {10.25, 9.5}), 10.5);
  EXPECT_EQ(direct_sound({{0, 1}, {0, 0.05f}}, {10.25, 9.5}), 11.25);
}

TEST(OnsetTest, OfSilenceIsZero) { EXPECT_EQ(direct_sound({{0, 0}, {0, 0}}), 0); }

// A steep onset rings before itself at a higher rate, by more than a tenth.
TEST(OnsetTest, KeepsItsTimeAtAnotherRate) {
  const Folder folder;
  std::vector<float> frames(2 * 400);
  frames[2 * 100] = 1;
  frames[2 * 130 + 1] = 1;
  const Response response = load_response(float_wav(folder, "room.wav", 2, frames));
  EXPECT_EQ(response.direct_sound, 100);
  EXPECT_EQ(resample(response, 48'000).direct_sound, 300);
  EXPECT_NEAR(resample(response, 11'025).direct_sound, 100 * 11'025 / 16'000.0, 1e-9);
}

}  // namespace
}  // namespace gpuconv::test
