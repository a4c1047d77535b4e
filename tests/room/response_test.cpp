#include "host/room/response.hpp"

#include <sys/stat.h>

#include <limits>
#include <thread>

#include "tests/support/files.hpp"

namespace gpuconv {
namespace {

using namespace test;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::string refusal(const std::string& path, const ResponseOptions& options = {}) {
  return message_of<FileError>([&] { load_response(path, options); });
}

TEST(ResponseTest, LeftComesFirst) {
  const Folder folder;
  const Response response =
      load_response(float_wav(folder, "r.wav", 2, {1, -1, 2, -2, 3, -3}, 44'100));
  EXPECT_EQ(response.taps.left, (Signal{1, 2, 3}));
  EXPECT_EQ(response.taps.right, (Signal{-1, -2, -3}));
  EXPECT_EQ(response.rate, 44'100);
  EXPECT_EQ(response.latency_frames, 0);
  EXPECT_TRUE(says(response.description, {"WAV", "32-bit float", "44100 Hz", "3 taps"}));
}

TEST(ResponseTest, OtherNumbersOfChannelsAreRefusedByName) {
  const Folder folder;
  EXPECT_TRUE(says(refusal(float_wav(folder, "one.wav", 1, {1, 2})),
                   {"has 1 channel where a response needs 2", "--both-ears gives both"}));
  EXPECT_TRUE(
      says(refusal(float_wav(folder, "four.wav", 4, {1, 2, 3, 4})), {"has 4 channels", "needs 2"}));
}

TEST(ResponseTest, OneChannelGoesToBothEarsOnRequest) {
  const Folder folder;
  ResponseOptions options;
  options.both_ears = true;
  const Response one = load_response(float_wav(folder, "one.wav", 1, {1, -2, 3}), options);
  EXPECT_EQ(one.taps.left, (Signal{1, -2, 3}));
  EXPECT_EQ(one.taps.right, one.taps.left);
  EXPECT_TRUE(says(one.description, {"3 taps", "one channel for both ears"}));
  const Response two = load_response(float_wav(folder, "two.wav", 2, {1, -1, 2, -2}), options);
  EXPECT_EQ(two.taps.left, (Signal{1, 2}));
  EXPECT_EQ(two.taps.right, (Signal{-1, -2}));
  const std::string four = float_wav(folder, "four.wav", 4, {1, 2, 3, 4});
  EXPECT_TRUE(says(message_of<FileError>([&] { load_response(four, options); }), {"4 channels"}));
  const std::string nan = float_wav(folder, "nan.wav", 1, {1, kNan});
  EXPECT_TRUE(
      says(message_of<FileError>([&] { load_response(nan, options); }), {"frame 1 is not"}));
}

TEST(ResponseTest, SilenceIsRefusedButOneSilentEarIsFine) {
  const Folder folder;
  EXPECT_TRUE(says(refusal(float_wav(folder, "s.wav", 2, {0, 0, -0.0f, 0})), {"silent response"}));
  EXPECT_NO_THROW(load_response(float_wav(folder, "l.wav", 2, {0, 0, 1e-30f, 0})));
  EXPECT_NO_THROW(load_response(float_wav(folder, "r.wav", 2, {0, 0, 0, 1e-30f})));
}

TEST(ResponseTest, NoTapsAtAllAreRefused) {
  const Folder folder;
  EXPECT_TRUE(says(refusal(float_wav(folder, "none.wav", 2, {})), {"no taps"}));
}

TEST(ResponseTest, TheFirstTapThatIsNoNumberIsNamed) {
  const Folder folder;
  std::vector<float> frames(2 * 40'000, 0.5f);
  frames[2 * 30'000 + 1] = kNan;
  const std::string path = float_wav(folder, "nan.wav", 2, frames);
  EXPECT_TRUE(says(refusal(path), {"frame 30000, channel 2 is not a number"}));
  ResponseOptions options;
  options.nonfinite = NonFinite::zero;
  const Response response = load_response(path, options);
  EXPECT_EQ(response.taps.right[30'000], 0.0f);
  EXPECT_EQ(response.repairs.replaced, 1);
}

TEST(ResponseTest, ALengthThatIsTooGreatIsRefusedBeforeItIsRead) {
  const Folder folder;
  const std::string path = folder.file("hours.wav");
  constexpr std::int64_t kBytes = 4 * (kMaxTaps + 1);
  write_bytes(path, wav_bytes({1, 16, 2}, "", kBytes));
  std::error_code error;
  std::filesystem::resize_file(path, 44 + kBytes, error);
  if (error) GTEST_SKIP() << "no sparse file of 1 GiB can be made here (" << error.message() << ")";
  EXPECT_TRUE(says(message_of<FileError>([&] { load_response(path); }),
                   {path, "268435457 taps", "limit 268435456"}));
}

TEST(ResponseTest, ADirectionIsOnlyForSofaFiles) {
  const Folder folder;
  const std::string path = float_wav(folder, "r.wav", 2, {1, 1});
  ResponseOptions options;
  options.sofa.azimuth = 30;
  EXPECT_TRUE(says(message_of<UsageError>([&] { load_response(path, options); }),
                   {path, "--azimuth", "SOFA"}));
  options = {};
  options.sofa.elevation = 0;
  EXPECT_THROW(load_response(path, options), UsageError);
}

TEST(ResponseTest, ATruncatedResponseCanBeAcceptedAndIsTold) {
  const Folder folder;
  const std::string path = folder.file("cut.wav");
  write_bytes(path, wav_bytes({3, 32, 2}, bytes_of(std::vector<float>{1, 2}), 4000));
  EXPECT_TRUE(says(refusal(path), {"is truncated"}));
  ResponseOptions options;
  options.truncated = Truncated::accept;
  const Response response = load_response(path, options);
  EXPECT_TRUE(says(response.description, {"1 taps"}));
  EXPECT_TRUE(says(response.repairs.shortfall, {"is truncated"}));
}

TEST(ResponseTest, AResponseCanComeThroughAPipe) {
  const Folder folder;
  const std::string path = folder.file("pipe.wav");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::vector<float> frames(2 * 50'000, 0.5f);
  std::thread writer([&] { write_bytes(path, wav_bytes({3, 32, 2}, bytes_of(frames))); });
  EXPECT_EQ(load_response(path).taps.right, Signal(50'000, 0.5f));
  writer.join();
}

TEST(ResponseTest, ReadsARealHall) {
  GPUCONV_TEST_FILE(path, "ir/hall_spokane_16k_70000.wav");
  const Response response = load_response(path);
  EXPECT_EQ(response.taps.left.size(), 70'000u);
  EXPECT_EQ(response.taps.right.size(), 70'000u);
  EXPECT_NE(response.taps.left, response.taps.right);
  GPUCONV_TEST_FILE(four, "formats/bformat_st_margarets_44k1_s32_4ch.wav");
  EXPECT_TRUE(says(refusal(four), {"has 4 channels"}));
}

}  // namespace
}  // namespace gpuconv
