#include "host/read/audio_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <thread>

#include "tests/support/files.hpp"
#include "tests/support/nobody.hpp"
#include "tests/support/specimens.hpp"

namespace gpuconv {
namespace {

using namespace test;

std::string refusal(const std::string& path) {
  return message_of<FileError>([&] {
    AudioReader reader(path);
    std::vector<float> samples(4096 * static_cast<std::size_t>(reader.format().channels));
    while (reader.read(samples) > 0) {
    }
  });
}

std::vector<float> read_all(AudioReader& reader) {
  std::vector<float> all;
  std::vector<float> block(1000 * static_cast<std::size_t>(reader.format().channels));
  while (const std::size_t frames = reader.read(block)) {
    const auto samples = frames * static_cast<std::size_t>(reader.format().channels);
    all.insert(all.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(samples));
  }
  return all;
}

TEST(AudioFileTest, ReadsFloatSamplesAsTheyAre) {
  const Folder folder;
  const std::vector<float> samples{0.0f, 1.0f, -1.0f, 2.5f, 1e-40f, -0.125f};
  AudioReader reader(float_wav(folder, "two.wav", 2, samples, 48'000));
  EXPECT_EQ(reader.format().rate, 48'000);
  EXPECT_EQ(reader.format().channels, 2);
  EXPECT_EQ(reader.format().frames, 3);
  EXPECT_EQ(reader.format().container, "WAV");
  EXPECT_EQ(reader.format().encoding, "32-bit float");
  EXPECT_EQ(read_all(reader), samples);
  EXPECT_EQ(reader.shortfall(), "");
}

TEST(AudioFileTest, FullScaleOfPcmIsOne) {
  const Folder folder;
  write_bytes(folder.file("p.wav"),
              wav_bytes({1, 16, 1}, bytes_of(std::vector<std::int16_t>{-32768, 16384, 1, 32767})));
  AudioReader reader(folder.file("p.wav"));
  EXPECT_EQ(reader.format().encoding, "16-bit PCM");
  EXPECT_EQ(read_all(reader), (std::vector<float>{-1.0f, 0.5f, 1 / 32768.0f, 32767 / 32768.0f}));
}

TEST(AudioFileTest, ReadsNothingAfterTheEnd) {
  const Folder folder;
  AudioReader reader(float_wav(folder, "a.wav", 1, {1, 2, 3}));
  std::vector<float> block(2);
  EXPECT_EQ(reader.read(block), 2u);
  EXPECT_EQ(reader.read(block), 1u);
  EXPECT_EQ(reader.read(block), 0u);
  EXPECT_EQ(reader.read(block), 0u);
}

TEST(AudioFileTest, RefusesWhatCanNotBeOpened) {
  const Folder folder;
  const std::string missing = folder.file("missing.wav");
  EXPECT_TRUE(says(refusal(missing), {missing, "cannot be opened", "No such file"}));
  EXPECT_TRUE(says(refusal(folder.path()), {folder.path(), "is a folder"}));
  std::filesystem::create_symlink("nowhere", folder.file("dangling.wav"));
  EXPECT_TRUE(says(refusal(folder.file("dangling.wav")), {"No such file"}));
}

TEST(AudioFileTest, RefusesAForbiddenFile) {
  const AsNobody nobody;
  if (!nobody) GTEST_SKIP() << "root may read everything";
  const Folder folder;
  const std::string path = float_wav(folder, "a.wav", 1, {1});
  ::chmod(path.c_str(), 0);
  EXPECT_TRUE(says(refusal(path), {"cannot be opened", "Permission denied"}));
}

TEST(AudioFileTest, RefusesWhatIsNoAudio) {
  const Folder folder;
  write_bytes(folder.file("empty.wav"), "");
  EXPECT_TRUE(says(refusal(folder.file("empty.wav")), {"is empty (0 bytes)"}));
  write_bytes(folder.file("text.wav"), "Sing, O goddess, the anger of Achilles son of Peleus\n");
  EXPECT_TRUE(says(refusal(folder.file("text.wav")), {"this is text"}));
  write_bytes(folder.file("byte.wav"), "R");
  EXPECT_TRUE(says(refusal(folder.file("byte.wav")), {"is not audio"}));
}

TEST(AudioFileTest, RefusesAbsurdRatesAndChannels) {
  const Folder folder;
  const std::string path = folder.file("a.wav");
  write_bytes(path, wav_bytes({3, 32, 1, 2'000'000'000}, bytes_of(std::vector<float>{1, 2})));
  EXPECT_TRUE(says(refusal(path), {"sample rate out of range", "2000000000", "768000"}));
  write_bytes(path, wav_bytes({3, 32, 1, 768'001}, bytes_of(std::vector<float>{1, 2})));
  EXPECT_TRUE(says(refusal(path), {"768001"}));
  write_bytes(path, wav_bytes({3, 32, 1, 768'000}, bytes_of(std::vector<float>{1, 2})));
  EXPECT_NO_THROW(AudioReader{path});
  write_bytes(path, wav_bytes({3, 32, 2000}, bytes_of(std::vector<float>(2000))));
  EXPECT_TRUE(says(refusal(path), {path}));
}

/// An IRCAM file (BSF) of 16 frames: known to libsndfile, not listed.
std::string ircam_bytes() {
  std::string ircam = little(0x0001a364, 4) + std::string(1020, '\0') + std::string(32, '\1');
  const float rate = 16'000;
  std::memcpy(ircam.data() + 4, &rate, 4);
  ircam[8] = 1;
  ircam[12] = 2;
  return ircam;
}

/// 320 samples as GSM 6.10 in WAV.
std::string gsm_bytes() {
  return "RIFF" + little(60 + 65, 4) + "WAVEfmt " + little(20, 4) + little(0x31, 2) + little(1, 2) +
         little(8000, 4) + little(1625, 4) + little(65, 2) + little(0, 2) + little(2, 2) +
         little(320, 2) + "fact" + little(4, 4) + little(320, 4) + "data" + little(65, 4) +
         std::string(66, '\0');
}

TEST(AudioFileTest, RefusesContainersAndEncodingsOutsideTheList) {
  const Folder folder;
  const std::string path = folder.file("a.wav");
  write_bytes(path, ircam_bytes());
  EXPECT_TRUE(says(refusal(path), {"this is IRCAM, which is rarely used", "--allow-any-format"}));
  write_bytes(path, gsm_bytes());
  EXPECT_TRUE(says(refusal(path), {"0x0031 of WAV", "--allow-any-format"}));
}

TEST(AudioFileTest, ReadsWhatLibsndfileKnowsIfAnyFormatIsAllowed) {
  const Folder folder;
  const std::string path = folder.file("a.wav");
  write_bytes(path, ircam_bytes());
  AudioReader ircam(path, Truncated::error, Formats::any);
  EXPECT_TRUE(says(ircam.format().container, {"IRCAM"}));
  EXPECT_EQ(read_all(ircam), std::vector<float>(16, 257 / 32768.0f));
  write_bytes(path, gsm_bytes());
  AudioReader gsm(path, Truncated::error, Formats::any);
  EXPECT_TRUE(says(gsm.format().encoding, {"GSM"}));
  EXPECT_GE(read_all(gsm).size(), 320u);
}

TEST(AudioFileTest, ATruncatedWavIsAnErrorUnlessAccepted) {
  const Folder folder;
  const std::string path = folder.file("cut.wav");
  write_bytes(path, wav_bytes({3, 32, 1}, bytes_of(std::vector<float>(50, 0.5f)), 100'000));
  EXPECT_TRUE(says(refusal(path), {path, "is truncated", "100000", "200", "--truncated accept"}));
  AudioReader reader(path, Truncated::accept);
  EXPECT_EQ(read_all(reader), std::vector<float>(50, 0.5f));
  EXPECT_TRUE(says(reader.shortfall(), {"is truncated", "100000", "200"}));
}

TEST(AudioFileTest, AStreamedWavIsWhole) {
  const Folder folder;
  const std::string path = folder.file("streamed.wav");
  for (const std::int64_t size : {0x7ffff000LL, 0x7fffffffLL, 0x7fffffdbLL, 0xffffffffLL}) {
    write_bytes(path, wav_bytes({3, 32, 1}, bytes_of(std::vector<float>{1, 2, 3}), size));
    AudioReader reader(path);
    EXPECT_EQ(read_all(reader), (std::vector<float>{1, 2, 3})) << size;
  }
}

TEST(AudioFileTest, AWavWhoseHeaderWasNeverCompletedIsWhole) {
  const Folder folder;
  const std::string path = folder.file("killed.wav");
  write_bytes(path, wav_bytes({3, 32, 1}, bytes_of(std::vector<float>{1, 2, 3}), 0));
  AudioReader reader(path);
  EXPECT_EQ(reader.format().frames, 3);
  EXPECT_EQ(read_all(reader), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(reader.shortfall(), "");
}

TEST(AudioFileTest, AnotherHeaderThatWasNeverCompletedIsNamed) {
  const Folder folder;
  const std::string path = folder.file("killed.au");
  write_bytes(path, changed("AU", "data size", 0));
  EXPECT_TRUE(says(refusal(path), {"no samples by its header", "128 bytes follow"}));
}

/// The chunk would be heard as noise.
TEST(AudioFileTest, AnEmptyWavWithAChunkBehindItIsEmpty) {
  const Folder folder;
  const std::string path = folder.file("empty.wav");
  for (const std::uint64_t riff_size : {36, 0}) {  // libsndfile "mends" the latter
    for (const std::string name : {"LIST", "id3 ", "_PMX", "Xtra"}) {
      std::string bytes = wav_bytes({3, 32, 1}, "") + name + little(4, 4) + "INFO";
      bytes.replace(4, 4, little(riff_size, 4));
      write_bytes(path, bytes);
      AudioReader reader(path);
      EXPECT_EQ(reader.format().frames, 0) << name;
      EXPECT_EQ(read_all(reader), std::vector<float>{}) << name;
    }
  }
}

/// Written by libsndfile 1.2.0: of 4 GiB and 4000 bytes, 1000 frames were played.
TEST(AudioFileTest, AWavWhoseSizeHasWrappedIsAnErrorUnlessAccepted) {
  const Folder folder;
  const std::string path = folder.file("wrapped.wav");
  write_bytes(path, wav_bytes({3, 32, 1}, bytes_of(std::vector<float>(1000, 0.5f))));
  EXPECT_NO_THROW(AudioReader{path});
  std::filesystem::resize_file(path, 44 + 4000 + (std::uint64_t{1} << 32));
  EXPECT_TRUE(says(refusal(path), {path, "is longer than its header says", "4000 bytes",
                                   "4294971296 follow", "32 bits", "--truncated accept"}));
  AudioReader reader(path, Truncated::accept);
  EXPECT_EQ(read_all(reader), std::vector<float>(1000, 0.5f));
  EXPECT_TRUE(says(reader.shortfall(), {"is longer than its header says", "4000", "4294971296"}));
}

/// `bytes` of a FLAC with another number of frames in its STREAMINFO.
std::string with_total(std::string bytes, std::uint64_t frames) {
  bytes[21] = static_cast<char>((bytes[21] & 0xf0) | static_cast<char>(frames >> 32));
  return bytes.replace(22, 4, big(frames & 0xffffffff, 4));
}

TEST(AudioFileTest, AFlacLongerThanItsHeaderSaysIsAnErrorUnlessAccepted) {
  const Folder folder;
  const std::string path = folder.file("longer.flac");
  const std::string& whole = specimen("FLAC").bytes;
  for (const std::uint64_t promised : {1u, 20u, 31u}) {
    write_bytes(path, with_total(whole, promised));
    EXPECT_TRUE(
        says(refusal(path), {path, "is longer than its header says",
                             "promises " + std::to_string(promised) + " frames, and more are there",
                             "--truncated accept"}));
    AudioReader reader(path, Truncated::accept);
    EXPECT_EQ(read_all(reader).size(), 2 * promised);
    EXPECT_TRUE(says(reader.shortfall(), {"is longer", std::to_string(promised) + " frames"}));
  }
}

TEST(AudioFileTest, TagsBehindAFlacAreNoFrames) {
  const Folder folder;
  const std::string path = folder.file("tagged.flac");
  for (const std::string& tags :
       {"TAG" + std::string(125, 'x'), std::string(100'000, '\0'), std::string(5'000, '\xff'),
        "APETAGEX" + std::string(5'000, '\xf8')}) {
    write_bytes(path, specimen("FLAC").bytes + tags);
    AudioReader reader(path);
    EXPECT_EQ(read_all(reader).size(), 64u);
    EXPECT_EQ(reader.shortfall(), "");
  }
}

TEST(AudioFileTest, ATruncatedFlacIsAnErrorUnlessAccepted) {
  GPUCONV_TEST_FILE(whole, "formats/librivox_sense_0880_16k.flac");
  const Folder folder;
  const std::string path = folder.file("cut.flac");
  write_bytes(path, read_bytes(whole).substr(0, 30'000));
  EXPECT_TRUE(says(refusal(path), {"is truncated", "47840 frames"}));
  AudioReader reader(path, Truncated::accept);
  EXPECT_GT(read_all(reader).size(), 10'000u);
  EXPECT_TRUE(says(reader.shortfall(), {"is truncated", "47840"}));
}

TEST(AudioFileTest, ADamagedFlacIsAnErrorEvenIfTruncationIsAccepted) {
  GPUCONV_TEST_FILE(whole, "formats/librivox_sense_0880_16k.flac");
  const Folder folder;
  const std::string path = folder.file("damaged.flac");
  std::string bytes = read_bytes(whole);
  for (std::size_t i = 20'000; i < 20'400; ++i) bytes[i] ^= 0x5a;
  write_bytes(path, bytes);
  EXPECT_TRUE(
      says(refusal(path), {"is damaged (a frame is broken from sample 16384 (1.024 s) on)"}));
  EXPECT_THROW(
      {
        AudioReader reader(path, Truncated::accept);
        read_all(reader);
      },
      FileError);
}

TEST(AudioFileTest, AFlacWithoutATotalIsReadToItsEnd) {
  GPUCONV_TEST_FILE(whole, "formats/librivox_sense_0880_16k.flac");
  const Folder folder;
  const std::string path = folder.file("unknown.flac");
  write_bytes(path, with_total(read_bytes(whole), 0));
  AudioReader reader(path);
  EXPECT_EQ(reader.format().frames, -1);
  EXPECT_EQ(read_all(reader).size(), 47'840u);
}

TEST(AudioFileTest, ReadsAWavFromAPipe) {
  const Folder folder;
  const std::string path = folder.file("pipe.wav");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::vector<float> samples(30'000);
  for (std::size_t n = 0; n < samples.size(); ++n) samples[n] = static_cast<float>(n);
  std::thread writer([&] {
    write_bytes(path, wav_bytes({3, 32, 1}, bytes_of(samples), 0xffffffff));
  });
  {
    AudioReader reader(path);
    EXPECT_EQ(reader.format().frames, -1);
    EXPECT_EQ(read_all(reader), samples);
  }
  writer.join();
}

TEST(AudioFileTest, ReadsTheRealFilesOfEveryFormat) {
  struct Real {
    const char* name;
    const char* container;
    const char* encoding;
    int rate, channels;
    std::size_t frames;
  };
  constexpr Real kFiles[] = {
      {"speech/xmas_44k1.wav", "WAV", "16-bit PCM", 44'100, 1, 114'400},
      {"ir/hall_spokane_44k1_s24.wav", "WAV", "24-bit PCM", 44'100, 2, 264'685},
      {"formats/pd_bell_44k1.aiff", "AIFF", "16-bit PCM", 44'100, 1, 155'944},
      {"formats/cab_speaker_001_44k1_f32_2ch.wav", "WAV", "32-bit float", 44'100, 2, 10'143},
      {"formats/bformat_st_margarets_44k1_s32_4ch.wav", "WAVEX", "32-bit PCM", 44'100, 4, 88'200},
      {"formats/librivox_sense_0880_16k.flac", "FLAC", "16-bit PCM", 16'000, 1, 47'840},
      {"formats/librivox_sense_0880_16k.ogg", "Ogg", "Vorbis", 16'000, 1, 47'840},
      {"formats/librivox_sense_0880_16k_s24.wav", "WAVEX", "24-bit PCM", 16'000, 1, 47'840},
      {"formats/librivox_sense_0880_16k_u8.wav", "WAV", "8-bit PCM", 16'000, 1, 47'840},
  };
  for (const Real& real : kFiles) {
    GPUCONV_TEST_FILE(path, real.name);
    AudioReader reader(path);
    EXPECT_EQ(reader.format().container, real.container) << real.name;
    EXPECT_EQ(reader.format().encoding, real.encoding) << real.name;
    EXPECT_EQ(reader.format().rate, real.rate) << real.name;
    EXPECT_EQ(reader.format().channels, real.channels) << real.name;
    EXPECT_EQ(reader.format().frames, static_cast<std::int64_t>(real.frames)) << real.name;
    EXPECT_EQ(read_all(reader).size(), real.frames * static_cast<std::size_t>(real.channels))
        << real.name;
  }
}

}  // namespace
}  // namespace gpuconv
