#include "host/read/source.hpp"

#include <limits>

#include "tests/support/files.hpp"

namespace gpuconv {
namespace {

using namespace test;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<float> read_all(SourceReader& reader, std::size_t block) {
  std::vector<float> all;
  std::vector<float> samples(block);
  while (const std::size_t got = reader.read(samples)) {
    all.insert(all.end(), samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(got));
  }
  return all;
}

std::string source_refusal(const std::string& path, const SourceOptions& options = {}) {
  return message_of<FileError>([&] {
    SourceReader reader(path, options);
    read_all(reader, 1000);
  });
}

TEST(SourceTest, ReadsTheSameSamplesInBlocksOfAnyLength) {
  const Folder folder;
  std::vector<float> samples(150'001);
  for (std::size_t n = 0; n < samples.size(); ++n) samples[n] = static_cast<float>(n) * 0x1p-18f;
  const std::string path = float_wav(folder, "mono.wav", 1, samples);
  for (const std::size_t block : {1'000u, 65'536u, 100'000u, 200'000u}) {
    SourceReader reader(path);
    EXPECT_EQ(read_all(reader, block), samples) << block;
  }
}

TEST(SourceTest, ABlockIsFilledUnlessTheSourceEnds) {
  const Folder folder;
  SourceReader reader(float_wav(folder, "mono.wav", 1, std::vector<float>(150'000, 1.0f)));
  std::vector<float> block(140'000);
  EXPECT_EQ(reader.read(block), 140'000u);
  EXPECT_EQ(reader.read(block), 10'000u);
  EXPECT_EQ(reader.read(block), 0u);
}

TEST(SourceTest, SeveralChannelsNeedAChoice) {
  const Folder folder;
  const std::string path = float_wav(folder, "three.wav", 3, {1, 2, 3, 4, 5, 6});
  EXPECT_TRUE(says(source_refusal(path), {path, "3 channels", "--channel"}));
  EXPECT_TRUE(says(source_refusal(float_wav(folder, "two.wav", 2, {1, 2})),
                   {"2 channels", "(the response comes second)", "--channel"}));
  for (int channel = 1; channel <= 3; ++channel) {
    SourceReader reader(path, {channel});
    const auto first = static_cast<float>(channel);
    EXPECT_EQ(read_all(reader, 10), (std::vector<float>{first, first + 3}));
  }
  EXPECT_TRUE(says(source_refusal(path, {4}), {"no channel 4", "1..3"}));
  EXPECT_TRUE(says(source_refusal(path, {0}), {"no channel 0", "1..3"}));
  EXPECT_TRUE(
      says(source_refusal(float_wav(folder, "mono.wav", 1, {1}), {2}), {"no channel 2", "1..1"}));
}

TEST(SourceTest, NoSampleAtAllIsAnError) {
  const Folder folder;
  EXPECT_TRUE(
      says(source_refusal(float_wav(folder, "none.wav", 1, {})), {"no samples", "0 frames"}));
}

TEST(SourceTest, TheFirstFrameThatIsNoNumberIsNamed) {
  const Folder folder;
  std::vector<float> samples(100'000, 0.5f);
  samples[70'001] = kNan;
  samples[70'005] = kInf;
  EXPECT_TRUE(says(source_refusal(float_wav(folder, "nan.wav", 1, samples)),
                   {"frame 70001 is not a number", "--nonfinite zero"}));
  samples[3] = -kInf;
  EXPECT_TRUE(
      says(source_refusal(float_wav(folder, "inf.wav", 1, samples)), {"frame 3 is infinite"}));
}

TEST(SourceTest, SamplesThatAreNoNumbersCanBecomeZeroAndAreCounted) {
  const Folder folder;
  SourceReader reader(float_wav(folder, "nan.wav", 1, {1, kNan, 2, kInf, -kInf}),
                      {{}, NonFinite::zero});
  EXPECT_EQ(read_all(reader, 2), (std::vector<float>{1, 0, 2, 0, 0}));
  EXPECT_EQ(reader.replaced(), 3);
}

TEST(SourceTest, OnlyTheChosenChannelHasToBeFinite) {
  const Folder folder;
  SourceReader reader(float_wav(folder, "two.wav", 2, {1, kNan, 2, kNan}), {1});
  EXPECT_EQ(read_all(reader, 10), (std::vector<float>{1, 2}));
}

TEST(SourceTest, ADoubleTooBigForFloatCountsAsInfinite) {
  const Folder folder;
  const std::string path = folder.file("double.wav");
  write_bytes(path, wav_bytes({3, 64, 1}, bytes_of(std::vector<double>{0.5, 1e300})));
  EXPECT_TRUE(says(source_refusal(path), {"frame 1 is infinite"}));
}

TEST(SourceTest, ATruncatedSourceCanBeAccepted) {
  const Folder folder;
  const std::string path = folder.file("cut.wav");
  write_bytes(path, wav_bytes({3, 32, 1}, bytes_of(std::vector<float>{1, 2}), 4000));
  EXPECT_TRUE(says(source_refusal(path), {"is truncated"}));
  SourceReader reader(path, {{}, NonFinite::error, Truncated::accept});
  EXPECT_EQ(read_all(reader, 10), (std::vector<float>{1, 2}));
  EXPECT_TRUE(says(reader.shortfall(), {"4000"}));
}

}  // namespace
}  // namespace gpuconv
