// verification_test.cpp - what --verify notices, what it lets pass, and what it costs
#include "host/render/verification.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "cuda/methods/lengths.hpp"
#include "host/base/error.hpp"
#include "host/read/measured_source.hpp"
#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

class Verified : public ::testing::Test {
 protected:
  void check(const Stereo<Signal>& wet, std::int64_t known_length, const char* method) const {
    Verification verification(response_, known_length);
    for (std::size_t n = 0; n < source_.size(); n += 777) {
      verification.source(
          std::span(source_).subspan(n, std::min<std::size_t>(777, source_.size() - n)));
    }
    for (std::size_t n = 0; n < wet.left.size(); n += 555) {
      const std::size_t count = std::min<std::size_t>(555, wet.left.size() - n);
      verification.wet(
          {std::span(wet.left).subspan(n, count), std::span(wet.right).subspan(n, count)});
    }
    verification.check(find_method(method));
  }

  /// What the verification says of `wet`; empty if it finds nothing wrong.
  std::string verdict(const Stereo<Signal>& wet, std::int64_t known_length) const {
    try {
      check(wet, known_length, "gpu-radix2");
    } catch (const GpuError& error) {
      return error.what();
    }
    return "";
  }

  const Signal source_ = noise(20'000, 1);
  const Stereo<Signal> response_{decaying_noise(3'000, 2), decaying_noise(3'000, 3)};
  const Stereo<Signal> wet_ = run(find_method("cpu-vectorised"), source_, response_);
};

TEST_F(Verified, FindsNothingWrongWhereNothingIs) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(verdict(wet_, 20'000), "");
  EXPECT_EQ(verdict(wet_, 3'000), "") << "longer than anybody knew";
  EXPECT_EQ(verdict(wet_, kEndless), "") << "shorter: no frame may have been seen";
}

// There, half of the last place is more than any share of the sample.
TEST_F(Verified, LetsDenormalNumbersBeRounded) {
  Signal quiet = source_;
  for (float& x : quiet) x *= 1e-20f;
  Stereo<Signal> faint = response_;
  for (const Side side : kSides) {
    for (float& h : faint[side]) h *= 1e-20f;
  }
  for (const char* const method : {"cpu-naive", "cpu-vectorised", "cpu-cooley-tukey"}) {
    const Stereo<Signal> wet = run(find_method(method), quiet, faint);
    Verification verification(faint, 20'000);
    verification.source(quiet);
    verification.wet({wet.left, wet.right});
    EXPECT_NO_THROW(verification.check(find_method(method))) << method;
  }
}

TEST_F(Verified, ComparesSixtyFourSamplesAlsoOfLessThanWasPromised) {
  const Folder folder;
  const std::string path = folder.file("cut.wav");
  write_bytes(path, wav_bytes({3, 32, 1}, bytes_of(source_), 80'000'000));
  const MeasuredSource cut(path, {{}, NonFinite::error, Truncated::accept});
  EXPECT_EQ(cut.least_length(), 1);
  Verification verification(response_, cut.least_length());
  verification.source(source_);
  verification.wet({wet_.left, wet_.right});
  EXPECT_GE(verification.samples(), 64);
  const MeasuredSource whole(float_wav(folder, "whole.wav", 1, source_), {});
  EXPECT_EQ(whole.least_length(), 20'000);
}

TEST_F(Verified, NoticesWhatRoundingCanNotDo) {
  const std::int64_t N = 20'000;
  EXPECT_TRUE(says(verdict({wet_.right, wet_.left}, N), {"frame ", "left ear", "gpu-radix2"}));
  Stereo<Signal> wrong = wet_;
  for (float& y : wrong.right) y *= 1.001f;
  EXPECT_TRUE(says(verdict(wrong, N), {"right ear", "should be"}));
  wrong = wet_;
  wrong.left.insert(wrong.left.begin(), 0);  // a frame late
  wrong.left.pop_back();
  EXPECT_NE(verdict(wrong, N), "");
  wrong = wet_;
  std::fill(wrong.right.begin() + 5'000, wrong.right.begin() + 15'000, 0.0f);  // a block is lost
  EXPECT_NE(verdict(wrong, N), "") << "missed with a probability of 1e-8";
  wrong = wet_;
  for (float& y : wrong.left) y = std::nanf("");
  EXPECT_NE(verdict(wrong, N), "");
  // A CPU does not compute something wrong by itself: that is a bug.
  EXPECT_TRUE(says(message_of<std::runtime_error>([&] { check(wrong, N, "cpu-vectorised"); }),
                   {"frame ", "cpu-vectorised"}));
}

TEST_F(Verified, NoticesFramesThatDidNotCome) {
  Stereo<Signal> cut = wet_;
  for (const Side side : kSides) cut[side].resize(22'000);
  EXPECT_TRUE(says(verdict(cut, 20'000),
                   {"22000 frames came where 20000 samples and 3000 taps make 22999"}));
}

TEST_F(Verified, LooksAtSixtyFourSamplesAndMoreOfWhatIsLongerThanKnown) {
  const auto samples = [&](std::int64_t known, std::size_t length) {
    Verification verification(response_, known);
    const Signal silence(std::min<std::size_t>(length, 5'000));
    for (std::size_t n = 0; n < length; n += silence.size()) verification.source(silence);
    const Signal frames(length + response_.left.size() - 1);
    verification.wet({frames, frames});
    return verification.samples();
  };
  EXPECT_EQ(samples(20'000, 20'000), 64);
  EXPECT_EQ(samples(1, 1), 64);
  EXPECT_GT(samples(10'000, 200'000), 64 + 16)
      << "and the last doubling may end behind the last frame";
}

/// The larger of 3 % and 20 ms: of the notebook's job, on the CPU, 20 ms.
TEST(VerificationCost, StaysBelowTwentyMilliseconds) {
#ifdef GPUCONV_EMULATED
  GTEST_SKIP() << "sanitizers slow down this more than that";
#endif
  const Signal source = noise(200'000, 1);
  const Stereo<Signal> response{noise(70'000, 2), noise(70'000, 3)};
  const Signal frames(269'999);
  double best = 1;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    Verification verification(response, 200'000);
    verification.source(source);
    verification.wet({frames, frames});
    EXPECT_THROW(verification.check(find_method("cpu-vectorised")), std::runtime_error);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::min(best, seconds.count());
  }
  EXPECT_LT(best, 0.020);
  RecordProperty("milliseconds", std::to_string(1e3 * best));
}

}  // namespace
}  // namespace gpuconv::test
