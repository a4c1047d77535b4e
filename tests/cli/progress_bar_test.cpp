#include "host/cli/progress_bar.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace gpuconv::test {
namespace {

TEST(ProgressBarTest, TellsShareSpeedPeakClipsAndTheTimeLeft) {
  Progress progress{120'000, 480'000, 48'000, {{0.5f, 0}, {0.25f, 0}}, {}};
  EXPECT_EQ(progress_line(progress, 0.5),
            " 25 % [=====               ] 5.0 x real time, peak -6.0 dBFS, 1.5 s left");
  progress.clipped = {3, 4};
  progress.samples = 480'000;
  EXPECT_EQ(progress_line(progress, 2),
            "100 % [====================] 5.0 x real time, peak -6.0 dBFS, 7 clipped");
}

TEST(ProgressBarTest, NeedsNoLength) {
  const Progress progress{48'000 * 7'200, std::nullopt, 48'000, {{1, 0}, {0, 0}}, {}};
  EXPECT_EQ(progress_line(progress, 10), "2 h so far, 720 x real time, peak 0.0 dBFS");
}

TEST(ProgressBarTest, SlowSpeedsHaveADecimal) {
  EXPECT_EQ(real_time(1, 3), "0.3 x real time");
  EXPECT_EQ(real_time(1, 30), "0.03 x real time");
  EXPECT_EQ(real_time(9.94, 1), "9.9 x real time");
  EXPECT_EQ(real_time(9.96, 1), "10 x real time");
  EXPECT_EQ(real_time(7'200, 10), "720 x real time");
}

TEST(ProgressBarTest, EstimatesAreSaidInOneLine) {
  EXPECT_EQ(estimate_line("cpu-naive", 47), "cpu-naive: about 47 s by estimate");
}

TEST(ProgressBarTest, DrawsOverItselfButSaysNothingTwiceInALog) {
  const auto said = [](bool is_for_log) {
    ::testing::internal::CaptureStderr();
    {
      ProgressBar bar(is_for_log);
      std::this_thread::sleep_for(std::chrono::milliseconds(110));
      bar.show(std::string("cpu-naive, head"));
      bar.show(std::string("too soon"));
      bar.announce("stays");
    }
    return ::testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(said(false), "\rcpu-naive, head\x1b[K\r\x1b[Kstays\n\r\x1b[K");
  EXPECT_EQ(said(true), "stays\n");
}

}  // namespace
}  // namespace gpuconv::test
