// source_part_test.cpp - parts of recordings, in seconds, and recordings within archives
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sndfile.h>
#include <sys/resource.h>
#include <time.h>

#include "host/read/measured_source.hpp"
#include "host/read/source.hpp"
#include "tests/support/files.hpp"
#include "tests/support/filled_pipe.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/recordings.hpp"

namespace gpuconv::test {
namespace {

SourceOptions part(std::optional<double> offset, std::optional<double> duration) {
  SourceOptions options;
  options.offset = offset;
  options.duration = duration;
  return options;
}

Signal read_part(const std::string& path, const SourceOptions& options) {
  SourceReader reader(path, options);
  Signal samples(std::size_t{1} << 20);
  samples.resize(reader.read(samples));
  float more = 0;
  EXPECT_EQ(reader.read({&more, 1}), 0u);
  if (reader.format().frames > 0) {
    EXPECT_EQ(std::ssize(samples), reader.format().frames);
  }
  return samples;
}

Signal slice(const Signal& whole, std::size_t begin, std::size_t count) {
  return {whole.begin() + static_cast<std::ptrdiff_t>(begin),
          whole.begin() + static_cast<std::ptrdiff_t>(begin + count)};
}

constexpr std::size_t kSamples = 32'000;  // 2 s

class SourcePartTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& bytes) const {
    write_bytes(folder_.file(name), bytes);
    return folder_.file(name);
  }
  void expect_refusal(const std::string& path, const SourceOptions& options,
                      std::initializer_list<std::string_view> parts) const {
    EXPECT_TRUE(says(message_of<FileError>([&] { read_part(path, options); }), parts));
  }

  const Folder folder_;
  const Signal sound_ = noise(kSamples, 5);
  const std::string wav_ = float_wav(folder_, "a.wav", 1, sound_);
};

TEST_F(SourcePartTest, IsTheSameSamplesInEveryContainer) {
  for (const int format :
       {SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_WAV | SF_FORMAT_ULAW,
        SF_FORMAT_W64 | SF_FORMAT_PCM_24, SF_FORMAT_AIFF | SF_FORMAT_PCM_16,
        SF_FORMAT_CAF | SF_FORMAT_FLOAT, SF_FORMAT_AU | SF_FORMAT_PCM_16,
        SF_FORMAT_NIST | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
        SF_FORMAT_OGG | SF_FORMAT_VORBIS, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III}) {
    for (const int channels : {1, 2}) {
      const std::string bytes = encoded(format, noise(kSamples, 7), channels);
      if (bytes.empty()) continue;  // libsndfile may be built without MP3
      const std::string path = write("b", bytes);
      SourceOptions whole;
      whole.channel = channels;
      const Signal all = read_part(path, whole);
      for (const auto& [offset, duration] :
           {std::pair{0.0, 0.25}, {0.5, 0.1}, {0.1000312, 0.25}, {0.9375, 0.0625}}) {
        SourceOptions options = part(offset, duration);
        options.channel = channels;
        const auto begin = static_cast<std::size_t>(std::lround(offset * 16'000));
        const auto count = static_cast<std::size_t>(std::lround(duration * 16'000));
        EXPECT_EQ(read_part(path, options), slice(all, begin, count))
            << std::hex << format << " " << offset;
      }
    }
  }
}

TEST_F(SourcePartTest, IsTheSameFromAPipe) {
  for (const int format : {SF_FORMAT_WAV | SF_FORMAT_FLOAT, SF_FORMAT_FLAC | SF_FORMAT_PCM_16}) {
    const std::string bytes = encoded(format, sound_);
    const Signal all = read_part(write("b", bytes), {});
    EXPECT_EQ(read_part(FilledPipe(bytes).path(), part(0.5, 0.25)), slice(all, 8000, 4000));
    EXPECT_EQ(read_part(FilledPipe(bytes).path(), part(1.5, {})), slice(all, 24'000, 8000));
  }
}

TEST_F(SourcePartTest, GoesToTheEndWithoutADuration) {
  EXPECT_EQ(read_part(wav_, part(0.5, {})), slice(sound_, 8000, kSamples - 8000));
  EXPECT_EQ(read_part(wav_, part({}, 0.5)), slice(sound_, 0, 8000));
  EXPECT_EQ(read_part(wav_, part(0, 2)), sound_);
}

TEST_F(SourcePartTest, MayEndALittleAfterTheRecording) {
  EXPECT_EQ(read_part(wav_, part(1, 1.02)), slice(sound_, 16'000, 16'000));
  EXPECT_EQ(read_part(FilledPipe(read_bytes(wav_)).path(), part(1, 1.02)),
            slice(sound_, 16'000, 16'000));
  expect_refusal(wav_, part(1, 1.03),
                 {"a.wav: offset 1 s and duration 1.03 s go beyond its end, 2 s"});
}

TEST_F(SourcePartTest, BeyondTheEndIsAnError) {
  expect_refusal(wav_, part(2, {}), {"a.wav: offset 2 s is not before its end, 2 s"});
  expect_refusal(wav_, part(7.5, 1), {"a.wav: offset 7.5 s is not before its end, 2 s"});
  expect_refusal(wav_, part({}, 5), {"offset 0 s and duration 5 s go beyond its end, 2 s"});
  expect_refusal(wav_, part(0, 0.00001), {"duration 1e-05 s is less than a sample at 16000 Hz"});
}

TEST_F(SourcePartTest, BeyondTheEndOfAnUnknownLengthIsAnErrorToo) {
  std::string endless = encoded(SF_FORMAT_AU | SF_FORMAT_PCM_16, sound_);
  endless.replace(8, 4, "\xff\xff\xff\xff");
  EXPECT_EQ(read_part(FilledPipe(endless).path(), part(1.5, 0.25)).size(), 4000u);
  EXPECT_EQ(read_part(FilledPipe(endless).path(), part(1.5, 0.51)).size(), 8000u);
  EXPECT_EQ(read_part(FilledPipe(endless).path(), part(1.5, {})).size(), 8000u);
  for (const auto& [options, words] :
       {std::pair{part(2, {}), "offset 2 s is not before its end, 2 s"},
        {part(3, 1), "offset 3 s is not before its end, 2 s"},
        {part(1.5, 1), "offset 1.5 s and duration 1 s go beyond its end, 2 s"}}) {
    const FilledPipe pipe(endless);
    expect_refusal(pipe.path(), options, {words});
  }
}

TEST_F(SourcePartTest, NamesABadSampleByItsPlaceInTheRecording) {
  Signal bad = sound_;
  bad[20'000] = NAN;
  const std::string path = float_wav(folder_, "bad.wav", 1, bad);
  expect_refusal(path, part(1, {}), {"20000"});
  EXPECT_EQ(read_part(path, part(0, 1)), slice(sound_, 0, 16'000)) << "which is not read";
}

TEST_F(SourcePartTest, IsKnownBeforehand) {
  MeasuredSource source(wav_, part(0.5, 0.25));
  EXPECT_EQ(source.exact_length(), 4000);
}

TEST_F(SourcePartTest, ATruncatedRecordingMayHoldIt) {
  const std::string bytes = read_bytes(wav_);
  const std::string path = write("cut.wav", bytes.substr(0, bytes.size() - 4 * 4000));
  expect_refusal(path, part(0, 0.5), {"is truncated"});
  SourceOptions options = part(0.5, 0.25);
  options.truncated = Truncated::accept;
  EXPECT_EQ(read_part(path, options), slice(sound_, 8000, 4000));
}

// A cut at the end of ten hours costs no more than one at their beginning.
TEST_F(SourcePartTest, SkipsWhatIsNotCompressedWithoutReadingIt) {
  const std::string path = folder_.file("long.wav");
  const std::int64_t bytes = std::int64_t{16'000} * 2 * 36'000;
  std::string head = wav_bytes({1, 16, 1}, "", bytes);
  write_bytes(path, head.replace(4, 4, little(static_cast<std::uint64_t>(36 + bytes), 4)));
  std::filesystem::resize_file(path, static_cast<std::uintmax_t>(44 + bytes));
  const auto cpu_seconds = [] {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  };
  const double before = cpu_seconds();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(read_part(path, part(35'990, 10)).size(), 160'000u);
  }
  EXPECT_LT(cpu_seconds() - before, 1);
}

// ---- archives ----------------------------------------------------------------------------------

/// As Kaldi's wav-copy writes it: "ID ", then a WAV.
TEST_F(SourcePartTest, AnArchiveHoldsWavsOneAfterTheOther) {
  std::string archive;
  std::vector<std::size_t> offsets;
  std::vector<Signal> sounds;
  for (std::uint64_t i = 0; i < 3; ++i) {
    sounds.push_back(integers(3000 + 700 * i, 32'767, i));
    std::vector<std::int16_t> samples(sounds[i].begin(), sounds[i].end());
    for (float& sample : sounds[i]) sample /= 32'768;
    archive += fmt::format("utt{} ", i);
    offsets.push_back(archive.size());
    archive += wav_bytes({1, 16, 1}, bytes_of(samples));
  }
  const std::string path = write("wav.ark", archive);
  for (std::size_t i = 0; i < 3; ++i) {
    SourceOptions options;
    options.archive_offset = static_cast<std::int64_t>(offsets[i]);
    EXPECT_EQ(read_part(path, options), sounds[i]) << i;
    options.offset = 0.125;
    options.duration = 0.0625;
    EXPECT_EQ(read_part(path, options), slice(sounds[i], 2000, 1000)) << i;
  }
  SourceOptions wrong;
  for (const std::int64_t offset : {std::int64_t{0}, std::int64_t{6}, std::int64_t{1} << 40}) {
    wrong.archive_offset = offset;
    expect_refusal(path, wrong, {fmt::format("wav.ark: no WAV begins at byte {} of its", offset)});
  }
  const std::string cut = write("cut.ark", archive.substr(0, archive.size() - 1000));
  SourceOptions last;
  last.archive_offset = static_cast<std::int64_t>(offsets[2]);
  expect_refusal(cut, last, {fmt::format("cut.ark:{}: is truncated", offsets[2])});
  const FilledPipe pipe(archive);
  expect_refusal(pipe.path(), last, {"is a pipe and has no byte"});
}

/// As kaldiio's WriteHelper(..., write_function="soundfile") writes it.
TEST_F(SourcePartTest, AnArchiveOfKaldiioHoldsAnyRecording) {
  std::string archive;
  std::vector<std::size_t> offsets;
  std::vector<Signal> sounds;
  for (const int format : {SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                           SF_FORMAT_OGG | SF_FORMAT_VORBIS}) {
    const std::string recording = encoded(format, sound_);
    sounds.push_back(read_part(write("alone", recording), {}));
    archive += "utt ";
    offsets.push_back(archive.size());
    archive += "AUDIO\3" + little(recording.size(), 3) + recording;
  }
  const std::string path = write("a.ark", archive);
  SourceOptions options;
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    options.archive_offset = static_cast<std::int64_t>(offsets[i]);
    EXPECT_EQ(read_part(path, options), sounds[i]) << i;
  }
  options.archive_offset = 4;
  for (const std::string& size :
       {std::string("\0", 1), std::string("\3\0\0\0", 4), "\1" + std::string(1, '\x14'),
        std::string(20, '\xff'), "\x8" + std::string(8, '\xff')}) {
    EXPECT_THROW(read_part(write("b.ark", "utt AUDIO" + size + archive.substr(13)), options),
                 FileError);
  }
}

TEST_F(SourcePartTest, AWavInAnArchiveSaysWhereItEnds) {
  std::string wav = read_bytes(wav_);
  wav.replace(4, 4, "\xff\xff\xff\xff");
  SourceOptions options;
  options.archive_offset = 2;
  expect_refusal(write("a.ark", "u " + wav + "v " + wav), options,
                 {"a.ark:2: the WAV does not say where it ends"});
}

TEST_F(SourcePartTest, AChannelOfSeveralDoesNotMatterToOne) {
  SourceOptions options;
  options.channel = 2;
  expect_refusal(wav_, options, {"has no channel 2 (limit 1..1)"});
  options.channel_is_of_several = true;
  EXPECT_EQ(read_part(wav_, options), sound_);
  const std::string two = float_wav(folder_, "two.wav", 2, {1, 2, 3, 4});
  EXPECT_EQ(read_part(two, options), (Signal{2, 4}));
}

}  // namespace
}  // namespace gpuconv::test
