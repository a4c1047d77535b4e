// cases_test.cpp - recordings and responses that people bring, whose containers are unusual
#include "tests/support/cases.hpp"

#include <algorithm>
#include <cmath>

#include "host/read/source.hpp"
#include "host/room/response.hpp"
#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

Signal recording(const std::string& path, int channel = 1) {
  SourceReader reader(path, {channel});
  Signal samples;
  std::vector<float> block(1000);
  while (const std::size_t got = reader.read(block)) {
    samples.insert(samples.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(got));
  }
  return samples;
}

class RecordingCase : public testing::TestWithParam<const char*> {};

TEST_P(RecordingCase, HoldsTheCommonRecording) {
  GPUCONV_TEST_CASE(common, "common/x.wav");
  GPUCONV_TEST_CASE(path, GetParam());
  const Signal expected = recording(common);
  const Signal found = recording(path);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t n = 0; n < found.size(); ++n) {
    ASSERT_NEAR(found[n], expected[n], 0x1p-15) << n;  // of 16 bits, which some have
  }
}

// LIST before data, cue points, B-format (W is the first channel), 24 bits in 32, free space after
// the samples, stray bytes before them, BW64 and NIST SPHERE.
INSTANTIATE_TEST_SUITE_P(, RecordingCase,
                         testing::Values("R01/w01b_zoom_list_small.wav", "R03/w03_smpl32.wav",
                                         "R04/w04.amb", "R05/w07_24in32.wav",
                                         "R06/c01_free_after.caf", "R07/w11b_stray_before.wav",
                                         "H21/bw64_adm.wav", "H24/timit_like.WAV"),
                         [](const auto& one) { return std::string(one.param).substr(0, 3); });

TEST(ResponseCase, WithAShortPeakChunkIsTheCommonResponse) {
  GPUCONV_TEST_CASE(common, "common/h.wav");
  GPUCONV_TEST_CASE(path, "R02/w02_peak_short.wav");
  const Response expected = load_response(common);
  const Response found = load_response(path);
  for (const Side side : kSides) EXPECT_EQ(found.taps[side], expected.taps[side]);
}

TEST(ResponseCase, OfOneChannelSaysHowItGoesToBothEars) {
  GPUCONV_TEST_CASE(path, "H36/mono_ir.wav");
  EXPECT_TRUE(
      says(message_of<FileError>([&] { load_response(path); }), {"has 1 channel", "--both-ears"}));
  ResponseOptions options;
  options.both_ears = true;
  const Response response = load_response(path, options);
  EXPECT_EQ(response.taps.left, response.taps.right);
}

}  // namespace
}  // namespace gpuconv::test
