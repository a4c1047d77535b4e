// whole_files_test.cpp - recordings that are read to their end and not beyond, or refused
#include <fcntl.h>
#include <sndfile.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <functional>
#include <future>
#include <thread>

#include "host/files/file_descriptor.hpp"
#include "host/read/audio_file.hpp"
#include "host/read/integrity_check.hpp"
#include "tests/support/files.hpp"
#include "tests/support/filled_pipe.hpp"

namespace gpuconv {
namespace {

using namespace test;

struct Seen {
  std::vector<float> samples;
  std::string shortfall;
};

Seen read_all(const std::string& path, Truncated truncated) {
  AudioReader reader(path, truncated);
  Seen seen;
  std::vector<float> block(1000 * static_cast<std::size_t>(reader.format().channels));
  while (const std::size_t frames = reader.read(block)) {
    const auto count = frames * static_cast<std::size_t>(reader.format().channels);
    seen.samples.insert(seen.samples.end(), block.begin(),
                        block.begin() + static_cast<std::ptrdiff_t>(count));
  }
  seen.shortfall = reader.shortfall();
  return seen;
}

/// The same bytes as a file and through a pipe.
class WholeFiles : public ::testing::TestWithParam<bool> {
 protected:
  Seen read(const std::string& bytes, Truncated truncated = Truncated::error) const {
    if (GetParam()) return read_all(FilledPipe(bytes).path(), truncated);
    write_bytes(folder_.file("a"), bytes);
    return read_all(folder_.file("a"), truncated);
  }
  std::string refusal(const std::string& bytes) const {
    return message_of<FileError>([&] { read(bytes); });
  }

  /// `count` samples as libsndfile writes them.
  std::string encoded(int format, std::size_t count) const {
    const std::string path = folder_.file("encoded");
    SF_INFO info{};
    info.samplerate = 16'000;
    info.channels = 1;
    info.format = format;
    SNDFILE* const file = sf_open(path.c_str(), SFM_WRITE, &info);
    EXPECT_NE(file, nullptr) << sf_strerror(nullptr);
    std::vector<float> samples(count);
    for (std::size_t n = 0; n < count; ++n) samples[n] = static_cast<float>(n % 331) / 1024;
    sf_writef_float(file, samples.data(), std::ssize(samples));
    sf_close(file);
    return read_bytes(path);
  }

  const Folder folder_;
};

constexpr int kW64 = SF_FORMAT_W64 | SF_FORMAT_PCM_16;
constexpr int kVorbis = SF_FORMAT_OGG | SF_FORMAT_VORBIS;
constexpr int kFlac = SF_FORMAT_FLAC | SF_FORMAT_PCM_16;
constexpr int kCaf = SF_FORMAT_CAF | SF_FORMAT_PCM_16;

std::string chunk_of_w64(const std::string& name, const std::string& content) {
  const std::string guid("\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a", 12);
  return name + guid + little(24 + content.size(), 8) + content;
}

/// A W64 of 16-bit samples, padded as it should be, and what follows.
std::string w64(const std::vector<std::int16_t>& samples, const std::string& behind = "") {
  const std::string bytes = bytes_of(samples);
  std::string fmt = little(1, 2) + little(1, 2) + little(16'000, 4) + little(32'000, 4) +
                    little(2, 2) + little(16, 2);
  std::string file = chunk_of_w64("fmt ", fmt) + chunk_of_w64("data", bytes);
  file.append((8 - file.size() % 8) % 8, '\x55');
  file += behind;
  const std::string guid("\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00", 12);
  return "riff" + guid + little(40 + file.size(), 8) + chunk_of_w64("wave", "").substr(0, 16) +
         file;
}

// libsndfile takes all that follows for sound.
TEST_P(WholeFiles, AW64EndsWithItsSamples) {
  const std::vector<std::int16_t> samples(1001, 8192);
  const std::vector<float> expected(1001, 0.25f);
  EXPECT_EQ(read(w64(samples)).samples, expected) << "padding";
  const std::string junk = chunk_of_w64("junk", std::string(4096, '\x7f'));
  EXPECT_EQ(read(w64(samples, junk)).samples, expected);
  EXPECT_EQ(read(encoded(kW64, 1001)).samples.size(), 1001u);
}

TEST_P(WholeFiles, AW64ThatBreaksOffIsTruncated) {
  const std::string whole = w64(std::vector<std::int16_t>(1001, 8192));
  const std::string cut = whole.substr(0, whole.size() - 506);
  EXPECT_TRUE(says(refusal(cut), {"is truncated", "--truncated accept"}));
  EXPECT_EQ(read(cut, Truncated::accept).samples.size(), 751u);
  EXPECT_TRUE(says(read(cut, Truncated::accept).shortfall, {"is truncated"}));
}

TEST_P(WholeFiles, AnOggWithoutItsLastPageIsTruncated) {
  const std::string whole = encoded(kVorbis, 50'000);
  EXPECT_EQ(read(whole).samples.size(), 50'000u);
  EXPECT_EQ(read(whole + std::string(300, 'x')).samples.size(), 50'000u) << "tags may follow";
  for (const std::size_t page : {whole.rfind("OggS"), whole.rfind("OggS") - 100, whole.size() - 1,
                                 whole.size() - 100, whole.rfind("OggS") + 40}) {
    const std::string cut = whole.substr(0, page);
    EXPECT_TRUE(says(refusal(cut), {"is truncated", "its last page", "--truncated accept"}));
    const Seen seen = read(cut, Truncated::accept);
    EXPECT_LT(seen.samples.size(), 50'000u);
    EXPECT_TRUE(says(seen.shortfall, {"is truncated"}));
  }
}

/// Where the pages of an Ogg begin.
std::vector<std::size_t> pages_of(const std::string& ogg) {
  std::vector<std::size_t> pages;
  for (std::size_t at = ogg.find("OggS"); at != ogg.npos; at = ogg.find("OggS", at + 4)) {
    pages.push_back(at);
  }
  pages.push_back(ogg.size());
  return pages;
}

// Libsndfile leaves such a page out and closes the gap.
TEST_P(WholeFiles, AnOggWithADamagedPageIsRefused) {
  const std::string whole = encoded(kVorbis, 50'000);
  const std::vector<std::size_t> pages = pages_of(whole);
  ASSERT_GT(pages.size(), 5u);
  for (std::size_t page = 2; page + 1 < pages.size(); ++page) {
    for (const std::size_t byte : {pages[page] + 40, pages[page + 1] - 1}) {
      std::string damaged = whole;
      damaged[byte] ^= 4;
      EXPECT_TRUE(says(refusal(damaged), {"is damaged", "checksum"})) << page;
    }
  }
  std::string lost = whole;
  lost[pages[3]] = 'o';
  EXPECT_TRUE(says(refusal(lost), {"is damaged", "where a page should begin"}));
}

TEST_P(WholeFiles, AnOggWithPagesMissingOrTwiceIsRefused) {
  const std::string whole = encoded(kVorbis, 50'000);
  const std::vector<std::size_t> pages = pages_of(whole);
  const std::size_t begin = pages[3], end = pages[4];
  ASSERT_LT(end, whole.size());
  EXPECT_TRUE(says(refusal(whole.substr(0, begin) + whole.substr(end)), {"is damaged", "missing"}));
  EXPECT_TRUE(says(refusal(whole.substr(0, end) + whole.substr(begin)), {"is damaged", "twice"}));
}

// Of a recorder that was killed after it had refreshed its header.
TEST_P(WholeFiles, SoundThatTheHeaderDoesNotCountIsTold) {
  const std::string sound = bytes_of(std::vector<std::int16_t>(1000, 0x1234)) +
                            bytes_of(std::vector<std::int16_t>(9000, -0x234));
  const std::string wav = wav_bytes({1, 16, 1}, sound, 2000);
  std::string aiff = encoded(SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 10'000);
  std::string au = encoded(SF_FORMAT_AU | SF_FORMAT_PCM_16, 10'000);
  au.replace(8, 4, big(2000, 4));
  for (const std::string& stale : {wav, au}) {
    EXPECT_TRUE(says(refusal(stale), {"is longer than its header says", "are not a chunk"}));
    EXPECT_EQ(read(stale, Truncated::accept).samples.size(), 1000u);
  }
  const std::string text = "LIST" + little(3000, 4) + sound.substr(500, 3000);
  const std::string odd = wav_bytes({1, 8, 1}, std::string(499, '\x91'));
  EXPECT_EQ(read(odd + text).samples.size(), 499u) << "the padding is missing";
  EXPECT_EQ(read(odd + '\0' + text).samples.size(), 499u);
  const std::string whole = wav_bytes({1, 16, 1}, bytes_of(std::vector<std::int16_t>(1000, 1)));
  for (const std::string& padding :
       {std::string(5000, '\0'), std::string(5000, '\xff'), std::string("ID3") + sound,
        std::string("APETAGEX") + sound, sound.substr(1500, 1000)}) {
    EXPECT_EQ(read(whole + padding).samples.size(), 1000u) << padding.substr(0, 4);
  }
}

TEST_P(WholeFiles, ASizeThatPromisesLessThanAFrameTooMuchIsRight) {
  const std::string sound = bytes_of(std::vector<std::int16_t>(1000, 1));
  EXPECT_EQ(read(wav_bytes({1, 16, 1}, sound, 2001)).samples.size(), 1000u);
}

// Libsndfile finds the samples of such a file by chance, and then believes all that it says.
TEST_P(WholeFiles, AWavWhoseChunksLeadNowhereIsRefused) {
  std::string wav = wav_bytes({1, 16, 1}, bytes_of(std::vector<std::int16_t>(4000, 1)));
  wav.insert(12, "LIST" + little(8, 4) + "INFO");  // four bytes too many
  EXPECT_TRUE(says(refusal(wav), {"without format or samples"}));
}

TEST_P(WholeFiles, AmbisonicsAreReadLikeOtherWavs) {
  std::string wav = wav_bytes({0xfffe, 16, 4}, bytes_of(std::vector<std::int16_t>(400, 8192)));
  const std::string extension = little(22, 2) + little(16, 2) + little(0, 4) + little(1, 4) +
                                std::string("\x21\x07\xd3\x11\x86\x44\xc8\xc1\xca\0\0\0", 12);
  wav.replace(16, 4, little(40, 4)).insert(36, extension);
  EXPECT_EQ(read(wav).samples, std::vector<float>(400, 0.25f));
}

// Of 24 bits SoX writes whole frames up to 0x7ffff000; of AIFF up to 0x7f000008.
TEST_P(WholeFiles, SizesOfStreamsMeanUpToTheEnd) {
  const std::string sound(6000, '\1');
  for (const std::int64_t claimed : {0x7fffefff, 0x7fffeffc, 0x7ffff000}) {
    EXPECT_EQ(read(wav_bytes({1, 24, 1}, sound, claimed)).samples.size(), 2000u) << claimed;
  }
  std::string aiff = encoded(SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 3000);
  std::string au = encoded(SF_FORMAT_AU | SF_FORMAT_PCM_16, 3000);
  std::string caf = encoded(kCaf, 3000);
  for (const std::uint64_t claimed : {0x7f000008u, 0x7fffffffu}) {
    aiff.replace(aiff.find("SSND") + 4, 4, big(claimed, 4));
    EXPECT_EQ(read(aiff).samples.size(), 3000u) << claimed;
  }
  for (const std::uint64_t claimed : {0x7ffff000u, 0xffffffffu}) {
    au.replace(8, 4, big(claimed, 4));
    EXPECT_EQ(read(au).samples.size(), 3000u) << claimed;
  }
  caf.replace(caf.find("data") + 4, 8, std::string(8, '\xff'));
  EXPECT_EQ(read(caf).samples.size(), 3000u);
}

/// A FLAC whose header does not say how long it is.
std::string without_total(std::string flac) {
  flac[21] = static_cast<char>(flac[21] & 0xf0);
  return flac.replace(22, 4, std::string(4, '\0'));
}

// Libsndfile writes what belongs into the header of a FLAC at the end where it cannot go back.
TEST_P(WholeFiles, AFlacWithoutATotalMayEndInATag) {
  const std::string whole = encoded(kFlac, 10'000);
  const std::string unknown = without_total(whole);
  const std::string id3 = "TAG" + std::string(125, 'x');
  const std::string ape =
      std::string(300, 'x') + "APETAGEX" + little(2000, 4) + little(332, 4) + std::string(16, '\0');
  const std::string with_header =
      ape.substr(0, 32) + ape.substr(0, ape.size() - 12) + little(1u << 31, 4) + little(0, 8);
  const std::string rest = whole.substr(26, 16) + whole.substr(21, 5) + whole.substr(12, 6);
  for (const std::string& tag : {std::string(), id3, ape, ape + id3, with_header, rest}) {
    EXPECT_EQ(read(unknown + tag).samples.size(), 10'000u) << tag.size();
  }
  EXPECT_EQ(read(unknown + std::string(1000, '\0')).samples.size(), 10'000u) << "padding";
  for (const std::size_t less : {1u, 2u, 300u}) {
    const std::string cut = unknown.substr(0, unknown.size() - less);
    EXPECT_TRUE(says(refusal(cut), {"is truncated", "breaks off"})) << less;
    for (const std::string& tag : {id3, ape, rest}) {
      EXPECT_TRUE(says(refusal(cut + tag), {"is truncated", "breaks off"})) << less;
    }
  }
}

/// Where the frames of a FLAC with blocks of one size begin.
std::vector<std::size_t> frames_of_flac(const std::string& flac) {
  const std::string sync("\xff\xf8", 2);
  std::vector<std::size_t> frames;
  for (std::size_t at = flac.find(sync); at != flac.npos; at = flac.find(sync, at + 2)) {
    if ((flac[at + 3] & 1) == 0 && static_cast<std::size_t>(flac[at + 4]) == frames.size()) {
      frames.push_back(at);
    }
  }
  return frames;
}

// Libsndfile stops there, or leaves out what it cannot decode, without a word.
TEST_P(WholeFiles, AFlacWithoutATotalIsCheckedFrameByFrame) {
  const std::string flac = without_total(encoded(kFlac, 50'000));
  const std::size_t first = flac.find(std::string("\xff\xf8", 2));
  ASSERT_NE(first, flac.npos);
  for (std::size_t byte = first; byte < flac.size(); byte += flac.size() / 40) {
    std::string damaged = flac;
    damaged[byte] ^= 16;
    const std::string words = refusal(damaged);
    EXPECT_TRUE(words.find("is damaged") != words.npos || words.find("breaks off") != words.npos)
        << byte << ": " << words;
  }
  const std::vector<std::size_t> frames = frames_of_flac(flac);
  ASSERT_GT(frames.size(), 5u);
  const std::string gap = flac.substr(0, frames[3]) + flac.substr(frames[4]);
  EXPECT_TRUE(
      says(refusal(gap), {"is damaged (frames are missing from sample 12288 (0.768 s) on)"}));
}

/// What the header says of the length is no help: the decoder would go on after the hole.
TEST_P(WholeFiles, AFlacWithAHoleSaysWhereItBegins) {
  const std::string flac = encoded(kFlac, 50'000);
  const std::vector<std::size_t> frames = frames_of_flac(flac);
  ASSERT_EQ(frames.size(), 13u);
  const auto without = [&](std::size_t first, std::size_t end) {
    return flac.substr(0, frames[first]) + flac.substr(frames[end]);
  };
  for (const Truncated truncated : {Truncated::error, Truncated::accept}) {
    const auto words = [&](const std::string& bytes) {
      return message_of<FileError>([&] { read(bytes, truncated); });
    };
    EXPECT_TRUE(says(words(without(5, 6)), {"is damaged (frames are missing from sample 20480 "
                                            "(1.280 s) on)"}));
    EXPECT_TRUE(says(words(without(2, 9)), {"frames are missing from sample 8192 (0.512 s)"}));
    EXPECT_TRUE(says(words(without(0, 1)), {"frames are missing from sample 0 (0.000 s)"}));
    std::string broken = flac;
    broken.replace(frames[7] + 40, 4, "xxxx");
    EXPECT_TRUE(says(words(broken), {"is damaged", "28672"}));
  }
  // One that ends too soon has no hole.
  EXPECT_TRUE(says(refusal(flac.substr(0, frames[7] + 30)),
                   {"is truncated (its header promises 50000 frames, 28672 are there)"}));
}

TEST_P(WholeFiles, ATagBetweenTwoRecordingsHidesNothing) {
  const std::string wav = wav_bytes({1, 16, 1}, bytes_of(std::vector<std::int16_t>(500, 1)));
  const std::string tag = std::string("ID3\4\0\0\0\0\x10\0", 10) + std::string(2048, 'x');
  EXPECT_EQ(read(wav + tag).samples.size(), 500u);
  EXPECT_TRUE(says(refusal(wav + tag + wav), {"several concatenated recordings"}));
  const std::string flac = encoded(kFlac, 9000);
  EXPECT_TRUE(says(refusal(flac + tag + flac), {"several concatenated recordings"}));
}

TEST_P(WholeFiles, WhatIsJoinedIsNotReadInPart) {
  const std::string wav = wav_bytes({1, 16, 1}, bytes_of(std::vector<std::int16_t>(500, 1)));
  const std::string unpadded = wav_bytes({1, 8, 1}, std::string(499, '\x91'));
  const std::string data = "data" + little(1000, 4) + std::string(1000, '\1');
  const std::string list = "LIST" + little(4, 4) + "INFO";
  const std::string w64_file = w64(std::vector<std::int16_t>(500, 1));
  const std::string tag = "TAG" + std::string(125, 'x');
  const std::string ogg = encoded(kVorbis, 500), flac = encoded(kFlac, 500);
  const std::string aiff = encoded(SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 500);
  const std::string au = encoded(SF_FORMAT_AU | SF_FORMAT_PCM_16, 500), caf = encoded(kCaf, 500);
  std::string unknown = flac;  // number of frames
  unknown.replace(22, 4, std::string(4, '\0'));
  for (const std::string& joined : {wav + wav,
                                    wav + data,
                                    wav + list + data,
                                    wav + list + wav,
                                    w64_file + w64_file,
                                    ogg + ogg,
                                    flac + flac,
                                    flac + tag + flac,
                                    unknown + flac,
                                    caf + caf,
                                    au + au,
                                    unpadded + unpadded,
                                    encoded(kW64, 499) + wav,
                                    wav + flac,
                                    wav + ogg,
                                    au + wav,
                                    caf + wav,
                                    ogg + wav,
                                    ogg + flac,
                                    w64_file + wav,
                                    wav + tag + wav,
                                    wav + tag + list + wav}) {
    EXPECT_TRUE(says(refusal(joined), {"several concatenated recordings", "read only the first"}))
        << joined.substr(0, 4);
    if (joined.starts_with(unknown)) continue;  // nobody knows where the first one ends
    const Seen seen = read(joined, Truncated::accept);
    EXPECT_NEAR(static_cast<double>(seen.samples.size()), 500, 1) << joined.substr(0, 4);
    EXPECT_TRUE(says(seen.shortfall, {"several concatenated recordings"}));
  }
  // Libsndfile does not open such a file.
  EXPECT_TRUE(says(refusal(aiff + aiff),
                   {GetParam() ? "several concatenated recordings" : "bad 'FORM' marker"}));
  for (const std::string& whole :
       {wav + list, wav + tag, flac + tag, aiff + tag, au + tag, caf + tag}) {
    EXPECT_EQ(read(whole).samples.size(), 500u);
  }
}

TEST_P(WholeFiles, FramesWithRoomForMoreThanTheirSamplesAreRefused) {
  std::string loose = wav_bytes({1, 24, 1}, std::string(3000, '\1'));
  loose[32] = 4;  // bytes of a frame
  EXPECT_TRUE(says(refusal(loose), {"frames of 4 bytes where 1 channels of 24 bits take 3"}));
}

TEST_P(WholeFiles, PcmMayFillItsBytesInPart) {
  std::string bytes = wav_bytes({1, 24, 1}, std::string("\x00\x00\x40\x10\x00\xc0", 6));
  bytes[34] = 20;  // bits
  EXPECT_EQ(read(bytes).samples, (std::vector<float>{0.5f, -0.5f + 16.0f / 0x800000}));
}

TEST_P(WholeFiles, ACafThatBreaksOffIsTruncated) {
  const std::string whole = encoded(kCaf, 5000);
  const std::string cut = whole.substr(0, whole.size() - 1000);
  EXPECT_TRUE(says(refusal(cut), {"is truncated", "--truncated accept"}));
  const Seen seen = read(cut, Truncated::accept);
  EXPECT_EQ(seen.samples.size(), 4500u);
  EXPECT_TRUE(says(seen.shortfall, {"is truncated"}));
}

INSTANTIATE_TEST_SUITE_P(, WholeFiles, testing::Bool(),
                         [](const auto& how) { return how.param ? "ThroughAPipe" : "AsAFile"; });

// SoX, arecord and FFmpeg write these to a pipe, whatever comes.
TEST(LongWavTest, AStreamedSizeIsNoLimit) {
  const Folder folder;
  const std::string path = folder.file("long.wav");
  constexpr std::int64_t kGiB = std::int64_t{1} << 30;
  for (const auto& [claimed, bytes] : {std::pair{0x7ffff000LL, 3 * kGiB},
                                       {0x7fffffffLL, 3 * kGiB},
                                       {0xffffffffLL, 6 * kGiB},
                                       {0LL, 6 * kGiB}}) {
    write_bytes(path, wav_bytes({1, 16, 1}, "", claimed));
    std::filesystem::resize_file(path, static_cast<std::uintmax_t>(44 + bytes));
    EXPECT_EQ(AudioReader(path).format().frames, bytes / 2) << claimed;
  }
}

TEST(LongWavTest, ASizeThatLooksStreamedMayBeMeant) {
  const Folder folder;
  const std::string path = folder.file("long.wav");
  constexpr std::int64_t kBytes = 0x7ffff000;
  write_bytes(path, wav_bytes({1, 16, 1}, "", kBytes));
  std::filesystem::resize_file(path, 44 + kBytes);
  std::ofstream(path, std::ios::app) << "LIST" + little(4, 4) + "INFO";
  EXPECT_EQ(AudioReader(path).format().frames, kBytes / 2);
}

TEST(LongAiffTest, AStreamedSizeThatIsTooSmallIsTold) {
  const Folder folder;
  const std::string path = folder.file("long.aiff");
  const std::string comm = big(1, 2) + big(0, 4) + big(16, 2) +
                           std::string("\x40\x0c\xfa\x00\x00\x00\x00\x00\x00\x00", 10);
  write_bytes(path, "FORM" + big(0x7fffffff, 4) + "AIFFCOMM" + big(18, 4) + comm + "SSND" +
                        big(0x7fffffff, 4) + big(0, 8));
  std::filesystem::resize_file(path, std::uintmax_t{3} << 30);
  EXPECT_TRUE(says(message_of<FileError>([&] { AudioReader reader(path); }),
                   {"is longer than its header says", "2147483647", "--truncated accept"}));
}

// Whoever waits for the result before he closes the pipe would wait for ever.
TEST(OpenPipeTest, IsNotWaitedForWhenAllThatWasPromisedHasCome) {
  const Folder folder;
  const std::string path = folder.file("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::string wav = wav_bytes({1, 16, 1}, bytes_of(std::vector<std::int16_t>(9000, 1)));
  std::vector<std::string> files{wav, wav + "LIST" + little(4, 4) + "INFO"};
  for (const int format :
       {kFlac, kCaf, SF_FORMAT_AU | SF_FORMAT_PCM_16, SF_FORMAT_AIFF | SF_FORMAT_PCM_16, kVorbis,
        kW64, SF_FORMAT_NIST | SF_FORMAT_PCM_16, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III}) {
    const std::string encoded = folder.file("encoded");
    SF_INFO info{};
    info.samplerate = 16'000;
    info.channels = 1;
    info.format = format;
    if (sf_format_check(&info) == 0) continue;  // MP3 is an option of libsndfile's build
    SNDFILE* const file = sf_open(encoded.c_str(), SFM_WRITE, &info);
    const std::vector<float> samples(9000, 0.25f);
    sf_writef_float(file, samples.data(), std::ssize(samples));
    sf_close(file);
    files.push_back(read_bytes(encoded));
  }
  for (const std::string& bytes : files) {
    const FileDescriptor keeps_open(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    std::future<std::size_t> reading = std::async(
        std::launch::async, [&] { return read_all(path, Truncated::error).samples.size(); });
    ASSERT_EQ(::write(keeps_open.get(), bytes.data(), bytes.size()), std::ssize(bytes));
    const auto state = reading.wait_for(std::chrono::seconds(20));
    EXPECT_EQ(state, std::future_status::ready) << bytes.substr(0, 4);
    if (state != std::future_status::ready) std::_Exit(1);  // the thread cannot be ended
    EXPECT_EQ(reading.get(), 9000u) << bytes.substr(0, 4);
  }
}

TEST(SlowPipeTest, IsWaitedForAlsoByWhoDoesNotWantToWait) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  const FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  std::future<void> sending = std::async(std::launch::async, [&] {
    for (const char byte : std::string("abcd")) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      EXPECT_EQ(::write(writing.get(), &byte, 1), 1);
    }
  });
  ByteSource input(reading.get(), "a pipe", -1);
  EXPECT_EQ(input.look(0, 4), (std::vector<unsigned char>{'a', 'b', 'c', 'd'}));
  EXPECT_NO_THROW(input.check_end());
  sending.get();
}

TEST_P(WholeFiles, SamplesWithoutAHeaderAreWholeFramesAndNoHeader) {
  const RawFormat stereo{16'000, 2, RawEncoding::s16};
  const auto open = [&](const std::string& bytes) {
    const auto frames_in = [&](const std::string& path) {
      AudioReader reader(path, Truncated::error, Formats::allowed, stereo);
      std::vector<float> block(4000);
      std::size_t frames = 0;
      while (const std::size_t got = reader.read(block)) frames += got;
      return frames;
    };
    if (GetParam()) return frames_in(FilledPipe(bytes).path());
    write_bytes(folder_.file("a"), bytes);
    return frames_in(folder_.file("a"));
  };
  EXPECT_EQ(open(std::string(4000, '\1')), 1000u);
  for (const std::size_t size : {4001u, 4002u, 4003u}) {
    EXPECT_TRUE(says(message_of<FileError>([&] { open(std::string(size, '\1')); }),
                     {"is truncated", std::to_string(size), "not a whole number of frames"}));
  }
  const std::string wav = wav_bytes({1, 16, 2}, std::string(4000, '\1'));
  for (const std::string& bytes : {wav, encoded(kFlac, 500), encoded(kCaf, 500)}) {
    EXPECT_TRUE(says(message_of<FileError>([&] { open(bytes); }), {"header", "--raw-rate"}));
  }
}

TEST(SlowPipeTest, BringsAllOfAnOggInPiecesOfAnySize) {
  const Folder folder;
  const std::string encoded = folder.file("encoded"), path = folder.file("pipe");
  SF_INFO info{};
  info.samplerate = 16'000;
  info.channels = 1;
  info.format = kVorbis;
  SNDFILE* const file = sf_open(encoded.c_str(), SFM_WRITE, &info);
  std::vector<float> samples(30'000);
  for (std::size_t n = 0; n < samples.size(); ++n) samples[n] = static_cast<float>(n % 331) / 1024;
  sf_writef_float(file, samples.data(), std::ssize(samples));
  sf_close(file);
  const std::string bytes = read_bytes(encoded);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::size_t last = bytes.rfind("OggS");
  for (const std::size_t stop : {last + 27, last + 40, bytes.size() - 1}) {
    std::future<void> writing = std::async(std::launch::async, [&] {
      const FileDescriptor pipe(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
      std::size_t done = 0;
      for (const std::size_t end : {stop, bytes.size()}) {
        EXPECT_EQ(::write(pipe.get(), bytes.data() + done, end - done),
                  static_cast<ssize_t>(end - done));
        done = end;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    });
    EXPECT_EQ(read_all(path, Truncated::error).samples.size(), 30'000u) << stop;
    writing.get();
  }
}

/// `bytes` taken in pieces of any size give what they give at once.
IntegrityCheck checked(IntegrityCheck::Kind kind, const std::string& bytes, std::size_t piece) {
  IntegrityCheck check(kind);
  for (std::size_t i = 0; i < bytes.size(); i += piece) {
    const std::string part = bytes.substr(i, piece);
    check.take(static_cast<std::int64_t>(i),
               {reinterpret_cast<const unsigned char*>(part.data()), part.size()});
  }
  return check;
}

std::string page(int flags, int serial, const std::string& content, int number = 0,
                 int granules = 0) {
  std::string bytes = std::string("OggS\0", 5) + static_cast<char>(flags) +
                      little(static_cast<std::uint64_t>(granules), 8) +
                      little(static_cast<std::uint64_t>(serial), 4) +
                      little(static_cast<std::uint64_t>(number), 4) + little(0, 4) + '\1' +
                      static_cast<char>(content.size()) + content;
  std::uint32_t sum = 0;
  for (const char byte : bytes) {
    sum ^= static_cast<std::uint32_t>(static_cast<unsigned char>(byte)) << 24;
    for (int bit = 0; bit < 8; ++bit) sum = sum << 1 ^ ((sum & 0x8000'0000) != 0 ? 0x04c11db7 : 0);
  }
  return bytes.replace(22, 4, little(sum, 4));
}

TEST(StreamWatchTest, ARecordedBroadcastMayBeginAtAnyPage) {
  const std::string header = page(2, 1, "header") + page(0, 1, "more", 1);
  const std::string late = page(0, 1, "sound", 700, 1000);
  const std::string last = page(4, 1, "", 701, 1100);
  EXPECT_EQ(checked(IntegrityCheck::Kind::ogg, header + late + last, 9).damage(), "");
  EXPECT_TRUE(checked(IntegrityCheck::Kind::ogg, header + late + last, 9).has_ended());
  const std::string gap = header + late + page(4, 1, "", 702, 1100);
  EXPECT_TRUE(says(checked(IntegrityCheck::Kind::ogg, gap, 9).damage(), {"missing"}));
  const std::string empty = page(4, 1, "", 701, 1100);
  std::string wrong = header + late + empty;
  wrong[wrong.size() - 22] ^= 1;  // in the header of the last page, which holds nothing
  EXPECT_TRUE(says(checked(IntegrityCheck::Kind::ogg, wrong, 9).damage(), {"checksum"}));
}

TEST(StreamWatchTest, SeesPagesInPiecesOfAnySize) {
  const std::string first = page(2, 1, "one") + page(2, 7, "other") + page(0, 1, "");
  const std::string whole = first + page(4, 7, "x") + page(4, 1, "OggS");
  for (const std::size_t piece : {1u, 2u, 7u, 28u, 1000u}) {
    EXPECT_FALSE(checked(IntegrityCheck::Kind::ogg, first, piece).has_ended()) << piece;
    EXPECT_FALSE(checked(IntegrityCheck::Kind::ogg, first + page(4, 7, "x"), piece).has_ended());
    const IntegrityCheck check =
        checked(IntegrityCheck::Kind::ogg, whole + "garbage" + whole, piece);
    EXPECT_TRUE(check.has_ended()) << piece;
    EXPECT_FALSE(check.has_another()) << piece;
    EXPECT_TRUE(checked(IntegrityCheck::Kind::ogg, whole + whole, piece).has_another()) << piece;
  }
}

TEST(StreamWatchTest, SeesAnotherFlacInPiecesOfAnySize) {
  const std::string flac("fLaC\x00\x00\x00\x22", 8);
  const std::string last("fLaC\x80\x00\x00\x22", 8);
  for (const std::size_t piece : {1u, 2u, 7u, 8u, 9u, 1000u}) {
    for (const std::string& none :
         {flac, flac + "fLaC", flac + "xfLaC\x01" + std::string("\0\0\x22", 3),
          flac + std::string("fLaC\0\0\0\x23", 8)}) {
      EXPECT_FALSE(checked(IntegrityCheck::Kind::flac, none, piece).has_another()) << piece;
    }
    EXPECT_TRUE(checked(IntegrityCheck::Kind::flac, flac + flac, piece).has_another()) << piece;
    EXPECT_TRUE(checked(IntegrityCheck::Kind::flac, flac + "fLa" + last, piece).has_another());
  }
}

TEST(StreamWatchTest, TakesNothingTwiceAndNothingBehindAGap) {
  const std::string flac("fLaC\x00\x00\x00\x22", 8);
  IntegrityCheck check(IntegrityCheck::Kind::flac);
  const std::span bytes(reinterpret_cast<const unsigned char*>(flac.data()), flac.size());
  check.take(0, bytes);
  check.take(0, bytes);
  check.take(9, bytes);
  EXPECT_FALSE(check.has_another());
  EXPECT_EQ(check.position(), 8);
  check.take(8, bytes);
  EXPECT_TRUE(check.has_another());
}

}  // namespace
}  // namespace gpuconv
