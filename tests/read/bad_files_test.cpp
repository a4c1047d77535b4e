// bad_files_test.cpp - what exactly becomes of files that are known to be made wrongly
#include <fmt/core.h>

#include "host/read/source.hpp"
#include "host/room/response.hpp"
#include "host/write/output.hpp"
#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/specimens.hpp"
#include "tests/support/watched.hpp"

namespace gpuconv::test {
namespace {

class BadFiles : public ::testing::Test {
 protected:
  /// Samples of the left channel, read to the end.
  std::size_t length(const std::string& bytes, Truncated truncated = Truncated::error) {
    write_bytes(path_, bytes);
    SourceReader reader(path_, {1, NonFinite::error, truncated});
    std::vector<float> samples(1000);
    const std::size_t got = reader.read(samples);
    shortfall_ = reader.shortfall();
    return got;
  }

  std::string refusal(const std::string& bytes) {
    return message_of<FileError>([&] { length(bytes); });
  }

  const Folder folder_;
  const std::string path_ = folder_.file("bad");
  std::string shortfall_;
};

TEST_F(BadFiles, AWavWithoutSamplesOrWithTwoFormatsOrAChunkLargerThanTheFileIsRefused) {
  const std::string whole = specimen("WAV").bytes;
  EXPECT_TRUE(says(refusal(whole.substr(0, 36)), {path_, "is a WAV without format or samples"}));
  EXPECT_TRUE(says(refusal(whole.substr(0, 36) + whole.substr(12)), {"two formats"}));
  const std::string list = "LIST" + little(0x7fffffff, 4) + "INFO";
  EXPECT_TRUE(
      says(refusal(whole.substr(0, 36) + list + whole.substr(36)), {"without format or samples"}));
}

TEST_F(BadFiles, HalfAFrameAtTheEndIsLeftOut) {
  const std::string frames = bytes_of(std::vector<std::int16_t>{1, 2, 3});
  EXPECT_EQ(length(wav_bytes({1, 16, 1}, frames.substr(0, 5))), 2u);
  EXPECT_EQ(length(changed("WAV", "block align", 0)), 32u);
}

TEST_F(BadFiles, ImpossibleChannelsRatesAndBitsAreRefused) {
  for (const std::uint64_t channels : {0, 1025, 65'535}) {
    EXPECT_TRUE(says(refusal(changed("WAV", "channels", channels)), {path_})) << channels;
  }
  EXPECT_TRUE(says(refusal(changed("WAV", "rate", 0)), {path_}));
  EXPECT_TRUE(says(refusal(changed("WAV", "rate", 0xffffc180)), {path_}));  // -16,000
  for (const std::uint64_t bits : {0, 64}) {
    EXPECT_TRUE(says(refusal(changed("WAV", "bits", bits)), {path_})) << bits;
  }
  EXPECT_TRUE(
      says(refusal(changed("WAVEX", "GUID 3", 0x11)), {path_, "without format or samples"}));
}

TEST_F(BadFiles, ASizeBeyondAnyDiskMeansToTheEnd) {
  for (const std::uint64_t size : {0x7fffffff'ffffffffu, 0x7fffffff'fffffff0u}) {
    EXPECT_EQ(length(changed("RF64", "ds64 data size", size)), 32u) << size;
  }
  EXPECT_TRUE(says(refusal(changed("RF64", "ds64 data size", std::uint64_t{1} << 40)),
                   {"is truncated", "1099511627776"}));
}

TEST_F(BadFiles, NegativeSizesReachNoAllocation) {
  const auto spent = [&](const std::string& name, const std::string& field) {
    return watched([&] {
      try {
        length(changed(name, field, ~std::uint64_t{0}));
      } catch (const FileError&) {
      }
    });
  };
  for (const auto& [name, field] : {std::pair{"AIFF", "SSND size"},
                                    {"AIFF", "COMM size"},
                                    {"AIFF", "FORM size"},
                                    {"AU", "data size"},
                                    {"CAF", "data size"},
                                    {"CAF", "desc size"},
                                    {"CAF", "info size"}}) {
    EXPECT_LT(spent(name, field).bytes, std::size_t{4} << 20) << name << ' ' << field;
  }
}

TEST_F(BadFiles, AFileThatShrinksWhileItIsReadIsNamed) {
  const std::string path = float_wav(folder_, "shrinks.wav", 1, noise(100'000, 1));
  SourceReader reader(path);
  std::vector<float> samples(10'000);
  ASSERT_EQ(reader.read(samples), 10'000u);
  std::filesystem::resize_file(path, 100'000);
  EXPECT_TRUE(says(message_of<FileError>([&] {
                     while (reader.read(samples) > 0) {
                     }
                   }),
                   {path, "its header promises 100000 frames", "are there"}));
}

TEST_F(BadFiles, AFileThatVanishesWhileItIsReadIsReadToItsEnd) {
  const std::string path = float_wav(folder_, "vanishes.wav", 1, noise(100'000, 1));
  SourceReader reader(path);
  std::filesystem::remove(path);
  std::vector<float> samples(200'000);
  EXPECT_EQ(reader.read(samples), 100'000u);
}

TEST_F(BadFiles, ASmallFileOfMuchSilenceStreamsInLittleMemory) {
  constexpr int kBlocks = 100;
  const std::vector<float> silence(50'000);
  const std::string path = folder_.file("silence.flac");
  WetWriter writer(path, {}, 16'000);
  for (int block = 0; block < kBlocks; ++block) writer.write({silence, silence});
  writer.finish();
  ASSERT_LT(std::filesystem::file_size(path), std::size_t{1} << 20);
  std::size_t frames = 0;
  const Spent spent = watched([&] {
    SourceReader reader(path, {1});
    std::vector<float> samples(10'000);
    while (const std::size_t got = reader.read(samples)) frames += got;
  });
  EXPECT_EQ(frames, kBlocks * silence.size());
  EXPECT_LT(spent.bytes, std::size_t{4} << 20);
}

TEST_F(BadFiles, NamesMayHoldAnything) {
  for (const char* const name :
       {"two\nlines.wav", "-q.wav", "\xff\xfe.wav", "a b'\".wav", "%n.wav"}) {
    SourceReader reader(float_wav(folder_, name, 1, {1, 2, 3}));
    std::vector<float> samples(10);
    EXPECT_EQ(reader.read(samples), 3u) << name;
  }
}

}  // namespace
}  // namespace gpuconv::test
