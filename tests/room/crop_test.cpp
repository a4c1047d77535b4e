// crop_test.cpp - both ears lose the same taps
#include "host/room/crop.hpp"

#include <gtest/gtest.h>

#include <numbers>

#include "host/base/error.hpp"
#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"

namespace gpuconv::test {
namespace {

Response whole(int latency = 0) {
  Response response;
  response.rate = 1000;
  response.latency_frames = latency;
  response.direct_sound = 20;
  for (int n = 0; n < latency + 400; ++n) {
    response.taps.left.push_back(static_cast<float>(n + 1));
    response.taps.right.push_back(static_cast<float>(-n - 1));
  }
  return response;
}

TEST(CropTest, LeavesAWholeResponseAlone) {
  const Response response = cropped(whole(7), {});
  EXPECT_EQ(response.taps.left, whole(7).taps.left);
  EXPECT_EQ(response.latency_frames, 7);
  EXPECT_EQ(cropped(whole(7), {.length = "9s"}).taps.left, whole(7).taps.left);
}

TEST(CropTest, DropsTheSameOfBothEars) {
  const Response response = cropped(whole(), {.start = "10ms", .length = "0.05s"});
  ASSERT_EQ(response.taps.left.size(), 50u);
  ASSERT_EQ(response.taps.right.size(), 50u);
  EXPECT_EQ(response.taps.left.front(), 11);
  EXPECT_EQ(response.taps.right.back(), -60);
  EXPECT_EQ(response.direct_sound, 10);
  EXPECT_TRUE(response.warnings.empty());
}

TEST(CropTest, CountsFromTimeZero) {
  const Response later = cropped(whole(7), {.start = "10smp"});
  EXPECT_EQ(later.latency_frames, 0);
  EXPECT_EQ(later.taps.left.front(), 18);  // tap 10 after time zero
  EXPECT_EQ(later.taps.left.size(), 390u);
  const Response shorter = cropped(whole(7), {.length = "10smp"});
  EXPECT_EQ(shorter.latency_frames, 7);  // the ringing before time zero stays
  EXPECT_EQ(shorter.taps.left.size(), 17u);
}

TEST(CropTest, FadesToNothing) {
  const Response response = cropped(whole(), {.length = "100ms", .fade = "20ms"});
  const Signal& taps = response.taps.left;
  EXPECT_EQ(taps[79], 80);
  for (std::size_t i = 0; i < 20; ++i) {
    const double gain = (1 + std::cos(std::numbers::pi * (static_cast<double>(i) + 0.5) / 20)) / 2;
    EXPECT_FLOAT_EQ(taps[80 + i], static_cast<float>(gain * static_cast<double>(81 + i)));
    EXPECT_EQ(response.taps.right[80 + i], -taps[80 + i]);
  }
}

TEST(CropTest, SaysThatTheDirectSoundIsGone) {
  Response response = whole();
  response.taps.left.assign(400, 0.0F);
  response.taps.right.assign(400, 0.0F);
  response.taps.left[20] = 1;
  response.taps.right[100] = 0.5F;
  const Response late = cropped(response, {.start = "21ms"});
  ASSERT_EQ(late.warnings.size(), 1u);
  EXPECT_EQ(late.warnings.front(),
            "what is used of the response leaves out the direct sound of the left ear, which "
            "arrives after 20.00 ms");
  EXPECT_EQ(late.direct_sound, 79);
  EXPECT_THROW(cropped(response, {.start = "101ms"}), UsageError);  // silence
  const Response early = cropped(response, {.length = "50ms"});
  ASSERT_EQ(early.warnings.size(), 1u);
  EXPECT_TRUE(says(early.warnings.front(), {"of the right ear, which arrives after 100.00 ms"}));
  EXPECT_EQ(early.direct_sound, 20);
}

TEST(CropTest, HasTheDirectSoundOfWhatIsLeft) {
  EXPECT_EQ(cropped(whole(), {.length = "21smp"}).direct_sound, 20);
  EXPECT_EQ(cropped(whole(), {.length = "20smp"}).direct_sound, 1);  // within 20 dB of tap 19
  EXPECT_EQ(cropped(whole(7), {.length = "10smp"}).direct_sound, 0);
}

TEST(CropTest, RefusesWhatLeavesNothing) {
  EXPECT_THROW(cropped(whole(7), {.start = "400ms"}), UsageError);
  EXPECT_THROW(cropped(whole(7), {.length = "0s"}), UsageError);
  EXPECT_THROW(cropped(whole(7), {.length = "20ms", .fade = "21ms"}), UsageError);
  EXPECT_THROW(cropped(whole(7), {.start = "20"}), UsageError);
}

}  // namespace
}  // namespace gpuconv::test
