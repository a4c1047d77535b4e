#include "host/write/wav_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <numeric>

#include "host/read/audio_file.hpp"
#include "tests/support/files.hpp"

namespace gpuconv {
namespace {

using namespace test;

constexpr FileFormat kFloat{Container::wav, Encoding::ieee_float, 32};
constexpr FileFormat kPcm16{Container::wav, Encoding::pcm, 16};
constexpr FileFormat kPcm24{Container::wav, Encoding::pcm, 24};
constexpr FileFormat kPcm32{Container::wav, Encoding::pcm, 32};

std::string header_of(const FileFormat& format, int rate, std::optional<std::int64_t> frames) {
  const auto bytes = wav_header(format, rate, frames);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(WavWriterTest, TheHeaderOfSixteenBitPcmIsThisToTheByte) {
  EXPECT_EQ(header_of(kPcm16, 44'100, 3),
            std::string("RIFF\x54\0\0\0WAVE"
                        "JUNK\x1c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                        "fmt \x10\0\0\0\1\0\2\0\x44\xac\0\0\x10\xb1\2\0\4\0\x10\0"
                        "data\x0c\0\0\0",
                        80));
}

TEST(WavWriterTest, TheHeaderOfFloatIsThisToTheByte) {
  EXPECT_EQ(header_of(kFloat, 16'000, 2),
            std::string("RIFF\x66\0\0\0WAVE"
                        "JUNK\x1c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                        "fmt \x12\0\0\0\3\0\2\0\x80\x3e\0\0\0\xf4\1\0\x08\0\x20\0\0\0"
                        "fact\4\0\0\0\2\0\0\0"
                        "data\x10\0\0\0",
                        94));
}

TEST(WavWriterTest, TheHeaderOfTwentyFourBitPcmIsExtensible) {
  EXPECT_EQ(header_of(kPcm24, 48'000, 1),
            std::string("RIFF\x66\0\0\0WAVE"
                        "JUNK\x1c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                        "fmt \x28\0\0\0\xfe\xff\2\0\x80\xbb\0\0\0\x65\4\0\6\0\x18\0"
                        "\x16\0\x18\0\3\0\0\0\1\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
                        "data\6\0\0\0",
                        104));
}

TEST(WavWriterTest, AboveFourGibibytesTheSizesMoveToDs64) {
  const std::int64_t frames = 600'000'000;  // 4.8e9 bytes of float
  const std::string header = header_of(kFloat, 48'000, frames);
  EXPECT_EQ(header.substr(0, 48), "RF64" + little(0xffffffff, 4) + "WAVE" + "ds64" + little(28, 4) +
                                      little(94 - 8 + 4'800'000'000, 8) + little(4'800'000'000, 8) +
                                      little(frames, 8) + little(0, 4));
  EXPECT_EQ(header.substr(74),
            "fact" + little(4, 4) + little(frames, 4) + "data" + little(0xffffffff, 4));
  const std::string longer = header_of(kFloat, 48'000, 5'000'000'000);
  EXPECT_EQ(longer.substr(82, 4), little(0xffffffff, 4));
}

TEST(WavWriterTest, TheSwitchIsWhereThirtyTwoBitsEnd) {
  // 80 - 8 + 4 frames < 2^32 - 1
  const std::int64_t last = (0xfffffffe - 72) / 4;
  EXPECT_FALSE(is_rf64(kPcm16, last));
  EXPECT_EQ(header_of(kPcm16, 8'000, last).substr(0, 4), "RIFF");
  EXPECT_TRUE(is_rf64(kPcm16, last + 1));
  EXPECT_EQ(header_of(kPcm16, 8'000, last + 1).substr(0, 4), "RF64");
}

TEST(WavWriterTest, TheHeaderHasOneLengthForAnyNumberOfFrames) {
  for (const FileFormat& format : {kFloat, kPcm16, kPcm24, kPcm32}) {
    const std::size_t length = wav_header(format, 44'100, 0).size();
    EXPECT_EQ(wav_header(format, 44'100, 1'000'000'000'000).size(), length);
    EXPECT_EQ(wav_header(format, 44'100, std::nullopt).size(), length);
  }
}

TEST(WavWriterTest, LibsndfileReadsEveryHeader) {
  struct Case {
    FileFormat format;
    const char* container;
    const char* encoding;
  };
  const Case cases[] = {
      {kFloat, "WAV", "32-bit float"},
      {kPcm16, "WAV", "16-bit PCM"},
      {kPcm24, "WAVEX", "24-bit PCM"},
      {kPcm32, "WAVEX", "32-bit PCM"},
      {{Container::rf64, Encoding::ieee_float, 32}, "RF64", "32-bit float"},
      {{Container::rf64, Encoding::pcm, 16}, "RF64", "16-bit PCM"},
      {{Container::rf64, Encoding::pcm, 24}, "RF64", "24-bit PCM"},
  };
  const Folder folder;
  for (const Case& each : cases) {
    const auto bytes = static_cast<std::size_t>(10 * each.format.frame_bytes());
    write_bytes(folder.file("a.wav"),
                header_of(each.format, 96'000, 10) + std::string(bytes, '\0'));
    const AudioReader reader(folder.file("a.wav"));
    EXPECT_EQ(reader.format().container, each.container);
    EXPECT_EQ(reader.format().encoding, each.encoding);
    EXPECT_EQ(reader.format().frames, 10);
    EXPECT_EQ(reader.format().rate, 96'000);
    EXPECT_EQ(reader.format().channels, 2);
  }
}

TEST(WavWriterTest, APipeThatWasToldAnotherLengthIsAnError) {
  const Folder folder;
  const std::string path = folder.file("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const FileDescriptor reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
  OutputFile file(path, {});
  WavWriter writer(file, {Container::wav, Encoding::ieee_float, 32}, 48'000, 3);
  writer.write(std::span<const float>(std::vector<float>(4)));
  EXPECT_TRUE(says(message_of<FileError>([&] { writer.finish(); }),
                   {path, "told to expect 3 frames, 2 were written"}));
}

TEST(WavWriterTest, AFileOfFiveGigabytesIsReadBackWhole) {
  const Folder folder;
  const std::string path = folder.file("big.wav");
  const std::int64_t frames = 625'000'000;
  const std::string header = header_of(kFloat, 48'000, frames);
  write_bytes(path, header);
  // A hole: takes no room on the disk.
  const auto size = static_cast<off_t>(header.size()) + 8 * frames;
  if (::truncate(path.c_str(), size) != 0) GTEST_SKIP() << "no file of 5 GB here";
  AudioReader reader(path);
  EXPECT_EQ(reader.format().container, "RF64");
  EXPECT_EQ(reader.format().frames, frames);
  ASSERT_EQ(::truncate(path.c_str(), size - 1), 0);
  EXPECT_TRUE(says(message_of<FileError>([&] { AudioReader cut(path); }),
                   {"is truncated", "5000000000", "4999999999"}));
}

}  // namespace
}  // namespace gpuconv
