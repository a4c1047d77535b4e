#include "host/room/background.hpp"

#include <gtest/gtest.h>

#include "host/base/noise.hpp"
#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

class BackgroundTest : public ::testing::Test {
 protected:
  /// `frames` of both ears from `start` on, read `block` at a time.
  static Stereo<Signal> heard_from(const std::string& path, int rate, std::int64_t start,
                                   std::size_t frames, std::size_t block) {
    Background background(path, {}, rate);
    background.start_at(start);
    Stereo<Signal> ears{Signal(frames), Signal(frames)};
    for (std::size_t done = 0; done < frames; done += block) {
      const std::size_t count = std::min(block, frames - done);
      background.read(
          {std::span(ears.left).subspan(done, count), std::span(ears.right).subspan(done, count)});
    }
    return ears;
  }

  const Folder folder_;
};

TEST_F(BackgroundTest, GoesOnWithItsBeginWhateverTheBlocks) {
  const Signal hiss = noise(9001, 1);  // more than one portion
  const std::string path = float_wav(folder_, "hiss.wav", 1, hiss);
  for (const std::size_t block : {std::size_t{1}, std::size_t{1000}, std::size_t{30'000}}) {
    const Stereo<Signal> ears = heard_from(path, 16'000, 8999, 20'000, block);
    EXPECT_EQ(ears.left, ears.right);
    for (std::size_t n = 0; n < ears.left.size(); ++n) {
      ASSERT_EQ(ears.left[n], hiss[(8999 + n) % hiss.size()]) << n;
    }
  }
}

TEST_F(BackgroundTest, AtAnotherRateDoesNotDependOnTheBlocksEither) {
  const std::string path = float_wav(folder_, "stereo.wav", 2, noise(2 * 9001, 1), 44'100);
  for (const int rate : {8'000, 16'000, 48'000, 192'000}) {
    const Stereo<Signal> whole = heard_from(path, rate, 77, 30'000, 30'000);
    const Stereo<Signal> cut = heard_from(path, rate, 77, 30'000, 7);
    EXPECT_EQ(whole.left, cut.left) << rate;
    EXPECT_EQ(whole.right, cut.right) << rate;
    EXPECT_NE(whole.left, whole.right);
  }
}

TEST_F(BackgroundTest, CountsWhatNoHeaderSays) {
  EXPECT_EQ(Background(float_wav(folder_, "a.wav", 2, Signal(2 * 123)), {}, 16'000).length(), 123);
  write_bytes(folder_.file("cut.wav"), wav_bytes({}, bytes_of(Signal(50)), 4 * 80));
  EXPECT_EQ(Background(folder_.file("cut.wav"), {.truncated = Truncated::accept}, 16'000).length(),
            50);
  EXPECT_THROW(Background(float_wav(folder_, "none.wav", 1, {}), {}, 16'000).length(), FileError);
}

}  // namespace
}  // namespace gpuconv::test
