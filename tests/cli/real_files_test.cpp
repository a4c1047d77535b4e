// real_files_test.cpp - real speech in real rooms, through the whole program path but the shell
#include <gtest/gtest.h>

#include <cmath>

#include "host/base/error.hpp"
#include "host/render/prepared.hpp"
#include "tests/support/closeness.hpp"
#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

Signal read_mono(const std::string& path, std::size_t limit = 1 << 24) {
  SourceReader reader(path);
  Signal signal(limit);
  signal.resize(reader.read(signal));
  return signal;
}

Stereo<Signal> read_stereo(const std::string& path) { return load_response(path).taps; }

/// The first `length` samples of a recording as a file of its own.
std::string shortened(const Folder& folder, const std::string& path, std::size_t length) {
  return float_wav(folder, "short.wav", 1, read_mono(path, length));
}

class RealFiles : public ::testing::TestWithParam<const Method*> {
 protected:
  void SetUp() override { GPUCONV_SKIP_UNLESS_RUNS(*GetParam()); }

  /// Renders to a file and compares what the file holds.
  void expect_render(const std::string& input, const std::string& response) const {
    const Folder folder;
    Job job;
    job.input = input;
    job.response = response;
    job.output = folder.file("wet.wav");
    job.request.method = GetParam()->name;
    job.request.allows_hopeless = true;
    const JobReport report = run(resolve(job));
    const Signal source = read_mono(input);
    const Stereo<Signal> taps = read_stereo(response);
    const Stereo<Signal> wet = read_stereo(job.output);
    EXPECT_EQ(report.written->frames,
              static_cast<std::int64_t>(source.size() + taps.left.size() - 1));
    for (const Side side : kSides) {
      EXPECT_TRUE(is_close(wet[side], reference(source, taps[side]),
                           error_bound(*GetParam(), static_cast<std::int64_t>(source.size()),
                                       static_cast<std::int64_t>(taps[side].size())),
                           GetParam()->is_direct))
          << name(side);
    }
  }
};

TEST_P(RealFiles, LibriSpeechInTheHallOfSpokane) {
  GPUCONV_TEST_FILE(speech, "speech/librispeech_1088-134315-0000_16k.wav");
  GPUCONV_TEST_FILE(hall, "ir/hall_spokane_16k_70000.wav");
  if (GetParam()->longest_response < 70'000) {
    GTEST_SKIP() << GetParam()->name << ": 70,000 taps are beyond it";
  }
  const Folder folder;
  // What is hopeless or slow takes a shortened clip: the emulation does 10^8 products a second.
  const bool is_quick = GetParam()->operations(256'640, 70'000) < 5e9;
  const std::size_t length = GetParam()->name == "cpu-dft"             ? 0
                             : GetParam()->name == "cpu-naive"         ? 8000
                             : GetParam()->processor == Processor::gpu ? 500
                                                                       : 64'000;
  if (length == 0) GTEST_SKIP() << "cpu-dft: 70,000 taps are hopeless at any length";
  expect_render(is_quick ? speech : shortened(folder, speech, length), hall);
}

TEST_P(RealFiles, AShortSentenceInARealRoom) {
  GPUCONV_TEST_FILE(speech, "speech/librivox_sense_0880_16k.wav");
  GPUCONV_TEST_FILE(room, "ir/brir_unis_room_a_left45_16k.wav");
  const Folder folder;
  expect_render(shortened(folder, speech, 2000), room);
}

TEST_P(RealFiles, KeepTheSideOfTheSource) {
  GPUCONV_TEST_FILE(speech, "speech/librivox_sense_0880_16k.wav");
  GPUCONV_TEST_FILE(left, "ir/brir_unis_room_a_left45_16k.wav");
  GPUCONV_TEST_FILE(right, "ir/brir_unis_room_a_right60_16k.wav");
  const Signal source = read_mono(speech, 3000);
  const auto level_difference = [&](const std::string& room) {
    const Stereo<Signal> wet = run(*GetParam(), source, read_stereo(room));
    Stereo<double> energy;
    for (const Side side : kSides) {
      for (const float sample : wet[side]) energy[side] += double{sample} * double{sample};
    }
    return 10 * std::log10(energy.left / energy.right);
  };
  EXPECT_GT(level_difference(left), 1.5);
  EXPECT_LT(level_difference(right), -1.5);
}

INSTANTIATE_TEST_SUITE_P(, RealFiles, ::testing::ValuesIn([] {
                           std::vector<const Method*> all;
                           for (const Method& method : methods()) all.push_back(&method);
                           return all;
                         }()),
                         [](const auto& parameter) { return test_name(parameter.param->name); });

TEST(Rates, AreConvertedForTheResponseNotForTheRecording) {
  GPUCONV_TEST_FILE(speech, "speech/xmas_44k1.wav");
  GPUCONV_TEST_FILE(room, "ir/hrir_unis_anechoic_left30_16k.wav");
  const Folder folder;
  Job job;
  job.input = speech;
  job.response = room;
  job.output = folder.file("wet.wav");
  const JobReport report = run(resolve(job));
  EXPECT_EQ(load_response(job.output).rate, 44'100);
  EXPECT_EQ(report.response.file_rate, 16'000);
  EXPECT_GE(report.response.taps, 197 * 441 / 160);
  EXPECT_GE(report.written->frames, 114'400);

  job.rate_policy = RatePolicy::error;
  EXPECT_TRUE(says(message_of<FileError>([&] { run(resolve(job)); }), {"16000 Hz", "44100 Hz"}));
}

TEST(Rates, AConvertedUnitTapAtSampleZeroKeepsLevelAndTimeOfTheRecording) {
  const Folder folder;
  // A slow sine: far below both Nyquist frequencies.
  Signal source(4000);
  for (std::size_t n = 0; n < source.size(); ++n) {
    source[n] =
        static_cast<float>(0.5 * std::sin(2 * M_PI * 200 * static_cast<double>(n) / 16'000));
  }
  for (const std::uint32_t rate : {44'100u, 48'000u, 8'000u}) {
    Job job;
    job.input = float_wav(folder, "in.wav", 1, source);
    job.response = float_wav(folder, "unit.wav", 2, {1, 1, 0, 0, 0, 0}, rate);
    job.output = folder.file("wet.wav");
    job.length = WetLength::same;
    run(resolve(job));
    const Stereo<Signal> wet = read_stereo(job.output);
    ASSERT_EQ(wet.left.size(), source.size());
    EXPECT_EQ(wet.left, wet.right);
    for (std::size_t n = 600; n < 3400; ++n) {
      ASSERT_NEAR(wet.left[n], source[n], 0.5 * 0.0012) << rate << " Hz, frame " << n;
    }
  }
}

TEST(Predelay, IsAPureShiftAlsoOfAConvertedResponse) {
  const Folder folder;
  Job job;
  job.input = float_wav(folder, "in.wav", 1, noise(3000, 1));
  job.response = float_wav(folder, "unit.wav", 2, {1, 1, 0.5f, 0.5f}, 44'100);
  job.output = folder.file("wet.wav");
  run(resolve(job));
  const Signal now = read_stereo(job.output).left;
  job.mix.predelay = "20ms";
  run(resolve(job));
  const Signal later = read_stereo(job.output).left;
  ASSERT_EQ(later.size(), now.size() + 320);
  for (std::size_t n = 0; n < now.size(); ++n) {
    ASSERT_NEAR(later[n + 320], now[n], 1e-5) << n;
  }
  for (std::size_t n = 0; n < 200; ++n) ASSERT_NEAR(later[n], 0, 0.02) << n;
}

TEST(Length, SameEndsWithTheRecordingFullKeepsTheTail) {
  const Folder folder;
  Job job;
  job.input = float_wav(folder, "in.wav", 1, {1, 0, 0, 0.5f});
  job.response = float_wav(folder, "room.wav", 2, {1, 2, 3, 4, 5, 6});
  job.output = folder.file("wet.wav");
  run(resolve(job));
  EXPECT_EQ(read_stereo(job.output).left.size(), 6u);
  job.length = WetLength::same;
  run(resolve(job));
  EXPECT_EQ(read_stereo(job.output).left.size(), 4u);
}

}  // namespace
}  // namespace gpuconv::test
