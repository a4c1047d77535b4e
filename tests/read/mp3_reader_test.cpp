// mp3_reader_test.cpp - MP3 and its kin: whole, cut, joined, damaged; from files and through pipes
#include "host/read/mp3_reader.hpp"

#include <sndfile.h>

#include <cmath>
#include <cstdlib>
#include <numbers>

#include "host/read/audio_file.hpp"
#include "host/room/info.hpp"
#include "host/room/response.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/recordings.hpp"

namespace gpuconv {
namespace {

using namespace test;

constexpr int kMp3 = SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III;

/// A sweep, on which a shift by one sample shows, as loud in both channels.
std::vector<float> sweep(std::size_t frames, int channels) {
  std::vector<float> samples;
  for (std::size_t n = 0; n < frames; ++n) {
    const double t = static_cast<double>(n) / static_cast<double>(frames);
    const double phase = 2 * std::numbers::pi * (0.01 + 0.04 * t) * static_cast<double>(n);
    for (int c = 0; c < channels; ++c) {
      samples.push_back(static_cast<float>((c == 0 ? 0.5 : 0.25) * std::sin(phase)));
    }
  }
  return samples;
}

std::span<const unsigned char> as_bytes(const std::string& bytes) {
  return {reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()};
}

/// Where the frames begin.
std::vector<std::size_t> frames_of(const std::string& bytes) {
  std::vector<std::size_t> begins;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto header = mp3_header(as_bytes(bytes).subspan(at));
    if (!header) break;
    begins.push_back(at);
    at += header->bytes;
  }
  return begins;
}

/// `count` frames of silence: a header, and nothing but zeros, which every layer takes for "no bits
/// for anything".
std::string silence(unsigned header, int count) {
  const std::string head = big(header, 4);
  const auto parsed = mp3_header(as_bytes(head));
  EXPECT_TRUE(parsed) << std::hex << header;
  std::string bytes;
  for (int i = 0; parsed && i < count; ++i) bytes += head + std::string(parsed->bytes - 4, '\0');
  return bytes;
}

class Mp3 : public FileOrPipe {
 protected:
  Mp3() : FileOrPipe("a.mp3") {}
  void SetUp() override {
    if (whole_.empty()) GTEST_SKIP() << "libsndfile here was built without MP3";
    begins_ = frames_of(whole_);
    ASSERT_GT(begins_.size(), 20u);
  }

  /// Without the frames from `first` on, up to `end`.
  std::string without(std::size_t first, std::size_t end) const {
    return whole_.substr(0, begins_[first]) + whole_.substr(begins_[end]);
  }

  static constexpr std::size_t kFrames = 40'000;
  const std::vector<float> sound_ = sweep(kFrames, 2);
  const std::string whole_ = encoded(kMp3, sound_, 2, 44'100);
  std::vector<std::size_t> begins_;
};

INSTANTIATE_TEST_SUITE_P(FromFileOrPipe, Mp3, ::testing::Bool(),
                         [](const auto& each) { return each.param ? "pipe" : "file"; });

TEST_P(Mp3, HasTheSamplesThatWereEncodedAndNotOneMore) {
  const Recording seen = read(whole_);
  EXPECT_EQ(seen.format.rate, 44'100);
  EXPECT_EQ(seen.format.channels, 2);
  EXPECT_EQ(seen.format.container, "MP3");
  EXPECT_EQ(seen.format.encoding, "MPEG-1 layer III");
  EXPECT_EQ(seen.format.frames, std::int64_t{kFrames});
  EXPECT_EQ(seen.remark, "");
  ASSERT_EQ(seen.samples.size(), sound_.size());
  double error = 0, power = 0, shifted = 0;
  for (std::size_t i = 2; i < sound_.size(); ++i) {
    error += std::pow(double{seen.samples[i]} - sound_[i], 2);
    shifted += std::pow(double{seen.samples[i]} - sound_[i - 2], 2);
    power += std::pow(double{sound_[i]}, 2);
  }
  EXPECT_LT(error, 1e-4 * power) << "40 dB below: this much is lossy, and no more";
  EXPECT_GT(shifted, 30 * error) << "it begins where it began";
}

TEST_P(Mp3, ThatIsShorterThanItsHeaderSaysIsTruncated) {
  const std::string cut = whole_.substr(0, begins_[10] + 7);
  EXPECT_TRUE(says(refusal(cut), {"is truncated (its header promises 40000 frames, ",
                                  " are there); use --truncated accept"}));
  const Recording seen = read(cut, Truncated::accept);
  EXPECT_EQ(seen.samples.size() / 2, 9u * 1152 - 576 - 529) << "LAME puts 576 samples before";
  EXPECT_TRUE(says(seen.shortfall, {"is truncated"}));
  EXPECT_TRUE(says(refusal(whole_.substr(0, begins_[10])), {"is truncated"}));
  EXPECT_TRUE(says(refusal(without(10, 11)), {"is truncated"})) << "a frame is missing";
}

TEST_P(Mp3, WithoutAHeaderIsDecodedAndItsLengthIsNotVerified) {
  const std::string bare = whole_.substr(begins_[1]);
  const Recording seen = read(bare);
  EXPECT_EQ(seen.samples.size() / 2, 1152 * (begins_.size() - 1));
  EXPECT_TRUE(says(seen.remark, {"its length cannot be verified"}));
  EXPECT_EQ(seen.shortfall, "");
  const std::string cut = bare.substr(0, bare.size() - 9);
  EXPECT_TRUE(says(refusal(cut), {"is truncated (it breaks off after frame "}));
  EXPECT_EQ(read(cut, Truncated::accept).samples.size() / 2, 1152 * (begins_.size() - 2));
  EXPECT_TRUE(says(refusal(bare.substr(0, begins_[5] - begins_[1] + 2)), {"breaks off"}));
}

TEST_P(Mp3, WithAnotherOneAfterItIsSeveralRecordings) {
  for (const std::string& between : {std::string(), "TAG" + std::string(125, ' ')}) {
    const std::string two = whole_ + between + whole_;
    EXPECT_TRUE(says(refusal(two), {"several concatenated recordings", "read only the first"}));
    EXPECT_EQ(read(two, Truncated::accept).samples, read(whole_).samples);
  }
  EXPECT_TRUE(
      says(refusal(whole_ + whole_.substr(begins_[1])), {"is longer than its header says"}));
  EXPECT_EQ(read(whole_ + whole_.substr(begins_[1]), Truncated::accept).samples,
            read(whole_).samples);
  const std::string bare = whole_.substr(begins_[1]);
  EXPECT_TRUE(says(refusal(bare + silence(0xfffb9400, 5)), {"several concatenated recordings"}))
      << "48 kHz";
  EXPECT_TRUE(says(refusal(bare + silence(0xfffb90c0, 5)), {"several concatenated recordings"}))
      << "mono";
}

TEST_P(Mp3, WithSomethingElseBetweenItsFramesIsDamaged) {
  std::string overwritten = whole_;
  overwritten.replace(begins_[8], 3, "xxx");
  const std::string zeros = whole_.substr(0, begins_[8]) +
                            std::string(begins_[11] - begins_[8], '\0') +
                            whole_.substr(begins_[11]);
  const std::string inserted =
      whole_.substr(0, begins_[8]) + "some more" + whole_.substr(begins_[8]);
  for (const std::string& bytes : {overwritten, zeros, inserted}) {
    for (const Truncated truncated : {Truncated::error, Truncated::accept}) {
      EXPECT_TRUE(says(refusal(bytes, truncated),
                       {"is damaged (at byte " + std::to_string(begins_[8]) + " "}));
    }
  }
}

TEST_P(Mp3, TagsAroundItAreNoSound) {
  const std::string id3 = "ID3" + big(0x0300, 2) + '\0' + big(0x0203, 4) + std::string(259, 'x');
  const std::string ape = "APETAGEX" + little(2000, 4) + little(40, 4) + little(1, 4) +
                          little(0x80000000, 4) + std::string(8, '\0');
  const std::string ape_tag = ape + std::string(8, 'y') + ape;
  const std::string lyrics = "LYRICSBEGININD00002" + std::string(1100, 'z') + "000019LYRICS200";
  const std::string v1 = "TAG" + std::string(125, ' ');
  const std::vector<float> plain = read(whole_).samples;
  for (const std::string& bytes :
       {id3 + whole_, id3 + id3 + std::string(5000, '\0') + whole_, whole_ + v1, whole_ + ape_tag,
        whole_ + ape_tag + v1, whole_ + lyrics + v1, whole_ + std::string(3000, '\0'),
        whole_ + "a few bytes", id3 + whole_ + v1}) {
    EXPECT_EQ(read(bytes).samples, plain);
  }
}

TEST_P(Mp3, OfAllVersionsAndLayersIsRead) {
  struct Kind {
    unsigned header;
    const char* encoding;
    int rate, channels, samples;
  };
  for (const Kind& kind : {Kind{0xfffb9000, "MPEG-1 layer III", 44'100, 2, 1152},
                           Kind{0xfffb92c0, "MPEG-1 layer III", 44'100, 1, 1152},
                           Kind{0xfffa9400, "MPEG-1 layer III", 48'000, 2, 1152},
                           Kind{0xfff388c0, "MPEG-2 layer III", 16'000, 1, 576},
                           Kind{0xffe388c0, "MPEG-2.5 layer III", 8'000, 1, 576},
                           Kind{0xfffd8800, "MPEG-1 layer II", 32'000, 2, 1152},
                           Kind{0xfff584c0, "MPEG-2 layer II", 24'000, 1, 1152},
                           Kind{0xffff9000, "MPEG-1 layer I", 44'100, 2, 384},
                           Kind{0xfff790c0, "MPEG-2 layer I", 22'050, 1, 384}}) {
    std::string bytes = silence(kind.header, 6);
    const Recording seen = read(bytes);
    EXPECT_EQ(seen.format.encoding, kind.encoding);
    EXPECT_EQ(seen.format.rate, kind.rate) << kind.encoding;
    EXPECT_EQ(seen.format.channels, kind.channels) << kind.encoding;
    EXPECT_EQ(seen.samples,
              std::vector<float>(static_cast<std::size_t>(6 * kind.samples * kind.channels)))
        << kind.encoding;
  }
}

TEST_P(Mp3, TwiceTheSameIsTheSame) { EXPECT_EQ(read(whole_).samples, read(whole_).samples); }

TEST(Mp3Response, IsReadAndDescribed) {
  const std::string bytes = encoded(kMp3, noise(8'000, 3), 2, 16'000);
  if (bytes.empty()) GTEST_SKIP() << "libsndfile here was built without MP3";
  const Folder folder;
  const std::string path = folder.file("room.mp3");
  write_bytes(path, bytes);
  const Response response = load_response(path);
  EXPECT_EQ(response.taps.left.size(), 4'000u);
  EXPECT_TRUE(says(response.description, {"MP3, MPEG-2 layer III, 16000 Hz, 4000 taps"}));
  std::string lines;
  for (const std::string& line : describe(path).lines) lines += line + "\n";
  EXPECT_TRUE(says(lines, {"container  MP3", "frames     4000 (0.250 s)"}));
}

/// What another program makes of it, where there is one.
TEST(Mp3Response, IsDecodedAsByLame) {
  const std::string bytes = encoded(kMp3, sweep(30'000, 1), 1, 44'100);
  if (bytes.empty()) GTEST_SKIP() << "libsndfile here was built without MP3";
  if (std::system("lame --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no lame here";
  const Folder folder;
  write_bytes(folder.file("a.mp3"), bytes);
  const std::string command =
      "lame --quiet --decode '" + folder.file("a.mp3") + "' '" + folder.file("a.wav") + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const Recording ours = read_recording(folder.file("a.mp3"), Truncated::error);
  const Recording theirs = read_recording(folder.file("a.wav"), Truncated::error);
  ASSERT_EQ(ours.samples.size(), theirs.samples.size());
  for (std::size_t n = 0; n < ours.samples.size(); ++n) {
    ASSERT_NEAR(ours.samples[n], theirs.samples[n], 1.5 / 32'768) << n;  // its 16 bits
  }
}

TEST(Mp3HeaderTest, TellsItsFrameFromWhatOnlyLooksLikeOne) {
  const auto bytes_of_frame = [](unsigned header) {
    const auto parsed = mp3_header(as_bytes(big(header, 4)));
    return parsed ? parsed->bytes : 0;
  };
  EXPECT_EQ(bytes_of_frame(0xfffb9000), 417u);  // 128 kbit/s at 44.1 kHz
  EXPECT_EQ(bytes_of_frame(0xfffb9200), 418u);  // padded
  EXPECT_EQ(bytes_of_frame(0xfff384c0), 192u);  // 64 kbit/s at 24 kHz, MPEG-2
  EXPECT_EQ(bytes_of_frame(0xffff9000), 4u * (12 * 288'000 / 44'100));
  for (const unsigned none : {0xfff10000u, 0xfffbf000u, 0xfffb0000u, 0xfffb9c00u, 0xffeb9000u,
                              0xff1b9000u, 0x00fb9000u}) {
    EXPECT_EQ(bytes_of_frame(none), 0u) << std::hex << none;
  }
}

}  // namespace
}  // namespace gpuconv
