// whole_files_test.cpp - recordings that are read to their end and not beyond, or refused
#include <sndfile.h>

#include <functional>

#include "host/read/audio_file.hpp"
#include "tests/support/recordings.hpp"

namespace gpuconv {
namespace {

using namespace test;

class WholeFiles : public FileOrPipe {
 protected:
  WholeFiles() : FileOrPipe("a") {}
};

std::string encoded(int format, std::size_t count) {
  const std::string bytes = test::encoded(format, sawtooth(count));
  EXPECT_NE(bytes, "");
  return bytes;
}

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
    const Recording seen = read(cut, Truncated::accept);
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
    const Recording seen = read(joined, Truncated::accept);
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
  const Recording seen = read(cut, Truncated::accept);
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
    return with(bytes, frames_in);
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

}  // namespace
}  // namespace gpuconv
