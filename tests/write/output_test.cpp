#include "host/write/output.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <ctime>
#include <limits>
#include <thread>

#include "host/read/audio_file.hpp"
#include "host/write/quantise.hpp"
#include "tests/support/files.hpp"

namespace gpuconv {
namespace {

using namespace test;

using Ears = Stereo<std::vector<float>>;

/// Different for each ear, within +-0.9.
Ears wet_of(std::size_t frames) {
  Ears wet;
  for (std::size_t n = 0; n < frames; ++n) {
    wet.left.push_back(0.9f * std::sin(0.01f * static_cast<float>(n)));
    wet.right.push_back(0.5f * std::cos(0.037f * static_cast<float>(n)));
  }
  return wet;
}

WriteReport render(const std::string& path, const OutputFormat& format, const Ears& wet,
                   std::size_t block = 1'000, const OutputOptions& options = {}) {
  WetWriter writer(path, format, 16'000, options);
  for (std::size_t n = 0; n < wet.left.size(); n += block) {
    const std::size_t length = std::min(block, wet.left.size() - n);
    writer.write({std::span(wet.left).subspan(n, length), std::span(wet.right).subspan(n, length)});
  }
  return writer.finish();
}

Ears read_back(const std::string& path) {
  AudioReader reader(path);
  EXPECT_EQ(reader.format().channels, 2);
  EXPECT_EQ(reader.format().rate, 16'000);
  Ears wet;
  std::vector<float> frames(2 * 777);
  while (const std::size_t got = reader.read(frames)) {
    for (std::size_t n = 0; n < got; ++n) {
      wet.left.push_back(frames[2 * n]);
      wet.right.push_back(frames[2 * n + 1]);
    }
  }
  return wet;
}

struct Case {
  const char* name;
  OutputFormat format;
  int bits;  ///< of PCM; 0 for float
  const char* container;
  const char* encoding;
};

const Case kCases[] = {
    {"a.wav", {}, 0, "WAV", "32-bit float"},
    {"b.wav", {{}, 16}, 16, "WAV", "16-bit PCM"},
    {"c.wav", {{}, 24}, 24, "WAVEX", "24-bit PCM"},
    {"d.wav", {Encoding::pcm, 32}, 32, "WAVEX", "32-bit PCM"},
    {"a.rf64", {}, 0, "RF64", "32-bit float"},
    {"b.rf64", {{}, 16}, 16, "RF64", "16-bit PCM"},
    {"a.w64", {}, 0, "W64", "32-bit float"},
    {"b.w64", {{}, 24}, 24, "W64", "24-bit PCM"},
    {"a.caf", {}, 0, "CAF", "32-bit float"},
    {"b.caf", {{}, 16}, 16, "CAF", "16-bit PCM"},
    {"a.aiff", {}, 0, "AIFF", "32-bit float"},
    {"b.aif", {{}, 24}, 24, "AIFF", "24-bit PCM"},
    {"a.au", {}, 0, "AU", "32-bit float"},
    {"b.au", {Encoding::pcm, 32}, 32, "AU", "32-bit PCM"},
    {"a.flac", {}, 24, "FLAC", "24-bit PCM"},
    {"b.flac", {{}, 16}, 16, "FLAC", "16-bit PCM"},
};

TEST(OutputTest, EveryFormatComesBackAsItWasQuantised) {
  const Folder folder;
  const Ears wet = wet_of(5'003);
  for (const Case& each : kCases) {
    OutputFormat format = each.format;
    format.is_dithered = false;
    const WriteReport report = render(folder.file(each.name), format, wet);
    EXPECT_EQ(report.frames, 5'003) << each.name;
    EXPECT_EQ(static_cast<std::uintmax_t>(report.bytes),
              std::filesystem::file_size(folder.file(each.name)))
        << each.name;
    const AudioReader reader(folder.file(each.name));
    EXPECT_EQ(reader.format().container, each.container) << each.name;
    EXPECT_EQ(reader.format().encoding, each.encoding) << each.name;
    Ears due = wet;
    if (each.bits > 0) {
      const double steps = std::ldexp(1.0, each.bits - 1);
      for (const Side side : kSides) {
        for (float& y : due[side]) y = static_cast<float>(quantise(y, each.bits) / steps);
      }
    }
    const Ears found = read_back(folder.file(each.name));
    EXPECT_EQ(found.left, due.left) << each.name;
    EXPECT_EQ(found.right, due.right) << each.name;
  }
}

TEST(OutputTest, OggComesBackNearly) {
  const Folder folder;
  const Ears wet = wet_of(8'000);
  const WriteReport report = render(folder.file("a.ogg"), {}, wet);
  EXPECT_EQ(report.container, "Ogg");
  const Ears found = read_back(folder.file("a.ogg"));
  ASSERT_EQ(found.left.size(), wet.left.size());
  double difference = 0;
  for (std::size_t n = 0; n < wet.left.size(); ++n) {
    difference += std::pow(found.left[n] - wet.left[n], 2);
  }
  EXPECT_LT(std::sqrt(difference / 8'000), 0.05);
}

TEST(OutputTest, TheBytesDependOnTheSamplesAlone) {
  const Folder folder;
  const Folder later;
  const Ears wet = wet_of(3'000);
  for (const Case& each : kCases) render(folder.file(each.name), each.format, wet, 1'000);
  const auto second = std::time(nullptr);  // a PEAK chunk would hold the second of writing
  while (std::time(nullptr) == second) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  for (const Case& each : kCases) {
    render(later.file(each.name), each.format, wet, 77);
    EXPECT_TRUE(read_bytes(later.file(each.name)) == read_bytes(folder.file(each.name)))
        << each.name;
  }
}

TEST(OutputTest, TheBytesDoNotDependOnHowManyFramesComeAtATime) {
  const Folder folder;
  const Ears wet = wet_of(70'000);
  for (const Case& each : kCases) {
    render(folder.file(std::string("whole-") + each.name), each.format, wet, wet.left.size());
    const std::string whole = read_bytes(folder.file(std::string("whole-") + each.name));
    for (const std::size_t block : {std::size_t{997}, std::size_t{16'384}, std::size_t{20'000}}) {
      render(folder.file(each.name), each.format, wet, block);
      EXPECT_TRUE(read_bytes(folder.file(each.name)) == whole) << each.name << " of " << block;
    }
  }
}

TEST(OutputTest, LevelsAndClippedSamplesAreReportedForEachEar) {
  const Folder folder;
  const Ears wet{{0.5f, -2.0f, 1.0f, 1.5f}, {0.25f, 0, 0, -1.0f}};
  const WriteReport pcm = render(folder.file("a.wav"), {{}, 16, false}, wet);
  EXPECT_EQ(pcm.levels.left.peak, 2.0f);
  EXPECT_EQ(pcm.levels.left.over, 2);
  EXPECT_EQ(pcm.levels.right.peak, 1.0f);
  EXPECT_EQ(pcm.levels.right.over, 0);
  EXPECT_EQ(pcm.clipped.left, 2);
  EXPECT_EQ(pcm.clipped.right, 0);
  EXPECT_EQ(read_back(folder.file("a.wav")).left,
            (std::vector<float>{0.5f, -1.0f, 32'767 / 32'768.0f, 32'767 / 32'768.0f}));
  const WriteReport exact = render(folder.file("a.wav"), {}, wet);
  EXPECT_EQ(exact.levels.left.over, 2);
  EXPECT_EQ(exact.clipped.left, 0);
  EXPECT_EQ(read_back(folder.file("a.wav")).left, wet.left);
}

TEST(OutputTest, SixteenBitsAreDitheredUnlessTold) {
  const Folder folder;
  const std::vector<float> quiet(1'000, 0.25f / 32'768);
  const Ears wet{quiet, quiet};
  render(folder.file("a.wav"), {{}, 16}, wet);
  const Ears dithered = read_back(folder.file("a.wav"));
  EXPECT_NE(dithered.left, std::vector<float>(1'000)) << "it is still heard";
  EXPECT_NE(dithered.left, dithered.right) << "each ear has noise of its own";
  render(folder.file("a.wav"), {{}, 16, false}, wet);
  EXPECT_EQ(read_back(folder.file("a.wav")).left, std::vector<float>(1'000));
  render(folder.file("a.wav"), {{}, 24}, wet);
  EXPECT_EQ(read_back(folder.file("a.wav")).left, quiet) << "64 steps of 24 bits";
  render(folder.file("a.wav"), {{}, 16}, {std::vector<float>(1'000), quiet});
  EXPECT_EQ(read_back(folder.file("a.wav")).left, std::vector<float>(1'000)) << "a silent ear";
}

TEST(OutputTest, AnOverflowIsAnErrorThatNamesTheFrame) {
  const Folder folder;
  write_bytes(folder.file("a.wav"), "old");
  for (const OutputFormat& format : {OutputFormat{}, OutputFormat{{}, 16}}) {
    Ears wet = wet_of(3'000);
    wet.right[2'345] = std::numeric_limits<float>::infinity();
    EXPECT_TRUE(says(message_of<FileError>([&] { render(folder.file("a.wav"), format, wet); }),
                     {"a.wav", "overflow", "frame 2345 of the right ear is infinite"}));
    wet.left[7] = std::nanf("");
    EXPECT_TRUE(says(message_of<FileError>([&] { render(folder.file("a.wav"), format, wet); }),
                     {"frame 7 of the left ear is not a number"}));
    EXPECT_EQ(read_bytes(folder.file("a.wav")), "old");
    EXPECT_EQ(folder.count(), 1);
  }
}

TEST(OutputTest, EarsOfDifferentLengthAreABug) {
  const Folder folder;
  WetWriter writer(folder.file("a.wav"), {}, 16'000);
  const std::vector<float> samples(3);
  EXPECT_THROW(writer.write({samples, std::span(samples).first(2)}), std::invalid_argument);
}

TEST(OutputTest, WithoutFinishNothingIsLeft) {
  const Folder folder;
  const Ears wet = wet_of(100);
  for (const Case& each : kCases) {
    {
      WetWriter writer(folder.file(each.name), each.format, 16'000);
      writer.write({wet.left, wet.right});
    }
    EXPECT_EQ(folder.count(), 0) << each.name;
  }
}

TEST(OutputTest, AFileThatLostBytesUnderwayIsNotPublished) {
  const Folder folder;
  const Ears wet = wet_of(20'000);
  write_bytes(folder.file("a.wav"), "old");
  WetWriter writer(folder.file("a.wav"), {}, 16'000);
  writer.write({wet.left, wet.right});
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().extension() == ".tmp") std::filesystem::resize_file(entry.path(), 1'000);
  }
  EXPECT_TRUE(says(message_of<FileError>([&] { writer.finish(); }),
                   {"a.wav: reads back as", "20000 were written"}));
  EXPECT_EQ(read_bytes(folder.file("a.wav")), "old");
}

TEST(OutputTest, ALimitOfTheFileSizeIsAnErrorInEveryFormat) {
  const Folder folder;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  for (const Case& each : kCases) {
    // Noise, so that FLAC cannot make it small.
    Ears wet = wet_of(100'000);
    std::uint32_t seed = 1;
    for (float& y : wet.left)
      y = static_cast<float>(seed = seed * 1664525u + 1013904223u) * 0x1p-32f;
    struct rlimit limit = before;
    limit.rlim_cur = 100'000;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string message =
        message_of<FileError>([&] { render(folder.file(each.name), each.format, wet); });
    ::setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_TRUE(says(message, {each.name, "cannot be written", "File too large"}));
    EXPECT_EQ(folder.count(), 0) << each.name;
  }
  std::signal(SIGXFSZ, handler);
}

TEST(OutputTest, AFullDiskIsAnErrorThroughALinkToo) {
  const Folder folder;
  std::filesystem::create_symlink("/dev/full", folder.file("full.wav"));
  EXPECT_TRUE(says(message_of<FileError>([&] { render(folder.file("full.wav"), {}, wet_of(10)); }),
                   {"full.wav", "No space left"}));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
}

TEST(OutputTest, ADeviceNeedsNoExtension) {
  const WriteReport report = render("/dev/null", {{}, 16}, wet_of(10));
  EXPECT_EQ(report.frames, 10);
  EXPECT_EQ(report.bytes, 80 + 40);
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(OutputTest, APipeReceivesAStreamedWav) {
  const Folder folder;
  const std::string path = folder.file("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::string received;
  std::thread reader([&] { received = read_bytes(path); });
  const Ears wet = wet_of(5'000);
  render(path, {}, wet);
  reader.join();
  EXPECT_TRUE(std::filesystem::is_fifo(path));
  write_bytes(folder.file("received.wav"), received);
  EXPECT_EQ(read_back(folder.file("received.wav")).right, wet.right);
}

TEST(OutputTest, RefusalsComeBeforeTheWorkAndLeaveNothing) {
  const Folder folder;
  const auto refused = [&](const std::string& path, const OutputFormat& format, int rate) {
    return message_of<UsageError>([&] { WetWriter writer(path, format, rate); });
  };
  EXPECT_TRUE(says(refused(folder.file("a.mp3"), {}, 16'000), {".mp3"}));
  EXPECT_TRUE(says(refused(folder.file("a.flac"), {Encoding::ieee_float, 32}, 16'000), {"FLAC"}));
  EXPECT_TRUE(says(refused(folder.file("a.wav"), {}, 0), {"0 Hz"}));
  // FLAC ends at 655,350 Hz.
  EXPECT_TRUE(
      says(message_of<FileError>([&] { WetWriter writer(folder.file("a.flac"), {}, 768'000); }),
           {"a.flac", "FLAC", "768000"}));
  EXPECT_EQ(folder.count(), 0);
}

TEST(OutputTest, OptionsReachTheFile) {
  const Folder folder;
  write_bytes(folder.file("a.wav"), "old");
  OutputOptions options;
  options.no_clobber = true;
  EXPECT_TRUE(says(
      message_of<FileError>([&] { WetWriter writer(folder.file("a.wav"), {}, 16'000, options); }),
      {"--no-clobber"}));
  options = {false, {folder.file("a.wav")}};
  EXPECT_TRUE(says(
      message_of<FileError>([&] { WetWriter writer(folder.file("a.wav"), {}, 16'000, options); }),
      {"same file as the input"}));
}

}  // namespace
}  // namespace gpuconv
