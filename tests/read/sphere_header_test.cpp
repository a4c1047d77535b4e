#include "host/read/sphere_header.hpp"

#include <algorithm>
#include <cmath>

#include "host/read/audio_file.hpp"
#include "host/room/info.hpp"
#include "host/room/response.hpp"
#include "tests/support/cases.hpp"
#include "tests/support/recordings.hpp"

namespace gpuconv {
namespace {

using namespace test;

/// Lines of a header, padded to `size` bytes.
std::string header_of(const std::string& lines, std::size_t size = 1024) {
  const std::string digits = std::to_string(size);
  std::string header =
      "NIST_1A\n" + std::string(7 - digits.size(), ' ') + digits + "\n" + lines + "end_head\n";
  header.resize(size, ' ');
  return header;
}

/// A header for `count` frames.
std::string header_for(std::int64_t count, int channels, int bytes, const std::string& order,
                       const std::string& coding) {
  return header_of("sample_count -i " + std::to_string(count) + "\nchannel_count -i " +
                   std::to_string(channels) + "\nsample_rate -i 8000\nsample_n_bytes -i " +
                   std::to_string(bytes) + "\nsample_byte_format -s" +
                   std::to_string(order.size()) + " " + order + "\nsample_coding -s" +
                   std::to_string(coding.size()) + " " + coding + "\n");
}

/// Files are named as TIMIT's are.
class Sphere : public FileOrPipe {
 protected:
  Sphere() : FileOrPipe("A.WAV") {}
};

INSTANTIATE_TEST_SUITE_P(FromFileOrPipe, Sphere, ::testing::Bool(),
                         [](const auto& each) { return each.param ? "pipe" : "file"; });

TEST_P(Sphere, PcmOfEverySizeAndByteOrderHasItsValues) {
  const std::vector<std::int32_t> steps{0, 1, -1, 100, -100, 127, -128, 5};
  for (const int bytes : {1, 2, 3, 4}) {
    std::string order = std::string("0123").substr(0, static_cast<std::size_t>(bytes));
    for (const bool is_big : {false, true}) {
      if (bytes == 1) order = "1";
      std::string samples;
      std::vector<float> expected;
      for (const std::int32_t step : steps) {
        const auto value = static_cast<std::uint64_t>(std::int64_t{step});
        samples += is_big ? big(value, bytes) : little(value, bytes);
        expected.push_back(
            static_cast<float>(step / std::exp2(static_cast<double>(8 * bytes - 1))));
      }
      const Recording seen = read(header_for(4, 2, bytes, order, "pcm") + samples);
      EXPECT_EQ(seen.samples, expected) << bytes << ' ' << order;
      EXPECT_EQ(seen.format.frames, 4);
      EXPECT_EQ(seen.format.channels, 2);
      EXPECT_EQ(seen.format.rate, 8000);
      EXPECT_EQ(seen.format.container, "NIST SPHERE");
      EXPECT_EQ(seen.format.encoding, std::to_string(8 * bytes) + "-bit PCM");
      if (bytes > 1) {
        const std::string shortest = is_big ? "10" : "01";
        EXPECT_EQ(read(header_for(4, 2, bytes, shortest, "pcm") + samples).samples, expected);
      }
      std::reverse(order.begin(), order.end());
    }
  }
}

TEST_P(Sphere, CompandedSamplesHaveTheirValues) {
  // ITU-T G.711: the ends of the range, and a step near zero.
  const Recording ulaw =
      read(header_for(4, 1, 1, "1", "ulaw") + std::string("\x80\x00\xff\xf0", 4));
  EXPECT_EQ(ulaw.samples,
            (std::vector<float>{32'124 / 32'768.0f, -32'124 / 32'768.0f, 0, 120 / 32'768.0f}));
  EXPECT_EQ(ulaw.format.encoding, "mu-law");
  EXPECT_EQ(read(header_for(4, 1, 1, "1", "mu-law") + std::string("\x80\x00\xff\xf0", 4)).samples,
            ulaw.samples);
  const Recording alaw = read(header_for(2, 1, 1, "1", "alaw") + std::string("\xaa\x2a", 2));
  EXPECT_EQ(alaw.samples, (std::vector<float>{32'256 / 32'768.0f, -32'256 / 32'768.0f}));
  EXPECT_EQ(alaw.format.encoding, "A-law");
}

TEST_P(Sphere, ItsEndIsHeldAgainstItsHeader) {
  const std::string whole = header_for(500, 1, 2, "01", "pcm") + std::string(1000, '\1');
  EXPECT_EQ(read(whole).samples.size(), 500u);
  EXPECT_EQ(read(whole + "\n").samples.size(), 500u);
  const std::string cut = whole.substr(0, 1024 + 600);
  EXPECT_TRUE(says(refusal(cut), {"is truncated", "--truncated accept"}));
  EXPECT_EQ(read(cut, Truncated::accept).samples.size(), 300u);
  EXPECT_TRUE(says(refusal(whole + whole), {"several concatenated recordings"}));
  EXPECT_EQ(read(whole + whole, Truncated::accept).samples.size(), 500u);
  std::string more = whole;
  for (int i = 0; i < 2000; ++i) more.push_back(static_cast<char>(i));
  EXPECT_TRUE(says(refusal(more), {"is longer than its header says"}));
  // Whoever could not go back to write the number.
  const std::string streamed = header_for(0, 1, 2, "01", "pcm") + std::string(1000, '\1');
  EXPECT_EQ(read(streamed).samples.size(), 500u);
  const std::string unsaid =
      header_of("sample_rate -i 8000\nsample_byte_format -s2 01\n") + std::string(1000, '\1');
  EXPECT_EQ(read(unsaid).samples.size(), 500u);
}

TEST_P(Sphere, HeadersOfOtherSizesAndSpellingsAreRead) {
  const std::string fields =
      "sample_rate -r 16000.000\nsample_n_bytes -i 2\n\n"
      "sample_byte_format -s2 10\nspeaker -s9 a b\nc\n";
  for (const std::size_t size : {256u, 1024u, 2048u, 65'536u}) {
    const Recording seen =
        read(header_of(fields + "sample_count -i 2\n", size) + big(256, 2) + big(0xff00, 2));
    EXPECT_EQ(seen.samples, (std::vector<float>{1 / 128.0f, -1 / 128.0f})) << size;
    EXPECT_EQ(seen.format.rate, 16'000);
    EXPECT_EQ(seen.format.channels, 1);
  }
}

TEST_P(Sphere, CompressedSamplesAndOtherFieldsAreRefusedByName) {
  const std::string samples(1000, '\1');
  EXPECT_TRUE(says(refusal(header_for(500, 1, 2, "01", "pcm,embedded-shorten-v2.00") + samples),
                   {"compressed samples (pcm,embedded-shorten-v2.00)", "sph2pipe"}));
  EXPECT_TRUE(says(refusal(header_for(500, 1, 1, "1", "ulaw,embedded-shorten-v2.00") + samples),
                   {"compressed samples (ulaw,embedded"}));
  const auto refuses = [&](const std::string& header,
                           std::initializer_list<std::string_view> parts) {
    EXPECT_TRUE(says(refusal(header + samples), parts));
  };
  refuses(header_for(500, 1, 2, "01", "culaw"), {"sample_coding is 'culaw'"});
  refuses(header_for(500, 1, 5, "01234", "pcm"), {"sample_n_bytes is '5'"});
  refuses(header_for(500, 1, 2, "1", "ulaw"), {"sample_n_bytes is '2'"});
  refuses(header_for(500, 1, 2, "00", "pcm"), {"sample_byte_format is '00'"});
  refuses(header_for(500, 1, 2, "123", "pcm"), {"sample_byte_format is '123'"});
  refuses(header_for(-5, 1, 2, "01", "pcm"), {"sample_count is '-5'"});
  refuses(header_for(std::int64_t{1} << 52, 1000, 4, "01", "pcm"), {"sample_count is '45035996"});
  refuses(header_for(500, 0, 2, "01", "pcm"), {"number of channels out of range (0"});
  refuses(header_of("sample_rate -i 0\nsample_byte_format -s2 01\n"), {"sample rate out of range"});
  refuses(header_of("sample_rate -i 8000.5\nsample_byte_format -s2 01\n"), {"'8000.5'"});
  refuses(header_of("channel_count -i 2\nchannels_interleaved -s5 FALSE\nsample_rate -i 8000\n"
                    "sample_byte_format -s2 01\n"),
          {"channels_interleaved is 'FALSE'"});
  EXPECT_TRUE(says(refusal("NIST_1A\n   none\n" + samples), {"size of its header"}));
  EXPECT_TRUE(says(refusal("NIST_1A\n9999999\n" + samples), {"limit 16..1048576 bytes"}));
  EXPECT_TRUE(says(refusal("NIST_1A\n   2048\n" + samples), {"ends within its header (1016 of"}));
}

TEST(SphereResponse, IsRead) {
  const Folder folder;
  write_bytes(folder.file("a.sph"),
              header_for(2, 2, 2, "10", "pcm") + big(0x4000, 2) + big(0, 2) + big(0, 4));
  const Response response = load_response(folder.file("a.sph"));
  EXPECT_EQ(response.taps.left, (Signal{0.5f, 0}));
  EXPECT_TRUE(says(response.description, {"NIST SPHERE, 16-bit PCM, 8000 Hz"}));
}

/// The cases hold one recording in several containers.
TEST(SphereCases, HaveTheSamplesOfTheWav) {
  GPUCONV_TEST_CASE(sphere, "H24/timit_like.WAV");
  GPUCONV_TEST_CASE(bw64, "H21/bw64_adm.wav");
  GPUCONV_TEST_CASE(wav, "common/x.wav");
  const Recording expected = read_recording(wav, Truncated::error);
  EXPECT_EQ(read_recording(sphere, Truncated::error).samples, expected.samples);
  const Recording broadcast = read_recording(bw64, Truncated::error);
  EXPECT_EQ(broadcast.samples, expected.samples);
  EXPECT_EQ(broadcast.format.container, "BW64");
}

}  // namespace
}  // namespace gpuconv
